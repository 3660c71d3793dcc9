package app

import (
	"context"
	"encoding/json"
	"fmt"

	"carereach/internal/ledger"
	"carereach/models"
	"carereach/pipeline"
)

// register gives the pipeline the ledger's run register, value sets and KPI inputs.
type register struct{ ledger *ledger.Ledger }

// ValueSets gives the codes of an edition with their keys as the facts have them.
func (r register) ValueSets(ctx context.Context, edition string) (pipeline.ValueSets, error) {
	hash := edition
	if hash == "" {
		var err error
		if hash, err = r.ledger.ValueSetHash(ctx); err != nil || hash == "" {
			return pipeline.ValueSets{}, err
		}
	}
	vs := pipeline.ValueSets{Edition: hash}
	err := r.ledger.EachCode(ctx, hash, func(oid string, c ledger.Coding) error {
		vs.Codes = append(vs.Codes, pipeline.Code{OID: oid, Key: models.CodeKey(c.System, c.Code)})
		return nil
	})
	return vs, err
}

// KPIInputs names the entered values in force.
func (r register) KPIInputs(ctx context.Context) (pipeline.KPIInputs, error) {
	s, err := r.ledger.KPIState(ctx)
	return pipeline.KPIInputs{Seq: s.Seq, Hash: s.Hash}, err
}

// Start records a run about to be published.
func (r register) Start(ctx context.Context, rec pipeline.Record) error {
	run, err := ledgerRun(rec, ledger.RunStarted)
	if err != nil {
		return err
	}
	return r.ledger.PutRun(ctx, run)
}

// Finish records that a run is published.
func (r register) Finish(ctx context.Context, id models.RunID, p pipeline.Publication) error {
	run, err := r.ledger.Run(ctx, id)
	if err != nil {
		return err
	}
	sums, err := json.Marshal(p.Sums)
	if err != nil {
		return fmt.Errorf("checksums: %w", err)
	}
	run.State, run.Checksums, run.Seq, run.PublishedAt, run.Retained = ledger.RunPublished, string(sums), p.Seq, p.At, true
	return r.ledger.PutRun(ctx, run)
}

// Fail records that a run was not published.
func (r register) Fail(ctx context.Context, id models.RunID, reason string) error {
	run, err := r.ledger.Run(ctx, id)
	if err != nil {
		return err
	}
	run.State, run.Reason = ledger.RunFailed, reason
	return r.ledger.PutRun(ctx, run)
}

// Runs lists the retained runs and those that were started and not finished.
func (r register) Runs(ctx context.Context) ([]pipeline.Record, error) {
	runs, err := r.ledger.Runs(ctx, ledger.RunFilter{})
	if err != nil {
		return nil, err
	}
	var out []pipeline.Record
	for _, run := range runs {
		if run.State == ledger.RunFailed || (run.State == ledger.RunPublished && !run.Retained && !run.Cited) {
			continue
		}
		rec, err := pipelineRecord(run)
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

func ledgerRun(rec pipeline.Record, state ledger.RunState) (ledger.Run, error) {
	known, err := json.Marshal(rec.Inputs.KnownTo.Sorted())
	if err != nil {
		return ledger.Run{}, fmt.Errorf("positions: %w", err)
	}
	return ledger.Run{ID: rec.ID, AsOf: rec.Inputs.AsOf, Inputs: rec.Inputs.Canonical(), KnownTo: string(known), State: state, Retained: true}, nil
}

func pipelineRecord(run ledger.Run) (pipeline.Record, error) {
	in, err := pipeline.ParseInputs(run.Inputs)
	if err != nil {
		return pipeline.Record{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	rec := pipeline.Record{ID: run.ID, Inputs: in, State: string(run.State), Reason: run.Reason, Publication: pipeline.Publication{Seq: run.Seq, At: run.PublishedAt, Sums: map[string]string{}}}
	if run.Checksums == "" {
		return rec, nil
	}
	if err := json.Unmarshal([]byte(run.Checksums), &rec.Sums); err != nil {
		return rec, fmt.Errorf("checksums of run %s: %w", run.ID, err)
	}
	return rec, nil
}

// all lists every run of the register.
func (r register) all(ctx context.Context) ([]ledger.Run, error) {
	return r.ledger.Runs(ctx, ledger.RunFilter{})
}
