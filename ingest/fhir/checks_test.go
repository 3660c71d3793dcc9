package fhir

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carereach/models"
)

func TestFutureTimes(t *testing.T) {
	const (
		soon  = "2026-07-01T11:59:59Z" // less than a day after receivedAt
		later = "2026-07-01T12:00:01Z"
	)
	subject := `"subject":{"reference":"Patient/p1"}`
	for _, c := range []struct {
		what  string
		json  string // %s is the time
		where string // "" when it may lie in the future
	}{
		{"a measurement", `{"resourceType":"Observation","id":"x","status":"final",` + subject + `,"effectiveDateTime":"%s"}`, "effective[x]"},
		{"a measurement over time", `{"resourceType":"Observation","id":"x",` + subject + `,"effectivePeriod":{"start":"%s"}}`, "effective[x]"},
		{"the end of a measurement under way", `{"resourceType":"Observation","id":"x",` + subject + `,"effectivePeriod":{"start":"2026-06-01","end":"%s"}}`, ""},
		{"a measurement that is only ordered", `{"resourceType":"Observation","id":"x","status":"registered",` + subject + `,"effectiveDateTime":"%s"}`, ""},
		{"a report", `{"resourceType":"DiagnosticReport","id":"x","status":"final",` + subject + `,"effectiveDateTime":"%s"}`, "effective[x]"},
		{"a procedure", `{"resourceType":"Procedure","id":"x","status":"completed",` + subject + `,"performedPeriod":{"start":"%s"}}`, "performed[x]"},
		{"a procedure in preparation", `{"resourceType":"Procedure","id":"x","status":"preparation",` + subject + `,"performedDateTime":"%s"}`, ""},
		{"a vaccine given", `{"resourceType":"Immunization","id":"x","status":"completed","patient":{"reference":"Patient/p1"},"occurrenceDateTime":"%s"}`, "occurrenceDateTime"},
		{"a vaccine not given", `{"resourceType":"Immunization","id":"x","status":"not-done","patient":{"reference":"Patient/p1"},"occurrenceDateTime":"%s"}`, ""},
		{"a finished visit that starts", `{"resourceType":"Encounter","id":"x","status":"finished",` + subject + `,"period":{"start":"%s"}}`, "period.start"},
		{"a finished visit that ends", `{"resourceType":"Encounter","id":"x","status":"finished",` + subject + `,"period":{"start":"2026-06-01","end":"%s"}}`, "period.end"},
		{"a visit going on", `{"resourceType":"Encounter","id":"x","status":"in-progress",` + subject + `,"period":{"start":"%s"}}`, "period.start"},
		{"the expected end of a visit going on", `{"resourceType":"Encounter","id":"x","status":"in-progress",` + subject + `,"period":{"start":"2026-06-01","end":"%s"}}`, ""},
		{"a planned visit", `{"resourceType":"Encounter","id":"x","status":"planned",` + subject + `,"period":{"start":"%s"}}`, ""},
		{"a diagnosis", `{"resourceType":"Condition","id":"x",` + subject + `,"onsetDateTime":"%s"}`, "onset[x]"},
		{"the recording of a diagnosis", `{"resourceType":"Condition","id":"x",` + subject + `,"recordedDate":"%s"}`, "recordedDate"},
		{"the expected end of a diagnosis", `{"resourceType":"Condition","id":"x",` + subject + `,"abatementDateTime":"%s"}`, ""},
		{"a death", `{"resourceType":"Patient","id":"x","deceasedDateTime":"%s"}`, "deceasedDateTime"},
		{"a birth", `{"resourceType":"Patient","id":"x","birthDate":"%s"}`, "birthDate"},
		{"a change of the record", `{"resourceType":"Patient","id":"x","meta":{"lastUpdated":"%s"}}`, "meta.lastUpdated"},
		{"a change of a record that counts its versions", `{"resourceType":"Patient","id":"x","meta":{"versionId":"2","lastUpdated":"%s"}}`, ""},
		{"a booking", `{"resourceType":"Appointment","id":"x","start":"%s","participant":[{"actor":{"reference":"Patient/p1"}}]}`, ""},
		{"an order", `{"resourceType":"ServiceRequest","id":"x",` + subject + `,"occurrenceDateTime":"%s"}`, ""},
		{"a prescription", `{"resourceType":"MedicationRequest","id":"x",` + subject + `,"authoredOn":"%s"}`, ""},
		{"insurance", `{"resourceType":"Coverage","id":"x","beneficiary":{"reference":"Patient/p1"},"period":{"start":"%s"}}`, ""},
		{"a retraction", `{"resourceType":"Observation","id":"x","status":"entered-in-error",` + subject + `,"effectiveDateTime":"%s"}`, ""},
	} {
		decode(t, fmt.Sprintf(c.json, soon))
		json := fmt.Sprintf(c.json, later)
		if c.where == "" {
			decode(t, json)
			continue
		}
		if rej := rejected(t, json); rej.Reason != models.ReasonFutureTime || rej.Where != c.where {
			t.Errorf("%s: %s at %s, want it at %s", c.what, rej.Reason, rej.Where, c.where)
		}
	}
}

