package fhir

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

// bundled gives the entries of a Bundle.
func bundled(t testing.TB, json string) []Entry {
	t.Helper()
	entries, err := NewDecoder(Options{}).Bundle([]byte(json), receivedAt)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if e.Index != i || (e.Err == nil) != (len(e.Facts) > 0) || !strings.Contains(json, string(e.Raw)) || len(e.Raw) == 0 {
			t.Errorf("entry %d: index %d, %d facts, error %v, %d raw bytes", i, e.Index, len(e.Facts), e.Err, len(e.Raw))
		}
	}
	return entries
}

// reasonOf gives the reason and place of a reject, "ignored" for ErrIgnored and "" for none.
func reasonOf(t testing.TB, err error) string {
	t.Helper()
	var rej *models.Reject
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrIgnored):
		return "ignored"
	case errors.As(err, &rej):
		return strings.TrimSpace(string(rej.Reason) + " " + rej.Where)
	}
	t.Fatalf("neither a reject nor ignored: %v", err)
	return ""
}

func TestBundleResolvesItsOwnReferences(t *testing.T) {
	entries := bundled(t, `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:0000-e1","resource":{"resourceType":"Encounter","status":"finished","subject":{"reference":"urn:uuid:0000-p1"},
			"participant":[{"individual":{"reference":"urn:oid:1.2.3"}}],"serviceProvider":{"reference":"http://ehr.example.org/fhir/Organization/o1"},
			"location":[{"location":{"reference":"urn:uuid:gone"}}]},"request":{"method":"POST","url":"Encounter"}},
		{"fullUrl":"urn:uuid:0000-p1","resource":{"resourceType":"Patient","id":"mrn-1","link":[{"type":"replaced-by","other":{"reference":"urn:uuid:0000-p2"}}]},"request":{"method":"PUT","url":"Patient/mrn-1"}},
		{"fullUrl":"urn:uuid:0000-p2","resource":{"resourceType":"Patient"}},
		{"fullUrl":"urn:oid:1.2.3","resource":{"resourceType":"Practitioner"}},
		{"fullUrl":"http://ehr.example.org/fhir/Organization/o1","resource":{"resourceType":"Organization"}},
		{"resource":{"resourceType":"Location"},"request":{"method":"PUT","url":"Location/l1"}},
		{"fullUrl":"urn:uuid:0000-b1","resource":{"resourceType":"Observation","subject":{"reference":"Patient/elsewhere"},"encounter":{"reference":"urn:uuid:0000-e1"}}}]}`)
	var ids []string
	for _, e := range entries {
		if e.Err != nil {
			t.Fatalf("entry %d: %v", e.Index, e.Err)
		}
		ids = append(ids, e.ResourceType+"/"+e.Facts[0].ID)
	}
	want := "Encounter/0000-e1 Patient/mrn-1 Patient/0000-p2 Practitioner/1.2.3 Organization/o1 Location/l1 Observation/0000-b1"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("ids\n %s, want\n %s", got, want)
	}
	visit := entries[0].Facts[0]
	if visit.Subject != ref("Patient", "mrn-1") {
		t.Errorf("subject %v", visit.Subject)
	}
	wantVisit := map[string]any{"status": "finished", "practitioner": ref("Practitioner", "1.2.3"), "organization": ref("Organization", "o1")}
	if diff := cmp.Diff(wantVisit, columns(t, visit)); diff != "" {
		t.Errorf("visit (-want +got):\n%s", diff)
	}
	if link := entries[1].Facts[1]; link.ID != "mrn-1/link/0000-p2" || columns(t, link)["survivor"] != ref("Patient", "0000-p2") {
		t.Errorf("link %+v", link)
	}
	if got := columns(t, entries[6].Facts[0])["encounter"]; got != ref("Encounter", "0000-e1") {
		t.Errorf("encounter %v", got)
	}
}

// One Bundle's references say nothing about the next record.
func TestBundleIsForgotten(t *testing.T) {
	d := NewDecoder(Options{})
	if _, err := d.Bundle([]byte(`{"resourceType":"Bundle","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"}}]}`), receivedAt); err != nil {
		t.Fatal(err)
	}
	_, err := d.Resource([]byte(`{"resourceType":"Observation","id":"b","subject":{"reference":"urn:uuid:1"}}`), receivedAt)
	if got := reasonOf(t, err); got != "bad_subject subject" {
		t.Errorf("%q", got)
	}
}

