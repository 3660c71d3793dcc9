package fhir

import (
	"strings"

	"carereach/models"
)

// resourceTypes are the FHIR types that have a fact table. models.FactTypes has further types that only our own events
// carry; a resource that claims to be one of those is not decoded.
var resourceTypes = []string{
	"Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter", "Appointment", "Condition",
	"Observation", "Procedure", "Immunization", "MedicationRequest", "ServiceRequest", "DiagnosticReport", "Coverage", "Claim",
}

// plan is how one resource type is decoded: the paths of its elements taken apart, and the function for the rest.
type plan struct {
	name       string
	subject    bool           // facts of the type must name their patient
	width      int            // number of elements
	columns    map[string]int // where in Fact.Values a column lies
	elements   []element
	byHand     func(*Decoder, *resource) *models.Reject // sets what has no path; nil when all have one
	subjectKey string                                   // member that refers to the patient; "" where it is found otherwise
}

// element is one element with a path.
type element struct {
	index int // place in Fact.Values
	kind  models.ElementKind
	label bool // KindText that is a name shown on lists, not a code
	path  string
	steps []step
}

type step struct {
	key      string
	mode     mode
	variants []variant // of a choice
}

// mode says how the value found under a key is taken.
type mode int

const (
	one    mode = iota // as it is
	first              // the first element of an array that yields a value: "participant[0]"
	all                // all elements of an array together: "type[]"
	choice             // the one of several keys that is there: "onset[x]"
)

// variant is one data type of a choice of type [x] that makes an interval.
type variant struct {
	key  string
	read func(*Decoder, value) (any, *models.Reject)
}

var byHand = map[string]func(*Decoder, *resource) *models.Reject{
	"Patient": (*Decoder).patient, "RelatedPerson": (*Decoder).relatedPerson, "Practitioner": (*Decoder).practitioner, "Encounter": (*Decoder).encounter, "Appointment": (*Decoder).appointment,
	"Observation": (*Decoder).observation, "MedicationRequest": (*Decoder).medicationRequest, "Coverage": (*Decoder).coverage, "Claim": (*Decoder).claim,
}

// subjectKeys names the member that refers to the patient where it is not "subject". The patient of an Appointment is one
// of its participants, a Patient is its own.
var subjectKeys = map[string]string{
	"Patient": "", "Appointment": "", "RelatedPerson": "patient", "Immunization": "patient", "Claim": "patient", "Coverage": "beneficiary",
}

// compile takes the paths of all types apart. It panics on a path it does not understand: a fault in models.FactTypes.
func compile() map[string]*plan {
	plans := make(map[string]*plan, len(resourceTypes))
	for _, name := range resourceTypes {
		t, ok := models.FactTypeByName(name)
		if !ok {
			panic("fhir: no fact type " + name)
		}
		p := &plan{name: name, subject: t.Subject, width: len(t.Elements), columns: make(map[string]int, len(t.Elements)), byHand: byHand[name], subjectKey: "subject"}
		if key, other := subjectKeys[name]; other {
			p.subjectKey = key
		}
		for i, e := range t.Elements {
			p.columns[e.Column] = i
			if e.Path != "" {
				p.elements = append(p.elements, element{index: i, kind: e.Kind, label: e.Column == "label", path: e.Path, steps: steps(e)})
			}
		}
		plans[name] = p
	}
	return plans
}

// column gives where a column lies; one that the type has not is a fault of ours and panics.
func (p *plan) column(name string) int {
	i, ok := p.columns[name]
	if !ok {
		panic("fhir: " + p.name + " has no column " + name)
	}
	return i
}

func steps(e models.Element) []step {
	var out []step
	segments := strings.Split(e.Path, ".")
	for i, seg := range segments {
		st := step{key: seg}
		for suffix, m := range map[string]mode{"[]": all, "[0]": first, "[x]": choice} {
			if key, ok := strings.CutSuffix(seg, suffix); ok {
				st = step{key: key, mode: m}
			}
		}
		last := i == len(segments)-1
		if strings.ContainsAny(st.key, "[]") || st.key == "" || (st.mode == all || st.mode == choice) && !last {
			panic("fhir: cannot read the path " + e.Path)
		}
		if st.mode == choice && e.Kind != models.KindInterval || st.mode == all && e.Kind != models.KindConcept && e.Kind != models.KindComponents {
			panic("fhir: the kind of " + e.Path + " does not go with its path")
		}
		if st.mode == choice {
			st.variants = []variant{
				{st.key + "DateTime", (*Decoder).point}, {st.key + "Instant", (*Decoder).point},
				{st.key + "Period", (*Decoder).period}, {st.key + "Timing", (*Decoder).timing},
			}
		}
		out = append(out, st)
	}
	return out
}
