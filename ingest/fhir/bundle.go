package fhir

import (
	"time"

	"carereach/models"
)

// Entry is one entry of a Bundle with its outcome: it counts as one input. Exactly one of Facts and Err is set.
type Entry struct {
	Index        int           // place in Bundle.entry, from 0
	ResourceType string        // as far as it could be read; "" when it could not
	Facts        []models.Fact // as from Resource
	Err          error         // as from Resource
	Raw          []byte        // the entry's bytes inside the record, not copied; references to other entries need the whole record
}

// Bundle splits a Bundle of any type into its entries, in order. References to a fullUrl of the same Bundle (urn:uuid:,
// urn:oid: or absolute) are resolved to type and id, an entry whose resource has no id takes it from its fullUrl, and
// request.method DELETE is a retraction.
//
// A retraction by DELETE has no values and, unless it deletes a Patient, no subject: nothing in it says whose the
// resource was. Its version is the etag of the entry's response, else its lastModified, else the Bundle's timestamp or
// meta.lastUpdated, else 0.
//
// A broken entry is rejected alone. The error, always a *models.Reject, stands for the whole record: not JSON (cut short,
// say), too large, or no Bundle. A Bundle without entries gives none and no error.
func (d *Decoder) Bundle(raw []byte, receivedAt time.Time) ([]Entry, error) {
	return nil, nil
}
