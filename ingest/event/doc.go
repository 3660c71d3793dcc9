// Package event reads CloudEvents 1.0 (structured JSON and Kafka's binary mode) and turns our own event types into facts.
// It is pure: bytes in, facts or a *models.Reject out; no clock, no database, no state.
//
// An event's type is org.carereach.<topic>.<verb>.v1; the topics, their verbs and members are described by the JSON Schema
// files under schemas/ and the AsyncAPI document. Facts checks the same rules in Go, and a test holds the two together.
//
// Every event carries the whole record as it is after the event, because the newest version of a record replaces the one
// before it: a visits.appointments.checkedin without service_type says that there is none. A member that is null counts as
// absent, and a member that no schema names is passed over, so that a producer may be a minor version ahead.
package event
