package fhir

import (
	"errors"
	"time"

	"github.com/valyala/fastjson"

	"carereach/models"
)

// ErrIgnored is the outcome of a resource that is sound but not needed: a type without a fact table, or a subject that is
// a Group, Device or Location and so nobody who could be reached. Test with errors.Is.
var ErrIgnored = errors.New("resource not needed")

// DefaultMaxBytes is the size limit of one record when Options names none.
const DefaultMaxBytes = 4 << 20

// Options configures a Decoder. The zero Options are usable.
type Options struct {
	MaxBytes int // longest record accepted, in bytes; 0 means DefaultMaxBytes
}

// Decoder turns FHIR R4 JSON into facts. It owns a parser and caches and is safe for use by ONE goroutine: make one per
// worker. What it returns stays valid after the next call, except Entry.Raw, which is part of the caller's input.
type Decoder struct {
	max    int
	parser fastjson.Parser
}

// NewDecoder makes a Decoder.
func NewDecoder(o Options) *Decoder {
	d := &Decoder{max: o.MaxBytes}
	if d.max <= 0 {
		d.max = DefaultMaxBytes
	}
	return d
}

// Resource decodes one resource that is not a Bundle. The error is a *models.Reject (quarantine it) or ErrIgnored
// (errors.Is); there are facts exactly when it is nil. The first fact is the resource itself; a Patient that is linked
// to another record adds one PersonLink fact per link.
//
// receivedAt is when our log first held the record: what claims to have happened more than a day later is rejected, and
// contact points whose period ended before it count as old.
func (d *Decoder) Resource(raw []byte, receivedAt time.Time) ([]models.Fact, error) {
	return nil, ErrIgnored
}

// Kind peeks at the resource type without validating the rest of raw: "Patient", "Bundle", or "" when the value is a JSON
// object but not a FHIR resource (a CloudEvent, say). The error is a *models.Reject when raw is no JSON object or is
// broken before the type is found.
func Kind(raw []byte) (resourceType string, err error) {
	return "", nil
}
