package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

// InLedger gives the Register over an open ledger.
//
// Of the published runs the newest of each as-of date is retained, and every run that something cites: these are the runs
// that a rebuild of the analytics store publishes again. A run that a later one of the same date replaced is not.
func InLedger(l *ledger.Ledger) Register { return inLedger{l} }

type inLedger struct{ l *ledger.Ledger }

func (r inLedger) ValueSetEdition(ctx context.Context) (string, error) { return r.l.ValueSetHash(ctx) }

func (r inLedger) ValueSets(ctx context.Context, edition string) ([]Code, error) {
	var out []Code
	err := r.l.EachCode(ctx, edition, func(oid string, c ledger.Coding) error {
		out = append(out, Code{OID: oid, Key: models.CodeKey(c.System, c.Code)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r inLedger) KPIInputs(ctx context.Context) (KPIInputs, error) {
	s, err := r.l.KPIState(ctx)
	return KPIInputs{Seq: s.Seq, Hash: s.Hash}, err
}

func (r inLedger) ErasedSince(ctx context.Context, at time.Time) (int, error) {
	stones, err := r.l.Erased(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range stones {
		if !s.At.Before(at) {
			n++
		}
	}
	return n, nil
}

func (r inLedger) Start(ctx context.Context, rec Record) error {
	return r.l.PutRun(ctx, ledger.Run{ID: rec.ID, AsOf: rec.Inputs.AsOf, Inputs: rec.Inputs.Canonical(), KnownTo: asJSON(rec.Inputs.KnownTo.Sorted()), State: ledger.RunStarted})
}

func (r inLedger) Finish(ctx context.Context, id models.RunID, p Publication) error {
	run, err := r.l.Run(ctx, id)
	if err != nil {
		return err
	}
	run.State, run.Reason, run.Seq, run.PublishedAt, run.Checksums, run.Retained = ledger.RunPublished, "", p.Seq, p.At, asJSON(p.Sums), true
	if err := r.l.PutRun(ctx, run); err != nil {
		return err
	}
	older, err := r.l.Runs(ctx, ledger.RunFilter{State: ledger.RunPublished, AsOf: &run.AsOf, Retained: true})
	if err != nil {
		return err
	}
	for _, o := range older {
		if o.ID == id || o.Seq > p.Seq || !o.Retained {
			continue
		}
		o.Retained = false
		if err := r.l.PutRun(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (r inLedger) Fail(ctx context.Context, id models.RunID, reason string) error {
	run, err := r.l.Run(ctx, id)
	if err != nil {
		return err
	}
	run.State, run.Reason = ledger.RunFailed, reason
	return r.l.PutRun(ctx, run)
}

func (r inLedger) Runs(ctx context.Context) ([]Record, error) {
	runs, err := r.l.Runs(ctx, ledger.RunFilter{})
	if err != nil {
		return nil, err
	}
	out := make([]Record, 0, len(runs))
	for _, run := range runs {
		rec := Record{ID: run.ID, State: string(run.State), Reason: run.Reason, Retained: run.Retained || run.Cited, Publication: Publication{Seq: run.Seq, At: run.PublishedAt}}
		if rec.Inputs, err = ParseInputs(run.Inputs); err != nil {
			return nil, fmt.Errorf("run %s of the register: %w", run.ID, err)
		}
		if run.Checksums != "" {
			if err := json.Unmarshal([]byte(run.Checksums), &rec.Sums); err != nil {
				return nil, &models.Error{Kind: models.KindCorruption, Message: "checksums of run " + string(run.ID) + " cannot be read", Mend: "restore the ledger from a backup", Cause: err}
			}
		}
		out = append(out, rec)
	}
	return out, nil
}
