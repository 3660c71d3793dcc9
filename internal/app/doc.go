// Package app wires the rooms together: it reads the configuration, opens the two stores and the intake log as their
// only owner, and holds every verb of the command line once. A daemon answers a verb over its unix socket; without a
// daemon the same verb runs in the caller's process.
package app