// Every entry has its own outcome; a broken one leaves the others alone.
func TestBundleEntriesStandAlone(t *testing.T) {
	entries := bundled(t, `{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":{"resourceType":"Patient","id":"p1"}},
		{"resource":{"resourceType":"Patient"}},
		{"resource":{"resourceType":"CarePlan"}},
		{"resource":{"resourceType":"Observation","id":"b","subject":{"reference":"urn:uuid:gone"}}},
		{"resource":{"resourceType":"Observation","id":"b","subject":{"reference":"Patient/p1"},"code":"x"}},
		{"resource":{"resourceType":"Bundle","type":"searchset"}},
		{"resource":{"id":"x"}},
		{"resource":"Patient/p1"},
		null, 7,
		{},
		{"request":{"method":"GET","url":"Patient/p1"}},
		{"response":{"status":"201 Created","location":"Patient/p1/_history/1"}},
		{"request":{"method":"POST","url":"Patient"}},
		{"request":{"method":"PATCH","url":"Patient/p1"},"resource":{"resourceType":"Parameters"}},
		{"request":"DELETE"},
		{"fullUrl":5,"resource":{"resourceType":"Patient","id":"p2"}},
		{"resource":{"resourceType":"Organization","id":"o1"},"search":{"mode":"include"}}]}`)
	want := []string{
		"", "no_id resource.id", "ignored", "bad_subject resource.subject", "bad_value resource.code", "bad_value resource.resourceType", "bad_value resource.resourceType",
		"bad_value resource", "bad_value entry", "bad_value entry", "bad_value resource", "ignored", "ignored", "bad_value resource", "bad_value request.method", "bad_value request", "", "",
	}
	var got []string
	for _, e := range entries {
		got = append(got, reasonOf(t, e.Err))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if string(entries[8].Raw) != "null" || string(entries[9].Raw) != "7" || string(entries[10].Raw) != "{}" {
		t.Errorf("raw bytes %q %q %q", entries[8].Raw, entries[9].Raw, entries[10].Raw)
	}
	if entries[3].ResourceType != "Observation" || entries[6].ResourceType != "" {
		t.Errorf("types %q %q", entries[3].ResourceType, entries[6].ResourceType)
	}
}

// A fullUrl that two entries claim for different resources stands for neither.
func TestBundleWithAnAmbiguousFullURL(t *testing.T) {
	entries := bundled(t, `{"resourceType":"Bundle","entry":[
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a"}},{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"b"}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Patient","id":"c","meta":{"versionId":"1"}}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Patient","id":"c","meta":{"versionId":"2"}}},
		{"resource":{"resourceType":"Observation","id":"x","subject":{"reference":"urn:uuid:1"}}},{"resource":{"resourceType":"Observation","id":"y","subject":{"reference":"urn:uuid:2"}}}]}`)
	if got := reasonOf(t, entries[4].Err); got != "bad_subject resource.subject" {
		t.Errorf("claimed by two: %q", got)
	}
	if entries[5].Err != nil || entries[5].Facts[0].Subject != ref("Patient", "c") {
		t.Errorf("two versions of one: %v", entries[5].Err)
	}
}

func TestBundleDeletes(t *testing.T) {
	entries := bundled(t, `{"resourceType":"Bundle","type":"history","timestamp":"2026-05-01T00:00:00Z","entry":[
		{"fullUrl":"http://x.example/fhir/Encounter/e1","request":{"method":"DELETE","url":"Encounter/e1"},"response":{"status":"204","etag":"W/\"7\"","lastModified":"2026-04-01T00:00:00Z"}},
		{"request":{"method":"DELETE","url":"http://x.example/fhir/Patient/p1"},"response":{"etag":"W/\"a1\"","lastModified":"2026-04-01T00:00:00Z"}},
		{"request":{"method":"DELETE","url":"Organization/o1"}},
		{"request":{"method":"DELETE","url":"CarePlan/c1"}},
		{"request":{"method":"DELETE","url":"Patient?identifier=1"}},
		{"request":{"method":"DELETE"}},
		{"request":{"method":"DELETE","url":"Patient/p2"},"response":{"lastModified":"2026-04-31T00:00:00Z"}}]}`)
	type deleted struct {
		Type, ID string
		Subject  models.Ref
		Version  int64
	}
	want := []deleted{
		{"Encounter", "e1", models.Ref{}, 7},
		{"Patient", "p1", ref("Patient", "p1"), int64(at("2026-04-01T00:00:00Z").Lo)},
		{"Organization", "o1", models.Ref{}, int64(at("2026-05-01T00:00:00Z").Lo)},
	}
	for i, w := range want {
		f := entries[i].Facts[0]
		if !f.Retracted || len(columns(t, f)) != 0 || f.Identity != nil {
			t.Errorf("entry %d is no bare retraction: %+v", i, f)
		}
		if got := (deleted{f.Type, f.ID, f.Subject, f.Version}); got != w || entries[i].ResourceType != w.Type {
			t.Errorf("entry %d: got %+v, want %+v", i, got, w)
		}
	}
	for i, w := range []string{"ignored", "bad_value request.url", "bad_value request.url", "bad_time response.lastModified"} {
		if got := reasonOf(t, entries[3+i].Err); got != w {
			t.Errorf("entry %d: %q, want %q", 3+i, got, w)
		}
	}
	if entries[4].ResourceType != "Patient" {
		t.Errorf("type of a search to delete: %q", entries[4].ResourceType)
	}
	for json, version := range map[string]int64{
		`{"resourceType":"Bundle","meta":{"lastUpdated":"2026-03-01T00:00:00Z"},"entry":[{"request":{"method":"DELETE","url":"Patient/p1"}}]}`: int64(at("2026-03-01T00:00:00Z").Lo),
		`{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Patient/p1"}}]}`:                                               0,
	} {
		if got := bundled(t, json)[0].Facts[0].Version; got != version {
			t.Errorf("version %d, want %d", got, version)
		}
	}
}

func TestBundleRejectedWhole(t *testing.T) {
	const sound = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p1"}},{"resource":{"resourceType":"Patient","id":"p2"}}]}`
	for n := range len(sound) { // half a Bundle is none, wherever it was cut
		entries, err := NewDecoder(Options{}).Bundle([]byte(sound[:n]), receivedAt)
		if got := reasonOf(t, err); !strings.HasPrefix(got, "bad_json") || entries != nil {
			t.Fatalf("%d bytes of it: %d entries, %q", n, len(entries), got)
		}
	}
	for json, want := range map[string]string{
		`{"resourceType":"Patient","id":"p1"}`:                      "bad_value resourceType",
		`{"type":"collection"}`:                                     "bad_value resourceType",
		`{"resourceType":"Bundle","entry":{}}`:                      "bad_value entry",
		`{"resourceType":"Bundle","entry":[{"a":1,"a":2}]}`:         "bad_json byte 44",
		`{"resourceType":"Bundle","entry":[{"fullUrl":"a\u0000"}]}`: "bad_json byte 47",
	} {
		entries, err := NewDecoder(Options{}).Bundle([]byte(json), receivedAt)
		if got := reasonOf(t, err); got != want || entries != nil {
			t.Errorf("%s: %d entries, %q, want %q", json, len(entries), got, want)
		}
	}
	for _, json := range []string{`{"resourceType":"Bundle"}`, `{"resourceType":"Bundle","entry":[]}`, `{"resourceType":"Bundle","entry":null}`} {
		if entries := bundled(t, json); len(entries) != 0 {
			t.Errorf("%s: %d entries", json, len(entries))
		}
	}
}

// As entries of one Bundle, resources decode to the facts they give one by one.
func TestBundleEqualsItsResources(t *testing.T) {
	var parts []string
	for _, c := range corpus() {
		parts = append(parts, `{"resource":`+c.json+`}`)
	}
	entries := bundled(t, `{"resourceType":"Bundle","type":"searchset","entry":[`+strings.Join(parts, ",")+`]}`)
	for i, c := range corpus() {
		if diff := cmp.Diff([]models.Fact{decode(t, c.json)}, entries[i].Facts); diff != "" {
			t.Errorf("%s:\n%s", c.why, diff)
		}
		if string(entries[i].Raw) != parts[i] {
			t.Errorf("%s: raw bytes differ", c.why)
		}
	}
}
