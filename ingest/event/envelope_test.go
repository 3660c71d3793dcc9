package event

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carereach/models"
)

// shared finds the folder of public sample data, which is no part of the project.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("sample data is not here: set CAREREACH_SHARED (%v)", err)
	}
	return path
}

func rejectOf(t *testing.T, err error) *models.Reject {
	t.Helper()
	var r *models.Reject
	if !errors.As(err, &r) {
		t.Fatalf("want a reject, got %v", err)
	}
	return r
}

// Every event that the CloudEvents project calls valid is accepted, with the attributes it states.
func TestParseTakesTheConformanceEvents(t *testing.T) {
	raw, err := os.ReadFile(shared(t, "cloudevents", "valid-events.json"))
	if err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests []struct {
			ID    string
			Event json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &suite); err != nil || len(suite.Tests) == 0 {
		t.Fatalf("no events in the suite: %v", err)
	}
	for _, c := range suite.Tests {
		ev, err := Parse(c.Event)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		var want struct {
			ID, Source, Type, Subject string
			Time                      *time.Time
		}
		if err := json.Unmarshal(c.Event, &want); err != nil {
			t.Fatal(err)
		}
		if ev.ID != want.ID || ev.Source != want.Source || ev.Type != want.Type || ev.Subject != want.Subject {
			t.Errorf("%s: %+v", c.ID, ev)
		}
		if (want.Time == nil) != (ev.Time == nil) || want.Time != nil && ev.Time.Lo != models.Micros(want.Time.UnixMicro()) {
			t.Errorf("%s: time %+v, want %v", c.ID, ev.Time, want.Time)
		}
	}
}

const minimal = `"specversion":"1.0","id":"e1","source":"/ehr","type":"org.carereach.patients.consent.granted.v1"`

func TestParseRejectsWithTheAttributeNamed(t *testing.T) {
	without := func(attribute string) string {
		var kept []string
		for _, part := range strings.Split(minimal, ",") {
			if !strings.HasPrefix(part, `"`+attribute+`"`) {
				kept = append(kept, part)
			}
		}
		return "{" + strings.Join(kept, ",") + "}"
	}
	with := func(member string) string { return "{" + minimal + "," + member + "}" }
	for name, c := range map[string]struct {
		raw    string
		reason models.QuarantineReason
		where  string
	}{
		"nothing":                     {"", models.ReasonBadJSON, "event"},
		"only blanks":                 {" \n", models.ReasonBadJSON, "event"},
		"cut short":                   {with(`"data":{"a":`), models.ReasonBadJSON, "event"},
		"half an object":              {"{" + minimal, models.ReasonBadJSON, "event"},
		"NUL byte":                    {with("\"data\":\"a\x00b\""), models.ReasonBadJSON, "event"},
		"not UTF-8":                   {with("\"subject\":\"\xff\""), models.ReasonBadJSON, "event"},
		"a batch":                     {"[{" + minimal + "}]", models.ReasonBadJSON, "event"},
		"a text":                      {`"event"`, models.ReasonBadJSON, "event"},
		"no id":                       {without("id"), models.ReasonBadEnvelope, "id"},
		"no source":                   {without("source"), models.ReasonBadEnvelope, "source"},
		"no type":                     {without("type"), models.ReasonBadEnvelope, "type"},
		"no specversion":              {without("specversion"), models.ReasonBadEnvelope, "specversion"},
		"empty id":                    {strings.Replace("{"+minimal+"}", `"e1"`, `""`, 1), models.ReasonBadEnvelope, "id"},
		"null id":                     {strings.Replace("{"+minimal+"}", `"e1"`, `null`, 1), models.ReasonBadEnvelope, "id"},
		"id as a number":              {strings.Replace("{"+minimal+"}", `"e1"`, `7`, 1), models.ReasonBadEnvelope, "id"},
		"specversion 0.3":             {strings.Replace("{"+minimal+"}", `"1.0"`, `"0.3"`, 1), models.ReasonBadEnvelope, "specversion"},
		"specversion as a number":     {strings.Replace("{"+minimal+"}", `"1.0"`, `1.0`, 1), models.ReasonBadEnvelope, "specversion"},
		"source with a blank":         {strings.Replace("{"+minimal+"}", `/ehr`, `/e hr`, 1), models.ReasonBadEnvelope, "source"},
		"time without seconds":        {with(`"time":"2024-01-01T10:00Z"`), models.ReasonBadEnvelope, "time"},
		"offset without minutes":      {with(`"time":"2024-01-01T10:00:00+05"`), models.ReasonBadEnvelope, "time"},
		"offset of 25 hours":          {with(`"time":"2024-01-01T10:00:00+25:00"`), models.ReasonBadEnvelope, "time"},
		"a day as time":               {with(`"time":"2024-01-01"`), models.ReasonBadEnvelope, "time"},
		"30 February":                 {with(`"time":"2024-02-30T10:00:00Z"`), models.ReasonBadEnvelope, "time"},
		"comma as decimal point":      {with(`"time":"2024-02-03T10:00:00,5Z"`), models.ReasonBadEnvelope, "time"},
		"time as a number":            {with(`"time":1700000000`), models.ReasonBadEnvelope, "time"},
		"extension in capitals":       {with(`"tenantId":"t"`), models.ReasonBadEnvelope, "tenantId"},
		"extension with a dot":        {with(`"tenant.id":"t"`), models.ReasonBadEnvelope, "tenant.id"},
		"extension named by a person": {with(`"Roe, Jane":"t"`), models.ReasonBadEnvelope, "extension"},
		"extension with structure":    {with(`"extra":{"a":1}`), models.ReasonBadEnvelope, "extra"},
		"extension with a fraction":   {with(`"extra":1.5`), models.ReasonBadEnvelope, "extra"},
		"empty subject":               {with(`"subject":""`), models.ReasonBadEnvelope, "subject"},
		"escaped NUL":                 {with(`"subject":"a\u0000"`), models.ReasonBadEnvelope, "subject"},
		"relative dataschema":         {with(`"dataschema":"x/y"`), models.ReasonBadEnvelope, "dataschema"},
		"broken content type":         {with(`"datacontenttype":"application/"`), models.ReasonBadEnvelope, "datacontenttype"},
		"sequence as a word":          {with(`"sequence":"first"`), models.ReasonBadEnvelope, "sequence"},
		"negative sequence":           {with(`"sequence":-1`), models.ReasonBadEnvelope, "sequence"},
		"data twice":                  {with(`"data":{},"data_base64":"e30="`), models.ReasonBadEnvelope, "data_base64"},
		"broken base64":               {with(`"data_base64":"e30"`), models.ReasonBadEnvelope, "data_base64"},
		"base64 as an object":         {with(`"data_base64":{}`), models.ReasonBadEnvelope, "data_base64"},
		"a 5 MB value":                {with(`"data":"` + strings.Repeat("x", 5<<20) + `"`), models.ReasonTooLarge, "event"},
	} {
		_, err := Parse([]byte(c.raw))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if r := rejectOf(t, err); r.Reason != c.reason || r.Where != c.where || r.Mend == "" {
			t.Errorf("%s: %v, want %s at %s with a way to mend it", name, r, c.reason, c.where)
		}
	}
}

