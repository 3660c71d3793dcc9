package reports

import (
	"context"
	"time"

	"carereach/models"
)

// Request is what an executive report is made from, beside the run.
type Request struct {
	Organisation string
	Currency     string // ISO 4217
	ROI          ROIInputs
	Provenance   Provenance // what the caller knows about the run; row counts are filled in here
}

// Provenance says where every number of a report comes from.
type Provenance struct {
	Build       string     `json:"build"`                  // version and commit of the program
	DataThrough *time.Time `json:"data_through,omitempty"` // when the newest input was received; nil unknown
	KnownTo     []string   `json:"known_to,omitempty"`     // log positions, one line each
	Rows        []Count    `json:"rows,omitempty"`         // published rows per table
	Checksums   []Named    `json:"checksums,omitempty"`    // per published table
	ValueSets   []Named    `json:"value_sets,omitempty"`   // loaded or absent
	Quarantined []Count    `json:"quarantined,omitempty"`  // open quarantine by reason
	Inputs      []Count    `json:"inputs,omitempty"`       // outcomes of loading: stored, duplicate, ignored, quarantined
}

// Count is a named number of rows.
type Count struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Named is a name with a text.
type Named struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Report is everything the executive workbook shows, as plain data. It holds no row about a patient.
type Report struct {
	Organisation string           `json:"organisation"`
	Currency     string           `json:"currency"`
	Run          Run              `json:"run"`
	Patients     int64            `json:"patients"` // living patients of the run
	Contactable  int64            `json:"contactable"`
	KPIs         []KPIValue       `json:"kpis"` // all of the registry, in its order
	Sites        []KPIValue       `json:"sites,omitempty"`
	Sentences    []string         `json:"sentences"`
	Measures     []MeasureSummary `json:"measures"`
	Retention    Retention        `json:"retention"`
	ROI          ROIModel         `json:"roi"`
	Coverage     []CodeCoverage   `json:"coverage,omitempty"`
	Checks       []CheckResult    `json:"checks,omitempty"`
	Provenance   Provenance       `json:"provenance"`
}

// Executive reads a run into a Report. It reads through one Querier only, so all numbers are of one moment.
func Executive(ctx context.Context, q Querier, in Inputs, run Run, req Request) (Report, error) {
	return Report{}, nil
}

// KPIs gives every KPI of the registry for the whole organisation (site "") or one site.
func KPIs(ctx context.Context, q Querier, in Inputs, run Run, site string, money ROIInputs, currency string) ([]KPIValue, error) {
	return nil, nil
}

// Measures gives the measures of a run with their rates and what is missing to the target, all and by site.
func Measures(ctx context.Context, q Querier, in Inputs, run Run) ([]MeasureSummary, error) {
	return nil, nil
}

// MeasureSummary is one measure of a run.
type MeasureSummary struct {
	ID         models.MeasureID `json:"id"`
	Title      string           `json:"title"`
	Version    string           `json:"version"`
	Direction  models.Direction `json:"direction"`
	State      string           `json:"state"` // ran or refused
	Reason     string           `json:"reason,omitempty"`
	Supply     int64            `json:"supply"`
	SupplyNote string           `json:"supply_note,omitempty"`
	Source     string           `json:"source"`
	Rows       []MeasureRow     `json:"rows"` // site "" (all) first
}

// MeasureRow is one measure group at one site.
type MeasureRow struct {
	Group       string  `json:"group"`
	Site        string  `json:"site"`
	Eligible    int64   `json:"eligible"`
	Excluded    int64   `json:"excluded"`
	Denominator int64   `json:"denominator"` // eligible less excluded
	Numerator   int64   `json:"numerator"`
	Rate        *Number `json:"rate"` // nil when the denominator is 0
	Open        int64   `json:"open"`
	Closed      int64   `json:"closed"`
	Target      *Goal   `json:"target"`
	Status      Status  `json:"status,omitempty"`
	ToGoal      *int64  `json:"to_goal"` // patients still to be moved to reach the target; nil without one
}

// Retention is the share of patients who stay, by month of first visit and over all.
type Retention struct {
	Cohorts []Cohort     `json:"cohorts"` // by month of first visit, oldest first
	Curve   []CurvePoint `json:"curve"`
}

// Cohort is the patients with their first completed visit in one month.
type Cohort struct {
	Month    models.Date `json:"month"`
	Patients int64       `json:"patients"`
	Retained []*int64    `json:"retained"` // [i]: seen i months later or after; nil when not yet known
}

// CurvePoint is one step of the Kaplan-Meier curve of staying in care.
type CurvePoint struct {
	Months   int    `json:"months"`
	AtRisk   int64  `json:"at_risk"`
	Lost     int64  `json:"lost"`
	Censored int64  `json:"censored"`
	Survival Number `json:"survival"`
}

// CodeCoverage counts the codes of one system that no loaded value set knows.
type CodeCoverage struct {
	Resource     string `json:"resource"`
	System       string `json:"system"`
	Codes        int64  `json:"codes"`
	UnknownCodes int64  `json:"unknown_codes"`
	Uses         int64  `json:"uses"`
	UnknownUses  int64  `json:"unknown_uses"`
}

// CheckResult is one data check that found something.
type CheckResult struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Rows     int64  `json:"rows"`
}
