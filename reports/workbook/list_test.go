package workbook

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

func listMeta(t testing.TB, total int64) ListMeta {
	return ListMeta{Title: "Care gaps", Watermark: "a. quinn, 2026-07-01 09:00 UTC, for operations, audit row 12", Filters: "status open", Run: sampleReport(t).Run,
		Columns: reports.GapColumns(), Total: total, Options: sampleOptions(t)}
}

// gapRows makes n rows of a gap list; the ninth column is what a person could have typed.
func gapRowsOf(n int, typed string) iter.Seq2[[]any, error] {
	due := models.NewDate(2026, 7, 15)
	return reports.GapCells(func(yield func(reports.Gap, error) bool) {
		for i := range n {
			g := reports.Gap{Patient: fmt.Sprintf("%032x", i), Measure: "colorectal_screening", MeasureVersion: "1", Group: "1", Status: "open", Due: "overdue", DueOn: &due,
				Reason: "NotFound", Evidence: fmt.Sprintf("%032x", i*7), EvidenceType: "Procedure", EvidenceValue: typed, Site: "North", PCP: "Clinician 12", Payer: "medicare"}
			if !yield(g, nil) {
				return
			}
		}
	})
}

func TestWriteList(t *testing.T) {
	var out bytes.Buffer
	if err := WriteList(&out, listMeta(t, 5), gapRowsOf(3, "=1+1")); err != nil {
		t.Fatal(err)
	}
	f := reopen(t, out.Bytes())
	if got := shown(t, f, "List", "A2"); !strings.Contains(got, "audit row 12") || !strings.Contains(got, DefaultListNote) {
		t.Errorf("watermark and note: %q", got)
	}
	if got := shown(t, f, "List", "A3"); !strings.Contains(got, "status open; 5 rows fit") {
		t.Errorf("filter line: %q", got)
	}
	if got := shown(t, f, "List", "A9"); got != "End of the list: 3 rows shown, 2 left out." {
		t.Errorf("last line: %q", got)
	}
	headers, err := f.GetHeaderFooter("List")
	if err != nil || !strings.Contains(headers.OddFooter, "audit row 12") {
		t.Errorf("footer %q, %v", headers.OddFooter, err)
	}
	tables, err := f.GetTables("List")
	if err != nil || len(tables) != 1 || tables[0].Range != "A4:R7" || tables[0].Name != "tblList" {
		t.Errorf("table %+v, %v", tables, err)
	}
	if day, ok := raw(t, f, "List", "E5"); !ok || day != float64(serial(models.NewDate(2026, 7, 15))) {
		t.Errorf("the due date is no date: %v", day)
	}
	// What a person typed stays text: it is never a formula.
	formula, err := f.GetCellFormula("List", "L5")
	if err != nil || formula != "" || shown(t, f, "List", "L5") != "=1+1" {
		t.Errorf("formula %q, text %q, %v", formula, shown(t, f, "List", "L5"), err)
	}
	if kind, err := f.GetCellType("List", "A5"); err != nil || kind != excelize.CellTypeInlineString {
		t.Errorf("a token of digits is a cell of kind %v, %v; want text", kind, err)
	}
}

func TestEmptyList(t *testing.T) {
	var out bytes.Buffer
	if err := WriteList(&out, listMeta(t, 0), gapRowsOf(0, "")); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, reopen(t, out.Bytes()), "List", "A6"); got != "End of the list: 0 rows shown, 0 left out." {
		t.Errorf("%q", got)
	}
}

func TestListTooLong(t *testing.T) {
	var out bytes.Buffer
	meta := listMeta(t, 2_000_000)
	meta.Shown = MaxRows + 1
	err := WriteList(&out, meta, func(func([]any, error) bool) { t.Error("rows were read of a list that is refused") })
	if models.KindOf(err) != models.KindUsage || !strings.Contains(err.Error(), "csv") || out.Len() != 0 {
		t.Errorf("%v, %d bytes written", err, out.Len())
	}
	if MaxRows > 1_048_575 {
		t.Errorf("a sheet does not hold %d rows and a heading", MaxRows)
	}
}

// A list that turns out too long while it streams is refused as well.
func TestListFullWhileStreaming(t *testing.T) {
	b, err := open(sampleOptions(t), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	sw, err := b.file.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.listRows(sw, reports.GapColumns(), gapRowsOf(4, ""), 3); models.KindOf(err) != models.KindUsage || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// An error of the rows ends the list: nothing is written, and no temporary file stays.
func TestListErrorWritesNothing(t *testing.T) {
	broken := errors.New("store closed")
	rows := func(yield func([]any, error) bool) {
		for row := range gapRowsOf(60_000, strings.Repeat("x", 40)) { // enough for a temporary file
			if !yield(row, nil) {
				return
			}
		}
		yield(nil, broken)
	}
	meta := listMeta(t, 60_001)
	var out bytes.Buffer
	if err := WriteList(&out, meta, rows); !errors.Is(err, broken) || out.Len() != 0 {
		t.Errorf("%v, %d bytes written", err, out.Len())
	}
	left, err := os.ReadDir(meta.TmpDir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEqualListsGiveEqualBytes(t *testing.T) {
	var a, b bytes.Buffer
	for _, out := range []*bytes.Buffer{&a, &b} {
		if err := WriteList(out, listMeta(t, 200), gapRowsOf(200, "120 mmHg")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two workbooks of one list differ")
	}
}

func BenchmarkList100000(b *testing.B) {
	for b.Loop() {
		var out bytes.Buffer
		if err := WriteList(&out, listMeta(b, 100_000), gapRowsOf(100_000, "120 mmHg")); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(out.Len())/1e6, "MB")
	}
}

func BenchmarkExecutive(b *testing.B) {
	r := sampleReport(b)
	for b.Loop() {
		executiveBytes(b, r)
	}
}
