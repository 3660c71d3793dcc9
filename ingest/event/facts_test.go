package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"carereach/models"
)

func when(t testing.TB, s string) models.TimeRange {
	t.Helper()
	r, err := models.ParseFHIRTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// an event of ours, as the decoder gets it: at 2025-05-01, with the members of data beside the patient
func mine(t testing.TB, what, data string) Event {
	t.Helper()
	at := when(t, "2025-05-01T09:00:00Z")
	return Event{ID: "e1", Source: "/ehr", Type: TypePrefix + what + ".v1", Time: &at, Data: []byte(`{"patient":{"system":"urn:ehr","value":"p1"},` + data + `}`)}
}

func factsOf(t testing.TB, ev Event) []models.Fact {
	t.Helper()
	facts, err := (&Decoder{}).Facts(ev, received)
	if err != nil {
		t.Fatalf("%s: %v", ev.Type, err)
	}
	return facts
}

// want compares the elements that have a value with what is expected of them.
func want(t testing.TB, f models.Fact, typeName, id string, values map[string]any) {
	t.Helper()
	if f.Type != typeName || f.ID != id || f.Subject != (models.Ref{Type: "Patient", ID: "p1"}) {
		t.Errorf("fact %s %s about %+v, want %s %s", f.Type, f.ID, f.Subject, typeName, id)
		return
	}
	ft, _ := models.FactTypeByName(f.Type)
	for i, e := range ft.Elements {
		if !reflect.DeepEqual(f.Values[i], values[e.Column]) {
			t.Errorf("%s.%s = %#v, want %#v", f.Type, e.Column, f.Values[i], values[e.Column])
		}
	}
}

func TestAppointment(t *testing.T) {
	ev := mine(t, "visits.appointments.rescheduled", `"appointment_id":"a1","version":3,"status":"booked","start":"2025-06-10T09:30:00-04:00","end":"2025-06-10T10:00:00-04:00","zone":"America/New_York",
		"booked_at":"2025-04-01T12:00:00Z","prior_start":"2025-06-01T09:30:00-04:00","service_type":[{"system":"urn:x","code":"follow-up"}],"modality":"video","provider":"d1","location":"l1","trigger":"S13",
		"reason":[{"system":"2.16.840.1.113883.6.90","code":"E11.9","display":"free text"}],"replaces_id":"a0"`)
	facts := factsOf(t, ev)
	want(t, facts[0], "Appointment", "a1", map[string]any{"status": "booked", "start": when(t, "2025-06-10T09:30:00-04:00"), "end": when(t, "2025-06-10T10:00:00-04:00"), "booked": when(t, "2025-04-01T12:00:00Z"),
		"rescheduled_from": when(t, "2025-06-01T09:30:00-04:00"), "service_type": []string{"urn:x|follow-up"}, "modality": "video", "practitioner": models.Ref{Type: "Practitioner", ID: "d1"},
		"location": models.Ref{Type: "Location", ID: "l1"}, "replaces": models.Ref{Type: "Appointment", ID: "a0"}, "reason": []string{models.SystemICD10CM + "|E11.9"}})
	if facts[0].Version != 3 || facts[0].Retracted {
		t.Errorf("version %d, retracted %v", facts[0].Version, facts[0].Retracted)
	}
	sequence := int64(9)
	ev.Sequence = &sequence
	if got := factsOf(t, ev)[0].Version; got != 9 {
		t.Errorf("the attribute sequence decides: version %d", got)
	}

	cancelled := factsOf(t, mine(t, "visits.appointments.cancelled", `"appointment_id":"a1","status":"cancelled","cancel":{"by":"patient","at":"2025-04-30T08:00:00Z","reason":[{"system":"urn:x","code":"ill"}]}`))[0]
	want(t, cancelled, "Appointment", "a1", map[string]any{"status": "cancelled", "cancelled": when(t, "2025-04-30T08:00:00Z"), "cancelled_by": "patient", "cancel_reason": []string{"urn:x|ill"}})
	if gone := factsOf(t, mine(t, "visits.appointments.enteredinerror", `"appointment_id":"a1","status":"entered-in-error"`))[0]; !gone.Retracted {
		t.Error("entered in error is a retraction")
	}
}

func TestEncounterAndItsDiagnoses(t *testing.T) {
	facts := factsOf(t, mine(t, "visits.encounters.discharged", `"encounter_id":"v1","class":"IMP","status":"finished","period":{"start":"2025-04-01T10:00:00Z","end":"2025-04-03"},"attending":"d1","organization":"o1",
		"appointment_id":"a1","disposition":[{"system":"http://www.nubc.org/patient-discharge","code":"01"}],"reason":[{"system":"urn:x","code":"pain"}],
		"diagnoses":[{"code":[{"system":"ICD-10-CM","code":"I10"}]},{"fact_id":"c1","recorded":"2025-04-02","code":[{"system":"ICD-10-CM","code":"E11.9"}]}]`))
	start, end := when(t, "2025-04-01T10:00:00Z"), when(t, "2025-04-03")
	period, err := models.Span(&start, &end)
	if err != nil {
		t.Fatal(err)
	}
	want(t, facts[0], "Encounter", "v1", map[string]any{"status": "finished", "class": models.SystemActCode + "|IMP", "period": *period, "practitioner": models.Ref{Type: "Practitioner", ID: "d1"},
		"organization": models.Ref{Type: "Organization", ID: "o1"}, "appointment": models.Ref{Type: "Appointment", ID: "a1"}, "disposition": []string{models.SystemDischarge + "|01"},
		"reason": []string{"urn:x|pain", models.SystemICD10CM + "|I10", models.SystemICD10CM + "|E11.9"}})
	if len(facts) != 2 {
		t.Fatalf("%d facts: only the diagnosis with an id of its own is a condition", len(facts))
	}
	want(t, facts[1], "Condition", "c1", map[string]any{"category": []string{hl7("condition-category") + "|encounter-diagnosis"}, "code": []string{models.SystemICD10CM + "|E11.9"},
		"encounter": models.Ref{Type: "Encounter", ID: "v1"}, "recorded": when(t, "2025-04-02")})
}

func TestClinicalFacts(t *testing.T) {
	point := func(s string) models.Interval { r := when(t, s); return r.Point() }
	encounter := models.Ref{Type: "Encounter", ID: "v1"}
	for what, c := range map[string]struct {
		data, fact string
		values     map[string]any
	}{
		"observation.asserted": {`"status":"final","effective":"2025-03-01","issued":"2025-03-02T08:00:00Z","category":[{"system":"urn:c","code":"laboratory"}],"value":7.2,"unit":"%","comparator":">=","value_text":false,
			"components":[{"code":[{"system":"LOINC","code":"8480-6"}],"value":131,"unit":"mm[Hg]"}]`, "Observation", map[string]any{"status": "final", "effective": point("2025-03-01"), "issued": when(t, "2025-03-02T08:00:00Z"),
			"category": []string{"urn:c|laboratory"}, "value": models.Quantity{Value: 7.2, Unit: "%", Comparator: ">="}, "value_text": false,
			"component": []models.Component{{Code: []string{models.SystemLOINC + "|8480-6"}, Value: &models.Quantity{Value: 131, Unit: "mm[Hg]"}}}}},
		"condition.amended": {`"clinical_status":"active","verification_status":"confirmed","onset":"2019","recorded":"2020-02"`, "Condition", map[string]any{"clinical_status": []string{hl7("condition-clinical") + "|active"},
			"verification_status": []string{hl7("condition-ver-status") + "|confirmed"}, "onset": point("2019"), "recorded": when(t, "2020-02")}},
		"procedure.asserted":    {`"status":"completed","effective":{"start":"2025-03-01T08:00:00Z","end":"2025-03-01T09:00:00Z"}`, "Procedure", map[string]any{"status": "completed", "performed": span(t, "2025-03-01T08:00:00Z", "2025-03-01T09:00:00Z")}},
		"immunization.asserted": {`"status":"completed","effective":"2024-10-01"`, "Immunization", map[string]any{"status": "completed", "occurrence": when(t, "2024-10-01")}},
		"medication.asserted": {`"status":"active","effective":"2025-01-01","repeats":3,"quantity":{"value":30,"unit":"{tbl}"},"supply_days":30,"not_done":false,"validity":{"start":"2025-01-01"}`, "MedicationRequest",
			map[string]any{"status": "active", "intent": "order", "authored": when(t, "2025-01-01"), "repeats": int64(3), "quantity": models.Quantity{Value: 30, Unit: "{tbl}"},
				"supply": models.Quantity{Value: 30, Unit: "d"}, "not_done": false, "validity": span(t, "2025-01-01", "")}},
	} {
		c.values["code"], c.values["encounter"] = []string{"urn:x|c1"}, encounter
		facts := factsOf(t, mine(t, "clinical.facts."+what, `"fact_id":"f1","encounter_id":"v1","code":[{"system":"urn:x","code":"c1"}],`+c.data))
		want(t, facts[0], c.fact, "f1", c.values)
		kind, _, _ := strings.Cut(what, ".")
		gone := factsOf(t, mine(t, "clinical.facts."+kind+".enteredinerror", `"fact_id":"f1"`))
		if !gone[0].Retracted || gone[0].Type != c.fact {
			t.Errorf("%s: entered in error gives %+v", kind, gone[0])
		}
	}
	if _, err := (&Decoder{}).Facts(mine(t, "clinical.facts.allergy.asserted", `"fact_id":"f1","code":[{"system":"urn:x","code":"c1"}]`), received); !errors.Is(err, ErrIgnored) {
		t.Errorf("allergies are ignored: %v", err)
	}
}

func span(t testing.TB, start, end string) models.Interval {
	t.Helper()
	s := when(t, start)
	var e *models.TimeRange
	if end != "" {
		r := when(t, end)
		e = &r
	}
	iv, err := models.Span(&s, e)
	if err != nil {
		t.Fatal(err)
	}
	return *iv
}

const wholeProfile = `"birth_date":"1950-02","sex":"female","language":"spa","race":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"},"preferred_channel":"voice","pcp":"d1",
	"names":[{"use":"official","family":"Canary","given":["Cana","Ry"]}],"telecom":[{"system":"phone","use":"mobile","value":"555-0100","rank":1},{"system":"email","value":"canary@example.org","period":{"end":"2020"}}],
	"addresses":[{"use":"work","city":"Elsewhere"},{"use":"home","line":["1 Canary St"],"city":"Acton","state":"MA","postal_code":"01720","county_fips":"25017","lat":42.4,"lon":-71.4}],
	"identifiers":[{"type":"MR","system":"urn:ehr","value":"p1"},{"type":"SS","system":"http://hl7.org/fhir/sid/us-ssn","value":"999-00-0000"}]`

// What names or reaches a person goes to the vault; the store keeps only that it is there.
func TestProfile(t *testing.T) {
	f := factsOf(t, mine(t, "patients.profile.upserted", wholeProfile))[0]
	want(t, f, "Patient", "p1", map[string]any{"birth": when(t, "1950-02"), "gender": "female", "language": "es", "race": models.SystemCDCRace + "|2106-3", "preferred_channel": "voice",
		"pcp": models.Ref{Type: "Practitioner", ID: "d1"}, "city": "Acton", "state": "MA", "zip": "01720", "county": "25017", "has_mobile": true, "has_phone": true, "has_email": false, "has_address": true})
	id := f.Identity
	if id == nil || len(id.Names) != 1 || id.Names[0].Given[1] != "Ry" || id.Telecom[0].Rank != 1 || id.Telecom[1].Use != "old" || len(id.Addresses) != 2 {
		t.Fatalf("identity %+v", id)
	}
	if len(id.Identifiers) != 2 || id.Identifiers[0] != (models.Identifier{Type: "MR", System: "urn:ehr", Value: "p1"}) {
		t.Errorf("identifiers %+v", id.Identifiers)
	}
	dead := factsOf(t, mine(t, "patients.profile.deceased", `"sex":"female","deceased_at":"2025-02-01"`))[0]
	want(t, dead, "Patient", "p1", map[string]any{"gender": "female", "deceased": true, "deceased_at": when(t, "2025-02-01"), "has_mobile": false, "has_phone": false, "has_email": false, "has_address": false})
	if gone := factsOf(t, mine(t, "patients.profile.deleted", `"sex":"male"`))[0]; !gone.Retracted || gone.Identity != nil {
		t.Errorf("deleted: %+v", gone)
	}
}

func TestMergeAndUnmerge(t *testing.T) {
	merged := factsOf(t, mine(t, "patients.profile.merged", `"survivor":{"system":"urn:ehr","value":"p2"}`))[0]
	want(t, merged, "PersonLink", "p1", map[string]any{"linked": true, "survivor": models.Ref{Type: "Patient", ID: "p2"}})
	undone := factsOf(t, mine(t, "patients.profile.unmerged", `"version":2`))[0]
	want(t, undone, "PersonLink", "p1", map[string]any{"linked": false})
	_, err := (&Decoder{}).Facts(mine(t, "patients.profile.merged", `"survivor":{"system":"urn:ehr","value":"p1"}`), received)
	if r := rejectOf(t, err); r.Reason != models.ReasonMergeCycle {
		t.Errorf("merged into itself: %v", r)
	}
}

func TestConsentGoesToTheLedgerWithItsEvidence(t *testing.T) {
	f := factsOf(t, mine(t, "patients.consent.revoked", `"consent_id":"k1","channel":"sms","purpose":"care_gap","basis":"verbal","captured_by":"front desk","evidence":"canary sheet 7","effective":"2025-04-30T10:00:00Z","expires":"2026"`))[0]
	want(t, f, "Consent", "k1", map[string]any{"action": "revoked", "channel": "sms", "purpose": "care_gap", "basis": "verbal", "effective": when(t, "2025-04-30T10:00:00Z"), "expires": when(t, "2026")})
	hi := when(t, "2026").Hi
	if w := (&models.ConsentEvent{Action: "revoked", Channel: "sms", Purpose: "care_gap", Basis: "verbal", CapturedBy: "front desk", Evidence: "canary sheet 7", Effective: when(t, "2025-04-30T10:00:00Z"), Expires: &hi}); !reflect.DeepEqual(f.Consent, w) {
		t.Errorf("ledger gets %+v, want %+v", f.Consent, w)
	}
}

func TestCoverageKeepsTheClassOfThePayer(t *testing.T) {
	f := factsOf(t, mine(t, "patients.coverage.ended", `"coverage_id":"n1","payer":"Medicare of Canary, Jane","payer_id":"o9","plan":"gold","period":{"start":"2024-01-01","end":"2024-12-31"}`))[0]
	want(t, f, "Coverage", "n1", map[string]any{"status": "active", "payer": "medicare", "payer_org": models.Ref{Type: "Organization", ID: "o9"}, "period": span(t, "2024-01-01", "2024-12-31")})
	if gone := factsOf(t, mine(t, "patients.coverage.changed", `"coverage_id":"n1","status":"entered-in-error","period":{"start":"2024"}`))[0]; !gone.Retracted {
		t.Error("entered in error is a retraction")
	}
}

func TestEngagement(t *testing.T) {
	at := when(t, "2025-05-01T09:00:00Z")
	message := models.Ref{Type: "Message", ID: "m1"}
	sent := factsOf(t, mine(t, "engagement.messages.failed", `"message_id":"m1","channel":"sms","campaign_id":"flu","provider":"tw","provider_event_id":"x9","error_code":"30003","automated":true,"text":"canary"`))[0]
	want(t, sent, "Engagement", "tw|x9", map[string]any{"verb": "failed", "at": at, "channel": "sms", "message": message, "campaign": "flu", "outcome": "30003", "automated": true})
	called := factsOf(t, mine(t, "engagement.messages.callattempted", `"message_id":"m1","outcome":"voicemail","staff_minutes":4.5,"automated":false`))[0]
	want(t, called, "Engagement", "e1", map[string]any{"verb": "callattempted", "at": at, "channel": "voice", "message": message, "outcome": "voicemail", "staff_minutes": models.Quantity{Value: 4.5, Unit: "min"}, "automated": false})
	answered := factsOf(t, mine(t, "engagement.messages.surveyresponded", `"score":9`))[0]
	want(t, answered, "Engagement", "e1", map[string]any{"verb": "surveyresponded", "at": at, "score": int64(9)})
	late := mine(t, "engagement.messages.sent", `"message_id":"m1","channel":"sms"`)
	late.Time = nil
	if _, err := (&Decoder{}).Facts(late, received); rejectOf(t, err).Reason != models.ReasonBadEnvelope {
		t.Errorf("without a time: %v", err)
	}
}

func TestClaimAddsItsLinesUp(t *testing.T) {
	f := factsOf(t, mine(t, "billing.claims.paid", `"claim_id":"b1","period":{"start":"2025-01-05","end":"2025-01-06"},"submitted_at":"2025-01-07","paid_at":"2025-02-01","payer":"Aetna","currency":"USD","encounter_id":"v1",
		"type":[{"system":"urn:x","code":"professional"}],"lines":[{"line_id":"1","service":[{"system":"HCPCS","code":"G0438"}],"billed":"100.10","paid":"80.05"},{"billed":"0.05","diagnosis":[{"system":"ICD-10-CM","code":"Z00.00"}],"paid":"-0.05"}]`))[0]
	want(t, f, "Claim", "b1", map[string]any{"status": "paid", "use": "claim", "service_period": span(t, "2025-01-05", "2025-01-06"), "submitted": when(t, "2025-01-07"), "paid_on": when(t, "2025-02-01"), "payer": "commercial",
		"currency": "USD", "encounter": models.Ref{Type: "Encounter", ID: "v1"}, "type": []string{"urn:x|professional"}, "service": []string{models.SystemHCPCS + "|G0438"}, "diagnosis": []string{models.SystemICD10CM + "|Z00.00"},
		"billed": models.Money(1001500), "paid": models.Money(800000)})
	if gone := factsOf(t, mine(t, "billing.claims.reversed", `"claim_id":"b1","period":{"start":"2025-01-05"}`))[0]; !gone.Retracted {
		t.Error("a reversed claim nets out")
	}
}

// However a claim is cut into lines, its amount is their exact sum.
func TestClaimSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.StringMatching(`-?[0-9]{1,11}(\.[0-9]{1,4})?`), 1, 20).Draw(t, "amounts")
		sum := new(big.Rat)
		var lines []map[string]any
		for _, a := range amounts {
			r, _ := new(big.Rat).SetString(a)
			sum.Add(sum, r)
			lines = append(lines, map[string]any{"billed": a})
		}
		data, err := json.Marshal(map[string]any{"patient": map[string]any{"system": "s", "value": "p1"}, "claim_id": "b", "period": map[string]any{"start": "2025"}, "currency": "USD", "lines": lines})
		if err != nil {
			t.Fatal(err)
		}
		facts, err := (&Decoder{}).Facts(Event{ID: "e", Type: TypePrefix + "billing.claims.submitted.v1", Data: data}, received)
		if err != nil {
			t.Fatal(err)
		}
		ft, _ := models.FactTypeByName("Claim")
		_, i, _ := ft.Element("billed")
		if got := big.NewRat(int64(facts[0].Values[i].(models.Money)), models.MoneyScale); got.Cmp(sum) != 0 {
			t.Fatalf("billed %s, want %s", got, sum)
		}
	})
}

