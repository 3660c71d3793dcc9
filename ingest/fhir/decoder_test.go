package fhir

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// receivedAt is when the records of these tests reach us.
var receivedAt = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// sharedData gives a folder of the sample data, or skips the test where it is not at hand.
func sharedData(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("sample data %s is not here: set CAREREACH_SHARED to its folder", folder)
	}
	return path
}

// synthea reads all resources of the Synthea sample, one a line.
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

func TestSyntheaFolder(t *testing.T) {
	want := map[string]int{
		"Patient": 20, "Practitioner": 0, "Organization": 0, "Encounter": 548, "Observation": 2516, "Procedure": 446, "Immunization": 294, "Condition": 142,
		"MedicationRequest": 121, "Claim": 669, "DiagnosticReport": 0,
	}
	d := NewDecoder(Options{})
	total := 0
	for kind, lines := range synthea(t) {
		total += len(lines)
		ok := 0
		for _, raw := range lines {
			facts, err := d.Resource(raw, receivedAt)
			switch {
			case errors.Is(err, ErrIgnored):
			case err != nil:
				t.Errorf("%s: %v", kind, err)
			default:
				ok += len(facts)
			}
		}
		t.Log(kind, len(lines), ok, want[kind])
	}
	t.Log(total)
	_ = models.Stored
}

func BenchmarkResource(b *testing.B) {
	all := synthea(b)
	var lines [][]byte
	size := 0
	for _, ls := range all {
		for _, l := range ls {
			lines = append(lines, l)
			size += len(l)
		}
	}
	d := NewDecoder(Options{})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lines {
			_, _ = d.Resource(l, receivedAt)
		}
	}
}
