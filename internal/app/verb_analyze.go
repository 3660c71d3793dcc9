package app

import (
	"context"
	"fmt"
	"time"

	"carereach/ingest"
	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/pipeline"
	"carereach/reports"
)

// AnalyzeArgs ask for a run.
type AnalyzeArgs struct {
	AsOf models.Date `json:"as_of"`
}

// AnalyzeResult is what a run found.
type AnalyzeResult struct {
	Run       models.RunID            `json:"run"`
	AsOf      models.Date             `json:"as_of"`
	Existing  bool                    `json:"existing"` // the same inputs were analysed before: the same run
	Rows      map[string]int64        `json:"rows"`     // per published table
	Gaps      []GapCount              `json:"gaps"`
	Measures  []pipeline.MeasureState `json:"measures"`
	Checks    []pipeline.CheckFinding `json:"checks"`
	Stubs     int64                   `json:"stubs"`  // patients left out because their Patient has not arrived
	Rings     int64                   `json:"rings"`  // patients whose merges form a ring; none of the ring's merges is applied
	Replay    string                  `json:"replay"` // runs that a rebuild could not make again; "" none
	Seconds   float64                 `json:"seconds"`
	Relations []RelationTime          `json:"relations"`
}

// RelationTime is how long one relation took.
type RelationTime struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
}

func (c *Call) analyze(ctx context.Context, in AnalyzeArgs) (AnalyzeResult, error) {
	a := c.app
	out := AnalyzeResult{AsOf: in.AsOf, Rows: map[string]int64{}, Gaps: []GapCount{}, Measures: []pipeline.MeasureState{}, Checks: []pipeline.CheckFinding{}, Relations: []RelationTime{}}
	if err := a.Guard.Record(ctx, c.Actor, access.Act{Action: "analyze", Detail: "as of " + in.AsOf.String()}); err != nil {
		return out, err
	}
	if _, err := a.drain(ctx, ingest.DrainOptions{}); err != nil {
		return out, fmt.Errorf("take what waits in the log: %w", err)
	}
	started := time.Now()
	res, err := a.Pipeline.Run(ctx, pipeline.RunRequest{AsOf: in.AsOf})
	out.Run, out.Existing, out.Rows = res.ID, res.Existing, res.Rows
	out.Measures, out.Checks = append(out.Measures, res.Measures...), append(out.Checks, res.Checks...)
	out.Stubs, out.Rings, out.Seconds = res.Fold.Stubs, res.Fold.RingCount, time.Since(started).Seconds()
	for _, r := range res.Relations {
		out.Relations = append(out.Relations, RelationTime{Name: r.Layer + "/" + r.Name, Rows: r.Rows, Seconds: r.Took.Seconds()})
	}
	if err != nil {
		return out, err
	}
	counts, err := c.gapsCount(ctx, GapsArgs{ListArgs: ListArgs{AsOf: &in.AsOf}})
	out.Gaps = counts.Rows
	if err != nil {
		return out, err
	}
	out.Replay, _, err = a.Ledger.Setting(ctx, settingReplay)
	return out, err
}

// RunRow is one run of the register.
type RunRow struct {
	Run       models.RunID `json:"run"`
	AsOf      models.Date  `json:"as_of"`
	State     string       `json:"state"`
	Reason    string       `json:"reason,omitempty"`
	Published string       `json:"published,omitempty"`
}

// RunList is the run register.
type RunList struct {
	Total int      `json:"total"`
	Shown int      `json:"shown"`
	Rows  []RunRow `json:"rows"`
}

func (c *Call) runList(ctx context.Context, _ None) (RunList, error) {
	out := RunList{Rows: []RunRow{}}
	runs, err := c.app.Ledger.Runs(ctx, ledger.RunFilter{})
	for _, r := range runs {
		row := RunRow{Run: r.ID, AsOf: r.AsOf, State: string(r.State), Reason: r.Reason}
		if !r.PublishedAt.IsZero() {
			row.Published = r.PublishedAt.UTC().Format("2006-01-02T15:04:05Z")
		}
		out.Rows = append(out.Rows, row)
	}
	out.Total, out.Shown = len(out.Rows), len(out.Rows)
	return out, err
}

// MeasureList is the measures of a run with rates and what is missing to their targets.
type MeasureList struct {
	Run   models.RunID             `json:"run"`
	AsOf  models.Date              `json:"as_of"`
	Total int                      `json:"total"`
	Shown int                      `json:"shown"`
	Rows  []reports.MeasureSummary `json:"rows"`
}

// AsOfArgs choose a run by its as-of date; nil: the newest.
type AsOfArgs struct {
	AsOf *models.Date `json:"as_of"`
}

func (c *Call) measureList(ctx context.Context, in AsOfArgs) (MeasureList, error) {
	out := MeasureList{Rows: []reports.MeasureSummary{}}
	err := c.app.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, in.AsOf)
		if err != nil {
			return err
		}
		out.Run, out.AsOf = run.ID, run.AsOf
		board, err := reports.ReadBoard(ctx, tx, c.app.Ledger, run, c.app.Config.ROI)
		if err != nil {
			return err
		}
		out.Rows, err = reports.Measures(ctx, tx, run, board.Targets())
		return err
	})
	out.Total, out.Shown = len(out.Rows), len(out.Rows)
	return out, err
}
