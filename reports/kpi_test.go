package reports

import (
	"strings"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

func definition(t testing.TB, id models.KPIID) models.KPIDefinition {
	t.Helper()
	d, ok := models.KPIByID(id)
	if !ok {
		t.Fatalf("no KPI %s", id)
	}
	return d
}

func ptr(n Number) *Number { return &n }

func kpiRow(id models.KPIID, span, site string, num, den int64) KPIRow {
	return KPIRow{KPI: id, Span: span, Month: sampleAsOf, Site: site, Numerator: ptr(Int(num)), Denominator: ptr(Int(den)), Excluded: 5}
}

func imported(id models.KPIID, month, site string, value Number) Import {
	day, err := models.ParseDate(month)
	if err != nil {
		panic(err)
	}
	return Import{KPI: id, Month: day, Site: site, Value: value, Source: "survey firm", Owner: "r. diaz"}
}

func TestEvaluateMeasured(t *testing.T) {
	v := Evaluate(definition(t, "no_show_rate"), KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{
		kpiRow("retention", models.SpanYear, "", 1, 2), // another KPI
		kpiRow("no_show_rate", models.SpanYear, "North", 1, 2),
		kpiRow("no_show_rate", models.SpanYear, "", 12, 80),
		kpiRow("no_show_rate", models.SpanYearPast, "", 18, 90),
	}, Imports: []Import{imported("no_show_rate", "2026-05-01", "", number(t, "0.5"))}})
	if v.State != Measured || v.Value.Cmp(number(t, "0.15")) != 0 || v.Excluded != 5 || v.Numerator.Cmp(Int(12)) != 0 || v.Denominator.Cmp(Int(80)) != 0 {
		t.Errorf("measured value: %+v", v)
	}
	if v.Imported == nil || v.Imported.Value.Cmp(number(t, "0.5")) != 0 {
		t.Error("the imported value does not stand beside the measured one")
	}
	if v.Change == nil || v.Change.Against != AgainstPrior || v.Change.Value.Cmp(number(t, "-0.05")) != 0 || !v.Change.Better {
		t.Errorf("change: %+v; fewer no-shows are better", v.Change)
	}
}

// Whatever is missing, the answer is "no data" with a reason, and never a number.
func TestEvaluateNoDataIsNeverZero(t *testing.T) {
	for _, def := range models.KPIs {
		v := Evaluate(def, KPIFacts{AsOf: sampleAsOf})
		if v.State != NoData || v.Value != nil || v.Reason != def.NoData || v.Status != "" || v.Change != nil {
			t.Errorf("%s without rows: %+v", def.ID, v)
		}
		if got := v.Show("USD"); got != "no data: "+def.NoData {
			t.Errorf("%s shows %q", def.ID, got)
		}
	}
	def := definition(t, "no_show_rate")
	empty := []KPIRow{kpiRow(def.ID, models.SpanYear, "", 0, 0)}
	if v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Rows: empty}); v.Value != nil || v.Reason != def.NoData {
		t.Errorf("denominator 0: %+v", v)
	}
	empty[0].Denominator = nil
	if v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Rows: empty}); v.Value != nil {
		t.Errorf("denominator NULL: %+v", v)
	}
	empty[0].Denominator, empty[0].Numerator = ptr(Int(3)), nil
	if v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Rows: empty}); v.Value != nil {
		t.Errorf("numerator NULL: %+v", v)
	}
	// A measured zero is a value: nobody missed an appointment.
	if v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{kpiRow(def.ID, models.SpanYear, "", 0, 40)}}); v.State != Measured || v.Value.Sign() != 0 {
		t.Errorf("no no-shows: %+v", v)
	}
}

func TestNoDataReasonsTellCasesApart(t *testing.T) {
	def := definition(t, "no_show_rate")
	for name, c := range map[string]struct {
		facts KPIFacts
		want  string
	}{
		"other span":  {KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{kpiRow(def.ID, models.SpanYearPast, "", 1, 9)}}, "none in the twelve months to 2026-06-30"},
		"other month": {KPIFacts{AsOf: sampleAsOf, Imports: []Import{imported(def.ID, "2024-01-01", "", Int(0))}}, "imported for other months only"},
		"by site":     {KPIFacts{AsOf: sampleAsOf, Imports: []Import{imported(def.ID, "2026-01-01", "North", Int(0))}}, "imported by site only"},
		"nothing":     {KPIFacts{AsOf: sampleAsOf}, "no source sends appointments"},
	} {
		if v := Evaluate(def, c.facts); v.State != NoData || !strings.Contains(v.Reason, c.want) {
			t.Errorf("%s: %q, want %q", name, v.Reason, c.want)
		}
	}
}