// Illustrative rule: the year 2026 is not in the future while it lasts, although its last day is.
func TestPartialDatesAreJudgedByTheirStart(t *testing.T) {
	decode(t, `{"resourceType":"Condition","id":"x","subject":{"reference":"Patient/p1"},"onsetDateTime":"2026"}`)
	rejected(t, `{"resourceType":"Condition","id":"x","subject":{"reference":"Patient/p1"},"onsetDateTime":"2027"}`)
}

func TestFutureFollowsReceipt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		received := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "received"), 0).UTC()
		happened := received.Add(time.Duration(rapid.Int64Range(-200, 200).Draw(t, "minutes")) * time.Minute * 20)
		json := fmt.Sprintf(`{"resourceType":"Observation","id":"x","subject":{"reference":"Patient/p1"},"effectiveDateTime":"%s"}`, happened.Format(time.RFC3339))
		_, err := NewDecoder(Options{}).Resource([]byte(json), received)
		if late := happened.Sub(received) > 24*time.Hour; late != (err != nil) {
			t.Fatalf("happened %s after receipt: %v", happened.Sub(received), err)
		}
	})
}

func TestVersions(t *testing.T) {
	micros := int64(at("2026-01-02T03:04:05.678Z").Lo)
	for _, c := range []struct {
		meta string
		want int64
	}{
		{`{}`, 0},
		{`null`, 0},
		{`{"versionId":"12"}`, 12},
		{`{"versionId":"0","lastUpdated":"2026-01-02T03:04:05.678Z"}`, 0},
		{`{"lastUpdated":"2026-01-02T03:04:05.678Z"}`, micros},
		{`{"versionId":"1-9f2c","lastUpdated":"2026-01-02T04:04:05.678+01:00"}`, micros},
		{`{"versionId":"+7","lastUpdated":"2026-01-02T03:04:05.678Z"}`, micros},
		{`{"versionId":"-7"}`, 0},
		{`{"versionId":"9999999999999999999"}`, 0},
		{`{"versionId":"999999999999999999"}`, 999999999999999999},
		{`{"versionId":"5","lastUpdated":"not looked at"}`, 5},
	} {
		if f := decode(t, `{"resourceType":"Organization","id":"o1","meta":`+c.meta+`}`); f.Version != c.want {
			t.Errorf("%s: version %d, want %d", c.meta, f.Version, c.want)
		}
	}
}

func TestRetractions(t *testing.T) {
	for _, c := range []struct {
		json string
		want bool
	}{
		{`{"resourceType":"Immunization","id":"x","status":"entered-in-error","patient":{"reference":"Patient/p1"}}`, true},
		{`{"resourceType":"Appointment","id":"x","status":"entered-in-error","participant":[{"actor":{"reference":"Patient/p1"}}]}`, true},
		{`{"resourceType":"Appointment","id":"x","status":"cancelled","participant":[{"actor":{"reference":"Patient/p1"}}]}`, false},
		{`{"resourceType":"Condition","id":"x","verificationStatus":{"coding":[{"code":"refuted"},{"code":"entered-in-error"}]},"subject":{"reference":"Patient/p1"}}`, true},
		{`{"resourceType":"Condition","id":"x","verificationStatus":{"coding":[{"code":"refuted"}]},"subject":{"reference":"Patient/p1"}}`, false},
	} {
		if f := decode(t, c.json); f.Retracted != c.want {
			t.Errorf("%s: retracted %v", c.json, f.Retracted)
		}
	}
	_, err := NewDecoder(Options{}).Resource([]byte(`{"resourceType":"Immunization","id":"x","status":"entered-in-error"}`), receivedAt)
	var rej *models.Reject
	if !errors.As(err, &rej) || rej.Reason != models.ReasonMissingSubject {
		t.Errorf("a retraction without a subject: %v", err)
	}
}
