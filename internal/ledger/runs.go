package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"carereach/models"
)

// RunState is how far a run came.
type RunState string

// A run is started, then published or failed; a failed one may be started again.
const (
	RunStarted   RunState = "started"
	RunPublished RunState = "published"
	RunFailed    RunState = "failed"
)

// Run is one run of the register. Inputs, KnownTo and Checksums are JSON texts of the pipeline's.
type Run struct {
	ID          models.RunID
	AsOf        models.Date
	Inputs      string
	KnownTo     string
	Checksums   string
	State       RunState
	Reason      string    // why it failed
	Seq         int64     // order of publication; 0 before
	StartedAt   time.Time // when it was first put; given by the ledger
	PublishedAt time.Time // zero before
	Retained    bool      // replayed by a rebuild
	Cited       bool      // named by something that must stay explainable; never dropped
}

const runColumns = "id, as_of, inputs, known_to, checksums, state, reason, seq, started_at, published_at, retained, cited"

func (r Run) values() []any {
	var published any
	if !r.PublishedAt.IsZero() {
		published = micros(r.PublishedAt)
	}
	return []any{string(r.ID), int64(r.AsOf), r.Inputs, r.KnownTo, r.Checksums, string(r.State), r.Reason, r.Seq, micros(r.StartedAt), published, flag(r.Retained), flag(r.Cited)}
}

func (l *Ledger) scanRun(row interface{ Scan(...any) error }) (Run, error) {
	var r Run
	var tag []byte
	var started, retained, cited int64
	var published sql.NullInt64
	err := row.Scan(&r.ID, &r.AsOf, &r.Inputs, &r.KnownTo, &r.Checksums, &r.State, &r.Reason, &r.Seq, &started, &published, &retained, &cited, &tag)
	if err != nil {
		return Run{}, err
	}
	r.StartedAt, r.Retained, r.Cited = instant(started), retained != 0, cited != 0
	if published.Valid {
		r.PublishedAt = instant(published.Int64)
	}
	if retained > 1 || cited > 1 || !l.keys.checkTag(tag, "run", r.values()...) {
		return Run{}, damaged("run", r.ID, "was changed")
	}
	return r, nil
}

// PutRun records a run or its next state. The inputs of a run never change, and a published run is immutable but for Retained
// and Cited: anything else is an error of models.KindRefused. Putting the same again changes nothing.
func (l *Ledger) PutRun(ctx context.Context, r Run) error {
	if r.ID == "" || (r.State != RunStarted && r.State != RunPublished && r.State != RunFailed) || (r.State == RunPublished) == r.PublishedAt.IsZero() {
		return &models.Error{Kind: models.KindInternal, Message: "ledger: a run needs an id, a state, and a time of publication when it is published"}
	}
	return l.write(ctx, "put a run", func(tx *sql.Tx) error {
		old, err := l.scanRun(tx.QueryRowContext(ctx, "SELECT "+runColumns+", tag FROM run WHERE id = ?", string(r.ID)))
		fresh := errors.Is(err, sql.ErrNoRows)
		if err != nil && !fresh {
			return err
		}
		if !fresh {
			r.StartedAt = old.StartedAt
			if err := old.admits(r); err != nil {
				return err
			}
		} else {
			r.StartedAt = l.now()
			if err := l.count(ctx, tx, "run", 1); err != nil {
				return err
			}
		}
		return exec(ctx, tx, "INSERT OR REPLACE INTO run ("+runColumns+", tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", append(r.values(), l.keys.tag("run", r.values()...))...)
	})
}

// admits says whether next may follow.
func (r Run) admits(next Run) error {
	same := r.AsOf == next.AsOf && r.Inputs == next.Inputs && r.KnownTo == next.KnownTo
	if same && r.State == RunPublished {
		same = next.State == RunPublished && next.Checksums == r.Checksums && next.Seq == r.Seq && next.Reason == r.Reason && micros(next.PublishedAt) == micros(r.PublishedAt)
	}
	if same {
		return nil
	}
	return &models.Error{Kind: models.KindRefused, Message: "ledger: run " + string(r.ID) + " is recorded otherwise: what a run was made from, and what it published, never changes", Mend: "start a new run"}
}

// Run gives one run; models.KindNotFound when the register has none of that id.
func (l *Ledger) Run(ctx context.Context, id models.RunID) (Run, error) {
	var r Run
	err := l.read(ctx, "read a run", func(tx *sql.Tx) (err error) {
		r, err = l.scanRun(tx.QueryRowContext(ctx, "SELECT "+runColumns+", tag FROM run WHERE id = ?", string(id)))
		if errors.Is(err, sql.ErrNoRows) {
			return &models.Error{Kind: models.KindNotFound, Message: "ledger: there is no run of that id", Mend: "take an id from a list of runs"}
		}
		return err
	})
	return r, err
}

// RunFilter selects runs; zero fields select all.
type RunFilter struct {
	State    RunState
	AsOf     *models.Date
	Retained bool // only retained or cited ones
}

// Runs lists runs in order of publication, those not published last.
func (l *Ledger) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	out := []Run{}
	err := l.read(ctx, "list runs", func(tx *sql.Tx) error {
		return ask(ctx, tx, func(rows *sql.Rows) error {
			r, err := l.scanRun(rows)
			if err != nil {
				return err
			}
			if (f.State == "" || r.State == f.State) && (f.AsOf == nil || r.AsOf == *f.AsOf) && (!f.Retained || r.Retained || r.Cited) {
				out = append(out, r)
			}
			return nil
		}, "SELECT "+runColumns+", tag FROM run ORDER BY state <> 'published', seq, started_at, id")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
