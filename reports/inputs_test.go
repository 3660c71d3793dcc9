package reports

import (
	"testing"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

var _ Inputs = (*ledger.Ledger)(nil)

func TestReadEntered(t *testing.T) {
	h := &heldInputs{state: ledger.KPIState{Seq: 9}}
	add := func(kind ledger.KPIKind, site, from, value string) {
		day, err := models.ParseDate(from)
		if err != nil {
			t.Fatal(err)
		}
		h.values = append(h.values, ledger.KPIValue{Kind: kind, KPI: "retention", Site: site, From: day, Value: value, Source: "s", Owner: "o"})
	}
	add(ledger.KPITarget, "", "2026-01-01", "0.8")
	add(ledger.KPITarget, "", "2025-01-01", "0.7") // replaced by the one of 2026
	add(ledger.KPITarget, "", "2026-07-01", "0.9") // not in force yet
	add(ledger.KPITarget, "North", "2026-01-01", "0.6")
	add(ledger.KPIBaseline, "", "2024-01-01", "0.5")
	add(ledger.KPIImport, "", "2026-05-01", "0.75")
	add(ledger.KPIImport, "", "2026-04-01", "") // taken back
	e, err := readEntered(t.Context(), h, Run{AsOf: sampleAsOf, Inputs: []byte(`{"kpi":{"seq":7}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if h.asked != 7 || !e.later {
		t.Errorf("asked for state %d, later %v; the run was made with 7 and there is 9 now", h.asked, e.later)
	}
	if len(e.imports) != 1 || e.imports[0].Month != models.NewDate(2026, time.May, 1) || len(e.baselines) != 1 || len(e.targets) != 2 {
		t.Errorf("%+v", e)
	}
	for site, want := range map[string]string{"": "0.8", "North": "0.6", "River": "0.8"} {
		if g := goalFor(e.targets, "retention", site); g == nil || g.Value.Fixed(1) != want {
			t.Errorf("target at %q: %+v, want %s", site, g, want)
		}
	}
	if goalFor(e.targets, "no_show_rate", "") != nil || exactGoal(e.baselines, "retention", "North") != nil {
		t.Error("a goal of something else was found")
	}
}

func TestReadEnteredRefusesDamage(t *testing.T) {
	h := &heldInputs{values: []ledger.KPIValue{{Kind: ledger.KPIImport, KPI: "retention", Value: "1e9"}}}
	if _, err := readEntered(t.Context(), h, Run{AsOf: sampleAsOf}); err == nil {
		t.Error("a value that is no plain decimal was read")
	}
	if h.asked != -1 {
		t.Errorf("a run that does not say its KPI inputs is read with %d, want those of now", h.asked)
	}
}

func TestCheckEntered(t *testing.T) {
	for id, value := range map[models.KPIID]string{"no_show_rate": "0.184", "staff_hours": "118.5", "satisfaction": "-12", "bp_control": "1"} {
		if err := CheckEntered(id, value); err != nil {
			t.Errorf("%s %s: %v", id, value, err)
		}
	}
	for id, value := range map[models.KPIID]string{"no_show_rate": "18.4", "bp_control": "70", "retention": "-0.1", "staff_hours": "many"} {
		if err := CheckEntered(id, value); models.KindOf(err) != models.KindUsage {
			t.Errorf("%s %s: %v", id, value, err)
		}
	}
}
