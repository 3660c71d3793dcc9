package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// judged are the workbooks that outside judges look at.
func judged(t *testing.T) map[string][]byte {
	t.Helper()
	var list bytes.Buffer
	if err := WriteList(&list, listMeta(t, 400), gapRowsOf(300, "=1+1")); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"executive": executiveBytes(t, sampleReport(t)), "empty": executiveBytes(t, emptyReport()), "list": list.Bytes()}
}

// rewrite gives the workbook with its parts changed.
func rewrite(t *testing.T, data []byte, change func(name, text string) string) []byte {
	t.Helper()
	parts := partsOf(t, data)
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(change(name, parts[name]))); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// judge runs oracle/check.sh over files and gives what it found and its exit code; the test is skipped without java.
func judge(t *testing.T, files ...string) (string, int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "oracle/check.sh", files...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		t.Skipf("skipped: no judge of workbooks on this machine (java 17 and mvn are needed, and once a network): %s", lastLine(string(out)))
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	}
	t.Fatal(err)
	return "", 0
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// Apache POI reads every part against the published schemas and works every formula out anew: nothing may be found.
func TestOracleSchemasAndFormulas(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: short")
	}
	var files []string
	for name, data := range judged(t) {
		files = append(files, saved(t, name+".xlsx", data))
	}
	out, code := judge(t, files...)
	if code != 0 || strings.Count(out, "findings=0") != len(files) {
		t.Errorf("findings (exit code %d):\n%s", code, out)
	}
	if m := regexp.MustCompile(`formulas=(\d+).*executive`).FindStringSubmatch(out); m == nil || len(m[1]) < 3 {
		t.Errorf("the judge worked out too few formulas:\n%s", out)
	}
}

// A judge that finds nothing must be able to find something: a wrong value, a broken table, a chart out of order.
func TestOracleFindsPlantedFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: short")
	}
	good := executiveBytes(t, sampleReport(t))
	faults := map[string]func(name, text string) string{
		"value": func(name, text string) string {
			if name != "xl/worksheets/sheet2.xml" {
				return text
			}
			return strings.Replace(text, "</f><v>0.14</v>", "</f><v>0.15</v>", 1)
		},
		"table": func(name, text string) string {
			if name != "xl/tables/table1.xml" {
				return text
			}
			return strings.Replace(text, `<tableColumn id="1"`, `<tableColumn`, 1)
		},
		"chart": func(name, text string) string {
			if name != "xl/charts/chart1.xml" {
				return text
			}
			return strings.Replace(text, "<cat>", `<invertIfNegative val="0"></invertIfNegative><cat>`, 1)
		},
	}
	var files []string
	for what, plant := range faults {
		files = append(files, saved(t, what+".xlsx", rewrite(t, good, plant)))
	}
	out, code := judge(t, files...)
	if code != 1 || strings.Count(out, "findings=1,") != len(faults) {
		t.Errorf("planted and not found, one in each file (exit code %d):\n%s", code, out)
	}
}

// office converts a file with LibreOffice, or skips the test where there is none.
func office(t *testing.T, file, to string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: short")
	}
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("skipped: no soffice (apt-get install libreoffice-calc-nogui)")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program, "--headless", "-env:UserInstallation=file://"+t.TempDir(), "--convert-to", to, "--outdir", dir, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	return filepath.Join(dir, strings.TrimSuffix(filepath.Base(file), ".xlsx")+"."+to)
}

var cachedValue = regexp.MustCompile(`(<f>[^<]*</f>)<v>[^<]*</v>`)

// With the values beside the formulas taken away, LibreOffice works all of them out, and the same values come back.
func TestOracleRecalculation(t *testing.T) {
	good := executiveBytes(t, sampleReport(t))
	stripped := rewrite(t, good, func(_, text string) string { return cachedValue.ReplaceAllString(text, "$1") })
	if bytes.Contains([]byte(partsOf(t, stripped)["xl/worksheets/sheet2.xml"]), []byte("</f><v>")) {
		t.Fatal("values were left beside formulas")
	}
	data, err := os.ReadFile(office(t, saved(t, "stripped.xlsx", stripped), "xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	want, got := reopen(t, good), reopen(t, data)
	n := 0
	for i, sheet := range sheetOrder {
		text := partsOf(t, good)["xl/worksheets/sheet"+strconv.Itoa(i+1)+".xml"]
		for _, m := range formulaCell.FindAllStringSubmatch(text, -1) {
			n++
			a, numeric := raw(t, want, sheet, m[1])
			b, also := raw(t, got, sheet, m[1])
			if numeric != also || math.Abs(a-b) > 1e-9*math.Max(1, math.Abs(a)) || (!numeric && shown(t, want, sheet, m[1]) != shown(t, got, sheet, m[1])) {
				t.Errorf("%s!%s =%s: %v in the file, %v worked out", sheet, m[1], m[2], shown(t, want, sheet, m[1]), shown(t, got, sheet, m[1]))
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d formulas were compared", n)
	}
	t.Logf("%d formulas worked out anew and equal", n)
}

// In print the summary is exactly one page, and no sheet is more than one page wide.
func TestOraclePages(t *testing.T) {
	for name, data := range judged(t) {
		if name == "list" {
			continue
		}
		pdf := office(t, saved(t, name+".xlsx", data), "pdf")
		program, err := exec.LookPath("pdftotext")
		if err != nil {
			t.Skip("skipped: no pdftotext (apt-get install poppler-utils)")
		}
		text, err := exec.CommandContext(t.Context(), program, "-layout", pdf, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		pages := strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
		titles := []string{"executive summary", "Key performance indicators", "Measures", "Gaps to goal", "Retention", "Staying in care", "Return-on-investment model", "Definitions", "Provenance"}
		if name == "empty" { // both parts of retention fit on one page
			titles = slices.Delete(titles, 5, 6)
		}
		if len(pages) != len(titles) {
			t.Errorf("%s: %d pages, want %d", name, len(pages), len(titles))
		}
		for i, page := range pages {
			if i < len(titles) && !strings.Contains(page, titles[i]) {
				t.Errorf("%s: page %d is not %q", name, i+1, titles[i])
			}
			if strings.Contains(page, "###") || strings.Contains(page, "Err:") || strings.Contains(page, "#NAME") {
				t.Errorf("%s: page %d shows a value that does not fit or an error", name, i+1)
			}
		}
	}
}
