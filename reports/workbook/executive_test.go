package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

var sheetOrder = []string{"Summary", "KPIs", "Measures", "Gaps to goal", "Retention", "ROI model", "Definitions", "Provenance"}

func TestSheetsInOrder(t *testing.T) {
	f := reopen(t, executiveBytes(t, sampleReport(t)))
	if got := f.GetSheetList(); !slices.Equal(got, sheetOrder) {
		t.Errorf("sheets %v", got)
	}
	if f.GetActiveSheetIndex() != 0 {
		t.Error("the summary is not the sheet that opens")
	}
}

// partsOf gives the parts of a workbook by name.
func partsOf(t testing.TB, data []byte) map[string]string {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

var formulaCell = regexp.MustCompile(`<c r="([A-Z]+[0-9]+)"[^>]*><f>([^<]+)</f>(<v>([^<]*)</v>)?`)

// A viewer without a calculation engine shows what stands beside the formula; none may be blank.
func TestEveryFormulaHasAValue(t *testing.T) {
	n := 0
	for name, text := range partsOf(t, executiveBytes(t, sampleReport(t))) {
		if !strings.HasPrefix(name, "xl/worksheets/sheet") {
			continue
		}
		for _, m := range formulaCell.FindAllStringSubmatch(text, -1) {
			n++
			if m[4] == "" {
				t.Errorf("%s %s: =%s has no value beside it", name, m[1], m[2])
			}
		}
		if n != 0 && strings.Count(text, "<f>") != len(formulaCell.FindAllString(text, -1)) {
			t.Errorf("%s has formulas of another form", name)
		}
	}
	if n < 200 {
		t.Errorf("only %d formulas", n)
	}
}

// raw reads a cell as a number; ok is false when it holds none.
func raw(t testing.TB, f *excelize.File, sheet, at string) (v float64, ok bool) {
	t.Helper()
	text, err := f.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err = strconv.ParseFloat(text, 64)
	return v, err == nil
}

func shown(t testing.TB, f *excelize.File, sheet, at string) string {
	t.Helper()
	text, err := f.GetCellValue(sheet, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The workbook, the JSON and what the command line prints are one evaluation: for every KPI the cell holds the JSON's
// number, and formatting the cell's number gives the command line's words.
func TestWorkbookEqualsJSONAndCommandLine(t *testing.T) {
	r := sampleReport(t)
	f := reopen(t, executiveBytes(t, r))
	for i, v := range slices.Concat(r.KPIs, r.Sites) {
		row := kpisHead + 1 + i
		if got := shown(t, f, kpisSheet, ref(0, row)); got != v.Name {
			t.Fatalf("row %d is %q, want %s", row, got, v.Name)
		}
		checkNumber(t, f, v, "now", ref(colNow, row), v.Value, 1)
		checkNumber(t, f, v, "numerator", ref(6, row), v.Numerator, 1)
		checkNumber(t, f, v, "denominator", ref(7, row), v.Denominator, 1)
		checkNumber(t, f, v, "before", ref(colPrior, row), v.Prior, 1)
		checkNumber(t, f, v, "money", ref(colMoney, row), v.Money.Amount, 1)
		if v.Change != nil {
			points := 1.0
			if v.Unit == models.UnitRate {
				points = 100
			}
			checkNumber(t, f, v, "change", ref(colChange, row), &v.Change.Value, points)
		}
		now, ok := raw(t, f, kpisSheet, ref(colNow, row))
		line := v.Show(r.Currency)
		if ok && reports.Format(v.Unit, r.Currency, reports.Float(now)) != line {
			t.Errorf("%s: the cell holds %v, the command line says %s", v.ID, now, line)
		}
		if !ok && !strings.HasPrefix(line, "no data: ") {
			t.Errorf("%s: the cell holds no number, the command line says %s", v.ID, line)
		}
		if got := shown(t, f, kpisSheet, ref(12, row)); got != v.State.Word() {
			t.Errorf("%s: state %q, want %q", v.ID, got, v.State.Word())
		}
	}
}

func checkNumber(t *testing.T, f *excelize.File, v reports.KPIValue, what, at string, want *reports.Number, factor float64) {
	t.Helper()
	got, ok := raw(t, f, kpisSheet, at)
	if ok != (want != nil) {
		t.Errorf("%s %s: the cell holds a number: %v, the report has one: %v", v.ID, what, ok, want != nil)
		return
	}
	if ok && math.Abs(got-want.Float()*factor) > 1e-12*math.Max(1, math.Abs(got)) {
		t.Errorf("%s %s: cell %v, report %v", v.ID, what, got, want.Float()*factor)
	}
}

// The summary has the seven executive rows in their order, each naming where it comes from.
func TestSummary(t *testing.T) {
	r := sampleReport(t)
	f := reopen(t, executiveBytes(t, r))
	want := []models.KPIID{"no_show_rate", "retention", "staff_hours", "satisfaction", "revenue_per_patient", "gap_closure", "preventive_use"}
	tables, err := f.GetTables("Summary")
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	if tables[0].Range != "A7:H14" {
		t.Errorf("the table is %s, want a heading and seven rows", tables[0].Range)
	}
	for i, id := range want {
		def, _ := models.KPIByID(id)
		row := 8 + i
		if got := shown(t, f, "Summary", ref(0, row)); got != def.Name {
			t.Errorf("row %d: %q, want %s", row, got, def.Name)
		}
		if got := shown(t, f, "Summary", ref(7, row)); !strings.HasPrefix(got, "measured") && !strings.HasPrefix(got, "imported") && !strings.HasPrefix(got, "no data: ") {
			t.Errorf("row %d does not say where it comes from: %q", row, got)
		}
		now, _ := raw(t, f, "Summary", ref(3, row))
		onKPIs, _ := raw(t, f, kpisSheet, ref(colNow, kpisHead+1+slices.IndexFunc(r.KPIs, func(v reports.KPIValue) bool { return v.ID == id })))
		if now != onKPIs {
			t.Errorf("%s: summary %v, KPIs %v", id, now, onKPIs)
		}
	}
	sentences := r.Sentences()
	for i, s := range sentences {
		if got := shown(t, f, "Summary", ref(0, 4+i)); got != "• "+s {
			t.Errorf("sentence %d: %q", i+1, got)
		}
	}
	head := shown(t, f, "Summary", "A1") + shown(t, f, "Summary", "A2") + shown(t, f, "Summary", "A3")
	for _, part := range []string{"Riverside Clinic & Partners", "30 June 2026", "2026-06-30", "Aggregate, no patient detail", "4 hours before this report"} {
		if !strings.Contains(head, part) {
			t.Errorf("the head does not say %q: %s", part, head)
		}
	}
}

func TestTables(t *testing.T) {
	f := reopen(t, executiveBytes(t, sampleReport(t)))
	names := map[string]bool{}
	for _, sheet := range sheetOrder {
		tables, err := f.GetTables(sheet)
		if err != nil || len(tables) != 1 {
			t.Fatalf("%s: %d tables, %v; want one", sheet, len(tables), err)
		}
		if names[tables[0].Name] || !strings.HasPrefix(tables[0].Name, "tbl") {
			t.Errorf("%s: table name %q is not unique", sheet, tables[0].Name)
		}
		names[tables[0].Name] = true
		merged, err := f.GetMergeCells(sheet)
		if err != nil || len(merged) != 0 {
			t.Errorf("%s: merged cells %v, %v", sheet, merged, err)
		}
	}
	for name, text := range partsOf(t, executiveBytes(t, sampleReport(t))) {
		if !strings.HasPrefix(name, "xl/tables/") {
			continue
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`<tableColumn id="\d+" name="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if m[1] == "" || seen[m[1]] {
				t.Errorf("%s: heading %q is empty or used twice", name, m[1])
			}
			seen[m[1]] = true
		}
	}
}

func TestPrintSetUp(t *testing.T) {
	f := reopen(t, executiveBytes(t, sampleReport(t)))
	for _, sheet := range sheetOrder {
		props, err := f.GetSheetProps(sheet)
		if err != nil || props.FitToPage == nil || !*props.FitToPage || props.TabColorRGB == nil || len(*props.TabColorRGB) != 8 {
			t.Errorf("%s: not fitted to a page, or the tab's colour has not 8 digits (%v)", sheet, err)
		}
		page, err := f.GetPageLayout(sheet)
		if err != nil || page.FitToWidth == nil || *page.FitToWidth != 1 {
			t.Errorf("%s: more than one page wide (%v)", sheet, err)
		}
		headers, err := f.GetHeaderFooter(sheet)
		if err != nil || !strings.Contains(headers.OddFooter, "no patient detail") || !strings.Contains(headers.OddFooter, "5a3f0c9d") || !strings.Contains(headers.OddHeader, "Clinic && Partners") {
			t.Errorf("%s: header %q footer %q (%v)", sheet, headers.OddHeader, headers.OddFooter, err)
		}
		panes, err := f.GetPanes(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if frozen := sheet != "Summary" && sheet != roiSheet; panes.Freeze != frozen {
			t.Errorf("%s: frozen %v", sheet, panes.Freeze)
		}
	}
	page, err := f.GetPageLayout("Summary")
	if err != nil || *page.Orientation != "landscape" || *page.FitToHeight != 1 {
		t.Errorf("the summary is not one landscape page: %v", err)
	}
}

func TestROIInputsAreNamedAndUnlocked(t *testing.T) {
	r := sampleReport(t)
	f := reopen(t, executiveBytes(t, r))
	byName := map[string]string{}
	for _, d := range f.GetDefinedName() {
		byName[d.Name] = d.RefersTo
	}
	for i, in := range r.ROI.Inputs {
		cell := ref(1, 4+i)
		if got := byName["roi_"+in.Name]; got != at(roiSheet, 1, 4+i) {
			t.Errorf("roi_%s refers to %q", in.Name, got)
		}
		if v, ok := raw(t, f, roiSheet, cell); !ok || v != in.Value {
			t.Errorf("%s holds %v, want %v", cell, v, in.Value)
		}
		id, err := f.GetCellStyle(roiSheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil || style.Protection == nil || style.Protection.Locked || style.Font.Color != input {
			t.Errorf("%s is not an unlocked blue cell (%v)", cell, err)
		}
		if got := shown(t, f, roiSheet, ref(2, 4+i)); got != in.Origin {
			t.Errorf("%s: origin %q", in.Name, got)
		}
	}
	checks, err := f.GetDataValidations(roiSheet)
	if err != nil || len(checks) != len(r.ROI.Inputs) {
		t.Errorf("%d validations for %d inputs, %v", len(checks), len(r.ROI.Inputs), err)
	}
	if !strings.Contains(partsOf(t, executiveBytes(t, r))["xl/worksheets/sheet6.xml"], "<sheetProtection") {
		t.Error("the model's formulas can be overwritten by mistake")
	}
}

// The values beside the model's formulas are those that Go worked out.
func TestROIValues(t *testing.T) {
	r := sampleReport(t)
	f := reopen(t, executiveBytes(t, r))
	first := 4 + len(r.ROI.Inputs) + 2
	for i, res := range roiResults(first) {
		if got := shown(t, f, roiSheet, ref(0, first+i)); got != res.label {
			t.Fatalf("row %d is %q, want %q", first+i, got, res.label)
		}
		for j, c := range r.ROI.Cases {
			want := res.value(c)
			if word, isWord := want.(string); isWord {
				if got := shown(t, f, roiSheet, ref(1+j, first+i)); got != word {
					t.Errorf("%s, %s: %q, want %q", res.label, c.Name, got, word)
				}
				continue
			}
			if got, ok := raw(t, f, roiSheet, ref(1+j, first+i)); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, %s: %v, want %v", res.label, c.Name, got, want)
			}
		}
	}
}

func TestChartsHaveAltText(t *testing.T) {
	charts, described := 0, 0
	for name, text := range partsOf(t, executiveBytes(t, sampleReport(t))) {
		if strings.HasPrefix(name, "xl/drawings/drawing") {
			charts += strings.Count(text, "<xdr:graphicFrame")
			described += len(regexp.MustCompile(`descr="[^"]{20,}"`).FindAllString(text, -1))
		}
		if strings.HasPrefix(name, "xl/charts/") && !strings.Contains(text, `<a:srgbClr val="`+ink+`">`) {
			t.Errorf("%s: axis text keeps the library's light grey", name)
		}
	}
	if charts != 5 || described != 5 {
		t.Errorf("%d charts, %d with a description; want 5 of each", charts, described)
	}
}

// Nothing that the library is known to get wrong, and nothing that a viewer may not show.
func TestNothingFragile(t *testing.T) {
	for name, text := range partsOf(t, executiveBytes(t, sampleReport(t))) {
		for _, bad := range []string{"iconSet", "<mergeCell ", "pivotTableDefinition", "<slicer", "sparkline", "#REF!", "NaN", "+Inf"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s contains %s", name, bad)
			}
		}
	}
	if text := partsOf(t, executiveBytes(t, sampleReport(t)))["xl/workbook.xml"]; !strings.Contains(text, `fullCalcOnLoad="true"`) && !strings.Contains(text, `fullCalcOnLoad="1"`) {
		t.Error("formulas are not worked out on load")
	}
}

// No patient of the run is named: the sample's tokens are 32 hex digits, and the only such words are ids of the run.
func TestNoPatientDetail(t *testing.T) {
	r := sampleReport(t)
	token := regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	for name, text := range partsOf(t, executiveBytes(t, r)) {
		for _, hit := range token.FindAllString(text, -1) {
			if hit != string(r.Run.ID) {
				t.Errorf("%s names %s", name, hit)
			}
		}
	}
}

func TestEqualReportsGiveEqualBytes(t *testing.T) {
	first := executiveBytes(t, sampleReport(t))
	for range 5 {
		if !bytes.Equal(first, executiveBytes(t, sampleReport(t))) {
			t.Fatal("two workbooks of one report differ")
		}
	}
	done := make(chan []byte)
	for range 4 {
		go func() {
			var out bytes.Buffer
			if err := WriteExecutive(&out, sampleReport(t), sampleOptions(t)); err != nil {
				t.Error(err)
			}
			done <- out.Bytes()
		}()
	}
	for range 4 {
		if !bytes.Equal(first, <-done) {
			t.Error("workbooks made at the same time differ")
		}
	}
}

// emptyReport is the report of a run without any data.
func emptyReport() reports.Report {
	r := reports.Report{Organisation: "New Clinic", Currency: "EUR", Run: reports.Run{ID: "00000000000000000000000000000002", AsOf: models.NewDate(2026, 6, 30), Period: models.CalendarYear(models.NewDate(2026, 6, 30)), Zone: "UTC"}}
	for _, d := range models.KPIs {
		r.KPIs = append(r.KPIs, reports.Evaluate(d, reports.KPIFacts{AsOf: r.Run.AsOf}))
	}
	r.ROI = reports.DefaultROIInputs().Model(0)
	return r
}

func TestEmptyReport(t *testing.T) {
	r := emptyReport()
	r.Outdated = true
	f := reopen(t, executiveBytes(t, r))
	if got := f.GetSheetList(); !slices.Equal(got, sheetOrder) {
		t.Errorf("sheets %v", got)
	}
	for row := 8; row < 15; row++ {
		if now, source := shown(t, f, "Summary", ref(3, row)), shown(t, f, "Summary", ref(7, row)); now != noData || !strings.HasPrefix(source, "no data: ") {
			t.Errorf("row %d: now %q, source %q", row, now, source)
		}
	}
	if got := shown(t, f, "Summary", "A16"); !strings.Contains(got, "run carereach analyze again") {
		t.Errorf("an outdated report does not say so: %q", got)
	}
	if got := shown(t, f, "Measures", "A5"); got != "No measure ran." {
		t.Errorf("%q", got)
	}
}

// A disk that is full under the report is an error, and nothing is left in the folder for temporary files.
func TestFullDisk(t *testing.T) {
	opts := sampleOptions(t)
	if err := WriteExecutive(fullDisk{}, sampleReport(t), opts); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(opts.TmpDir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
