package models

// Fact is one decoded version of one resource or event, before its ids are hashed. Values has one entry per Element of
// Type in order, of the Go type that the element's kind names, or nil.
type Fact struct {
	Type      string // FactType.Name
	ID        string // the source's id of the resource; required
	Subject   Ref    // the patient it is about; Patient itself has its own id here. Zero where FactType.Subject is false
	Version   int64  // see VersionColumns
	Retracted bool
	Values    []any
	Identity  *Identity     // what goes to the vault, Patient and RelatedPerson only
	Consent   *ConsentEvent // what goes to the consent ledger, Consent only
}

// NewFact makes a Fact of the named type with room for its values. An unknown type is a fault of the caller and panics.
func NewFact(typeName, id string) Fact {
	t, ok := FactTypeByName(typeName)
	if !ok {
		panic("models: no fact type " + typeName)
	}
	return Fact{Type: typeName, ID: id, Values: make([]any, len(t.Elements))}
}

// Set puts v at the element with that column stem. An unknown column is a fault of the caller and panics.
func (f *Fact) Set(column string, v any) {
	t, _ := FactTypeByName(f.Type)
	_, i, ok := t.Element(column)
	if !ok {
		panic("models: " + f.Type + " has no element " + column)
	}
	f.Values[i] = v
}

// Identity is what names or reaches a person. It exists in memory and sealed in the vault, nowhere else.
type Identity struct {
	Names       []HumanName    `json:"names,omitempty"`
	Telecom     []ContactPoint `json:"telecom,omitempty"`
	Addresses   []Address      `json:"addresses,omitempty"`
	Identifiers []Identifier   `json:"identifiers,omitempty"`
	Related     string         `json:"related,omitempty"` // RelatedPerson: the source's id of that record; empty for the patient
	Relation    []string       `json:"relation,omitempty"`
}

// HumanName is a FHIR HumanName as received.
type HumanName struct {
	Use    string   `json:"use,omitempty"`
	Text   string   `json:"text,omitempty"`
	Family string   `json:"family,omitempty"`
	Given  []string `json:"given,omitempty"`
	Prefix []string `json:"prefix,omitempty"`
	Suffix []string `json:"suffix,omitempty"`
}

// ContactPoint is a FHIR ContactPoint as received.
type ContactPoint struct {
	System string `json:"system,omitempty"` // phone, email, fax, sms, url, other
	Value  string `json:"value,omitempty"`
	Use    string `json:"use,omitempty"` // home, work, mobile, old, temp
	Rank   int    `json:"rank,omitempty"`
}

// Address is a FHIR Address as received.
type Address struct {
	Use        string   `json:"use,omitempty"`
	Line       []string `json:"line,omitempty"`
	City       string   `json:"city,omitempty"`
	District   string   `json:"district,omitempty"`
	State      string   `json:"state,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
	Country    string   `json:"country,omitempty"`
}

// Identifier is a business identifier: record number, insurance number, licence.
type Identifier struct {
	Type   string `json:"type,omitempty"` // v2-0203 code: MR, SS, DL ...
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

// ConsentEvent is a grant or withdrawal of consent as it goes to the ledger.
type ConsentEvent struct {
	Action     string    `json:"action"`  // granted, revoked, expired
	Channel    string    `json:"channel"` // sms, voice, email, mail, portal, push, any
	Purpose    string    `json:"purpose"` // treatment, care_gap, marketing, survey, any
	Basis      string    `json:"basis,omitempty"`
	CapturedBy string    `json:"captured_by,omitempty"`
	Evidence   string    `json:"evidence,omitempty"`
	Effective  TimeRange `json:"effective"`
	Expires    *Micros   `json:"expires,omitempty"`
}

// Outcome is what became of one input. Every input has exactly one.
type Outcome string

// The four outcomes. Their sum is what was produced.
const (
	Stored      Outcome = "stored"
	Duplicate   Outcome = "duplicate"
	Ignored     Outcome = "ignored"
	Quarantined Outcome = "quarantined"
)

// Outcomes counts inputs by outcome.
type Outcomes struct {
	Stored      int64 `json:"stored"`
	Duplicate   int64 `json:"duplicate"`
	Ignored     int64 `json:"ignored"`
	Quarantined int64 `json:"quarantined"`
}

// Sum gives the number of inputs.
func (o Outcomes) Sum() int64 { return o.Stored + o.Duplicate + o.Ignored + o.Quarantined }

// Add counts n more of an outcome; a negative n takes back.
func (o *Outcomes) Add(what Outcome, n int64) {
	switch what {
	case Stored:
		o.Stored += n
	case Duplicate:
		o.Duplicate += n
	case Ignored:
		o.Ignored += n
	case Quarantined:
		o.Quarantined += n
	}
}

// QuarantineReason is the machine-readable reason why an input was set aside.
type QuarantineReason string

// The reasons. Each comes with a message that says where in the input and how to mend it, without quoting values.
const (
	ReasonBadJSON        QuarantineReason = "bad_json"        // not JSON, cut short, NUL bytes, wrong encoding
	ReasonTooLarge       QuarantineReason = "too_large"       // over the size limit for one value
	ReasonBadEnvelope    QuarantineReason = "bad_envelope"    // CloudEvents attributes missing or malformed
	ReasonUnknownSchema  QuarantineReason = "unknown_schema"  // schema version or verb not known
	ReasonWrongTenant    QuarantineReason = "wrong_tenant"    // another tenant's event
	ReasonNoID           QuarantineReason = "no_id"           // resource without an id
	ReasonMissingSubject QuarantineReason = "missing_subject" // a type that must name its patient does not
	ReasonBadSubject     QuarantineReason = "bad_subject"     // subject cannot be resolved: not a Patient, not in the bundle
	ReasonBadTime        QuarantineReason = "bad_time"        // impossible date or time
	ReasonFutureTime     QuarantineReason = "future_time"     // happened after it was received
	ReasonBadValue       QuarantineReason = "bad_value"       // an element has the wrong form
	ReasonBadColumn      QuarantineReason = "bad_column"      // a CSV row does not fit its mapping
	ReasonIDReused       QuarantineReason = "id_reused"       // event id seen before with another body
	ReasonUnreadableFile QuarantineReason = "unreadable_file" // a file or archive that cannot be read to its end
	ReasonMissingMapping QuarantineReason = "missing_mapping" // a CSV file that no mapping claims
	ReasonErased         QuarantineReason = "erased"          // about an erased person; held back by the tombstone
	ReasonMergeCycle     QuarantineReason = "merge_cycle"     // person links that form a ring
)

// Reject is the error a decoder gives for one bad input. Where names the element or column, never its value.
type Reject struct {
	Reason QuarantineReason
	Where  string
	Detail string
	Mend   string
}

func (r *Reject) Error() string {
	s := string(r.Reason)
	if r.Where != "" {
		s += " at " + r.Where
	}
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	if r.Mend != "" {
		s += "; " + r.Mend
	}
	return s
}
