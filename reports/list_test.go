package reports

import (
	"reflect"
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

// withSample runs fn over the newest run of the sample.
func withSample(t testing.TB, patients int, fn func(q Querier, run Run) error) {
	t.Helper()
	read(t, openSample(t, patients), func(q Querier) error {
		run, err := CurrentRun(t.Context(), q, nil)
		if err != nil {
			return err
		}
		return fn(q, run)
	})
}

// Pages put one after the other are the list: nothing twice, nothing missing, whatever the filter and the page.
func TestGapPagesAreTheList(t *testing.T) {
	withSample(t, 300, func(q Querier, run Run) error {
		rapid.Check(t, func(rt *rapid.T) {
			f := GapFilter{
				Measure: rapid.SampledFrom([]models.MeasureID{"", "bp_control", "none_such"}).Draw(rt, "measure"),
				Status:  rapid.SampledFrom([]models.GapStatus{"", models.GapOpen, models.GapClosed}).Draw(rt, "status"),
				Due:     rapid.SampledFrom([]models.DueStatus{"", models.Overdue, models.NotYetDue}).Draw(rt, "due"),
				Site:    rapid.SampledFrom([]string{"", "North", SiteNone}).Draw(rt, "site"),
				Payer:   rapid.SampledFrom([]string{"", "medicare"}).Draw(rt, "payer"),
			}
			whole, err := Gaps(t.Context(), q, run, f)
			if err != nil {
				rt.Fatal(err)
			}
			if whole.Total != whole.Shown || whole.LeftOut() != 0 || whole.Rows == nil {
				rt.Fatalf("whole list: total %d, shown %d", whole.Total, whole.Shown)
			}
			for _, g := range whole.Rows {
				if (f.Measure != "" && g.Measure != string(f.Measure)) || (f.Status != "" && g.Status != string(f.Status)) || (f.Due != "" && g.Due != string(f.Due)) ||
					(f.Payer != "" && g.Payer != f.Payer) || (f.Site == "North" && g.Site != "North") || (f.Site == SiteNone && g.Site != "") {
					rt.Fatalf("%+v does not fit %+v", g, f)
				}
			}
			f.Limit = rapid.Int64Range(1, 400).Draw(rt, "limit")
			paged := []Gap{}
			for f.Offset = 0; f.Offset < whole.Total; f.Offset += f.Limit {
				page, err := Gaps(t.Context(), q, run, f)
				if err != nil {
					rt.Fatal(err)
				}
				if page.Total != whole.Total || page.Shown != int64(len(page.Rows)) || page.Shown+page.LeftOut() != page.Total {
					rt.Fatalf("page: total %d, shown %d, rows %d", page.Total, page.Shown, len(page.Rows))
				}
				paged = append(paged, page.Rows...)
			}
			if !reflect.DeepEqual(paged, whole.Rows) {
				rt.Fatal("pages and list differ")
			}
		})
		return nil
	})
}

// Rows of another run never show: a list belongs to one run.
func TestListsKeepToTheirRun(t *testing.T) {
	withSample(t, 300, func(q Querier, run Run) error {
		for g, err := range EachGap(t.Context(), q, run, GapFilter{}) {
			if err != nil {
				return err
			}
			if g.Patient == "ffffffffffffffffffffffffffffffff" {
				t.Fatal("a gap of another run is shown")
			}
		}
		other, err := RunByID(t.Context(), q, otherRun)
		if err != nil {
			return err
		}
		list, err := Gaps(t.Context(), q, other, GapFilter{})
		if err != nil {
			return err
		}
		if list.Run != otherRun || list.Total != 1 || list.Rows[0].Patient != "ffffffffffffffffffffffffffffffff" {
			t.Errorf("cited run: %+v", list)
		}
		return nil
	})
}

func TestTargetsFilter(t *testing.T) {
	withSample(t, 300, func(q Querier, run Run) error {
		all, err := Targets(t.Context(), q, run, TargetFilter{})
		if err != nil {
			return err
		}
		yes, err := Targets(t.Context(), q, run, TargetFilter{Contact: ContactYes})
		if err != nil {
			return err
		}
		no, err := Targets(t.Context(), q, run, TargetFilter{Contact: ContactNo})
		if err != nil {
			return err
		}
		if yes.Total == 0 || no.Total == 0 || yes.Total+no.Total != all.Total {
			t.Errorf("%d may be contacted, %d not, %d in all", yes.Total, no.Total, all.Total)
		}
		for _, target := range no.Rows {
			if target.NotContact == "" {
				t.Errorf("not to be contacted without a reason: %+v", target)
			}
		}
		for i := 1; i < len(all.Rows); i++ {
			a, b := all.Rows[i-1], all.Rows[i]
			if a.Programme > b.Programme || (a.Programme == b.Programme && a.Priority > b.Priority) {
				t.Fatalf("out of order: %+v before %+v", a, b)
			}
		}
		return nil
	})
}

// A misspelt filter must not look like an empty list.
func TestFiltersRefuseUnknownWords(t *testing.T) {
	withSample(t, 10, func(q Querier, run Run) error {
		for name, f := range map[string]GapFilter{"status": {Status: "opened"}, "due": {Due: "late"}, "limit": {Page: Page{Limit: -1}}, "offset": {Page: Page{Offset: -1}}} {
			if _, err := Gaps(t.Context(), q, run, f); models.KindOf(err) != models.KindUsage {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, f := range map[string]TargetFilter{"contact": {Contact: "maybe"}, "limit": {Page: Page{Limit: -1}}} {
			if _, err := Targets(t.Context(), q, run, f); models.KindOf(err) != models.KindUsage {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
}

// A reader who stops early leaves no statement behind: the next one works on the same connection.
func TestStoppingEarly(t *testing.T) {
	withSample(t, 300, func(q Querier, run Run) error {
		for range 3 {
			n := 0
			for _, err := range EachGap(t.Context(), q, run, GapFilter{}) {
				if err != nil {
					return err
				}
				if n++; n == 5 {
					break
				}
			}
		}
		_, err := Gaps(t.Context(), q, run, GapFilter{Page: Page{Limit: 1}})
		return err
	})
}

func TestColumnsMatchCells(t *testing.T) {
	withSample(t, 30, func(q Querier, run Run) error {
		check := func(columns []ListColumn, row []any) {
			t.Helper()
			if len(row) != len(columns) {
				t.Fatalf("%d cells for %d columns", len(row), len(columns))
			}
			for i, v := range row {
				ok := v == nil
				switch columns[i].Kind {
				case ColumnText:
					_, is := v.(string)
					ok = ok || is
				case ColumnDate:
					_, is := v.(models.Date)
					ok = ok || is
				case ColumnInt:
					_, is := v.(int64)
					ok = ok || is
				}
				if !ok {
					t.Errorf("column %s holds %T", columns[i].Name, v)
				}
			}
		}
		for row, err := range GapCells(EachGap(t.Context(), q, run, GapFilter{})) {
			if err != nil {
				return err
			}
			check(GapColumns(), row)
		}
		for row, err := range TargetCells(EachTarget(t.Context(), q, run, TargetFilter{})) {
			if err != nil {
				return err
			}
			check(TargetColumns(), row)
		}
		return nil
	})
}

func TestFilterWords(t *testing.T) {
	if got := (GapFilter{}).Words(); got != "all gaps" {
		t.Errorf("%q", got)
	}
	if got := (GapFilter{Measure: "bp_control", Status: "open", Payer: "medicare"}).Words(); got != "measure bp_control, status open, payer medicare" {
		t.Errorf("%q", got)
	}
	if got := (TargetFilter{Contact: ContactNo}).Words(); got != "may be contacted no" {
		t.Errorf("%q", got)
	}
}
