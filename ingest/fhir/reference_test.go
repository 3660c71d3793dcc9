package fhir

import (
	"testing"

	"carereach/models"
)

func TestParseReference(t *testing.T) {
	for _, c := range []struct {
		in   string
		want models.Ref
		form form
	}{
		{"Patient/x", ref("Patient", "x"), toResource},
		{"Patient/x/_history/2", ref("Patient", "x"), toResource},
		{"https://ehr.example.org/fhir/r4/Patient/x", ref("Patient", "x"), toResource},
		{"http://ehr.example.org/Patient/x/_history/a", ref("Patient", "x"), toResource},
		{"Organization/a_b.c-D", ref("Organization", "a_b.c-D"), toResource},
		{"#p1", models.Ref{}, toContained},
		{"#", models.Ref{}, toContained},
		{"urn:uuid:1f0c", models.Ref{}, toMissing},
		{"urn:oid:1.2.3", models.Ref{}, toMissing},
		{"Patient?identifier=http://example.org|7", models.Ref{}, toQuery},
		{"https://ehr.example.org/fhir/Practitioner?identifier=7", models.Ref{}, toQuery},
		{"x", models.Ref{}, toElsewhere},
		{"patient/x", models.Ref{}, toElsewhere},
		{"Patient/", models.Ref{}, toElsewhere},
		{"/Patient/x", models.Ref{}, toElsewhere},
		{"fhir/Patient/x", models.Ref{}, toElsewhere},
		{"Patient/a b", models.Ref{}, toElsewhere},
		{"Patient/x#part", models.Ref{}, toElsewhere},
		{"https://Patient/x", models.Ref{}, toElsewhere},
		{"https://example.org/", models.Ref{}, toElsewhere},
		{"mailto:x@example.org", models.Ref{}, toElsewhere},
		{"", models.Ref{}, toElsewhere},
	} {
		if got, f := parseReference(c.in); got != c.want || f != c.form {
			t.Errorf("%q: %v form %d, want %v form %d", c.in, got, f, c.want, c.form)
		}
	}
}

// Each type names its patient in its own place; there and nowhere else it is looked for.
func TestSubjectOfEveryType(t *testing.T) {
	subjects := map[string]string{
		"RelatedPerson": `"patient":%`, "Encounter": `"subject":%`, "Appointment": `"participant":[{"actor":%}]`, "Condition": `"subject":%`, "Observation": `"subject":%`,
		"Procedure": `"subject":%`, "Immunization": `"patient":%`, "MedicationRequest": `"subject":%`, "ServiceRequest": `"subject":%`, "DiagnosticReport": `"subject":%`,
		"Coverage": `"beneficiary":%`, "Claim": `"patient":%`,
	}
	build := func(name, place, reference string) string {
		out := `{"resourceType":"` + name + `","id":"r1"`
		if place == "" {
			return out + `}`
		}
		for i := range place {
			if place[i] == '%' {
				return out + `,` + place[:i] + reference + place[i+1:] + `}`
			}
		}
		return out
	}
	for _, name := range resourceTypes {
		typ, _ := models.FactTypeByName(name)
		place, has := subjects[name]
		if name == "Patient" {
			continue
		}
		if has != typ.Subject {
			t.Errorf("%s: the test has a subject %v, the type %v", name, has, typ.Subject)
		}
		if !has {
			if f := decode(t, build(name, "", "")); f.Subject != (models.Ref{}) {
				t.Errorf("%s: subject %v", name, f.Subject)
			}
			continue
		}
		if f := decode(t, build(name, place, `{"reference":"http://ehr.example.org/Patient/p1/_history/2"}`)); f.Subject != ref("Patient", "p1") {
			t.Errorf("%s: subject %v", name, f.Subject)
		}
		if rej := rejected(t, build(name, "", "")); rej.Reason != models.ReasonMissingSubject {
			t.Errorf("%s without a subject: %v", name, rej)
		}
		for other, elsewhere := range subjects {
			if elsewhere != place {
				if rej := rejected(t, build(name, elsewhere, `{"reference":"Patient/p1"}`)); rej.Reason != models.ReasonMissingSubject {
					t.Errorf("%s with the subject of %s: %v", name, other, rej)
				}
			}
		}
	}
}

