package fhir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

// receivedAt is when the records of these tests reach us.
var receivedAt = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// columns gives the values of a fact that are there, by column.
func columns(t testing.TB, f models.Fact) map[string]any {
	t.Helper()
	typ, ok := models.FactTypeByName(f.Type)
	if !ok || len(f.Values) != len(typ.Elements) {
		t.Fatalf("%s: %d values", f.Type, len(f.Values))
	}
	out := map[string]any{}
	for i, e := range typ.Elements {
		if v := f.Values[i]; v != nil {
			checkKind(t, e, v)
			out[e.Column] = v
		}
	}
	return out
}

// checkKind holds every value to the Go type that its element's kind names: the store relies on it.
func checkKind(t testing.TB, e models.Element, v any) {
	t.Helper()
	want := map[models.ElementKind]string{
		models.KindText: "string", models.KindFlag: "bool", models.KindInt: "int64", models.KindMoney: "models.Money", models.KindCoding: "string",
		models.KindConcept: "[]string", models.KindTime: "models.TimeRange", models.KindInterval: "models.Interval", models.KindQuantity: "models.Quantity",
		models.KindRef: "models.Ref", models.KindComponents: "[]models.Component",
	}[e.Kind]
	if got := fmt.Sprintf("%T", v); got != want {
		t.Errorf("%s is a %s, want %s", e.Column, got, want)
	}
}

// decode gives the one fact of a resource.
func decode(t testing.TB, json string) models.Fact {
	t.Helper()
	facts, err := NewDecoder(Options{}).Resource([]byte(json), receivedAt)
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) != 1 {
		t.Fatalf("%d facts, want one", len(facts))
	}
	return facts[0]
}

// rejected gives the reject of a resource.
func rejected(t testing.TB, json string) *models.Reject {
	t.Helper()
	facts, err := NewDecoder(Options{}).Resource([]byte(json), receivedAt)
	var rej *models.Reject
	if !errors.As(err, &rej) || facts != nil {
		t.Fatalf("%d facts and error %v, want a reject", len(facts), err)
	}
	if rej.Detail == "" || rej.Mend == "" {
		t.Errorf("%v: says neither what is wrong nor how to mend it", rej)
	}
	return rej
}

func TestResourcesOfEveryType(t *testing.T) {
	d := NewDecoder(Options{}) // one decoder for all: nothing of one resource may show in the next
	for _, c := range corpus() {
		t.Run(c.why, func(t *testing.T) {
			kind, err := Kind([]byte(c.json))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := d.Resource([]byte(c.json), receivedAt)
			if err != nil || len(facts) != 1 {
				t.Fatalf("%d facts, error %v", len(facts), err)
			}
			f := facts[0]
			var subject models.Ref
			if c.subject != "" {
				subject = ref("Patient", c.subject)
			}
			if f.Type != kind || f.ID == "" || f.Subject != subject || f.Version != c.version || f.Retracted != c.retracted {
				t.Errorf("got type %s id %q subject %v version %d retracted %v", f.Type, f.ID, f.Subject, f.Version, f.Retracted)
			}
			if diff := cmp.Diff(c.want, columns(t, f)); diff != "" {
				t.Errorf("values differ (-want +got):\n%s", diff)
			}
			if isPerson := kind == "Patient" || kind == "RelatedPerson"; (f.Identity != nil) != isPerson {
				t.Errorf("identity %v on a %s", f.Identity != nil, kind)
			}
		})
	}
}

// notGiven lists the elements that FHIR R4 has no place for, with the reason. An entry that a decoder comes to fill fails
// the test below and leaves the list.
var notGiven = map[string]string{
	"Patient.preferred_channel":    "a rank of telecom is an order of use, not a choice of channel",
	"Appointment.cancelled":        "R4 has no time of cancellation",
	"Appointment.modality":         "R4 does not say how the visit is held",
	"Appointment.replaces":         "R4 has no link to the booking replaced",
	"Appointment.rescheduled_from": "known to our own events only",
	"Claim.claim":                  "lines and payments come by mapping file and events",
	"Claim.adjudicated":            "in ClaimResponse and ExplanationOfBenefit",
	"Claim.paid_on":                "in ClaimResponse and ExplanationOfBenefit",
	"Claim.allowed":                "in ClaimResponse and ExplanationOfBenefit",
	"Claim.paid":                   "in ClaimResponse and ExplanationOfBenefit",
	"Claim.patient_paid":           "in ClaimResponse and ExplanationOfBenefit",
	"Claim.adjustment":             "in ClaimResponse and ExplanationOfBenefit",
}