// Twelve calendar months count: those that ended on or before the as-of date.
func TestImportedMonths(t *testing.T) {
	def := definition(t, "satisfaction")
	months := func(asOf models.Date) int {
		var ims []Import
		for m := models.NewDate(2024, time.January, 1); m <= models.NewDate(2027, time.January, 1); m = m.AddMonths(1) {
			ims = append(ims, Import{KPI: def.ID, Month: m, Value: Int(int64(m.Year())*100 + int64(m.Time().Month()))})
		}
		v := Evaluate(def, KPIFacts{AsOf: asOf, Imports: ims})
		if v.State != Imported {
			t.Fatalf("%s: %+v", asOf, v)
		}
		return v.Imported.Months
	}
	for _, day := range []models.Date{models.NewDate(2026, time.June, 30), models.NewDate(2026, time.June, 29), models.NewDate(2026, time.February, 28), models.NewDate(2028, time.February, 29)} {
		if day.Year() < 2027 && months(day) != 12 {
			t.Errorf("%s counts %d months", day, months(day))
		}
	}
	if got := LastMonth(models.NewDate(2026, time.June, 30)); got != models.NewDate(2026, time.June, 1) {
		t.Errorf("June is over on 30 June, got %s", got)
	}
	if got := LastMonth(models.NewDate(2026, time.June, 29)); got != models.NewDate(2026, time.May, 1) {
		t.Errorf("June is not over on 29 June, got %s", got)
	}
}

// Hours are added up, everything else is a mean; and a sum over fewer months is not held against one over more.
func TestImportedSumAndMean(t *testing.T) {
	hours, score := definition(t, "staff_hours"), definition(t, "satisfaction")
	var ims []Import
	for _, id := range []models.KPIID{hours.ID, score.ID} {
		ims = append(ims, imported(id, "2026-05-01", "", Int(10)), imported(id, "2026-06-01", "", Int(20)), imported(id, "2025-06-01", "", Int(9)))
	}
	v := Evaluate(hours, KPIFacts{AsOf: sampleAsOf, Imports: ims})
	if v.Value.Cmp(Int(30)) != 0 || v.Imported.Months != 2 || !strings.Contains(v.Reason, "sum of 2 of 12 months, from survey firm (r. diaz)") {
		t.Errorf("hours: %s, %s", v.Value.Fixed(1), v.Reason)
	}
	if v.Prior != nil || v.Change != nil {
		t.Error("two months are held against one")
	}
	v = Evaluate(score, KPIFacts{AsOf: sampleAsOf, Imports: ims})
	if v.Value.Cmp(Int(15)) != 0 || v.Prior == nil || v.Prior.Cmp(Int(9)) != 0 || v.Change.Value.Cmp(Int(6)) != 0 {
		t.Errorf("score: %+v", v)
	}
	if v.Numerator != nil || v.Denominator != nil {
		t.Error("an imported value has no numerator")
	}
}

func TestChangeFallsBackToBaseline(t *testing.T) {
	def := definition(t, "satisfaction")
	v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Imports: []Import{imported(def.ID, "2026-05-01", "", Int(40))}, Baseline: &Goal{Value: Int(45)}})
	if v.Change == nil || v.Change.Against != AgainstBaseline || v.Change.Value.Cmp(Int(-5)) != 0 || v.Change.Better {
		t.Errorf("change: %+v", v.Change)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		dir           models.Direction
		value, target string
		want          Status
	}{
		{models.Higher, "0.6", "0.6", OnTarget}, {models.Higher, "0.7", "0.6", OnTarget},
		{models.Higher, "0.54", "0.6", Near}, {models.Higher, "0.5399", "0.6", Off},
		{models.Lower, "0.12", "0.12", OnTarget}, {models.Lower, "0.132", "0.12", Near}, {models.Lower, "0.1321", "0.12", Off},
		{models.Higher, "-5", "0", Off}, {models.Higher, "-22", "-20", Near}, {models.Lower, "0", "0", OnTarget},
	} {
		if got := statusOf(c.dir, number(t, c.value), &Goal{Value: number(t, c.target)}); got != c.want {
			t.Errorf("%s is better, %s against %s: %q, want %q", c.dir, c.value, c.target, got, c.want)
		}
	}
	if got := statusOf(models.Higher, Int(1), nil); got != "" {
		t.Errorf("without a target: %q", got)
	}
}

// A value that moves in the good direction never gets a worse status.
func TestStatusIsMonotone(t *testing.T) {
	rank := map[Status]int{Off: 0, Near: 1, OnTarget: 2}
	rapid.Check(t, func(t *rapid.T) {
		dir := rapid.SampledFrom([]models.Direction{models.Higher, models.Lower}).Draw(t, "direction")
		target := &Goal{Value: Int(rapid.Int64Range(-1000, 1000).Draw(t, "target"))}
		a, b := rapid.Int64Range(-2000, 2000).Draw(t, "a"), rapid.Int64Range(-2000, 2000).Draw(t, "b")
		worse, better := min(a, b), max(a, b)
		if dir == models.Lower {
			worse, better = better, worse
		}
		if rank[statusOf(dir, Int(worse), target)] > rank[statusOf(dir, Int(better), target)] {
			t.Fatalf("%d is judged better than %d with %s is better", worse, better, dir)
		}
	})
}

