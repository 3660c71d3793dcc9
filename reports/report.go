package reports

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"carereach/models"
	statements "carereach/sql"
)

// Request is what a report is made from, beside the run.
type Request struct {
	Organisation string
	Currency     string // ISO 4217
	ROI          ROIInputs
	Provenance   Provenance // what the caller knows about the run; Rows is filled in here
}

// Provenance says where every number of a report comes from.
type Provenance struct {
	Build       string     `json:"build"`                  // version and commit of the program
	DataThrough *time.Time `json:"data_through,omitempty"` // when the newest input was received; nil unknown
	KnownTo     []string   `json:"known_to,omitempty"`     // how far each log was read, one line each
	Rows        []Count    `json:"rows,omitempty"`         // published rows of the run by table
	Checksums   []Named    `json:"checksums,omitempty"`    // of the published tables
	ValueSets   []Named    `json:"value_sets,omitempty"`   // which are loaded, which absent
	Inputs      []Count    `json:"inputs,omitempty"`       // outcomes of loading: stored, duplicate, ignored, quarantined
	Quarantined []Count    `json:"quarantined,omitempty"`  // open quarantine by reason
}

// Count is a named number.
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
	Patients     int64            `json:"patients"`    // living patients of the run
	Contactable  int64            `json:"contactable"` // patients who may be contacted in at least one programme
	KPIs         []KPIValue       `json:"kpis"`        // the whole registry, in its order
	Sites        []KPIValue       `json:"sites"`       // by site, those that have a value
	Measures     []MeasureSummary `json:"measures"`
	Retention    Retention        `json:"retention"`
	ROI          ROIModel         `json:"roi"`
	Coverage     []CodeCoverage   `json:"coverage"`
	Checks       []CheckResult    `json:"checks"`
	Outdated     bool             `json:"outdated"` // KPI inputs were entered after the run: they show in the next one
	Provenance   Provenance       `json:"provenance"`
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

// Executive reads a run into a Report. It reads through one Querier only, so that all numbers are of one moment.
func Executive(ctx context.Context, q Querier, in Inputs, run Run, req Request) (Report, error) {
	r := Report{Organisation: req.Organisation, Currency: req.Currency, Run: run, Provenance: req.Provenance}
	err := q.QueryRow(ctx, statements.Text("reports/population.sql"), string(run.ID)).Scan(&r.Patients, &r.Contactable)
	if err != nil {
		return Report{}, fmt.Errorf("count patients of run %s: %w", run.ID, err)
	}
	board, err := ReadBoard(ctx, q, in, run, req.ROI)
	if err != nil {
		return Report{}, err
	}
	r.KPIs, r.Outdated = board.At(""), board.Outdated()
	for _, site := range board.SiteNames() {
		for _, v := range board.At(site) {
			if v.Value != nil {
				r.Sites = append(r.Sites, v)
			}
		}
	}
	if r.Measures, err = Measures(ctx, q, run, board.Targets()); err != nil {
		return Report{}, err
	}
	if r.Retention, err = ReadRetention(ctx, q, run); err != nil {
		return Report{}, err
	}
	r.ROI = req.ROI.Model(r.Contactable)
	return r, r.readQuality(ctx, q)
}

// readQuality reads what is said about the data themselves.
func (r *Report) readQuality(ctx context.Context, q Querier) (err error) {
	id := []any{string(r.Run.ID)}
	r.Coverage, err = all(ctx, q, "code coverage", "reports/code_coverage.sql", id, func(rows *sql.Rows) (c CodeCoverage, err error) {
		return c, rows.Scan(&c.Resource, &c.System, &c.Codes, &c.UnknownCodes, &c.Uses, &c.UnknownUses)
	})
	if err != nil {
		return err
	}
	r.Checks, err = all(ctx, q, "checks", "reports/check_results.sql", id, func(rows *sql.Rows) (c CheckResult, err error) {
		return c, rows.Scan(&c.Name, &c.Severity, &c.Rows)
	})
	if err != nil {
		return err
	}
	r.Provenance.Rows, err = all(ctx, q, "row counts", "reports/row_counts.sql", id, func(rows *sql.Rows) (c Count, err error) {
		return c, rows.Scan(&c.Name, &c.Rows)
	})
	return err
}

// Board holds all that the KPIs of one run rest on.
type Board struct {
	run  Run
	rows []KPIRow
	roi  ROIInputs
	entered
}

// ReadBoard reads the KPI rows of a run, and the imports, baselines and targets that it was made with.
func ReadBoard(ctx context.Context, q Querier, in Inputs, run Run, roi ROIInputs) (*Board, error) {
	b := &Board{run: run, roi: roi}
	var err error
	if b.entered, err = readEntered(ctx, in, run); err != nil {
		return nil, err
	}
	b.rows, err = all(ctx, q, "KPI rows", "reports/kpi_rows.sql", []any{string(run.ID)}, scanKPI)
	return b, err
}

func scanKPI(rows *sql.Rows) (KPIRow, error) {
	var r KPIRow
	var month time.Time
	var num, den sql.NullString
	if err := rows.Scan(&r.KPI, &r.Span, &month, &r.Site, &num, &den, &r.Excluded); err != nil {
		return r, err
	}
	r.Month = models.DateOf(month)
	var err error
	if r.Numerator, err = optional(num); err != nil {
		return r, err
	}
	r.Denominator, err = optional(den)
	return r, err
}

func optional(s sql.NullString) (*Number, error) {
	if !s.Valid {
		return nil, nil
	}
	n, err := ParseNumber(s.String)
	return &n, err
}

// Outdated reports whether imports, baselines or targets were entered after the run was made. They take part in the next
// run; the caller says so.
func (b *Board) Outdated() bool { return b.later }

// Targets are the targets in force, of KPIs and of measures.
func (b *Board) Targets() []Goal { return b.targets }

// SiteNames lists the sites that have rows or imports, in order.
func (b *Board) SiteNames() []string {
	var names []string
	for _, r := range b.rows {
		names = append(names, r.Site)
	}
	for _, im := range b.imports {
		names = append(names, im.Site)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

// At gives every KPI of the registry for one site, or for the whole organisation (site ""), with what it means in money.
func (b *Board) At(site string) []KPIValue {
	values := make([]KPIValue, 0, len(models.KPIs))
	for _, def := range models.KPIs {
		values = append(values, Evaluate(def, KPIFacts{AsOf: b.run.AsOf, Site: site, Rows: b.rows, Imports: b.imports,
			// Where one site started says nothing about another; what is aimed at holds for all.
			Baseline: exactGoal(b.baselines, string(def.ID), site), Target: goalFor(b.targets, string(def.ID), site)}))
	}
	setMeanings(values, b.roi)
	return values
}
