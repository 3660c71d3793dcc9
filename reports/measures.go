package reports

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"

	"carereach/models"
)

// MeasureSummary is one measure of a run with its counts, all and by site.
type MeasureSummary struct {
	ID         models.MeasureID `json:"id"`
	Title      string           `json:"title"`
	Version    string           `json:"version"`
	Direction  models.Direction `json:"direction"`
	State      string           `json:"state"`            // MeasureRan or MeasureRefused
	Reason     string           `json:"reason,omitempty"` // why refused: the value sets that are absent
	Supply     int64            `json:"supply"`           // resources of everyone, any date, that could count as evidence
	SupplyNote string           `json:"supply_note,omitempty"`
	Source     string           `json:"source"`
	Rows       []MeasureRow     `json:"rows"` // of each group, site "" (all) first
}

// A measure ran, or was refused because value sets it needs are not loaded.
const (
	MeasureRan     = "ran"
	MeasureRefused = "refused"
)

// MeasureRow is one measure group at one site.
type MeasureRow struct {
	Group       string  `json:"group"`
	Site        string  `json:"site"` // "" all, SiteNone not attributed
	Eligible    int64   `json:"eligible"`
	Excluded    int64   `json:"excluded"`
	Denominator int64   `json:"denominator"` // eligible less excluded
	Numerator   int64   `json:"numerator"`
	Rate        *Number `json:"rate"` // nil when the denominator is 0
	Open        int64   `json:"open"`
	Closed      int64   `json:"closed"`
	Reachable   int64   `json:"reachable"` // patients of the measure's programme who may be contacted
	Target      *Goal   `json:"target"`
	Status      Status  `json:"status,omitempty"`
	ToGoal      *int64  `json:"to_goal"` // patients still to move for the target to be reached; nil without a target or a rate
}

// Measures gives the measures of a run, and what is missing to the targets among goals.
func Measures(ctx context.Context, q Querier, run Run, goals []Goal) ([]MeasureSummary, error) {
	measures, err := all(ctx, q, "measures", "reports/measure_status.sql", []any{string(run.ID)}, func(rows *sql.Rows) (MeasureSummary, error) {
		var m MeasureSummary
		err := rows.Scan(&m.ID, &m.Title, &m.Version, &m.Direction, &m.State, &m.Reason, &m.Supply, &m.SupplyNote, &m.Source)
		return m, err
	})
	if err != nil {
		return nil, err
	}
	type line struct {
		measure models.MeasureID
		MeasureRow
	}
	lines, err := all(ctx, q, "measure counts", "reports/measure_sites.sql", []any{string(run.ID)}, func(rows *sql.Rows) (line, error) {
		var l line
		err := rows.Scan(&l.measure, &l.Group, &l.Site, &l.Eligible, &l.Excluded, &l.Numerator, &l.Open, &l.Closed, &l.Reachable)
		return l, err
	})
	if err != nil {
		return nil, err
	}
	at := map[models.MeasureID]*MeasureSummary{}
	for i := range measures {
		at[measures[i].ID] = &measures[i]
	}
	for _, l := range lines {
		m := at[l.measure]
		if m == nil {
			return nil, &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("run %s counts measure %s without a status row", run.ID, l.measure), Mend: "run carereach analyze again"}
		}
		m.Rows = append(m.Rows, l.judge(m.Direction, goalFor(goals, string(m.ID), l.Site)))
	}
	return measures, nil
}

// judge fills in what follows from the counts.
func (r MeasureRow) judge(dir models.Direction, target *Goal) MeasureRow {
	r.Denominator = r.Eligible - r.Excluded
	rate, ok := Int(r.Numerator).Over(Int(r.Denominator))
	if !ok {
		return r
	}
	r.Rate = &rate
	r.Target = target
	r.Status = statusOf(dir, rate, target)
	if target != nil {
		n := toGoal(dir, r.Numerator, r.Denominator, target.Value)
		r.ToGoal = &n
	}
	return r
}

// toGoal is the least number of patients who must enter the numerator (leave it, when lower is better) for the rate to
// reach the target. It counts in whole numbers: 7 % of 100 is 7, which floating-point arithmetic rounds up to 8.
func toGoal(dir models.Direction, numerator, denominator int64, target Number) int64 {
	want := target.Times(Int(denominator)).val()
	whole := new(big.Int).Quo(want.Num(), want.Denom()) // towards zero; targets are not negative
	if dir == models.Lower {
		return max(0, numerator-whole.Int64())
	}
	if !want.IsInt() {
		whole.Add(whole, big.NewInt(1))
	}
	return max(0, whole.Int64()-numerator)
}