// Rows and imports of other KPIs, sites and spans change nothing, in whatever order they come.
func TestEvaluateOrderAndStrangers(t *testing.T) {
	def := definition(t, "gap_closure")
	rapid.Check(t, func(t *rapid.T) {
		own := []KPIRow{kpiRow(def.ID, models.SpanYear, "North", 30, 50), kpiRow(def.ID, models.SpanYearPast, "North", 20, 50)}
		strangers := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) KPIRow {
			return kpiRow(rapid.SampledFrom([]models.KPIID{"retention", "no_show_rate"}).Draw(t, "kpi"), rapid.SampledFrom([]string{models.SpanYear, models.SpanYearPast}).Draw(t, "span"),
				rapid.SampledFrom([]string{"", "North", "River"}).Draw(t, "site"), rapid.Int64Range(0, 9).Draw(t, "num"), 9)
		}), 0, 8).Draw(t, "strangers")
		rows := rapid.Permutation(append(own, strangers...)).Draw(t, "rows")
		v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Site: "North", Rows: rows})
		if v.State != Measured || v.Value.Fixed(2) != "0.60" || v.Change.Value.Fixed(2) != "0.20" {
			t.Fatalf("%+v", v)
		}
	})
}

func TestSeriesLeavesGaps(t *testing.T) {
	def := definition(t, "no_show_rate")
	month := func(m time.Month, den int64) KPIRow {
		r := kpiRow(def.ID, models.SpanMonth, "", 1, den)
		r.Month = models.NewDate(2026, m, 1)
		return r
	}
	v := Evaluate(def, KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{month(time.June, 4), month(time.March, 2), month(time.April, 0), month(time.July, 3)}})
	if len(v.Series) != 2 || v.Series[0].Month != models.NewDate(2026, time.March, 1) || v.Series[1].Value.Fixed(2) != "0.25" {
		t.Errorf("series: %+v; want March and June, not the empty April, not the July to come", v.Series)
	}
}

func TestMeanings(t *testing.T) {
	roi := DefaultROIInputs()
	roi.MarginPerVisit, roi.StaffRate, roi.IncentivePerGap = 100, 40, 25
	facts := KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{
		kpiRow("no_show_rate", models.SpanYear, "", 10, 100), kpiRow("no_show_rate", models.SpanYearPast, "", 15, 100),
		kpiRow("retention", models.SpanYear, "", 80, 100), kpiRow("retention", models.SpanYearPast, "", 70, 100),
		kpiRow("revenue_per_patient", models.SpanYear, "", 50000, 100), kpiRow("revenue_per_patient", models.SpanYearPast, "", 45000, 100),
		kpiRow("gap_closure", models.SpanYear, "", 30, 100), kpiRow("gap_closure", models.SpanYearPast, "", 40, 100),
		kpiRow("staff_hours", models.SpanYear, "", 90, 1), kpiRow("staff_hours", models.SpanYearPast, "", 100, 1),
		kpiRow("net_collection", models.SpanYear, "", 9, 10),
	}}
	var values []KPIValue
	for _, d := range models.KPIs {
		values = append(values, Evaluate(d, facts))
	}
	setMeanings(values, roi)
	want := map[models.KPIID]string{
		"no_show_rate":        "500",   // 5 of 100 appointments kept more, 100 each
		"retention":           "5000",  // 10 of 100 patients kept more, 500 each
		"revenue_per_patient": "5000",  // 50 more for each of 100 patients
		"gap_closure":         "-1250", // 10 gaps fewer, 125 each
		"staff_hours":         "400",   // 10 hours fewer, 40 each
	}
	for _, v := range values {
		switch amount, ok := want[v.ID]; {
		case ok && (v.Money.Amount == nil || v.Money.Amount.Fixed(0) != amount):
			t.Errorf("%s: %+v, want %s", v.ID, v.Money, amount)
		case !ok && (v.Money.Amount != nil || v.Money.Reason == ""):
			t.Errorf("%s: %+v, want no amount and a reason", v.ID, v.Money)
		}
	}
}

func TestMeaningNeedsACount(t *testing.T) {
	values := []KPIValue{Evaluate(definition(t, "no_show_rate"), KPIFacts{AsOf: sampleAsOf, Imports: []Import{
		imported("no_show_rate", "2026-05-01", "", number(t, "0.1")), imported("no_show_rate", "2025-05-01", "", number(t, "0.2"))}})}
	setMeanings(values, DefaultROIInputs())
	if m := values[0].Money; m.Amount != nil || m.Reason != "no count behind an import" {
		t.Errorf("%+v", m)
	}
	v := []KPIValue{Evaluate(definition(t, "retention"), KPIFacts{AsOf: sampleAsOf, Rows: []KPIRow{kpiRow("retention", models.SpanYear, "", 1, 2), kpiRow("retention", models.SpanYearPast, "", 1, 4)}})}
	setMeanings(v, DefaultROIInputs())
	if m := v[0].Money; m.Amount != nil || !strings.Contains(m.Reason, "no data for revenue per patient") {
		t.Errorf("%+v", m)
	}
}
