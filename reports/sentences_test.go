package reports

import (
	"strings"
	"testing"

	"carereach/models"
)

func TestSentencesOfSample(t *testing.T) {
	got := executiveSample(t).Sentences()
	want := [3]string{
		"No-show rate fell by 4.0 pp to 14.0 % against the 12 months before; the target is 12.0 % (off).",
		"Patient retention fell by 1.8 pp to 80.1 % against the 12 months before; the target is 85.0 % (near).",
		"Colorectal cancer screening is furthest from its target: 88 patients more to reach 70.0 %; 244 of 309 open gaps may be contacted.",
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got[:], "\n"), strings.Join(want[:], "\n"))
	}
}

// With nothing to compare, the sentences say what is missing and do not make anything up.
func TestSentencesWithoutData(t *testing.T) {
	var r Report
	for _, d := range models.KPIs {
		r.KPIs = append(r.KPIs, Evaluate(d, KPIFacts{AsOf: sampleAsOf}))
	}
	got := r.Sentences()
	if !strings.Contains(got[0], "nothing can be said about change") || !strings.HasPrefix(got[1], "7 of 7 executive figures have no data: No-show rate, ") || got[2] != "No care gap is open." {
		t.Errorf("%q", got)
	}
}

func TestSentencesOfOneDirection(t *testing.T) {
	r := Report{Currency: "USD", KPIs: []KPIValue{Evaluate(definition(t, "retention"), KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{
		kpiRow("retention", models.SpanYear, "", 8, 10), kpiRow("retention", models.SpanYearPast, "", 7, 10)}})}}
	if got := r.Sentences(); got[1] != "None of the 1 figures that can be compared got worse." {
		t.Errorf("%q", got[1])
	}
	r.KPIs[0] = Evaluate(definition(t, "retention"), KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{
		kpiRow("retention", models.SpanYear, "", 7, 10), kpiRow("retention", models.SpanYearPast, "", 7, 10)}})
	if got := r.Sentences(); !strings.HasPrefix(got[0], "None of the 1 figures") || !strings.HasPrefix(got[1], "None of the 1 figures") {
		t.Errorf("no change at all: %q", got)
	}
}

// From nothing to something is the largest movement there is; it must not divide by zero.
func TestSentencesFromZero(t *testing.T) {
	r := Report{Currency: "USD", KPIs: []KPIValue{Evaluate(definition(t, "gap_closure"), KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{
		kpiRow("gap_closure", models.SpanYear, "", 5, 10), kpiRow("gap_closure", models.SpanYearPast, "", 0, 10)}})}}
	if got := r.Sentences()[0]; got != "Care gap closure rose by 50.0 pp to 50.0 % against the 12 months before." {
		t.Errorf("%q", got)
	}
}

func TestFurthestWithoutTargets(t *testing.T) {
	rate := Int(0)
	r := Report{Measures: []MeasureSummary{
		{Title: "A", Rows: []MeasureRow{{Open: 1, Reachable: 1, Rate: &rate}, {Site: "North", Open: 900}}},
		{Title: "B", Rows: []MeasureRow{{Open: 1200, Reachable: 1100, Rate: &rate}}},
	}}
	if got := r.furthest(); got != "B has most open gaps: 1,200 patients, 1,100 of whom may be contacted." {
		t.Errorf("%q", got)
	}
}
