package reports

import (
	"context"
	"database/sql"

	"carereach/models"
)

// Retention is the share of patients who stay, by month of first visit and over all.
type Retention struct {
	Cohorts []Cohort     `json:"cohorts"` // by month of first visit, oldest first
	Curve   []CurvePoint `json:"curve"`
}

// Cohort is the patients whose first completed visit lies in one month.
type Cohort struct {
	Month models.Date  `json:"month"` // first day
	Cells []CohortCell `json:"cells"` // rising months
}

// CohortCell says how many of a cohort were seen so many months later or after.
type CohortCell struct {
	Months   int     `json:"months"`
	Patients int64   `json:"patients"` // of the cohort, alive
	Retained int64   `json:"retained"`
	Share    *Number `json:"share"` // nil when nobody of the cohort is alive
}

// At finds the cell of so many months since the first visit; nil when that lies after the as-of date.
func (c Cohort) At(months int) *CohortCell {
	for i := range c.Cells {
		if c.Cells[i].Months == months {
			return &c.Cells[i]
		}
	}
	return nil
}

// CurvePoint is one step of the Kaplan-Meier curve of staying in care.
type CurvePoint struct {
	Months   int    `json:"months"`
	AtRisk   int64  `json:"at_risk"`
	Lost     int64  `json:"lost"`
	Censored int64  `json:"censored"`
	Share    Number `json:"share"` // still in care after this month: the product of 1 - lost/at risk so far
}

// ReadRetention reads the cohort matrix and the curve of a run.
func ReadRetention(ctx context.Context, q Querier, run Run) (Retention, error) {
	type line struct {
		cohort sql.NullTime
		CohortCell
	}
	lines, err := all(ctx, q, "retention cohorts", "reports/retention_cohorts.sql", []any{string(run.ID)}, func(rows *sql.Rows) (line, error) {
		var l line
		err := rows.Scan(&l.cohort, &l.Months, &l.Patients, &l.Retained)
		return l, err
	})
	if err != nil {
		return Retention{}, err
	}
	var out Retention
	for _, l := range lines {
		month := models.DateOf(l.cohort.Time)
		if n := len(out.Cohorts); n == 0 || out.Cohorts[n-1].Month != month {
			out.Cohorts = append(out.Cohorts, Cohort{Month: month})
		}
		if share, ok := Int(l.Retained).Over(Int(l.Patients)); ok {
			l.Share = &share
		}
		last := &out.Cohorts[len(out.Cohorts)-1]
		last.Cells = append(last.Cells, l.CohortCell)
	}
	out.Curve, err = all(ctx, q, "retention curve", "reports/retention_curve.sql", []any{string(run.ID)}, func(rows *sql.Rows) (CurvePoint, error) {
		var p CurvePoint
		err := rows.Scan(&p.Months, &p.AtRisk, &p.Lost, &p.Censored)
		return p, err
	})
	if err != nil {
		return Retention{}, err
	}
	survive(out.Curve)
	return out, nil
}

// survive works out the shares of the curve. A month at which nobody is at risk leaves the share as it was.
func survive(curve []CurvePoint) {
	share := Int(1)
	for i, p := range curve {
		if lost, ok := Int(p.Lost).Over(Int(p.AtRisk)); ok {
			share = share.Times(Int(1).Minus(lost))
		}
		curve[i].Share = share
	}
}
