package files

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
)

// sharedFolder gives a folder of published data, or skips the test.
func sharedFolder(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no %s: set CAREREACH_SHARED to the folder of published data sets", name)
	}
	return dir
}

func loadShared(t *testing.T, name string) ([]intake.Record, Loaded) {
	t.Helper()
	f, err := Path(sharedFolder(t, name))
	if err != nil {
		t.Fatal(err)
	}
	var m memory
	got, err := Load(t.Context(), &m, f, Options{Source: "clinic-a", Mappings: csvmap.Shipped(), Received: received})
	if err != nil {
		t.Fatal(err)
	}
	return m.records, got
}

// Every resource of the published sample is one record; its README counts 5,212.
func TestSyntheaFHIR(t *testing.T) {
	records, got := loadShared(t, "fhir-synthea-20")
	if got.Records != 5212 || got.Rejected != 0 || got.Files != 15 {
		t.Fatalf("%+v", got)
	}
	for _, r := range records {
		if r.Format != intake.FormatFHIR {
			t.Fatalf("line %d of %s is %s", r.Line, r.Name, r.Format)
		}
	}
}

// Every row of the published CSV files is one record, counted by another reader.
func TestPublishedCSV(t *testing.T) {
	for _, name := range []string{"synthea-csv-27", "claims-tuva"} {
		t.Run(name, func(t *testing.T) {
			dir := sharedFolder(t, name)
			_, got := loadShared(t, name)
			paths, err := filepath.Glob(filepath.Join(dir, "*.csv*"))
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			for _, path := range paths {
				want += rows(t, path)
			}
			if got.Records != want || got.Rejected != 0 || got.Files != len(paths) {
				t.Errorf("%+v, want %d rows of %d files", got, want, len(paths))
			}
		})
	}
}

func rows(t *testing.T, path string) int64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(in)
	n := int64(-1) // the header
	for {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
}
