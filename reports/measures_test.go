package reports

import (
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

// The count to goal is the least number that reaches the target: with it the rate is on target, with one less it is not.
func TestToGoalIsLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		den := rapid.Int64Range(1, 100000).Draw(t, "denominator")
		num := rapid.Int64Range(0, den).Draw(t, "numerator")
		target, _ := Int(rapid.Int64Range(0, 10000).Draw(t, "basis points")).Over(Int(10000))
		dir := rapid.SampledFrom([]models.Direction{models.Higher, models.Lower}).Draw(t, "direction")
		met := func(moved int64) bool {
			if dir == models.Lower {
				moved = -moved
			}
			rate, _ := Int(num + moved).Over(Int(den))
			return statusOf(dir, rate, &Goal{Value: target}) == OnTarget
		}
		n := toGoal(dir, num, den, target)
		if n < 0 || !met(n) {
			t.Fatalf("%d more do not reach the target", n)
		}
		if n > 0 && met(n-1) {
			t.Fatalf("%d are asked for, %d would do", n, n-1)
		}
	})
}

// 7 % of 100 patients is 7; in floating point 0.07 * 100 is a little more and rounds up to 8.
func TestToGoalCountsInWholeNumbers(t *testing.T) {
	if got := toGoal(models.Higher, 0, 100, number(t, "0.07")); got != 7 {
		t.Errorf("7 %% of 100: %d", got)
	}
	if got := toGoal(models.Lower, 12, 100, number(t, "0.07")); got != 5 {
		t.Errorf("12 of 100, target at most 7 %%: %d", got)
	}
}

func TestMeasuresOfSample(t *testing.T) {
	s := openSample(t, 2400)
	read(t, s, func(q Querier) error {
		run, err := CurrentRun(t.Context(), q, &sampleAsOf)
		if err != nil {
			return err
		}
		goals := []Goal{{ID: "bp_control", Value: number(t, "0.75")}, {ID: "bp_control", Site: "North", Value: number(t, "0.5")}}
		measures, err := Measures(t.Context(), q, run, goals)
		if err != nil {
			return err
		}
		for _, m := range measures {
			if m.ID == "influenza_vaccination" {
				if m.State != MeasureRefused || len(m.Rows) != 0 || m.Reason == "" {
					t.Errorf("refused measure: %+v", m)
				}
				continue
			}
			checkMeasure(t, q, run, m)
		}
		return nil
	})
}

// checkMeasure counts the gaps of a measure anew, by other statements than the report's.
func checkMeasure(t *testing.T, q Querier, run Run, m MeasureSummary) {
	t.Helper()
	if len(m.Rows) != 4 || m.Rows[0].Site != "" {
		t.Fatalf("%s: %d rows, first site %q; want all sites first, then three", m.ID, len(m.Rows), m.Rows[0].Site)
	}
	var open, reach int64
	for _, r := range m.Rows {
		if r.Site != "" {
			open += r.Open
			reach += r.Reachable
		}
		if r.Denominator != r.Eligible-r.Excluded || r.Rate == nil {
			t.Errorf("%s %s: %+v", m.ID, r.Site, r)
		}
	}
	if open != m.Rows[0].Open || reach != m.Rows[0].Reachable {
		t.Errorf("%s: sites have %d open and %d reachable, all has %d and %d", m.ID, open, reach, m.Rows[0].Open, m.Rows[0].Reachable)
	}
	var want int64
	err := q.QueryRow(t.Context(), `SELECT count(*) FROM pub.target t WHERE run_id = ? AND programme = ? AND not_contact IS NULL
		AND EXISTS (FROM pub.gap g WHERE g.run_id = t.run_id AND g.patient_id = t.patient_id AND g.measure = t.programme AND g.status = 'open')`, string(run.ID), string(m.ID)).Scan(&want)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows[0].Reachable != want || want == 0 {
		t.Errorf("%s: %d reachable, counted %d", m.ID, m.Rows[0].Reachable, want)
	}
	if m.ID == "bp_control" {
		for _, r := range m.Rows {
			wantTarget := "0.75"
			if r.Site == "North" {
				wantTarget = "0.50"
			}
			if r.Target == nil || r.Target.Value.Fixed(2) != wantTarget || r.ToGoal == nil {
				t.Errorf("target at %q: %+v, want %s", r.Site, r.Target, wantTarget)
			}
		}
	} else if m.Rows[0].Target != nil || m.Rows[0].ToGoal != nil || m.Rows[0].Status != "" {
		t.Errorf("%s has a target nobody set", m.ID)
	}
}
