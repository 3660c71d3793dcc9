package event

import (
	"errors"
	"slices"
	"strings"
	"time"

	"carereach/models"
)

// ErrFHIR says that the event's data is a FHIR resource or Bundle: hand Event.Data to ingest/fhir, with Event.Sequence as
// the version where it is given.
var ErrFHIR = errors.New("the event carries FHIR")

// ErrIgnored says that the event is well-formed and of a type that nothing here needs (allergies).
var ErrIgnored = errors.New("the event is of a type that is not needed")

// TypePrefix starts the type of every event of ours: TypePrefix + topic + "." + verb + ".v1".
const TypePrefix = "org.carereach."

// Decoder turns events into facts. The zero Decoder takes events of any tenant. Safe for concurrent use.
type Decoder struct {
	Tenant string // when set, an event of another tenant is a wrong_tenant reject
}

// topic is one of our topics: its verbs, and how the data of one becomes facts.
type topic struct {
	name  string
	verbs []string
	facts func(*call) []models.Fact
}

// topics lists what the decoder knows. The schemas, the AsyncAPI document and this list name the same verbs. Never changed.
var topics = []topic{
	{"visits.appointments", []string{"proposed", "booked", "confirmed", "rescheduled", "modified", "waitlisted", "checkedin", "fulfilled", "noshow", "cancelled", "enteredinerror"}, appointment},
	{"visits.encounters", []string{"registered", "admitted", "transferred", "discharged", "updated", "admitcancelled", "dischargecancelled"}, encounter},
	{"clinical.facts", clinicalVerbs(), clinical},
	{"patients.profile", []string{"upserted", "merged", "unmerged", "deceased", "deleted"}, profile},
	{"patients.consent", []string{"granted", "revoked", "expired"}, consent},
	{"patients.coverage", []string{"started", "changed", "ended"}, coverage},
	{"engagement.messages", []string{"queued", "accepted", "sent", "delivered", "deferred", "failed", "bounced", "dropped", "opened", "clicked", "replied",
		"optedout", "optedin", "complained", "callattempted", "mailreturned", "portallogin", "surveyresponded"}, engagement},
	{"billing.claims", []string{"submitted", "adjudicated", "paid", "denied", "reversed"}, claim},
}

// Topics lists the topics of our own events.
func Topics() []string {
	var out []string
	for _, t := range topics {
		out = append(out, t.name)
	}
	return out
}

// Verbs lists the verbs of a topic, nil for an unknown one. A verb of clinical.facts has two parts: "observation.asserted".
func Verbs(name string) []string {
	for _, t := range topics {
		if t.name == name {
			return slices.Clone(t.verbs)
		}
	}
	return nil
}

// call is the decoding of one event.
type call struct {
	verb     string
	ev       *Event
	data     object
	patient  models.Ref
	received models.Micros
	ignored  bool
}

// Facts decodes our own event types. receivedAt is when our log first held the event: what claims to have happened more
// than a day after it is future_time. Errors: *models.Reject, never wrapped; ErrFHIR, ErrIgnored; nothing else. An event
// gives at least one fact when the error is nil. The version of each fact is the sequence attribute, else the member
// "version" of the data, else 0.
func (d *Decoder) Facts(ev Event, receivedAt time.Time) ([]models.Fact, error) {
	if d.Tenant != "" && ev.TenantID != "" && ev.TenantID != d.Tenant {
		return nil, &models.Reject{Reason: models.ReasonWrongTenant, Where: "tenantid", Detail: "another tenant's event", Mend: "send it to that tenant's installation"}
	}
	kind := mediaType(ev.DataContentType)
	if kind == "application/fhir+json" || kind == "application/json+fhir" {
		return nil, ErrFHIR
	}
	t, verb, reject := findTopic(&ev)
	if reject == nil && !isJSON(ev.DataContentType) {
		reject = &models.Reject{Reason: models.ReasonUnknownSchema, Where: "datacontenttype", Detail: "not JSON and not FHIR", Mend: "send application/json or application/fhir+json"}
	}
	if reject != nil {
		return nil, reject
	}
	f := &fault{}
	c := &call{verb: verb, ev: &ev, data: newObject(ev.Data, f), received: models.Micros(receivedAt.UnixMicro())}
	if f.reject != nil {
		return nil, f.reject
	}
	c.patient = c.data.patient("patient")
	if ev.Time != nil {
		c.happened("time", ev.Time.Lo)
	}
	facts := t.facts(c)
	version := c.version()
	switch {
	case f.reject != nil:
		return nil, f.reject
	case c.ignored:
		return nil, ErrIgnored
	}
	for i := range facts {
		facts[i].Version = version
	}
	return facts, nil
}

