// Package event reads CloudEvents 1.0 (structured JSON and Kafka's binary mode) and turns our own event types into facts.
// It is pure: bytes in, facts or a *models.Reject out; no clock, no database, no state.
package event
