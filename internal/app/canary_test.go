package app

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// canary is one planted identifier, unlike any other text.
type canary struct{ kind, text string }

// plant makes files about patients whose every identifier is a canary, sound ones and broken ones.
func plant(n int) ([]content, []canary) {
	var all []canary
	mark := func(kind string, i int) string {
		text := fmt.Sprintf("Zq%s%04dxK", kind, i)
		all = append(all, canary{kind, text})
		return text
	}
	var people, broken, bundle strings.Builder
	rows := []string{"Patient ID,First Name,Last Name,Mobile,Email,Street,City"}
	for i := range n {
		family, given, street, mrn := mark("Family", i), mark("Given", i), mark("Street", i), mark("Record", i)
		phone, email := fmt.Sprintf("1802777%04d", i), mark("Mail", i)+"@example.org"
		all = append(all, canary{"Phone", phone}, canary{"PatientID", fmt.Sprintf("canary-id-%04d", i)})
		patient := fmt.Sprintf(`{"resourceType":"Patient","id":"canary-id-%04d","gender":"female","birthDate":"1965-03-04","name":[{"family":%q,"given":[%q]}],"telecom":[{"system":"phone","use":"mobile","value":"+%s"},{"system":"email","value":%q}],"address":[{"line":[%q],"city":"Riverton","state":"VT","postalCode":"05401"}],"identifier":[{"type":{"coding":[{"code":"MR"}]},"value":%q}],"contact":[{"name":{"family":%q}}]}`,
			i, family, given, phone, email, street, mrn, mark("Kin", i))
		people.WriteString(patient + "\n")
		people.WriteString(fmt.Sprintf(`{"resourceType":"Encounter","id":"ce-%d","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/canary-id-%04d","display":%q},"period":{"start":"2026-02-03T10:00:00Z","end":"2026-02-03T10:20:00Z"}}`, i, i, mark("Display", i)) + "\n")
		people.WriteString(fmt.Sprintf(`{"resourceType":"Observation","id":"co-%d","status":"final","subject":{"reference":"Patient/canary-id-%04d"},"code":{"coding":[{"system":"http://loinc.org","code":"4548-4","display":%q}],"text":%q},"effectiveDateTime":"2026-02-03","valueString":%q}`, i, i, mark("CodeText", i), mark("Text", i), mark("Result", i)) + "\n")
		broken.WriteString(strings.Replace(patient, `"id":"canary-id-`, `"idx":"canary-id-`, 1) + "\n")
		broken.WriteString(patient[:len(patient)-9] + "\n")
		broken.WriteString(fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":%q,"subject":{"display":%q}}`, mark("ObsID", i), mark("Status", i), mark("Subject", i)) + "\n")
		rows = append(rows, fmt.Sprintf("canary-id-%04d,%s,%s,+%s,%s,%s,Riverton", i, given, family, phone, email, street), fmt.Sprintf("canary-id-%04d,%s", i, mark("Short", i)))
	}
	bundle.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"canary-bundle","name":[{"text":"` + mark("Bundle", 0) + `"}]}}]}`)
	return []content{{"ZqFileName0000xK.ndjson", people.String()}, {"broken.ndjson", broken.String()}, {"bundle.json", bundle.String()}, {"contacts.csv", strings.Join(rows, "\n") + "\n"}}, append(all, canary{"FileName", "ZqFileName0000xK"})
}

// TestCanary plants identifiers, uses every verb, and looks for them in every file and every answer: outside the vault, the
// sealed log and what is shown under a Grant there must be none. It prints the places searched.
func TestCanary(t *testing.T) {
	s := newSite(t)
	files, canaries := plant(20)
	answers := map[string][]byte{}
	keep := func(place string, out *buffer, result any, err error) {
		b, _ := json.Marshal(result)
		answers["answer of "+place] = append(b, out.Bytes()...)
		if err != nil {
			answers["error of "+place] = []byte(err.Error())
		}
	}
	run := func(place, verb string, args any, files ...content) {
		var result any
		out, err := s.try(verb, args, &result, files...)
		keep(place, out, result, err)
	}
	run("ingest", "ingest.file", IngestArgs{AcceptQuarantine: true}, files...)
	run("clinic", "ingest.file", IngestArgs{AcceptQuarantine: true}, clinicFiles(t)...)
	run("analyze", "analyze", AnalyzeArgs{AsOf: DemoAsOf})
	for _, verb := range []string{"ingest.status", "ingest.dlq.list", "ingest.dlq.retry", "measure.list", "gaps.list", "targets.list", "kpi.list", "user.list", "audit.search", "audit.verify", "doctor", "run.list", "valueset.list"} {
		run(verb, verb, struct{}{})
	}
	for id := range int64(60) {
		run(fmt.Sprintf("ingest.dlq.show %d", id), "ingest.dlq.show", DLQArgs{ID: id})
	}
	run("gaps.csv", "gaps.list", GapsArgs{ListArgs: ListArgs{Format: "csv"}})
	run("gaps.xlsx", "gaps.list", GapsArgs{ListArgs: ListArgs{Format: "xlsx"}})
	run("targets.csv", "targets.list", TargetsArgs{ListArgs: ListArgs{Format: "csv"}})
	run("executive.xlsx", "report.build", ReportArgs{Name: "executive"})
	run("patient.show without purpose", "patient.show", PatientArgs{Token: s.token("canary-id-0001")})
	run("bad value set", "valueset.load", None{}, content{"sets.csv", "oid,system,code\n1.2.3,x,\n"})
	s.grantedPlaces(t, canaries)
	places := map[string][]byte{}
	for name, b := range answers {
		places[name] = b
		if strings.HasSuffix(name, ".xlsx") {
			unzipInto(t, places, name, b)
		}
	}
	s.close()
	filesInto(t, places, s.dir)
	hits := 0
	for _, place := range sorted(places) {
		t.Logf("searched %s, %d bytes", place, len(places[place]))
		found := search(places[place], canaries)
		hits += len(found)
		for kind, n := range found {
			t.Errorf("%s: %d planted %s", place, n, kind)
		}
	}
	t.Logf("canary: %d planted identifiers, %d places searched, %d hits outside vault, sealed log and granted answers", len(canaries), len(places), hits)
}

func (s *site) token(id string) string {
	return s.open().Ledger.Keys().PatientToken("test", "files", id).String()
}

// grantedPlaces proves that the search can find something: what is shown under a Grant holds the planted names.
func (s *site) grantedPlaces(t *testing.T, canaries []canary) {
	t.Helper()
	var shown any
	s.do("patient.show", PatientArgs{Token: s.token("canary-id-0001"), Purpose: "treatment"}, &shown)
	b, err := json.Marshal(shown)
	must(t, err)
	list := s.do("gaps.list", GapsArgs{ListArgs: ListArgs{Format: "csv", Identified: true, Purpose: "operations"}}, nil)
	for place, body := range map[string][]byte{"patient.show": b, "identified list": list.Bytes()} {
		if len(search(body, canaries)) == 0 {
			t.Errorf("%s under a Grant shows no planted identifier: the search proves nothing", place)
		}
	}
}

// search counts the canaries of each kind in b, as text, in hex and with the case changed.
func search(b []byte, canaries []canary) map[string]int {
	found := map[string]int{}
	lower := bytes.ToLower(b)
	for _, c := range canaries {
		text := []byte(strings.ToLower(c.text))
		if bytes.Contains(lower, text) || bytes.Contains(lower, []byte(hex.EncodeToString([]byte(c.text)))) {
			found[c.kind]++
		}
	}
	return found
}

func filesInto(t *testing.T, places map[string][]byte, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		places["file "+rel] = append([]byte(rel+"\n"), b...)
		return err
	}))
}

func unzipInto(t *testing.T, places map[string][]byte, name string, b []byte) {
	t.Helper()
	i := bytes.Index(b, []byte("PK\x03\x04"))
	if i < 0 {
		t.Fatalf("%s is no workbook", name)
	}
	z, err := zip.NewReader(bytes.NewReader(b[i:]), int64(len(b)-i))
	must(t, err)
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		part, err := io.ReadAll(r)
		must(t, err)
		places[name+" "+f.Name] = part
	}
}

func sorted(m map[string][]byte) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