// Every element of every type we decode is set by some sample: a new element without a decoder, or with a path that
// matches nothing, fails here.
func TestEveryElementIsExercised(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range corpus() {
		f := decode(t, c.json)
		for column := range columns(t, f) {
			seen[f.Type+"."+column] = true
		}
	}
	for _, name := range resourceTypes {
		typ, _ := models.FactTypeByName(name)
		for _, e := range typ.Elements {
			key := name + "." + e.Column
			switch why, excused := notGiven[key]; {
			case seen[key] && excused:
				t.Errorf("%s is set although %s: strike it from the list", key, why)
			case !seen[key] && !excused:
				t.Errorf("no sample sets %s (path %q)", key, e.Path)
			case excused && e.Path != "":
				t.Errorf("%s has the path %s and no excuse", key, e.Path)
			}
		}
	}
}

func TestTypesNotNeededAreIgnored(t *testing.T) {
	d := NewDecoder(Options{})
	for _, json := range []string{
		`{"resourceType":"CarePlan","id":"x"}`,
		`{"resourceType":"AllergyIntolerance"}`, // not looked into: no id needed
		`{"resourceType":"Consent","id":"x"}`,   // the fact type of that name is our own events'
		`{"resourceType":"Engagement","id":"x"}`,
		`{"resourceType":"PersonLink","id":"x","survivor":{"reference":"Patient/p"}}`,
		`{"resourceType":"Observation","id":"x","subject":{"reference":"Group/herd"}}`,
		`{"resourceType":"Observation","id":"x","subject":{"reference":"http://ehr.example.org/Device/d"}}`,
		`{"resourceType":"ServiceRequest","id":"x","subject":{"reference":"Location/l"}}`,
		`{"resourceType":"Observation","id":"x","subject":{"type":"Group","identifier":{"value":"7"}}}`,
	} {
		facts, err := d.Resource([]byte(json), receivedAt)
		if !errors.Is(err, ErrIgnored) || facts != nil {
			t.Errorf("%s: %d facts, error %v", json, len(facts), err)
		}
	}
}