// Explicit null is absence, unknown extensions pass, text and base64 data come out as bytes, JSON data as it was written.
func TestParseTakesWhatTheStandardAllows(t *testing.T) {
	ev, err := Parse([]byte("{" + minimal + `,"time":null,"subject":null,"data_base64":null,"tenantid":"t1","sequence":7,"recordedtime":"2024-05-01T10:00:00.25+02:00",
		"partitionkey":"k","correlationid":"c","causationid":"b","extbool":true,"extint":-3,"data": {"amount": 1.50} }`))
	if err != nil {
		t.Fatal(err)
	}
	if ev.Time != nil || ev.Subject != "" || ev.TenantID != "t1" || *ev.Sequence != 7 || ev.PartitionKey != "k" || ev.CorrelationID != "c" || ev.CausationID != "b" {
		t.Errorf("%+v", ev)
	}
	if ev.RecordedTime == nil || ev.RecordedTime.Offset != 120 || string(ev.Data) != `{"amount": 1.50}` {
		t.Errorf("recorded %+v, data %s", ev.RecordedTime, ev.Data)
	}
	for in, want := range map[string]string{
		`"datacontenttype":"text/plain","data":"a\"b"`:             `a"b`,
		`"datacontenttype":"text/plain; charset=utf-8","data":"x"`: `x`,
		`"data":"x"`: `"x"`,
		`"datacontenttype":"application/fhir+json; fhirVersion=4.0","data":{"a":[1]}`: `{"a":[1]}`,
		`"data_base64":"TWE="`: "Ma",
		`"data":null`:          "",
		`"sequence":"12"`:      "",
	} {
		ev, err := Parse([]byte("{" + minimal + "," + in + "}"))
		if err != nil || string(ev.Data) != want {
			t.Errorf("%s: data %q, %v; want %q", in, ev.Data, err, want)
		}
	}
}

