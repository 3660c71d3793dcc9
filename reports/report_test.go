package reports

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite expected output")

// The report of the sample run as JSON is what the workbook's tests read: both are held to the same file.
func TestExecutiveGolden(t *testing.T) {
	report := executiveSample(t)
	got, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "testdata/executive.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the report differs from %s; go test ./reports -update rewrites it", path)
	}
}

func executiveSample(t testing.TB) Report {
	t.Helper()
	var report Report
	read(t, openSample(t, 2400), func(q Querier) error {
		run, err := CurrentRun(t.Context(), q, &sampleAsOf)
		if err != nil {
			return err
		}
		report, err = Executive(t.Context(), q, sampleInputs(), run, sampleRequest())
		return err
	})
	return report
}
