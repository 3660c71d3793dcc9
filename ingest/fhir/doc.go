// Package fhir decodes FHIR R4 JSON into facts. It is pure: bytes in, models.Fact or a reason out; no clock, no files, no
// database.
//
// What is stored of each resource type is written once, in models.FactTypes. An element with a path is walked and
// converted by its kind; an element without one is set by a function of its type in this package.
//
// What a decoder promises:
//   - Every resource ends as facts, as ErrIgnored, or as a *models.Reject that names the place and never quotes a value.
//   - A JSON value of the wrong type at a place we read rejects the resource; it never becomes a silent NULL. JSON null
//     and an empty string count as absent, since FHIR knows neither.
//   - Free text never enters a fact's values: codes, labels of organisations, locations and clinicians, and city, county
//     and state do. Names, telephone numbers, addresses and identifiers go to Fact.Identity only.
//   - The subject is what the resource says. It is never guessed.
package fhir