func TestSubjectForms(t *testing.T) {
	for _, c := range []struct {
		why, subject string
		reason       models.QuarantineReason
		where        string
	}{
		{"null is none", `null`, models.ReasonMissingSubject, "subject"},
		{"an empty reference is none", `{}`, models.ReasonMissingSubject, "subject"},
		{"an empty string is none", `{"reference":""}`, models.ReasonMissingSubject, "subject"},
		{"a name is not an id", `{"display":"Jo Doe"}`, models.ReasonBadSubject, "subject"},
		{"an identifier is not the id of the Patient", `{"identifier":{"system":"urn:mrn","value":"1"}}`, models.ReasonBadSubject, "subject"},
		{"not even when it says that it is a Patient's", `{"type":"Patient","identifier":{"system":"urn:mrn","value":"1"}}`, models.ReasonBadSubject, "subject"},
		{"a contained patient has no identity of its own", `{"reference":"#p1"}`, models.ReasonBadSubject, "subject"},
		{"no Bundle around", `{"reference":"urn:uuid:0b7a"}`, models.ReasonBadSubject, "subject"},
		{"a search is no reference", `{"reference":"Patient?identifier=1"}`, models.ReasonBadSubject, "subject"},
		{"a bare id may be anything's", `{"reference":"p1"}`, models.ReasonBadSubject, "subject"},
		{"a clinician is no patient", `{"reference":"Practitioner/p1"}`, models.ReasonBadSubject, "subject"},
		{"a string is no Reference", `"Patient/p1"`, models.ReasonBadValue, "subject"},
		{"a list is no Reference", `[{"reference":"Patient/p1"}]`, models.ReasonBadValue, "subject"},
		{"a number is no reference", `{"reference":1}`, models.ReasonBadValue, "subject.reference"},
	} {
		rej := rejected(t, `{"resourceType":"Observation","id":"o1","contained":[{"resourceType":"Patient","id":"p1"}],"subject":`+c.subject+`}`)
		if rej.Reason != c.reason || rej.Where != c.where {
			t.Errorf("%s: %s at %s, want %s at %s", c.why, rej.Reason, rej.Where, c.reason, c.where)
		}
	}
}

func TestAppointmentParticipants(t *testing.T) {
	for _, c := range []struct {
		why, participants string
		subject           string
		reason            models.QuarantineReason
		where             string
	}{
		{"the patient among others", `{"actor":{"reference":"Practitioner/d"}},{"actor":{"reference":"Patient/p1"}}`, "p1", "", ""},
		{"the same patient twice is one", `{"actor":{"reference":"Patient/p1"}},{"actor":{"reference":"http://x.example/fhir/Patient/p1"}}`, "p1", "", ""},
		{"other people without a usable reference do not matter", `{"actor":{"type":"Practitioner","identifier":{"value":"1"}}},{"actor":{"reference":"Patient/p1"}}`, "p1", "", ""},
		{"a group visit has no one patient", `{"actor":{"reference":"Patient/p1"}},{"actor":{"reference":"Patient/p2"}}`, "", models.ReasonBadSubject, "participant"},
		{"nobody", ``, "", models.ReasonMissingSubject, "participant.actor"},
		{"no patient", `{"actor":{"reference":"Practitioner/d"}},{"actor":{"display":"Jo Doe"}}`, "", models.ReasonMissingSubject, "participant.actor"},
		{"a patient by identifier only", `{"actor":{"type":"Patient","identifier":{"value":"1"}}}`, "", models.ReasonBadSubject, "participant.actor"},
		{"participants are objects", `"Patient/p1"`, "", models.ReasonBadValue, "participant[0]"},
		{"an actor is an object", `{"actor":"Patient/p1"}`, "", models.ReasonBadValue, "participant[0].actor"},
		{"a reference is a string", `{},{"actor":{"reference":["Patient/p1"]}}`, "", models.ReasonBadValue, "participant[1].actor.reference"},
	} {
		json := `{"resourceType":"Appointment","id":"a1","participant":[` + c.participants + `]}`
		if c.reason == "" {
			if f := decode(t, json); f.Subject != ref("Patient", c.subject) {
				t.Errorf("%s: subject %v", c.why, f.Subject)
			}
			continue
		}
		if rej := rejected(t, json); rej.Reason != c.reason || rej.Where != c.where {
			t.Errorf("%s: %s at %s, want %s at %s", c.why, rej.Reason, rej.Where, c.reason, c.where)
		}
	}
}

// A reference that names no resource we could know leaves its column empty; it does not cost the resource.
func TestReferencesToNothing(t *testing.T) {
	for _, r := range []string{
		`{"display":"the ward"}`, `{"identifier":{"value":"1"}}`, `{"reference":"#loc"}`, `{"reference":"urn:uuid:0b7a"}`, `{"reference":"Encounter?identifier=1"}`,
		`{"reference":"https://example.org/visits/7/"}`, `{"reference":""}`, `null`,
	} {
		f := decode(t, `{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},"encounter":`+r+`}`)
		if got := columns(t, f); len(got) != 0 {
			t.Errorf("%s gives %v", r, got)
		}
	}
}
