package app

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/internal/ledger"
	"carereach/models"
)

const setsCSV = "oid,version,title,system,code\n1.2.3.4.5,2024,First,http://snomed.info/sct,111\n1.2.3.4.5,2024,First,urn:oid:2.16.840.1.113883.6.1,4548-4\n1.2.3.4.6,,Second,CVX,150\n"

func zipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	must(t, err)
	must(t, w.Close())
	return b.String()
}

func codesOf(sets []ledger.ValueSet) string {
	var out []string
	for _, s := range sets {
		for _, c := range s.Codes {
			out = append(out, s.OID+" "+models.CodeKey(c.System, c.Code))
		}
	}
	return strings.Join(out, "\n")
}

// Columns in any order, with or without BOM and gzip, give the same sets; systems get their normal name.
func TestValueSetsFromCSV(t *testing.T) {
	want := "1.2.3.4.5 http://snomed.info/sct|111\n1.2.3.4.5 http://loinc.org|4548-4\n1.2.3.4.6 http://hl7.org/fhir/sid/cvx|150"
	shuffled := "Code,OID,extra,System\n111,urn:oid:1.2.3.4.5,x,http://snomed.info/sct\n4548-4,1.2.3.4.5,x,LOINC\n150,1.2.3.4.6,x,CVX\n"
	for name, body := range map[string]string{"plain": setsCSV, "gzip": zipped(t, setsCSV), "BOM": "\ufeff" + setsCSV, "shuffled": shuffled} {
		sets, err := readValueSets("sets.csv", strings.NewReader(body))
		if err != nil || codesOf(sets) != want {
			t.Errorf("%s: %v\n%s", name, err, codesOf(sets))
		}
	}
}

// A file that is not whole loads nothing and says where it stops.
func TestValueSetsThatAreNotWhole(t *testing.T) {
	whole := zipped(t, strings.Repeat(setsCSV, 50))
	for name, c := range map[string]struct{ body, says string }{
		"cut gzip":       {whole[:len(whole)-9], "cut short"},
		"no header":      {"", "no header"},
		"missing column": {"oid,system\n1.2.3.4.5,x\n", "column code is missing"},
		"empty code":     {"oid,system,code\n1.2.3.4.5,x,\n", "line 2"},
		"ragged":         {"oid,system,code\n1.2.3.4.5,x\n", "cut short or damaged"},
		"no rows":        {"oid,system,code\n", "no value set"},
		"cut JSON":       {`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5","expansion":{"contains":[{"system":"s",`, "not whole JSON"},
		"one page":       {`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5","expansion":{"total":9,"contains":[{"system":"s","code":"c"}]}}`, "one page"},
		"later page":     {`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5","expansion":{"offset":5,"contains":[{"system":"s","code":"c"}]}}`, "one page"},
		"rules":          {`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5","compose":{"include":[{"system":"s","filter":[{}]}]}}`, "rules"},
		"no codes":       {`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5"}`, "no codes"},
		"no OID":         {`{"resourceType":"ValueSet","url":"http://x/mine","expansion":{"contains":[{"system":"s","code":"c"}]}}`, "no OID"},
		"other resource": {`{"resourceType":"Patient","id":"1.2.3.4.5"}`, "not a ValueSet"},
	} {
		sets, err := readValueSets("sets", strings.NewReader(c.body))
		if models.KindOf(err) != models.KindInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d sets, %v; want %q", name, len(sets), err, c.says)
		}
	}
}

func TestValueSetsFromFHIR(t *testing.T) {
	expanded := `{"resourceType":"ValueSet","url":"http://cts.nlm.nih.gov/fhir/ValueSet/1.2.3.4.5","version":"1","title":"T","expansion":{"total":1,"contains":[{"system":"http://snomed.info/sct","code":"111"}]}}`
	listed := `{"resourceType":"ValueSet","id":"mine","identifier":[{"value":"urn:oid:1.2.3.4.6"}],"name":"N","compose":{"include":[{"system":"CVX","concept":[{"code":"150"}]}]}}`
	want := "1.2.3.4.5 http://snomed.info/sct|111\n1.2.3.4.6 http://hl7.org/fhir/sid/cvx|150"
	for name, body := range map[string]string{"NDJSON": expanded + "\n" + listed, "Bundle": `{"resourceType":"Bundle","entry":[{"resource":` + expanded + `},{"resource":` + listed + `}]}`} {
		sets, err := readValueSets(name, strings.NewReader(body))
		if err != nil || codesOf(sets) != want {
			t.Errorf("%s: %v\n%s", name, err, codesOf(sets))
		}
	}
}

// The published edition loads whole, by its own count of codes.
func TestPublishedValueSets(t *testing.T) {
	path := filepath.Join(sharedData(t), "measure-packages", "edition-2025", "valuesets.csv.gz")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the published value sets are not here: %v", err)
	}
	defer f.Close()
	sets, err := readValueSets("valuesets.csv.gz", f)
	must(t, err)
	codes := 0
	for _, s := range sets {
		codes += len(s.Codes)
	}
	if len(sets) != 726 || codes != 122030 {
		t.Errorf("%d sets with %d codes", len(sets), codes)
	}
}

// sharedData is the folder of third-party data that some tests read; they skip where it is absent.
func sharedData(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("CAREREACH_SHARED"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "data")
}

func FuzzReadValueSets(f *testing.F) {
	f.Add([]byte(setsCSV))
	f.Add([]byte(`{"resourceType":"ValueSet","url":"http://x/1.2.3.4.5","expansion":{"contains":[{"system":"s","code":"c"}]}}`))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		sets, err := readValueSets("fuzz", bytes.NewReader(b))
		if (err == nil) == (len(sets) == 0) {
			t.Errorf("%d sets and error %v", len(sets), err)
		}
		for _, s := range sets {
			if s.OID == "" || len(s.Codes) == 0 {
				t.Errorf("a set without OID or codes was let through")
			}
		}
	})
}
