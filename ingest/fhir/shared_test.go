package fhir

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sharedData gives a path among the sample data, or skips the test where it is not at hand.
func sharedData(t testing.TB, path string) string {
	t.Helper()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	full := filepath.Join(root, path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("the sample data %s are not here: set CAREREACH_SHARED to the folder that holds them", path)
	}
	return full
}

// synthea reads the resources of the Synthea sample by type, one a line.
func synthea(t testing.TB) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedData(t, "fhir-synthea-20"), "*.ndjson*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no NDJSON files: %v", err)
	}
	out := map[string][][]byte{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = bytes.NewReader(raw)
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(r); err != nil {
				t.Fatal(err)
			}
		}
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			kind, err := Kind(lines.Bytes())
			if err != nil {
				t.Fatalf("%s: %v", filepath.Base(name), err)
			}
			out[kind] = append(out[kind], bytes.Clone(lines.Bytes()))
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// All 5,212 resources become facts, four types apart that we do not need; nothing is rejected.
func TestSyntheaFolder(t *testing.T) {
	resources := synthea(t)
	d := NewDecoder(Options{})
	stored, ignored := map[string]int{}, map[string]int{}
	filled := map[string]int{}
	total := 0
	for kind, lines := range resources {
		for _, raw := range lines {
			total++
			facts, err := d.Resource(raw, receivedAt)
			switch {
			case errors.Is(err, ErrIgnored):
				ignored[kind]++
			case err != nil:
				t.Errorf("%s: %v", kind, err)
			default:
				outcome(t, facts, err)
				stored[facts[0].Type]++
				for column := range columns(t, facts[0]) {
					filled[kind+"."+column]++
				}
			}
		}
	}
	if total != 5212 {
		t.Errorf("%d resources, want 5212", total)
	}
	wantStored := map[string]int{
		"Patient": 20, "Practitioner": 102, "Organization": 102, "Encounter": 548, "Observation": 2516, "Procedure": 446, "Immunization": 294, "Condition": 142,
		"MedicationRequest": 121, "Claim": 669, "DiagnosticReport": 154,
	}
	if diff := cmp.Diff(wantStored, stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"AllergyIntolerance": 14, "CarePlan": 54, "Goal": 25, "ImagingStudy": 5}, ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	for column, want := range map[string]int{
		"Patient.birth": 20, "Patient.race": 20, "Patient.ethnicity": 20, "Patient.birth_sex": 20, "Patient.language": 20, "Patient.zip": countWith(t, resources["Patient"], `"postalCode"`),
		"Patient.county": 0, "Encounter.class": 548, "Encounter.period": 548, "Encounter.practitioner": countWith(t, resources["Encounter"], `"individual"`), "Encounter.organization": 548,
		"Encounter.disposition": 3, "Observation.value": 2140, "Observation.value_code": 188, "Observation.effective": 2516, "Observation.code": 2516,
		"Observation.component": countWith(t, resources["Observation"], `"component"`), "Procedure.performed": 446, "Immunization.occurrence": 294, "Condition.onset": 142,
		"Claim.billed": 669, "Claim.payer": 669, "Claim.encounter": countWith(t, resources["Claim"], `"encounter"`), "MedicationRequest.code": 121, "Practitioner.label": 102,
	} {
		if filled[column] != want {
			t.Errorf("%s is filled %d times, want %d", column, filled[column], want)
		}
	}
}

// countWith counts the lines that hold a text: the independent count of an element.
func countWith(t testing.TB, lines [][]byte, text string) int {
	t.Helper()
	n := 0
	for _, l := range lines {
		if bytes.Contains(l, []byte(text)) {
			n++
		}
	}
	return n
}

