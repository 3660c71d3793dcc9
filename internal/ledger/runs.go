package ledger

import (
	"context"
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
	StartedAt   time.Time // first time it was put
	PublishedAt time.Time // zero before
	Retained    bool      // replayed by a rebuild
	Cited       bool      // named by something that must stay explainable; never dropped
}

// PutRun records a run or its next state. A published run is immutable but for Retained and Cited: a changed one is an error
// of models.KindRefused. Putting the same again changes nothing.
func (l *Ledger) PutRun(ctx context.Context, r Run) error { return errMissing }

// Run gives one run; models.KindNotFound when the register has none of that id.
func (l *Ledger) Run(ctx context.Context, id models.RunID) (Run, error) { return Run{}, errMissing }

// RunFilter selects runs; zero fields select all.
type RunFilter struct {
	State    RunState
	AsOf     *models.Date
	Retained bool // only retained or cited ones
}

// Runs lists runs in order of publication, those not published last.
func (l *Ledger) Runs(ctx context.Context, f RunFilter) ([]Run, error) { return nil, errMissing }
