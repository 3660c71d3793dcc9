package workbook

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// sampleReport reads the report that the tests of reports hold their own result against.
func sampleReport(t testing.TB) reports.Report {
	t.Helper()
	text, err := os.ReadFile("../testdata/executive.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reports.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func sampleOptions(t testing.TB) Options {
	return Options{TmpDir: t.TempDir(), Generated: time.Date(2026, time.July, 1, 9, 0, 0, 0, time.UTC), User: "u-quality"}
}

// executiveBytes writes the executive workbook of r.
func executiveBytes(t testing.TB, r reports.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteExecutive(&out, r, sampleOptions(t)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reopen reads a workbook back.
func reopen(t testing.TB, data []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: 1 << 30, UnzipXMLSizeLimit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// saved puts a workbook into a folder of the test.
func saved(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