// Amounts equal the source to the last digit, by another reader of JSON and rational numbers.
func TestSyntheaClaimsAddUp(t *testing.T) {
	d := NewDecoder(Options{})
	var got models.Money
	want := new(big.Rat)
	for _, raw := range synthea(t)["Claim"] {
		facts, err := d.Resource(raw, receivedAt)
		if err != nil {
			t.Fatal(err)
		}
		got += columns(t, facts[0])["billed"].(models.Money)
		var claim struct {
			Total struct {
				Value json.Number `json:"value"`
			} `json:"total"`
		}
		if err := json.Unmarshal(raw, &claim); err != nil {
			t.Fatal(err)
		}
		value, ok := new(big.Rat).SetString(claim.Total.Value.String())
		if !ok {
			t.Fatal("a total that is no number")
		}
		want.Add(want, value)
	}
	if want.Sign() == 0 || new(big.Rat).SetFrac64(int64(got), models.MoneyScale).Cmp(want) != 0 {
		t.Errorf("billed %s, want %s", got, want.FloatString(4))
	}
}

// The official examples show every feature once. How many of each type are stored, ignored and rejected, and why, lies in
// a golden file of counts; none may panic.
func TestOfficialExamples(t *testing.T) {
	f, err := os.Open(sharedData(t, "fhir-r4-examples/fhir-r4-examples.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unzipped)
	d := NewDecoder(Options{})
	counts := map[string]int{}
	files := 0
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(head.Name, ".json") {
			continue
		}
		raw, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files++
		countExample(t, d, raw, counts)
	}
	if files != 436 {
		t.Errorf("%d examples, want 436", files)
	}
	golden(t, "testdata/r4-examples.golden", counts)
}

func countExample(t *testing.T, d *Decoder, raw []byte, counts map[string]int) {
	t.Helper()
	kind, err := Kind(raw)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	count := func(where, kind string, facts []models.Fact, err error) {
		outcome(t, facts, err)
		what := reasonOf(t, err)
		if what == "" {
			what = "stored"
		}
		if what == "ignored" && d.plans[kind] == nil {
			kind = "types not needed"
		}
		counts[where+" | "+kind+" | "+what]++
	}
	if kind != "Bundle" {
		facts, err := d.Resource(raw, receivedAt)
		count("resource", kind, facts, err)
		return
	}
	entries, err := d.Bundle(raw, receivedAt)
	if err != nil {
		count("record", kind, nil, err)
	}
	for _, e := range entries {
		count("entry", e.ResourceType, e.Facts, e.Err)
	}
}

// golden compares counts with a file of lines "what | count".
func golden(t *testing.T, path string, counts map[string]int) {
	t.Helper()
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%s | %d\n", what, n))
	}
	sort.Strings(lines)
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// BenchmarkResource decodes one resource after another: all types in the proportions of the Synthea sample where it is at
// hand, else our own samples.
func BenchmarkResource(b *testing.B) {
	lines, size := benchLines(b)
	d := NewDecoder(Options{})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range lines {
			if _, err := d.Resource(raw, receivedAt); err != nil && !errors.Is(err, ErrIgnored) {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(lines)*b.N)/b.Elapsed().Seconds(), "resources/s")
}

// BenchmarkBundle decodes the same as Bundles of a hundred entries.
func BenchmarkBundle(b *testing.B) {
	lines, _ := benchLines(b)
	var bundles [][]byte
	size := 0
	for len(lines) > 0 {
		n := min(100, len(lines))
		raw := []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + string(bytes.Join(lines[:n], []byte(`},{"resource":`))) + `}]}`)
		bundles, lines = append(bundles, raw), lines[n:]
		size += len(raw)
	}
	d := NewDecoder(Options{})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range bundles {
			if _, err := d.Bundle(raw, receivedAt); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchLines(b *testing.B) (lines [][]byte, size int) {
	b.Helper()
	for _, c := range corpus() {
		lines = append(lines, []byte(c.json))
	}
	if _, err := os.Stat(filepath.Join("..", "..", "..", "shared", "data", "fhir-synthea-20")); err == nil || os.Getenv("CAREREACH_SHARED") != "" {
		lines = nil
		for _, more := range synthea(b) {
			lines = append(lines, more...)
		}
	}
	for _, raw := range lines {
		size += len(raw)
	}
	return lines, size
}