// findTopic takes an event's type apart.
func findTopic(ev *Event) (topic, string, *models.Reject) {
	unknown := func(where, detail, mend string) (topic, string, *models.Reject) {
		return topic{}, "", &models.Reject{Reason: models.ReasonUnknownSchema, Where: where, Detail: detail, Mend: mend}
	}
	rest, ours := strings.CutPrefix(ev.Type, TypePrefix)
	if !ours {
		return unknown("type", "not an event type of ours", "use a type of the schemas, or send FHIR with datacontenttype application/fhir+json")
	}
	for _, t := range topics {
		tail, ok := strings.CutPrefix(rest, t.name+".")
		if !ok {
			continue
		}
		i := strings.LastIndex(tail, ".v")
		switch {
		case i < 0 || tail[i:] != ".v1":
			return unknown("type", "major version not known", "send version 1, or upgrade")
		case !slices.Contains(t.verbs, tail[:i]):
			return unknown("type", "verb not known in "+t.name, "send one of: "+strings.Join(t.verbs, ", "))
		case strings.HasPrefix(ev.DataSchema, schemaPrefix) && ev.DataSchema != SchemaID(t.name):
			return unknown("dataschema", "schema of another topic or major version", "name "+SchemaID(t.name)+" or leave it out")
		}
		return t, tail[:i], nil
	}
	return unknown("type", "topic not known", "send one of: "+strings.Join(Topics(), ", "))
}

// fact begins a fact about the event's patient.
func (c *call) fact(typeName, id string) models.Fact {
	f := models.NewFact(typeName, id)
	f.Subject = c.patient
	return f
}

// version gives the version of the event's facts.
func (c *call) version() int64 {
	n := c.data.count("version", maxCount)
	switch {
	case c.ev.Sequence != nil:
		return *c.ev.Sequence
	case n != nil:
		return *n
	}
	return 0
}

// maxCount is the greatest whole number that every JSON reader keeps exact.
const maxCount = 1<<53 - 1

// happened says that something lies in the past: later than a day after the receipt is a reject.
func (c *call) happened(where string, at models.Micros) {
	if at > c.received+models.Micros(leeway.Microseconds()) {
		c.data.fault.set(&models.Reject{Reason: models.ReasonFutureTime, Where: where, Detail: "happened after it was received", Mend: "correct the time or the sender's clock"})
	}
}

// past reads a time of something that has happened; pastInstant the same with clock time and zone.
func (c *call) past(o object, name string) *models.TimeRange {
	r := o.when(name)
	if r != nil {
		c.happened(o.where(name), r.Lo)
	}
	return r
}

func (c *call) pastInstant(o object, name string) *models.TimeRange {
	r := o.instant(name)
	if r != nil {
		c.happened(o.where(name), r.Lo)
	}
	return r
}

// patient reads {system, value}, the way every event names a patient.
func (o object) patient(name string) models.Ref {
	if !o.has(name) {
		o.fault.set(&models.Reject{Reason: models.ReasonMissingSubject, Where: o.where(name), Detail: "missing", Mend: "name the patient as {system, value}"})
		return models.Ref{}
	}
	p, _ := o.members[name].(map[string]any)
	system, _ := p["system"].(string)
	value, _ := p["value"].(string)
	if !isURI(system) || !isID(value) {
		o.fault.set(&models.Reject{Reason: models.ReasonBadSubject, Where: o.where(name), Detail: "system or value missing or malformed", Mend: "name the patient as {system, value}, the value as the source's own id"})
		return models.Ref{}
	}
	return models.Ref{Type: "Patient", ID: value}
}
