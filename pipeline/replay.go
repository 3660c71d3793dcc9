package pipeline

import (
	"context"
	"errors"
	"fmt"

	"carereach/internal/store"
	"carereach/models"
)

// What became of a run of the register in Replay.
const (
	ReplayPresent = "present"  // the store has it
	ReplayDone    = "replayed" // published again, equal to the last row
	ReplayErased  = "erased"   // published again without patients that were erased since
	ReplayDiffers = "differs"  // came out different; not published
	ReplayFailed  = "failed"   // could not be made
)

// ReplayResult tells what became of one run of the register after a rebuild of the analytics store.
type ReplayResult struct {
	ID      models.RunID
	AsOf    models.Date
	Outcome string
	Tables  []string // published tables whose checksum differs
	Reason  string   // in words, when it differs or failed
}

// Replay publishes again every retained run of the register that the store no longer has, each with its own as-of date,
// positions, value sets and KPI inputs, at its own place in the order of publication, and compares the checksums. A run
// that comes out different is not published under its id: its rows would not be those that people have seen. The one
// difference that is expected is that of patients erased since: such a run is published without them. The error, of
// models.KindPartial, says how many differ or failed. Safe to call again: what is present is left alone.
func (p *Pipeline) Replay(ctx context.Context) ([]ReplayResult, error) {
	p.runs.Lock()
	defer p.runs.Unlock()
	plan, err := readPlan(p.opts.Relations)
	if err != nil {
		return nil, err
	}
	if err := p.reconcile(ctx); err != nil {
		return nil, err
	}
	records, err := p.register.Runs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the run register: %w", err)
	}
	var out []ReplayResult
	bad := 0
	for _, r := range records {
		if r.State != StatePublished || !r.Retained {
			continue
		}
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("replay, after %d runs: %w", len(out), err)
		}
		result := p.replay(ctx, plan, r)
		if result.Outcome == ReplayDiffers || result.Outcome == ReplayFailed {
			bad++
		}
		out = append(out, result)
	}
	if bad > 0 {
		return out, &models.Error{Kind: models.KindPartial, Message: fmt.Sprintf("%d of %d retained runs could not be published again as they were", bad, len(out)),
			Mend: "see the reason of each; ask again for the dates that are needed"}
	}
	return out, nil
}

func (p *Pipeline) replay(ctx context.Context, plan plan, r Record) ReplayResult {
	result := ReplayResult{ID: r.ID, AsOf: r.Inputs.AsOf, Outcome: ReplayDone}
	res, err := p.run(ctx, plan, r.Inputs, false)
	var d *differs
	switch {
	case errors.As(err, &d):
		result.Outcome, result.Tables, result.Reason = ReplayDiffers, d.tables, d.Error()
		if code := codeHash(plan.fsys); r.Inputs.Code != code {
			result.Reason += "; the run was made by other code"
		}
	case err != nil:
		result.Outcome, result.Reason = ReplayFailed, err.Error()
	case res.Existing:
		result.Outcome = ReplayPresent
	case len(res.erased) > 0:
		result.Outcome, result.Tables = ReplayErased, res.erased
		result.Reason = "patients were erased since: the rows are those without them"
	}
	return result
}

// again publishes a run that the register knows as published, after a rebuild of the store, provided that its rows are
// what they were, or that patients were erased since.
func (p *Pipeline) again(ctx context.Context, plan plan, res *RunResult, was Publication, snapshot func()) error {
	res.Publication = was
	erased, err := p.register.ErasedSince(ctx, was.At)
	if err != nil {
		return fmt.Errorf("count erasures: %w", err)
	}
	err = p.compute(ctx, plan, res, snapshot, func(scratch string) error {
		return p.store.Pipeline(ctx, func(tx *store.Tx) error {
			if err := p.writeRun(ctx, tx, plan, res, scratch); err != nil {
				return err
			}
			sums, rows, err := sumRun(ctx, tx, res.ID)
			if err != nil {
				return err
			}
			tables := differing(was.Sums, sums)
			if len(tables) > 0 && erased == 0 {
				return &differs{tables}
			}
			res.Rows, res.erased = rows, tables
			return allPublished(plan, res)
		})
	})
	if err != nil {
		return fmt.Errorf("publish run %s again: %w", res.ID, err)
	}
	return nil
}

// Reconcile makes register and store agree after a crash: a published run that the register does not know as such is
// completed there, a started one without rows is marked failed. Run and Replay do it first; it is safe at any time.
func (p *Pipeline) Reconcile(ctx context.Context) error {
	p.runs.Lock()
	defer p.runs.Unlock()
	return p.reconcile(ctx)
}

func (p *Pipeline) reconcile(ctx context.Context) error {
	stored, err := p.storedRuns(ctx)
	if err != nil {
		return err
	}
	records, err := p.register.Runs(ctx)
	if err != nil {
		return fmt.Errorf("read the run register: %w", err)
	}
	state := map[models.RunID]string{}
	for _, r := range records {
		state[r.ID] = r.State
	}
	inStore := map[models.RunID]bool{}
	for _, s := range stored {
		inStore[s.id] = true
		if state[s.id] == StatePublished {
			continue
		}
		if err := p.complete(ctx, s); err != nil {
			return fmt.Errorf("complete the register of run %s: %w", s.id, err)
		}
	}
	for _, r := range records {
		if r.State == StateStarted && !inStore[r.ID] {
			if err := p.register.Fail(ctx, r.ID, "stopped before it was published"); err != nil {
				return fmt.Errorf("register the failure of run %s: %w", r.ID, err)
			}
		}
	}
	return nil
}

// complete registers a run that stands in the store.
func (p *Pipeline) complete(ctx context.Context, s storedRun) error {
	in, err := ParseInputs(s.inputs)
	if err != nil {
		return err
	}
	if err := p.register.Start(ctx, Record{ID: s.id, Inputs: in, State: StateStarted}); err != nil {
		return err
	}
	err = p.store.Read(ctx, func(tx *store.Tx) error {
		s.Sums, _, err = sumRun(ctx, tx, s.id)
		return err
	})
	if err != nil {
		return err
	}
	return p.register.Finish(ctx, s.id, s.Publication)
}
