package ledger

import (
	"slices"
	"testing"
	"time"

	"carereach/models"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var june = models.NewDate(2026, time.June, 1)

func entered(kind KPIKind, kpi models.KPIID, from models.Date, value string) KPIValue {
	return KPIValue{Kind: kind, KPI: kpi, From: from, Site: "north", Value: value, Source: "survey vendor", Owner: "quality"}
}

func put(t testing.TB, l *Ledger, vs ...KPIValue) (KPIState, int) {
	t.Helper()
	state, n, err := l.PutKPIValues(t.Context(), vs)
	if err != nil {
		t.Fatal(err)
	}
	return state, n
}

// The newest entry for a month counts; what a run was made from can be read again later.
func TestKPIValues(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	empty := must[KPIState](t)(l.KPIState(t.Context()))
	if empty.Seq != 0 || empty.Hash == "" {
		t.Errorf("empty state %+v", empty)
	}
	target, baseline := entered(KPITarget, "satisfaction", june, "60"), entered(KPIBaseline, "satisfaction", june.AddMonths(-12), "41.5")
	first, n := put(t, l, entered(KPIImport, "satisfaction", june, "55"), target, baseline)
	if first.Seq != 3 || n != 3 {
		t.Errorf("state %+v after %d values", first, n)
	}
	if again, n := put(t, l, target, entered(KPIImport, "satisfaction", june, "55")); again != first || n != 0 {
		t.Errorf("the same again: %+v, %d new", again, n)
	}
	second, n := put(t, l, entered(KPIImport, "satisfaction", june, "57"), entered(KPIImport, "staff_hours", june, "120.25"))
	if second.Seq != 5 || second.Hash == first.Hash || n != 2 {
		t.Errorf("state %+v, %d new", second, n)
	}
	third, _ := put(t, l, entered(KPIImport, "staff_hours", june, "")) // taken back
	show := func(seq int64) []string {
		var out []string
		for _, v := range must[[]KPIValue](t)(l.KPIValues(t.Context(), seq)) {
			out = append(out, string(v.Kind)+" "+string(v.KPI)+" "+v.From.String()+" "+v.Value)
		}
		return out
	}
	for seq, want := range map[int64][]string{
		0:          nil,
		first.Seq:  {"baseline satisfaction 2025-06-01 41.5", "import satisfaction 2026-06-01 55", "target satisfaction 2026-06-01 60"},
		second.Seq: {"baseline satisfaction 2025-06-01 41.5", "import satisfaction 2026-06-01 57", "import staff_hours 2026-06-01 120.25", "target satisfaction 2026-06-01 60"},
		third.Seq:  {"baseline satisfaction 2025-06-01 41.5", "import satisfaction 2026-06-01 57", "target satisfaction 2026-06-01 60"},
		-1:         {"baseline satisfaction 2025-06-01 41.5", "import satisfaction 2026-06-01 57", "target satisfaction 2026-06-01 60"},
	} {
		if got := show(seq); !slices.Equal(got, want) {
			t.Errorf("state %d: %q, want %q", seq, got, want)
		}
	}
	history := must[[]KPIValue](t)(l.KPIHistory(t.Context(), "satisfaction"))
	if len(history) != 4 || history[3].Value != "57" || !history[3].Entered.Equal(noon) || history[3].Owner != "quality" {
		t.Errorf("history %+v", history)
	}
	if all := must[[]KPIValue](t)(l.KPIHistory(t.Context(), "")); len(all) != 6 {
		t.Errorf("%d values ever, want 6", len(all))
	}
	if now := must[KPIState](t)(l.KPIState(t.Context())); now != third {
		t.Errorf("state %+v, want %+v", now, third)
	}
}

func TestPutKPIValuesRefuses(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	good := entered(KPIImport, "satisfaction", june, "55")
	for name, spoil := range map[string]func(*KPIValue){
		"kind":      func(v *KPIValue) { v.Kind = "guess" },
		"kpi":       func(v *KPIValue) { v.KPI = "" },
		"mid month": func(v *KPIValue) { v.From++ },
		"percent":   func(v *KPIValue) { v.Value = "55%" },
		"comma":     func(v *KPIValue) { v.Value = "1,5" },
		"exponent":  func(v *KPIValue) { v.Value = "1e3" },
		"blank":     func(v *KPIValue) { v.Value = " 5" },
		"too long":  func(v *KPIValue) { v.Value = "1234567890123456789" },
	} {
		bad := good
		spoil(&bad)
		_, _, err := l.PutKPIValues(t.Context(), []KPIValue{good, bad})
		if models.KindOf(err) != models.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if state := must[KPIState](t)(l.KPIState(t.Context())); state.Seq != 0 {
		t.Errorf("state %+v", state)
	}
}

// A state read again later is what it was then, whatever was entered since, and its hash depends on what is in force alone.
func TestKPIStatesStay(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	var states []KPIState
	var values [][]KPIValue
	rapid.Check(t, func(rt *rapid.T) {
		var vs []KPIValue
		for range rapid.IntRange(1, 3).Draw(rt, "values") {
			vs = append(vs, entered(rapid.SampledFrom([]KPIKind{KPIImport, KPITarget}).Draw(rt, "kind"), rapid.SampledFrom([]models.KPIID{"a", "b"}).Draw(rt, "kpi"),
				june.AddMonths(rapid.IntRange(0, 1).Draw(rt, "month")), rapid.SampledFrom([]string{"1", "2", ""}).Draw(rt, "value")))
		}
		state, _ := put(t, l, vs...)
		states, values = append(states, state), append(values, must[[]KPIValue](t)(l.KPIValues(t.Context(), -1)))
	})
	byHash := map[string][]KPIValue{}
	for i, s := range states {
		got := must[[]KPIValue](t)(l.KPIValues(t.Context(), s.Seq))
		if diff := cmp.Diff(values[i], got); diff != "" {
			t.Fatalf("state %d: %s", s.Seq, diff)
		}
		for j := range got {
			got[j].Seq, got[j].Entered = 0, time.Time{}
		}
		if other, ok := byHash[s.Hash]; ok && !cmp.Equal(other, got) {
			t.Fatalf("two contents have hash %s", s.Hash)
		}
		byHash[s.Hash] = got
	}
}

func TestKPIDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"UPDATE kpi_value SET value = '99' WHERE seq = 1", "UPDATE kpi_value SET site = '' WHERE seq = 1", "UPDATE kpi_value SET owner = 'x' WHERE seq = 1",
		"UPDATE kpi_value SET entered = 0 WHERE seq = 1", "DELETE FROM kpi_value WHERE seq = 1", "DELETE FROM kpi_value WHERE seq = 2", "DELETE FROM kpi_value"} {
		l := openLedger(t)
		put(t, l, entered(KPIImport, "satisfaction", june, "55"), entered(KPITarget, "satisfaction", june, "60"))
		raw(t, l, query)
		_, err := l.KPIValues(t.Context(), -1)
		wantKind(t, err, models.KindCorruption, "table kpi_value")
		_, err = l.Scrub(t.Context())
		wantKind(t, err, models.KindCorruption, "table kpi_value")
	}
}
