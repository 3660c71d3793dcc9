// Package files takes files apart into records of the intake log: FHIR resources, Bundles, CloudEvents and CSV rows, from
// plain or compressed files, in bounded memory. What cannot be told apart becomes a record with a reason; nothing is lost.
package files
