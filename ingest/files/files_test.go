package files

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
	"carereach/models"

	"github.com/google/go-cmp/cmp"
)

var received = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// memory is an Appender that keeps what it is given.
type memory struct {
	records []intake.Record
	err     error // given from the second append on
	appends int
}

func (m *memory) Append(_ context.Context, records []intake.Record) (first, next int64, err error) {
	if m.appends++; m.err != nil && m.appends > 1 {
		return 0, 0, m.err
	}
	first = int64(len(m.records))
	for _, r := range records {
		r.Offset = int64(len(m.records))
		m.records = append(m.records, r)
	}
	return first, int64(len(m.records)), nil
}

const visits = `
name: visits
title: visits for tests
source: front-desk
recognise:
  headers: [patient_id, visit_on]
facts:
  - type: Appointment
    id: [visit_id]
    or_id: [patient_id, visit_on]
    subject: patient_id
    columns:
      status: {column: status, default: booked}
      start: visit_on
`

func visitMapping(t testing.TB) *csvmap.Mapping {
	t.Helper()
	m, err := csvmap.Load("visits.yaml", []byte(visits))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func load(t testing.TB, src FileSet) ([]intake.Record, Loaded) {
	t.Helper()
	var m memory
	got, err := Load(t.Context(), &m, src, Options{Source: "clinic-a", Mappings: []*csvmap.Mapping{visitMapping(t)}, Received: received})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	inputs, rejected := int64(0), int64(0)
	for _, r := range m.records {
		if !r.ReceivedAt.Equal(received) {
			t.Fatalf("record of %s received at %v", r.Name, r.ReceivedAt)
		}
		if r.Format != intake.FormatMapping {
			inputs++
		}
		if r.Reject != nil {
			rejected++
		}
	}
	if got.Records != inputs || got.Rejected != rejected || got.Next != int64(len(m.records)) || got.First != 0 {
		t.Fatalf("loaded %+v, the log has %d inputs, %d rejected", got, inputs, rejected)
	}
	return m.records, got
}

func text(t testing.TB, name, content string) []intake.Record {
	t.Helper()
	records, _ := load(t, Stream(name, strings.NewReader(content)))
	return records
}

func zipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// brief writes records as lines "line format reason body", for comparing.
func brief(records []intake.Record) string {
	var out strings.Builder
	for _, r := range records {
		format, _, _ := strings.Cut(r.Format, "+json")
		if strings.HasPrefix(format, intake.FormatCSV) {
			format = "csv"
		}
		reason := ""
		if r.Reject != nil {
			reason = " " + string(r.Reject.Reason)
		}
		body := string(r.Body)
		if r.Format == intake.FormatMapping {
			body = "..."
		}
		fmt.Fprintf(&out, "%d %s%s %s\n", r.Line, format, reason, body)
	}
	return out.String()
}

const (
	patient = `{"resourceType":"Patient","id":"p1"}`
	visit   = `{"resourceType":"Encounter","id":"e1"}`
	bundle  = `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"p1"}}]}`
	event   = `{"specversion":"1.0","id":"1","source":"/x","type":"t","data":{"resourceType":"Patient"}}`
)

// One sentence for each way in which JSON comes.
func TestJSON(t *testing.T) {
	pretty := "{\n  \"resourceType\": \"Patient\",\n  \"id\": \"p1\"\n}"
	for _, c := range []struct{ why, name, in, want string }{
		{"one resource a line, blank lines are skipped, the last line needs no end", "a.ndjson", patient + "\n\n  \n" + visit, "1 fhir " + patient + "\n4 fhir " + visit + "\n"},
		{"lines ended as on Windows", "a.ndjson", patient + "\r\n" + visit + "\r\n", "1 fhir " + patient + "\n2 fhir " + visit + "\n"},
		{"a byte-order mark is not part of the value", "a.json", "\ufeff" + patient, "1 fhir " + patient + "\n"},
		{"one resource over many lines", "a.json", pretty + "\n", "1 fhir " + pretty + "\n"},
		{"several resources over many lines", "a.json", pretty + "\n" + pretty, "1 fhir " + pretty + "\n5 fhir " + pretty + "\n"},
		{"a Bundle stays whole, its references need it", "a.json", bundle, "1 fhir " + bundle + "\n"},
		{"events and resources may be mixed", "a.ndjson", event + "\n" + patient, "1 cloudevents " + event + "\n2 fhir " + patient + "\n"},
		{"an array is a batch of events", "a.json", "[" + event + ",\n" + event + "]\n", "1 cloudevents " + event + "\n2 cloudevents " + event + "\n"},
		{"an array on each line", "a.ndjson", "[" + event + "]\n[" + event + "]\n[]\n", "1 cloudevents " + event + "\n2 cloudevents " + event + "\n"},
		{"no extension: the first byte tells", "stdin", patient, "1 fhir " + patient + "\n"},
		{"an empty export has nothing to say", "a.ndjson", "", ""},
		{"nor has one of blanks", "a.ndjson", strings.Repeat(" \n", 9000), ""},
	} {
		if d := cmp.Diff(c.want, brief(text(t, c.name, c.in))); d != "" {
			t.Errorf("%s:\n%s", c.why, d)
		}
	}
}

// A broken value is one record with a reason, and its neighbours are what they are.
func TestBrokenJSON(t *testing.T) {
	for _, c := range []struct{ why, in, want string }{
		{"half a Bundle", bundle[:50], "1 file bad_json " + bundle[:50] + "\n"},
		{"half a Bundle, written one entry a line",
			"{\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{}},\n{\"resour",
			"1 file bad_json {\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{}},\n{\"resour\n"},
		{"a whole Bundle, written one entry a line", "{\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{}},\n{\"resource\":{}}\n]}\n",
			"1 fhir {\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{}},\n{\"resource\":{}}\n]}\n"},
		{"a line cut in a text", patient + "\n" + patient[:20] + "\n" + visit, "1 fhir " + patient + "\n2 file bad_json " + patient[:20] + "\n3 fhir " + visit + "\n"},
		{"a line cut behind a comma", patient + "\n" + `{"resourceType":"Patient",` + "\n" + visit, "1 fhir " + patient + "\n2 file bad_json {\"resourceType\":\"Patient\",\n3 fhir " + visit + "\n"},
		{"a line cut where a value could follow", `{"resourceType":"Patient","name":[` + "\n" + visit + "\n" + visit + "\n" + visit,
			"1 file bad_json {\"resourceType\":\"Patient\",\"name\":[\n2 fhir " + visit + "\n3 fhir " + visit + "\n4 fhir " + visit + "\n"},
		{"brackets that do not match", `{"resourceType":"Patient"]}` + "\n" + visit, "1 file bad_json {\"resourceType\":\"Patient\"]}\n2 fhir " + visit + "\n"},
		{"a document cut short before another", "{\n\"a\":\n{\n\"b\":1\n}\n{\n\"resourceType\":\"Patient\"\n}", "1 file bad_json {\n\"a\":\n{\n\"b\":1\n}\n6 fhir {\n\"resourceType\":\"Patient\"\n}\n"},
		{"a text with a line end in it", "{\n \"resourceType\": \"Patient\", \"text\": \"one\n two\"\n}\n" + patient, "1 file bad_json {\n \"resourceType\": \"Patient\", \"text\": \"one\n two\"\n}\n5 fhir " + patient + "\n"},
		{"what is no value", "<html>\n<body>\n" + patient + "\nnull\n", "1 file bad_json <html>\n<body>\n3 fhir " + patient + "\n4 file bad_json null\n"},
		{"more behind a value", patient + "}\n" + visit, "1 fhir " + patient + "\n1 file bad_json }\n2 fhir " + visit + "\n"},
		{"an array that is never closed", "[" + event + ",", "1 cloudevents " + event + "\n1 file bad_json \n"},
		{"an array of something else", "[1,2]\n" + patient, "1 file bad_json 1,2]\n2 fhir " + patient + "\n"},
		{"an object that is neither", `{"name":"x"}`, `1 file unknown_schema {"name":"x"}` + "\n"},
		{"no type that could be one", `{"resourceType":7}`, `1 file bad_value {"resourceType":7}` + "\n"},
	} {
		if d := cmp.Diff(c.want, brief(text(t, "a.ndjson", c.in))); d != "" {
			t.Errorf("%s:\n%s", c.why, d)
		}
	}
}

// Bytes that are no text, or no text in UTF-8, go into the log as they are: the decoders say what is wrong with them.
func TestStrangeBytes(t *testing.T) {
	for _, in := range []string{
		"{\"resourceType\":\"Patient\",\"id\":\"p\x00\"}", "{\"resourceType\":\"Patient\",\"id\":\"p\xe9\"}", "{\"resourceType\":\"Patient\",\"id\":\"p\\u0000\\ud800\"}",
	} {
		got := text(t, "a.ndjson", in+"\n"+visit+"\n")
		if len(got) != 2 || string(got[0].Body) != in || got[1].Reject != nil {
			t.Errorf("%q: %s", in, brief(got))
		}
	}
	wide := "\xff\xfe{\x00}\x00"
	got := text(t, "a.json", wide)
	if len(got) != 1 || got[0].Reject.Reason != models.ReasonUnreadableFile || string(got[0].Body) != wide {
		t.Errorf("UTF-16: %s", brief(got))
	}
}

// A value over the limit is rejected and kept; a Bundle is many values and may be longer; only what no record can hold is cut.
func TestTooLarge(t *testing.T) {
	long := func(kind string, n int) string {
		return `{"resourceType":"` + kind + `","x":"` + strings.Repeat("y", n) + `"}`
	}
	in := patient + "\n" + long("Patient", 5<<20) + "\n" + long("Bundle", 5<<20) + "\n" + long("Patient", 65<<20) + "\n" + visit
	got := text(t, "a.ndjson", in)
	if len(got) != 5 || got[0].Reject != nil || got[2].Reject != nil || got[4].Reject != nil {
		t.Fatalf("%d records", len(got))
	}
	if r := got[1]; r.Reject == nil || r.Reject.Reason != models.ReasonTooLarge || string(r.Body) != long("Patient", 5<<20) || r.Line != 2 {
		t.Errorf("a value of 5 MiB: %v, %d bytes kept", r.Reject, len(r.Body))
	}
	if r := got[3]; r.Reject == nil || r.Reject.Reason != models.ReasonTooLarge || len(r.Body) != intake.MaxBody || !strings.Contains(r.Reject.Detail, "64 MiB are kept") {
		t.Errorf("a value of 65 MiB: %v, %d bytes kept", r.Reject, len(r.Body))
	}
}

const visitRows = "patient_id,visit_on,visit_id,note\np1,2026-03-01,v1,x\np2,2026-03-02,v2,\"two\nlines\"\np3,2026-03-03,v3,\n"

// Rows follow the definition of their mapping; order and spelling of columns and the delimiter make no difference.
func TestCSV(t *testing.T) {
	want := "0 mapping ...\n" +
		`2 csv {"note":"x","patientid":"p1","visitid":"v1","visiton":"2026-03-01"}` + "\n" +
		`3 csv {"note":"two\nlines","patientid":"p2","visitid":"v2","visiton":"2026-03-02"}` + "\n" +
		`5 csv {"patientid":"p3","visitid":"v3","visiton":"2026-03-03"}` + "\n"
	records := text(t, "visits.csv", visitRows)
	if d := cmp.Diff(want, brief(records)); d != "" {
		t.Fatal(d)
	}
	m := visitMapping(t)
	if r := records[0]; r.Name != "visits" || r.Source != "front-desk" || !bytes.Equal(r.Body, m.Text()) {
		t.Errorf("the definition is %q of %q", r.Name, r.Source)
	}
	if r := records[1]; r.Name != "visits.csv" || r.Source != "front-desk" || r.Format != intake.FormatCSV+m.Hash() {
		t.Errorf("a row is %q of %q, %s", r.Name, r.Source, r.Format)
	}
	for name, in := range map[string]string{
		"semicolons":      strings.ReplaceAll(visitRows, ",", ";"),
		"tabs":            strings.ReplaceAll(visitRows, ",", "\t"),
		"other spellings": strings.Replace(visitRows, "patient_id,visit_on", "Patient ID,VISIT_ON", 1),
		"a mark":          "\ufeff" + visitRows,
	} {
		if d := cmp.Diff(want, brief(text(t, "stdin", in))); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestBadRows(t *testing.T) {
	want := "0 mapping ...\n2 csv bad_column p1\n3 csv {\"note\":\"Müller\",\"patientid\":\"p2\",\"visitid\":\"v2\",\"visiton\":\"2026-03-02\"}\n4 csv bad_value p3,2026-03-03,v3,\x00\n"
	got := text(t, "visits.csv", "patient_id,visit_on,visit_id,note\np1\np2,2026-03-02,v2,M\xfcller\np3,2026-03-03,v3,\x00\n")
	if d := cmp.Diff(want, brief(got)); d != "" {
		t.Fatal(d)
	}
}

// A file that no mapping knows is one record that says which columns it has; none of its rows gets into a message.
func TestMissingMapping(t *testing.T) {
	got := text(t, "staff.csv", "badge,shoe_size\nQuetzalcoatl,44\n")
	if len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
	r := got[0]
	if r.Reject == nil || r.Reject.Reason != models.ReasonMissingMapping || r.Format != intake.FormatFile || string(r.Body) != "badge,shoe_size" {
		t.Fatalf("%+v", r)
	}
	if s := r.Reject.Error(); !strings.Contains(s, "badge, shoe_size") || !strings.Contains(s, "--mapping") || strings.Contains(s, "Quetzal") {
		t.Errorf("the reason reads: %s", s)
	}
	got = text(t, "visits.csv", "patient_id,patient id,visit_on\np1,p1,2026-01-01\n")
	if len(got) != 1 || got[0].Reject == nil || got[0].Reject.Reason != models.ReasonBadColumn {
		t.Errorf("a column twice: %s", brief(got))
	}
}

func TestNoText(t *testing.T) {
	for name, in := range map[string]string{"empty.csv": "", "sheet.csv": "PK\x03\x04\x00\x00rest", "scan": "%PDF-1.7\x00\n\x00"} {
		got := text(t, name, in)
		if len(got) != 1 || got[0].Reject == nil || got[0].Reject.Reason != models.ReasonUnreadableFile && got[0].Reject.Reason != models.ReasonMissingMapping {
			t.Errorf("%s: %s", name, brief(got))
		}
	}
}

// tree is a folder with one of everything.
func tree(t testing.TB, zip bool) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for name, content := range map[string]string{
		"b/events.json": "[" + event + "," + event + "]", "a.ndjson": patient + "\n" + visit + "\n", "visits.csv": visitRows,
		"c.json": bundle, "b/broken.jsonl": patient[:20] + "\n" + patient, "staff.csv": "badge\n1\n", "more.txt": visitRows,
	} {
		if zip {
			name, content = name+".gz", zipped(t, content)
		}
		out[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o600}
	}
	return out
}

// withoutPlace drops what may differ between two loads of the same content.
func withoutPlace(records []intake.Record) []intake.Record {
	out := slices.Clone(records)
	for i := range out {
		out[i].Name, out[i].Offset = "", 0
	}
	return out
}

// Compressed or not, as a folder or one by one, the same content gives the same records in the same order.
func TestSameRecords(t *testing.T) {
	folder := func(fsys fstest.MapFS) []intake.Record {
		f, err := FS(fsys)
		if err != nil {
			t.Fatal(err)
		}
		records, _ := load(t, f)
		return withoutPlace(records)
	}
	want := folder(tree(t, false))
	if len(want) != 15 {
		t.Fatalf("%d records:\n%s", len(want), brief(want))
	}
	if d := cmp.Diff(want, folder(tree(t, true))); d != "" {
		t.Errorf("compressed:\n%s", d)
	}
	var single []intake.Record
	f, err := FS(tree(t, false))
	if err != nil {
		t.Fatal(err)
	}
	defined := false
	for {
		name, content, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records, _ := load(t, Stream(name, content))
		for _, r := range withoutPlace(records) {
			if r.Format != intake.FormatMapping || !defined { // once for each load
				single = append(single, r)
			}
			defined = defined || r.Format == intake.FormatMapping
		}
	}
	if d := cmp.Diff(want, single); d != "" {
		t.Errorf("one by one:\n%s", d)
	}
}

// However little a reader gives at a time, the records are the same.
func TestSmallReads(t *testing.T) {
	for name, f := range tree(t, true) {
		want := brief(text(t, name, string(f.Data)))
		for _, slow := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
			records, _ := load(t, Stream(name, slow(bytes.NewReader(f.Data))))
			if d := cmp.Diff(want, brief(records)); d != "" {
				t.Errorf("%s:\n%s", name, d)
			}
		}
	}
}

// From a compressed file that is cut anywhere comes what can be read, never half a row or resource as if it were whole, and
// one record that says that the file broke off.
func TestTruncatedGzip(t *testing.T) {
	var rows, lines strings.Builder
	rows.WriteString("patient_id,visit_on,visit_id,amount\n")
	for i := range 400 {
		fmt.Fprintf(&rows, "p%d,2026-03-01,v%d,%d.%02d\n", i, i*i, i*7919, i%100)
		fmt.Fprintf(&lines, `{"resourceType":"Observation","id":"o%d","valueInteger":%d}`+"\n", i, i*7919)
	}
	for name, content := range map[string]string{"a.csv": rows.String(), "a.ndjson": lines.String()} {
		whole := text(t, name, content)
		z := zipped(t, content)
		for cut := 2; cut < len(z); cut += 37 {
			got := text(t, name, z[:cut])
			last := got[len(got)-1]
			if last.Format != intake.FormatFile || last.Reject == nil || last.Reject.Reason != models.ReasonUnreadableFile || last.Name != name {
				t.Fatalf("%s cut at %d: the last record is %s", name, cut, brief(got[len(got)-1:]))
			}
			if d := cmp.Diff(whole[:len(got)-1], got[:len(got)-1]); d != "" {
				t.Fatalf("%s cut at %d:\n%s", name, cut, d)
			}
			head, rest, _ := strings.Cut(string(last.Body), "\n")
			if !strings.Contains(head, `"file":"`+name+`"`) || !strings.Contains(head, "cut short") {
				t.Fatalf("%s cut at %d: %s", name, cut, head)
			}
			if len(got) > 1 && !strings.Contains(content, rest) {
				t.Fatalf("%s cut at %d: kept %q", name, cut, rest)
			}
		}
	}
	damaged := []byte(zipped(t, lines.String()))
	damaged[len(damaged)/2] ^= 0x10
	got := text(t, "a.ndjson", string(damaged))
	if last := got[len(got)-1]; last.Reject == nil || last.Reject.Reason != models.ReasonUnreadableFile {
		t.Errorf("a changed byte: %s", brief(got[len(got)-1:]))
	}
}

// A file that cannot be read does not stop the others.
func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.ndjson", "b.ndjson", "c.ndjson"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(patient), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Path(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "b.ndjson")); err != nil {
		t.Fatal(err)
	}
	records, loaded := load(t, f)
	if loaded.Files != 3 || len(records) != 3 || records[1].Reject == nil || records[1].Reject.Reason != models.ReasonUnreadableFile || records[1].Name != "b.ndjson" {
		t.Fatalf("%+v\n%s", loaded, brief(records))
	}
	if strings.Contains(records[1].Reject.Error(), dir) || strings.Contains(records[1].Reject.Error(), "b.ndjson") {
		t.Errorf("the reason names the file: %v", records[1].Reject)
	}
	records, _ = load(t, Stream("a.ndjson", io.MultiReader(strings.NewReader(patient+"\n"+patient[:9]), iotest.ErrReader(errors.New("Quetzalcoatl's disk")))))
	if len(records) != 2 || records[1].Reject == nil || strings.Contains(records[1].Reject.Error(), "Quetzal") || !strings.HasSuffix(string(records[1].Body), "\n"+patient[:9]) {
		t.Errorf("a read error: %s", brief(records))
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.json", "a.NDJSON.GZ", "sub/c.csv", ".hidden.json", ".git/d.json", "README.md", "photo.jpg", "B/e.jsonl", "visits.txt"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(patient), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(outside, []byte(patient), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{{outside, "link.json"}, {filepath.Dir(outside), "linked"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Path(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Size() != int64(5*len(patient)) || f.Len() != 5 {
		t.Errorf("%d files of %d bytes", f.Len(), f.Size())
	}
	var names []string
	for {
		name, _, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if d := cmp.Diff([]string{"B/e.jsonl", "a.NDJSON.GZ", "b.json", "sub/c.csv", "visits.txt"}, names); d != "" {
		t.Errorf("order:\n%s", d)
	}
	if d := cmp.Diff([]string{"README.md", "link.json", "linked", "photo.jpg"}, f.Skipped()); d != "" {
		t.Errorf("skipped:\n%s", d)
	}
	for _, named := range []string{"link.json", ".hidden.json", "README.md"} { // who names a file means it
		f, err := Path(filepath.Join(dir, named))
		if err != nil {
			t.Fatal(err)
		}
		if records, _ := load(t, f); len(records) != 1 || records[0].Name != named {
			t.Errorf("%s: %s", named, brief(records))
		}
	}
	if _, err := Path(filepath.Join(dir, "none")); models.KindOf(err) != models.KindNotFound {
		t.Errorf("a path that is not there: %v", err)
	}
}

