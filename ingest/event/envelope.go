package event

import (
	"errors"
	"time"

	"carereach/models"
)

// ErrFHIR says that the event's data is a FHIR resource or Bundle: hand Event.Data to ingest/fhir, with Event.Sequence as
// the version where it is given.
var ErrFHIR = errors.New("the event carries FHIR")

// ErrIgnored says that the event is well-formed and of a type that nothing here needs (allergies).
var ErrIgnored = errors.New("the event is of a type that is not needed")

// Event is one CloudEvent. Optional attributes that were absent or null are empty or nil.
type Event struct {
	ID, Source, Type, Subject, DataSchema, DataContentType string

	Time          *models.TimeRange // when it happened, as the producer says
	TenantID      string            // extension tenantid
	Sequence      *int64            // extension sequence: version of the entity, compared inside one source
	RecordedTime  *models.TimeRange // extension recordedtime: when the producer wrote it down
	PartitionKey  string            // extension partitionkey
	CorrelationID string            // extension correlationid
	CausationID   string            // extension causationid
	Data          []byte            // JSON text, or the bytes of a text or base64 value; nil when there is no data
}

// Parse reads one event in structured JSON mode. What is wrong comes back as *models.Reject: bad_json when it is no JSON
// object, bad_envelope with the attribute in Where otherwise.
func Parse(raw []byte) (Event, error) { return Event{}, nil }

// FromHeaders reads one Kafka record: binary mode (attributes in ce_ headers, value = data), or structured mode when the
// content type is application/cloudevents+json. contentType is the record's content-type header; when empty, the entry
// "content-type" of headers counts. A nil value is a tombstone and gives nil Data. Rejects as Parse.
func FromHeaders(headers map[string]string, contentType string, value []byte) (Event, error) {
	return Event{}, nil
}

// Decoder turns events into facts. The zero Decoder takes events of any tenant. Safe for concurrent use.
type Decoder struct {
	Tenant string // when set, an event of another tenant is a wrong_tenant reject
}

// Facts decodes our own event types. receivedAt is when our log first held the event: what claims to have happened more
// than a day after it is future_time. Errors: *models.Reject, ErrFHIR, ErrIgnored; never anything else. An event gives at
// least one fact when the error is nil.
func (d *Decoder) Facts(ev Event, receivedAt time.Time) ([]models.Fact, error) { return nil, nil }
