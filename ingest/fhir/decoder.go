package fhir

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"carereach/models"
)

// ErrIgnored is the outcome of a resource that is sound but not needed: a type without a fact table, or a subject that is
// a Group, Device or Location and so nobody who could be reached. Test with errors.Is.
var ErrIgnored = errors.New("resource not needed")

// DefaultMaxBytes is the size limit of one record when Options names none.
const DefaultMaxBytes = 4 << 20

const (
	bytesPerValue = 8       // a record as long as the limit may hold one JSON value in so many bytes; real ones hold one in 25
	bigRecord     = 1 << 20 // bytes from which the parser's memory is not kept
)

// Options configures a Decoder. The zero Options are usable.
type Options struct {
	MaxBytes int // longest record accepted, in bytes; 0 means DefaultMaxBytes
}

// Decoder turns FHIR R4 JSON into facts. It owns a parser and caches and is safe for use by ONE goroutine: make one per
// worker. It takes up to about 30 times the size of the largest record in memory. What it returns stays valid after the next call, except Entry.Raw, which is part of the caller's input. Values
// that occur often are shared between facts: treat the lists among Fact.Values as read-only.
type Decoder struct {
	max    int
	plans  map[string]*plan
	scan   scanner
	parser fastjson.Parser
	words  wordCache
	urls   map[string]models.Ref // fullUrl of the Bundle's entries while one is decoded
	number []byte                // scratch
	big    bool                  // the parser has grown for a big record
}

// NewDecoder makes a Decoder.
func NewDecoder(o Options) *Decoder {
	d := &Decoder{max: o.MaxBytes, plans: compile(), words: newWordCache()}
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
	v, rej := d.parse(raw, false)
	if rej != nil {
		return nil, rej
	}
	name, rej := resourceType(v)
	if rej != nil {
		return nil, rej
	}
	return d.decode(name, v, "", receivedAt)
}

// parse checks raw and gives its object, which is valid until the next call.
func (d *Decoder) parse(raw []byte, entries bool) (value, *models.Reject) {
	if len(raw) > d.max {
		return value{}, &models.Reject{Reason: models.ReasonTooLarge, Detail: fmt.Sprintf("%d bytes, the limit is %d", len(raw), d.max),
			Mend: "split the record or raise the limit"}
	}
	if rej := d.scan.scan(raw, d.max/bytesPerValue, entries); rej != nil {
		return value{}, rej
	}
	if d.big && len(raw) <= bigRecord {
		d.parser = fastjson.Parser{} // give back what the parser of a big record holds
	}
	d.big = len(raw) > bigRecord
	v, err := d.parser.ParseBytes(raw)
	if err != nil { // cannot happen after the scan; its text quotes the input
		return value{}, badJSON(0, "not parsed")
	}
	return value{v}, nil
}

// resourceType gives the type that an object claims; one of letters only, so that it can be shown.
func resourceType(v value) (string, *models.Reject) {
	name, rej := v.text("resourceType")
	if rej != nil {
		return "", rej
	}
	if !isTypeName(name) {
		return "", badValue("resourceType", "the name of a FHIR resource type")
	}
	return name, nil
}

// resource is one resource on its way to a fact.
type resource struct {
	value
	plan       *plan
	fact       models.Fact
	more       []models.Fact // facts beside the resource's own
	receivedAt time.Time
}

// decode turns one object into facts. fallbackID stands in for a missing id.
func (d *Decoder) decode(name string, v value, fallbackID string, receivedAt time.Time) ([]models.Fact, error) {
	p := d.plans[name]
	if p == nil {
		if name == "Bundle" {
			return nil, &models.Reject{Reason: models.ReasonBadValue, Where: "resourceType", Detail: "a Bundle where one resource is expected",
				Mend: "send the Bundle as a record of its own"}
		}
		return nil, ErrIgnored
	}
	r := &resource{value: v, plan: p, receivedAt: receivedAt, fact: models.Fact{Type: p.name, Values: make([]any, p.width)}}
	var rej *models.Reject
	if r.fact.ID, rej = id(v, fallbackID); rej != nil {
		return nil, rej
	}
	if p.subject {
		var err error
		if r.fact.Subject, err = d.subject(p, r); err != nil {
			return nil, err
		}
	}
	if r.fact.Version, rej = version(v, r.limit()); rej != nil {
		return nil, rej
	}
	for i := range p.elements {
		e := &p.elements[i]
		if r.fact.Values[e.index], rej = d.read(e, 0, v); rej != nil {
			return nil, rej
		}
	}
	if p.byHand != nil {
		if rej = p.byHand(d, r); rej != nil {
			return nil, rej
		}
	}
	r.fact.Retracted = retracted(r)
	if rej = future(r); rej != nil {
		return nil, rej
	}
	return append([]models.Fact{r.fact}, r.more...), nil
}

// id gives the resource's id. FHIR allows 64 letters, digits, hyphens and dots; feeds use longer ones and other signs, so
// only what would break a reference is refused.
func id(v value, fallback string) (string, *models.Reject) {
	s, rej := v.text("id")
	if rej != nil {
		return "", rej
	}
	if s == "" {
		s = fallback
	}
	if s == "" {
		return "", &models.Reject{Reason: models.ReasonNoID, Where: "id", Detail: "resource without an id", Mend: "send every resource with the id that its source gives it"}
	}
	if !isID(s) {
		return "", badValue("id", "up to 128 characters without blanks, slashes, # and ?")
	}
	return s, nil
}

// version gives meta.versionId when it is a whole number, else meta.lastUpdated in microseconds, else 0. A lastUpdated
// beyond the limit is refused: it would win over every correction to come.
func version(v value, limit models.Micros) (int64, *models.Reject) {
	meta, rej := v.object("meta")
	if rej != nil || meta.absent() {
		return 0, rej
	}
	text, rej := meta.text("versionId")
	if rej != nil {
		return 0, under("meta", rej)
	}
	if n, ok := versionNumber(text); ok {
		return n, nil
	}
	at, rej := meta.time("lastUpdated")
	if rej != nil || at == nil {
		return 0, under("meta", rej)
	}
	if at.Lo > limit {
		return 0, inFuture("meta.lastUpdated")
	}
	return int64(at.Lo), nil
}

func versionNumber(text string) (int64, bool) {
	if text == "" || len(text) > 18 || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Kind peeks at the resource type without validating the rest of raw: "Patient", "Bundle", or "" when the value is a JSON
// object but not a FHIR resource (a CloudEvent, say). The error is a *models.Reject when raw is no JSON object or is
// broken before the type is found.
func Kind(raw []byte) (resourceType string, err error) {
	s := scanner{b: raw, left: len(raw)}
	if s.peek() != '{' {
		return "", badJSON(s.i, "not a JSON object")
	}
	found, fault := s.find("resourceType")
	if fault != "" {
		return "", badJSON(s.i, fault)
	}
	if !found {
		return "", nil
	}
	if s.peek() == '"' {
		name, fault := s.key()
		if fault != "" {
			return "", badJSON(s.i, fault)
		}
		if isTypeName(string(name)) {
			return string(name), nil
		}
	}
	return "", badValue("resourceType", "the name of a FHIR resource type")
}