// The Kafka binding: binary mode, and structured mode with and without charset, give the same event.
func TestFromHeadersFollowsTheKafkaBinding(t *testing.T) {
	attributes := map[string]string{"ce_specversion": "1.0", "ce_id": "1234-1234-1234", "ce_type": "com.example.someevent", "ce_source": "/mycontext/subcontext",
		"ce_time": "2018-04-05T03:56:24Z", "ce_sequence": "4", "content-type": "application/json", "x-trace": "not an attribute"}
	data := []byte(`{"message": "Hello World!"}`)
	binary, err := FromHeaders(attributes, "", data)
	if err != nil {
		t.Fatal(err)
	}
	if binary.ID != "1234-1234-1234" || binary.DataContentType != "application/json" || string(binary.Data) != string(data) || *binary.Sequence != 4 {
		t.Errorf("%+v", binary)
	}
	structured := []byte(`{"specversion":"1.0","type":"com.example.someevent","time":"2018-04-05T03:56:24Z","id":"1234-1234-1234","source":"/mycontext/subcontext",
		"sequence":4,"datacontenttype":"application/json","data":{"message": "Hello World!"}}`)
	for _, contentType := range []string{"application/cloudevents+json", "application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON"} {
		ev, err := FromHeaders(nil, contentType, structured)
		if err != nil {
			t.Fatal(err)
		}
		if ev.ID != binary.ID || ev.Type != binary.Type || ev.Source != binary.Source || *ev.Time != *binary.Time || string(ev.Data) != string(binary.Data) || *ev.Sequence != 4 {
			t.Errorf("%s: %+v, want %+v", contentType, ev, binary)
		}
	}
	if ev, err := FromHeaders(attributes, "", nil); err != nil || ev.Data != nil {
		t.Errorf("a tombstone has no data: %v, %v", ev.Data, err)
	}
	if ev, err := FromHeaders(attributes, "", []byte{}); err != nil || ev.Data == nil {
		t.Errorf("an empty value is no tombstone: %v, %v", ev.Data, err)
	}
}

func TestFromHeadersRejects(t *testing.T) {
	for name, c := range map[string]struct {
		change      map[string]string
		contentType string
		where       string
	}{
		"batch":             {nil, "application/cloudevents-batch+json", "content-type"},
		"avro":              {nil, "application/cloudevents+avro", "content-type"},
		"capital":           {map[string]string{"ce_TenantID": "t"}, "", "TenantID"},
		"data in a header":  {map[string]string{"ce_data": "{}"}, "", "data"},
		"no id":             {map[string]string{"ce_id": ""}, "", "id"},
		"bad time":          {map[string]string{"ce_time": "yesterday"}, "", "time"},
		"bytes, not text":   {map[string]string{"ce_subject": "\xff"}, "", "subject"},
		"empty optional":    {map[string]string{"ce_subject": ""}, "", "subject"},
		"broken media type": {nil, "application/", "datacontenttype"},
	} {
		headers := map[string]string{"ce_specversion": "1.0", "ce_id": "1", "ce_type": "t", "ce_source": "s"}
		for k, v := range c.change {
			headers[k] = v
		}
		_, err := FromHeaders(headers, c.contentType, []byte("{}"))
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if r := rejectOf(t, err); r.Reason != models.ReasonBadEnvelope || r.Where != c.where {
			t.Errorf("%s: %v, want bad_envelope at %s", name, r, c.where)
		}
	}
	if _, err := FromHeaders(nil, "", make([]byte, MaxBytes+1)); rejectOf(t, err).Reason != models.ReasonTooLarge {
		t.Errorf("a huge value: %v", err)
	}
}

// Both modes carry the same event: attributes written as headers or as members are read alike.
func TestModesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Za-z0-9/:._#-]{1,12}`)
		attrs := map[string]any{"specversion": "1.0", "id": text.Draw(t, "id"), "source": "/" + text.Draw(t, "source"), "type": text.Draw(t, "type")}
		for _, name := range []string{"subject", "tenantid", "partitionkey", "correlationid", "causationid", "other"} {
			if rapid.Bool().Draw(t, name) {
				attrs[name] = text.Draw(t, name+" value")
			}
		}
		if rapid.Bool().Draw(t, "sequence") {
			attrs["sequence"] = rapid.SampledFrom([]string{"0", "1", "9223372036854775807", "x"}).Draw(t, "n")
		}
		headers := map[string]string{}
		for k, v := range attrs {
			headers["ce_"+k] = v.(string)
		}
		attrs["datacontenttype"], attrs["data"] = "application/json", map[string]any{"a": 1}
		whole, err := json.Marshal(attrs)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := Parse(whole)
		b, errB := FromHeaders(headers, "application/json", []byte(`{"a":1}`))
		if (errA == nil) != (errB == nil) {
			t.Fatalf("structured %v, binary %v", errA, errB)
		}
		if errA == nil && (a.ID != b.ID || a.Source != b.Source || a.Subject != b.Subject || a.TenantID != b.TenantID || string(a.Data) != string(b.Data) || (a.Sequence == nil) != (b.Sequence == nil)) {
			t.Fatalf("structured %+v, binary %+v", a, b)
		}
	})
}