// Who is named, unknown types and versions, other tenants, times to come: each has its reason and its place.
func TestFactsRejects(t *testing.T) {
	consent := `"consent_id":"k1","channel":"sms","purpose":"survey","effective":"2025"`
	change := func(f func(*Event)) Event { ev := mine(t, "patients.consent.granted", consent); f(&ev); return ev }
	for name, c := range map[string]struct {
		ev     Event
		reason models.QuarantineReason
		where  string
	}{
		"another tenant":      {change(func(ev *Event) { ev.TenantID = "other" }), models.ReasonWrongTenant, "tenantid"},
		"foreign type":        {change(func(ev *Event) { ev.Type = "com.example.thing" }), models.ReasonUnknownSchema, "type"},
		"unknown topic":       {change(func(ev *Event) { ev.Type = TypePrefix + "visits.parking.booked.v1" }), models.ReasonUnknownSchema, "type"},
		"unknown verb":        {change(func(ev *Event) { ev.Type = TypePrefix + "patients.consent.whispered.v1" }), models.ReasonUnknownSchema, "type"},
		"version 2":           {change(func(ev *Event) { ev.Type = TypePrefix + "patients.consent.granted.v2" }), models.ReasonUnknownSchema, "type"},
		"no version":          {change(func(ev *Event) { ev.Type = TypePrefix + "patients.consent.granted" }), models.ReasonUnknownSchema, "type"},
		"schema of version 2": {change(func(ev *Event) { ev.DataSchema = "urn:carereach:schema:patients.consent:2" }), models.ReasonUnknownSchema, "dataschema"},
		"HL7 v2":              {change(func(ev *Event) { ev.DataContentType = "application/hl7-v2" }), models.ReasonUnknownSchema, "datacontenttype"},
		"no data":             {change(func(ev *Event) { ev.Data = nil }), models.ReasonBadEnvelope, "data"},
		"data cut short":      {change(func(ev *Event) { ev.Data = ev.Data[:20] }), models.ReasonBadJSON, "data"},
		"more than data":      {change(func(ev *Event) { ev.Data = append(ev.Data, " {}"...) }), models.ReasonBadJSON, "data"},
		"data a list":         {change(func(ev *Event) { ev.Data = []byte(`[]`) }), models.ReasonBadJSON, "data"},
		"no patient":          {change(func(ev *Event) { ev.Data = []byte(`{` + consent + `}`) }), models.ReasonMissingSubject, "data.patient"},
		"null patient":        {change(func(ev *Event) { ev.Data = []byte(`{"patient":null,` + consent + `}`) }), models.ReasonMissingSubject, "data.patient"},
		"patient by name":     {change(func(ev *Event) { ev.Data = []byte(`{"patient":"p1",` + consent + `}`) }), models.ReasonBadSubject, "data.patient"},
		"patient, no system":  {change(func(ev *Event) { ev.Data = []byte(`{"patient":{"value":"p1"},` + consent + `}`) }), models.ReasonBadSubject, "data.patient"},
		"unknown channel":     {change(func(ev *Event) { ev.Data = []byte(strings.Replace(string(ev.Data), "sms", "fax", 1)) }), models.ReasonBadValue, "data.channel"},
		"impossible day":      {change(func(ev *Event) { ev.Data = []byte(strings.Replace(string(ev.Data), "2025", "2025-02-30", 1)) }), models.ReasonBadTime, "data.effective"},
		"tomorrow's event":    {change(func(ev *Event) { at := when(t, "2025-06-03T00:00:00Z"); ev.Time = &at }), models.ReasonFutureTime, "time"},
		"visit to come":       {mine(t, "visits.appointments.noshow", `"appointment_id":"a","status":"noshow","start":"2026-01-01T10:00:00Z"`), models.ReasonFutureTime, "data.start"},
		"result to come":      {mine(t, "clinical.facts.observation.asserted", `"fact_id":"f","status":"final","effective":"2026","code":[{"system":"s","code":"c"}]`), models.ReasonFutureTime, "data.effective"},
		"born tomorrow":       {mine(t, "patients.profile.upserted", `"birth_date":"2025-06-04"`), models.ReasonFutureTime, "data.birth_date"},
		"end before start":    {mine(t, "patients.coverage.started", `"coverage_id":"n","period":{"start":"2025-02-01","end":"2025-01-01"}`), models.ReasonBadTime, "data.period"},
		"verb and status":     {mine(t, "visits.appointments.noshow", `"appointment_id":"a","status":"booked","start":"2025-01-01T10:00:00Z"`), models.ReasonBadValue, "data.status"},
		"amounts twice":       {mine(t, "billing.claims.paid", `"claim_id":"b","period":{"start":"2025"},"currency":"USD","paid":"1","lines":[{"paid":"1"}]`), models.ReasonBadValue, "data.paid"},
		"amount as a number":  {mine(t, "billing.claims.paid", `"claim_id":"b","period":{"start":"2025"},"currency":"USD","paid":1.10`), models.ReasonBadValue, "data.paid"},
		"no currency":         {mine(t, "billing.claims.paid", `"claim_id":"b","period":{"start":"2025"},"paid":"1.10"`), models.ReasonBadValue, "data.currency"},
		"wrong line":          {mine(t, "billing.claims.paid", `"claim_id":"b","period":{"start":"2025"},"currency":"USD","lines":[{},{"paid":"x"}]`), models.ReasonBadValue, "data.lines[1].paid"},
	} {
		_, err := (&Decoder{Tenant: "mine"}).Facts(c.ev, received)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if r := rejectOf(t, err); r.Reason != c.reason || r.Where != c.where || r.Mend == "" {
			t.Errorf("%s: %v, want %s at %s", name, r, c.reason, c.where)
		}
	}
	fhirEvent := change(func(ev *Event) {
		ev.Type, ev.DataContentType = "org.example.fhir", "application/fhir+json; charset=utf-8"
	})
	if _, err := (&Decoder{}).Facts(fhirEvent, received); !errors.Is(err, ErrFHIR) {
		t.Errorf("FHIR data is handed over: %v", err)
	}
}

