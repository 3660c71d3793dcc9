package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

var update = flag.Bool("update", false, "rewrite expected output")

// The report of the sample run as JSON is what the workbook's tests read: both are held to the same file.
func TestExecutiveGolden(t *testing.T) {
	got, err := json.MarshalIndent(executiveSample(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "testdata/executive.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the report differs from %s; go test ./reports -update rewrites it", path)
	}
}

func executiveSample(t testing.TB) Report {
	t.Helper()
	var report Report
	withSample(t, 2400, func(q Querier, run Run) (err error) {
		report, err = Executive(t.Context(), q, sampleInputs(), run, sampleRequest())
		return err
	})
	return report
}

// A report read back from JSON says the same, to the last digit: what goes over the socket is what was worked out.
func TestReportSurvivesJSON(t *testing.T) {
	first, err := json.Marshal(executiveSample(t))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the report changed on its way through JSON")
	}
	if back.Sentences() != executiveSample(t).Sentences() {
		t.Error("the sentences changed on their way through JSON")
	}
}

// The list of one site, the list of all and the report come from one evaluation.
func TestBoardAndReportAgree(t *testing.T) {
	withSample(t, 300, func(q Querier, run Run) error {
		h := sampleInputs()
		report, err := Executive(t.Context(), q, h, run, sampleRequest())
		if err != nil {
			return err
		}
		board, err := ReadBoard(t.Context(), q, h, run, sampleRequest().ROI)
		if err != nil {
			return err
		}
		same := func(a, b any) bool {
			x, errX := json.Marshal(a)
			y, errY := json.Marshal(b)
			return errX == nil && errY == nil && bytes.Equal(x, y)
		}
		if !same(report.KPIs, board.At("")) {
			t.Error("KPI list and report differ")
		}
		var sites []KPIValue
		for _, site := range board.SiteNames() {
			for _, v := range board.At(site) {
				if v.Value != nil {
					sites = append(sites, v)
				}
			}
		}
		if len(sites) != 2 || !same(report.Sites, sites) {
			t.Errorf("%d site rows", len(sites))
		}
		if len(report.KPIs) != len(models.KPIs) {
			t.Errorf("%d KPIs of %d", len(report.KPIs), len(models.KPIs))
		}
		return nil
	})
}

// Provenance counts every published table, so that a table added to models cannot be forgotten here.
func TestRowCountsCoverPublishedTables(t *testing.T) {
	rows := executiveSample(t).Provenance.Rows
	if len(rows) != len(models.Published) {
		t.Fatalf("%d tables are counted, %d are published", len(rows), len(models.Published))
	}
	for i, table := range models.Published {
		if rows[i].Name != table.Name {
			t.Errorf("table %d is %s, want %s", i, rows[i].Name, table.Name)
		}
	}
}

func TestOutdated(t *testing.T) {
	withSample(t, 10, func(q Querier, run Run) error {
		h := sampleInputs()
		for seq, want := range map[int64]bool{7: false, 8: true} {
			h.state = ledger.KPIState{Seq: seq}
			report, err := Executive(t.Context(), q, h, run, sampleRequest())
			if err != nil {
				return err
			}
			if report.Outdated != want {
				t.Errorf("state %d now, made with 7: outdated %v", seq, report.Outdated)
			}
		}
		return nil
	})
}

func TestRetentionOfSample(t *testing.T) {
	r := executiveSample(t).Retention
	if len(r.Cohorts) != 30 || r.Cohorts[0].Month != models.NewDate(2024, time.January, 1) {
		t.Fatalf("%d cohorts", len(r.Cohorts))
	}
	cell := r.Cohorts[0].At(12)
	if cell == nil || cell.Patients != 60 || cell.Retained != 45 || cell.Share.Fixed(2) != "0.75" {
		t.Errorf("first cohort after a year: %+v", cell)
	}
	if r.Cohorts[29].At(1) != nil {
		t.Error("a month that is not over has a value")
	}
}

// The share falls with every loss, never with a censoring, and is the product of 1 - lost / at risk.
func TestSurvive(t *testing.T) {
	curve := []CurvePoint{{Months: 0, AtRisk: 10, Lost: 0, Censored: 2}, {Months: 1, AtRisk: 8, Lost: 2}, {Months: 2, AtRisk: 6, Lost: 3, Censored: 3}, {Months: 3}}
	survive(curve)
	for i, want := range []string{"1.000", "0.750", "0.375", "0.375"} {
		if got := curve[i].Share.Fixed(3); got != want {
			t.Errorf("month %d: %s, want %s", i, got, want)
		}
	}
}

type brokenInputs struct{ heldInputs }

var errLedger = errors.New("ledger locked")

func (*brokenInputs) KPIState(context.Context) (ledger.KPIState, error) {
	return ledger.KPIState{}, errLedger
}

// A ledger that does not answer stops the report: a report without its targets would look like one that has none.
func TestExecutiveNeedsTheLedger(t *testing.T) {
	withSample(t, 10, func(q Querier, run Run) error {
		if _, err := Executive(t.Context(), q, &brokenInputs{*sampleInputs()}, run, sampleRequest()); !errors.Is(err, errLedger) {
			t.Errorf("%v", err)
		}
		return nil
	})
}