// What the log refuses ends the load; what was durable before is told.
func TestLogFails(t *testing.T) {
	full := &models.Error{Kind: models.KindUnavail, Message: "the disk is full", Mend: "make space"}
	m := memory{err: full}
	line := `{"resourceType":"Patient","x":"` + strings.Repeat("y", 1<<20) + `"}` + "\n"
	var steps []Progress
	got, err := Load(t.Context(), &m, Stream("a.ndjson", strings.NewReader(strings.Repeat(line, 30))),
		Options{Source: "clinic-a", Progress: func(p Progress) { steps = append(steps, p) }})
	if !errors.Is(err, full) || got.Records != int64(len(m.records)) || got.Records == 0 || got.Records > 10 {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(steps) != 1 || steps[0].Records != got.Records || steps[0].Bytes == 0 {
		t.Errorf("progress %+v", steps)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, &memory{}, Stream("a.ndjson", strings.NewReader(line)), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken := fmt.Errorf("next part: %w", io.EOF) // as of an upload that broke off: no end of the set
	m = memory{}
	got, err = Load(t.Context(), &m, &failingSet{err: broken}, Options{})
	if !errors.Is(err, broken) || got.Records != 1 || len(m.records) != 1 {
		t.Errorf("a set that ends early: %+v, %v", got, err)
	}
}

// failingSet gives one file and then an error.
type failingSet struct {
	given bool
	err   error
}

func (f *failingSet) Next() (string, io.Reader, error) {
	if f.given {
		return "", nil, f.err
	}
	f.given = true
	return "a.ndjson", strings.NewReader(patient), nil
}

// The records are what a real log gives back.
func TestIntoLog(t *testing.T) {
	log, err := intake.Open(t.Context(), t.TempDir(), plainSealer{}, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	f, err := FS(tree(t, false))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(t.Context(), log, f, Options{Source: "clinic-a", Mappings: []*csvmap.Mapping{visitMapping(t)}, Received: received})
	if err != nil {
		t.Fatal(err)
	}
	got, err := log.Fetch(t.Context(), loaded.First, 1<<20)
	if err != nil || got.Next != loaded.Next {
		t.Fatalf("%+v, %v", got.Next, err)
	}
	again, err := FS(tree(t, false))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := load(t, again)
	if d := cmp.Diff(want, got.Records); d != "" {
		t.Error(d)
	}
}

// plainSealer seals nothing; the log's own tests are about sealing.
type plainSealer struct{}

func (plainSealer) Seal(_, plain []byte) []byte           { return append([]byte{1}, plain...) }
func (plainSealer) Open(_, sealed []byte) ([]byte, error) { return sealed[1:], nil }
func (plainSealer) KeyID() string                         { return "plain" }