// No name, number, street, evidence, payer name or member that no schema knows reaches a fact's values or a reject's text.
func TestNothingPersonalReachesValuesOrErrors(t *testing.T) {
	const canary = "Zanzibar-555"
	planted := []string{
		mineData(`"names":[{"family":"` + canary + `","given":["` + canary + `"]}],"telecom":[{"system":"phone","value":"` + canary + `"}],"addresses":[{"line":["` + canary + `"],"city":"Acton"}],"identifiers":[{"system":"urn:x","value":"` + canary + `"}],"note":"` + canary + `"`),
		mineData(`"consent_id":"k","channel":"sms","purpose":"any","effective":"2025","evidence":"` + canary + `","captured_by":"` + canary + `"`),
		mineData(`"coverage_id":"n","payer":"` + canary + `","plan":"` + canary + `","member_id_hash":"` + canary + `","period":{"start":"2025"}`),
		mineData(`"fact_id":"f","status":"final","effective":"2025","code":[{"system":"s","code":"c","display":"` + canary + `"}],"valueString":"` + canary + `","performer":"` + canary + `"`),
		mineData(`"message_id":"m","channel":"sms","body":"` + canary + `","link_id":"` + canary + `"`),
		mineData(`"sex":"` + canary + `"`), mineData(`"birth_date":"` + canary + `"`), mineData(`"consent_id":"k","channel":"` + canary + `","purpose":"any","effective":"2025"`),
	}
	what := []string{"patients.profile.upserted", "patients.consent.granted", "patients.coverage.started", "clinical.facts.observation.asserted", "engagement.messages.replied", "patients.profile.upserted", "patients.profile.upserted", "patients.consent.granted"}
	for i, data := range planted {
		ev := mine(t, what[i], `"x":1`)
		ev.Data = []byte(data)
		facts, err := (&Decoder{}).Facts(ev, received)
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error quotes the value", what[i])
		}
		if err == nil == (i >= 5) {
			t.Errorf("%s %d: error %v", what[i], i, err)
		}
		for _, f := range facts {
			if strings.Contains(fmt.Sprintf("%+v", f.Values), canary) || strings.Contains(f.ID, canary) {
				t.Errorf("%s: personal text in the values: %+v", what[i], f.Values)
			}
		}
	}
}

func mineData(members string) string {
	return `{"patient":{"system":"urn:ehr","value":"p1"},` + members + `}`
}
