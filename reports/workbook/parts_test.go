package workbook

import (
	"math"
	"slices"
	"strings"
	"testing"

	"carereach/reports"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

func TestRefs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		col := rapid.IntRange(0, excelize.MaxColumns-1).Draw(t, "col")
		want, err := excelize.CoordinatesToCellName(col+1, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got := ref(col, 7); got != want {
			t.Fatalf("column %d is %s, want %s", col, got, want)
		}
	})
	for got, want := range map[string]string{
		absolute("AB12"): "$AB$12", absoluteRows("4:5"): "$4:$5", quoted("It's"): "'It''s'", span("KPIs", 1, 2, 9): "'KPIs'!$B$2:$B$9", at("ROI model", 0, 1): "'ROI model'!$A$1",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Wrapped text never needs fewer lines than its length fills, nor more than one for each word and each full line.
func TestLinesOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,30}`), 0, 40).Draw(t, "words")
		width := float64(rapid.IntRange(5, 80).Draw(t, "width"))
		text := strings.Join(words, " ")
		got := float64(linesOf(text, width))
		if got < float64(len(text)-len(words))/width || got > 1+float64(len(words))+float64(len(text))/width {
			t.Fatalf("%d characters at %g: %g lines", len(text), width, got)
		}
	})
	if got := linesOf("one\ntwo three", 20); got != 2 {
		t.Errorf("%d lines", got)
	}
}

func TestSeriesInOrder(t *testing.T) {
	const labels, data = "<dLbls></dLbls>", "<cat></cat><val></val>"
	line := "<lineChart><ser><idx/>" + labels + "<marker><size/></marker><invertIfNegative val=\"0\"></invertIfNegative>" + data + "<smooth></smooth></ser></lineChart>"
	if got, want := seriesInOrder(line), "<lineChart><ser><idx/><marker><size/></marker>"+labels+data+"<smooth></smooth></ser></lineChart>"; got != want {
		t.Errorf("line: %s", got)
	}
	bar := "<barChart><ser><idx/>" + labels + "<invertIfNegative></invertIfNegative>" + data + "<smooth></smooth></ser><ser>" + data + "</ser></barChart>"
	if got, want := seriesInOrder(bar), "<barChart><ser><idx/><invertIfNegative></invertIfNegative>"+labels+data+"</ser><ser>"+data+"</ser></barChart>"; got != want {
		t.Errorf("bar: %s", got)
	}
	// What is in order, or is no chart, stays as it is.
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z<>/ser]{0,60}`).Draw(t, "text")
		if got := seriesInOrder(text); !strings.Contains(text, "<ser>") && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		once := seriesInOrder(line)
		if seriesInOrder(once) != once {
			t.Fatal("repairing twice is not repairing once")
		}
	})
}

func TestInputLines(t *testing.T) {
	got := inputLines([]byte(`{"as_of":"2026-06-30","zone":"UTC","code":"ab12","kpi":{"seq":7,"hash":"x"},"value_sets":"2025"}`))
	want := []reports.Named{{Name: "code", Text: "ab12"}, {Name: "kpi", Text: `{"seq":7,"hash":"x"}`}, {Name: "value sets", Text: "2025"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := inputLines([]byte("not json")); got != nil {
		t.Errorf("%v", got)
	}
}

// A chart that would be cut by the end of a page begins a new one, and only then.
func TestKeepTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sheet{widths: []float64{20, 20, 20}} // narrower than a page: printed at full size
		rows := rapid.IntRange(1, 120).Draw(t, "rows")
		for range rows {
			s.lines = append(s.lines, line{height: 20})
		}
		least := uint(rapid.IntRange(50, 300).Draw(t, "least"))
		most := least + uint(rapid.IntRange(0, 200).Draw(t, "more"))
		got := s.keepTogether(rows+1, least, most)
		left := pageShort - math.Mod(float64(rows)*20, pageShort)
		switch {
		case got < least || got > most:
			t.Fatalf("%d pixels, asked for %d to %d", got, least, most)
		case len(s.pageBreaks) == 0 && float64(got)*0.75 > left:
			t.Fatalf("%g points are left for a chart of %g", left, float64(got)*0.75)
		case len(s.pageBreaks) != 0 && (got != most || left >= float64(least)*0.75+41):
			t.Fatalf("a page of its own for a chart of at least %g points, %g were left", float64(least)*0.75, left)
		}
	})
}