func TestRejects(t *testing.T) {
	const subject = `"subject":{"reference":"Patient/p1"}`
	obs := func(rest string) string {
		return `{"resourceType":"Observation","id":"b1",` + subject + `,` + rest + `}`
	}
	claim := func(rest string) string {
		return `{"resourceType":"Claim","id":"k1","patient":{"reference":"Patient/p1"},` + rest + `}`
	}
	patient := func(rest string) string { return `{"resourceType":"Patient","id":"p1",` + rest + `}` }
	for _, c := range []struct {
		json   string
		reason models.QuarantineReason
		where  string
	}{
		{`{}`, models.ReasonBadValue, "resourceType"},
		{`{"resourceType":5}`, models.ReasonBadValue, "resourceType"},
		{`{"resourceType":"Jo Doe, 555-0100"}`, models.ReasonBadValue, "resourceType"},
		{`{"resourceType":"Bundle","type":"collection"}`, models.ReasonBadValue, "resourceType"},
		{`{"resourceType":"Patient"}`, models.ReasonNoID, "id"},
		{`{"resourceType":"Organization","id":""}`, models.ReasonNoID, "id"},
		{`{"resourceType":"Patient","id":7}`, models.ReasonBadValue, "id"},
		{`{"resourceType":"Patient","id":"a b"}`, models.ReasonBadValue, "id"},
		{`{"resourceType":"Patient","id":"a/b"}`, models.ReasonBadValue, "id"},
		{`{"resourceType":"Patient","id":"` + strings.Repeat("a", 129) + `"}`, models.ReasonBadValue, "id"},
		{patient(`"meta":"new"`), models.ReasonBadValue, "meta"},
		{patient(`"meta":{"versionId":3}`), models.ReasonBadValue, "meta.versionId"},
		{patient(`"meta":{"lastUpdated":"yesterday"}`), models.ReasonBadTime, "meta.lastUpdated"},
		{obs(`"status":5`), models.ReasonBadValue, "status"},
		{obs(`"status":"final, says Mrs Doe"`), models.ReasonBadValue, "status"},
		{obs(`"status":"` + strings.Repeat("f", 65) + `"`), models.ReasonBadValue, "status"},
		{obs(`"code":"x"`), models.ReasonBadValue, "code"},
		{obs(`"code":{"coding":{"code":"x"}}`), models.ReasonBadValue, "code.coding"},
		{obs(`"code":{"coding":["x"]}`), models.ReasonBadValue, "code.coding[0]"},
		{obs(`"code":{"coding":[{"code":1}]}`), models.ReasonBadValue, "code.coding[0].code"},
		{obs(`"code":{"coding":[{"code":"a"},{"code":"b","system":{}}]}`), models.ReasonBadValue, "code.coding[1].system"},
		{obs(`"code":{"coding":[{"code":"` + strings.Repeat("a", 257) + `"}]}`), models.ReasonBadValue, "code.coding[0].code"},
		{obs(`"code":{"coding":[{"code":"a\nb"}]}`), models.ReasonBadValue, "code.coding[0].code"},
		{obs(`"category":{"coding":[]}`), models.ReasonBadValue, "category"},
		{obs(`"category":[{"coding":[]},"vital-signs"]`), models.ReasonBadValue, "category[1]"},
		{obs(`"category":[{"coding":[{"code":"a"}]},{"coding":[{"code":false}]}]`), models.ReasonBadValue, "category[1].coding[0].code"},
		{obs(`"encounter":"Encounter/e1"`), models.ReasonBadValue, "encounter"},
		{obs(`"encounter":{"reference":1}`), models.ReasonBadValue, "encounter.reference"},
		{obs(`"effectiveDateTime":20260501`), models.ReasonBadValue, "effectiveDateTime"},
		{obs(`"effectiveDateTime":"2026-02-30"`), models.ReasonBadTime, "effectiveDateTime"},
		{obs(`"effectiveDateTime":"2026-05-01T10:00:00"`), models.ReasonBadTime, "effectiveDateTime"},
		{obs(`"effectiveDateTime":"01/05/2026"`), models.ReasonBadTime, "effectiveDateTime"},
		{obs(`"effectivePeriod":"2026"`), models.ReasonBadValue, "effectivePeriod"},
		{obs(`"effectivePeriod":{"start":"2026-13"}`), models.ReasonBadTime, "effectivePeriod.start"},
		{obs(`"effectivePeriod":{"start":"2026-05-02","end":"2026-05-01"}`), models.ReasonBadTime, "effectivePeriod"},
		{obs(`"effectiveTiming":{"event":["2026-05-01","never"]}`), models.ReasonBadTime, "effectiveTiming.event[1]"},
		{obs(`"effectiveTiming":{"repeat":{"boundsPeriod":{"end":"2026-00-01"}}}`), models.ReasonBadTime, "effectiveTiming.repeat.boundsPeriod.end"},
		{obs(`"effectiveDateTime":"2026-05-01","effectivePeriod":{"start":"2026-05-01"}`), models.ReasonBadValue, "effective[x]"},
		{obs(`"issued":true`), models.ReasonBadValue, "issued"},
		{obs(`"valueQuantity":5`), models.ReasonBadValue, "valueQuantity"},
		{obs(`"valueQuantity":{"value":"5"}`), models.ReasonBadValue, "valueQuantity.value"},
		{obs(`"valueQuantity":{"value":1e999}`), models.ReasonBadValue, "valueQuantity.value"},
		{obs(`"valueQuantity":{"value":5,"comparator":"~"}`), models.ReasonBadValue, "valueQuantity.comparator"},
		{obs(`"valueQuantity":{"value":5,"unit":["mg"]}`), models.ReasonBadValue, "valueQuantity.unit"},
		{obs(`"valueQuantity":{"value":5,"unit":"` + strings.Repeat("m", 65) + `"}`), models.ReasonBadValue, "valueQuantity.unit"},
		{obs(`"valueInteger":1.5`), models.ReasonBadValue, "valueInteger"},
		{obs(`"valueInteger":1,"valueQuantity":{"value":1}`), models.ReasonBadValue, "value[x]"},
		{obs(`"valueString":["a"]`), models.ReasonBadValue, "valueString"},
		{obs(`"component":{}`), models.ReasonBadValue, "component"},
		{obs(`"component":[{"code":"x"}]`), models.ReasonBadValue, "component[0].code"},
		{obs(`"component":[{},{"valueQuantity":{"value":null,"unit":5}},{"valueQuantity":{"value":true}}]`), models.ReasonBadValue, "component[2].valueQuantity.value"},
		{patient(`"active":"yes"`), models.ReasonBadValue, "active"},
		{patient(`"birthDate":"1958-02-29"`), models.ReasonBadTime, "birthDate"},
		{patient(`"deceasedBoolean":false,"deceasedDateTime":"2020"`), models.ReasonBadValue, "deceased[x]"},
		{patient(`"telecom":[{"system":"phone","value":5550100}]`), models.ReasonBadValue, "telecom[0].value"},
		{patient(`"telecom":[{"system":"phone","value":"5","rank":"1"}]`), models.ReasonBadValue, "telecom[0].rank"},
		{patient(`"telecom":[{"value":"5","period":{"end":"2020-02-31"}}]`), models.ReasonBadTime, "telecom[0].period.end"},
		{patient(`"address":[{"line":"1 Elm St"}]`), models.ReasonBadValue, "address[0].line"},
		{patient(`"address":[{"city":"a"},{"city":{}}]`), models.ReasonBadValue, "address[1].city"},
		{patient(`"name":[{"given":["Jo",1]}]`), models.ReasonBadValue, "name[0].given[1]"},
		{patient(`"identifier":[{"type":{"coding":[{"system":1}]}}]`), models.ReasonBadValue, "identifier[0].type.coding[0].system"},
		{patient(`"communication":[{"preferred":"true"}]`), models.ReasonBadValue, "communication[0].preferred"},
		{patient(`"communication":[{"language":{"coding":[{"code":1}]}}]`), models.ReasonBadValue, "communication[0].language.coding[0].code"},
		{patient(`"extension":[{"url":"` + usBirthSex + `","valueCode":1}]`), models.ReasonBadValue, "extension[0].valueCode"},
		{patient(`"extension":[{"url":"` + usRace + `","extension":[{"url":"ombCategory","valueCoding":"2106-3"}]}]`), models.ReasonBadValue, "extension[0].extension[0].valueCoding"},
		{patient(`"generalPractitioner":{"reference":"Practitioner/1"}`), models.ReasonBadValue, "generalPractitioner"},
		{patient(`"generalPractitioner":["Practitioner/1"]`), models.ReasonBadValue, "generalPractitioner[0]"},
		{patient(`"link":[{"type":"replaced-by","other":{"display":"the other one"}}]`), models.ReasonBadValue, "link[0].other"},
		{patient(`"link":[{"type":"replaces","other":{"reference":"#x"}}]`), models.ReasonBadValue, "link[0].other"},
		{patient(`"link":[{"type":"replaced-by","other":{"reference":"Patient/p1"}}]`), models.ReasonMergeCycle, "link[0].other"},
		{claim(`"total":{"value":"12.50"}`), models.ReasonBadValue, "total.value"},
		{claim(`"total":{"value":12.34567}`), models.ReasonBadValue, "total.value"},
		{claim(`"total":{"value":1e2}`), models.ReasonBadValue, "total.value"},
		{claim(`"total":{"value":1,"currency":840}`), models.ReasonBadValue, "total.currency"},
		{claim(`"item":[{"productOrService":{"coding":[{"code":3}]}}]`), models.ReasonBadValue, "item[0].productOrService.coding[0].code"},
		{claim(`"item":[{"encounter":{"reference":"Encounter/1"}}]`), models.ReasonBadValue, "item[0].encounter"},
		{claim(`"diagnosis":[{"diagnosisCodeableConcept":"I10"}]`), models.ReasonBadValue, "diagnosis[0].diagnosisCodeableConcept"},
		{claim(`"insurance":[{"focal":"yes"}]`), models.ReasonBadValue, "insurance[0].focal"},
		{claim(`"insurance":[{"coverage":{"display":1}}]`), models.ReasonBadValue, "insurance[0].coverage.display"},
		{claim(`"provider":[]`), models.ReasonBadValue, "provider"},
		{`{"resourceType":"MedicationRequest","id":"m",` + subject + `,"dispenseRequest":[]}`, models.ReasonBadValue, "dispenseRequest"},
		{`{"resourceType":"MedicationRequest","id":"m",` + subject + `,"dispenseRequest":{"numberOfRepeatsAllowed":1.5}}`, models.ReasonBadValue, "dispenseRequest.numberOfRepeatsAllowed"},
		{`{"resourceType":"Coverage","id":"v","beneficiary":{"reference":"Patient/p1"},"payor":[{"display":1}]}`, models.ReasonBadValue, "payor[0].display"},
		{`{"resourceType":"Encounter","id":"e",` + subject + `,"class":[{"code":"AMB"}]}`, models.ReasonBadValue, "class"},
		{`{"resourceType":"Encounter","id":"e",` + subject + `,"participant":[{"individual":"Dr X"}]}`, models.ReasonBadValue, "participant[0].individual"},
		{`{"resourceType":"Encounter","id":"e",` + subject + `,"hospitalization":{"dischargeDisposition":{"coding":[1]}}}`, models.ReasonBadValue, "hospitalization.dischargeDisposition.coding[0]"},
		{`{"resourceType":"Practitioner","id":"d","name":"Dr X"}`, models.ReasonBadValue, "name"},
	} {
		rej := rejected(t, c.json)
		if rej.Reason != c.reason || rej.Where != c.where {
			t.Errorf("%s\n got %s at %s, want %s at %s", c.json, rej.Reason, rej.Where, c.reason, c.where)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	json := []byte(`{"resourceType":"Organization","id":"o1","name":"` + strings.Repeat("n", 1000) + `"}`)
	if _, err := NewDecoder(Options{MaxBytes: len(json)}).Resource(json, receivedAt); err != nil {
		t.Errorf("a record as long as the limit: %v", err)
	}
	for _, c := range []struct {
		what string
		json []byte
	}{
		{"a record longer than the limit", append(json, ' ')},
		{"a record of too many values, which would take many times its size in memory", []byte(`{"resourceType":"Organization","id":"o1","a":[` + strings.Repeat("0,", 400) + `0]}`)},
	} {
		_, err := NewDecoder(Options{MaxBytes: len(json)}).Resource(c.json, receivedAt)
		var rej *models.Reject
		if !errors.As(err, &rej) || rej.Reason != models.ReasonTooLarge {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if _, err := NewDecoder(Options{MaxBytes: 100}).Bundle(json, receivedAt); err == nil {
		t.Error("a Bundle longer than the limit passes")
	}
}

// What a decoder gave out stays as it was when it decodes on: nothing points into its buffers.
func TestFactsOutliveTheNextCall(t *testing.T) {
	d := NewDecoder(Options{})
	var before, again []models.Fact
	for _, c := range corpus() {
		raw := []byte(c.json)
		facts, err := d.Resource(raw, receivedAt)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			raw[i] = 'x'
		}
		before = append(before, facts...)
	}
	big := `{"resourceType":"Organization","id":"` + strings.Repeat("y", 100) + `","name":"` + strings.Repeat("z", bigRecord) + `"}`
	for _, json := range []string{big, big, corpus()[0].json} {
		if _, err := d.Resource([]byte(json), receivedAt); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range corpus() {
		again = append(again, decode(t, c.json))
	}
	if diff := cmp.Diff(again, before); diff != "" {
		t.Errorf("facts changed afterwards:\n%s", diff)
	}
}

func TestKind(t *testing.T) {
	for _, c := range []struct{ json, want string }{
		{`{"resourceType":"Patient"`, "Patient"}, // not looked at beyond
		{` { "id" : "x\"}" , "a":[{"resourceType":"Group"}], "resourceType" : "Bundle" }`, "Bundle"},
		{`{"resourceTyp\u0065":"Patient"}`, "Patient"},
		{`{}`, ""},
		{`{"specversion":"1.0","data":{"resourceType":"Patient"}}`, ""},
	} {
		if got, err := Kind([]byte(c.json)); err != nil || got != c.want {
			t.Errorf("Kind(%s) = %q, %v, want %q", c.json, got, err, c.want)
		}
	}
	for _, c := range []struct {
		json   string
		reason models.QuarantineReason
	}{
		{``, models.ReasonBadJSON},
		{`[{"resourceType":"Patient"}]`, models.ReasonBadJSON},
		{"\ufeff" + `{"resourceType":"Patient"}`, models.ReasonBadJSON},
		{`MSH|^~\&|`, models.ReasonBadJSON},
		{`{"id":"x"`, models.ReasonBadJSON},
		{`{"id"}`, models.ReasonBadJSON},
		{`{"id":"x" "resourceType":"Patient"}`, models.ReasonBadJSON},
		{`{"resourceType":"Pat`, models.ReasonBadJSON},
		{`{"resourceType":5}`, models.ReasonBadValue},
		{`{"resourceType":"a patient"}`, models.ReasonBadValue},
	} {
		_, err := Kind([]byte(c.json))
		var rej *models.Reject
		if !errors.As(err, &rej) || rej.Reason != c.reason {
			t.Errorf("Kind(%s): %v, want %s", c.json, err, c.reason)
		}
	}
}

// The types that are decoded are those of the fact table and no others of ours.
func TestResourceTypesAreKnown(t *testing.T) {
	plans := compile()
	for _, typ := range models.FactTypes {
		own := slices.Contains([]string{"PersonLink", "Consent", "Engagement"}, typ.Name)
		if (plans[typ.Name] == nil) != own {
			t.Errorf("%s: decoded %v, our own %v", typ.Name, plans[typ.Name] != nil, own)
		}
	}
	for name := range byHand {
		if plans[name] == nil {
			t.Errorf("a setter for %s, which is not decoded", name)
		}
	}
}
