package pipeline

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// Options are what a site decides, and what tests replace.
type Options struct {
	Zone       string             // IANA zone of the site; "" is UTC
	ConfigHash string             // hash of the configuration that changes rows
	Now        func() time.Time   // wall clock for published_at only; nil is time.Now
	Hooks      func(point string) // called at every named point, see HookPoints; nil: nothing
	// KeepScratch leaves the scratch database of a run in place, for looking at it after a failure.
	KeepScratch bool
	// Relations holds the folders staging, measures, targets, kpi, checks, functions and valuesets; nil is sql.Files.
	Relations fs.FS
}

// Pipeline folds, runs and publishes. One Pipeline per store; its methods may be called from any goroutine and take
// turns: a fold waits for the snapshot of a starting run, two runs never overlap.
type Pipeline struct {
	store    *store.Store
	register Register
	opts     Options
	runs     sync.Mutex // held by Run, Replay and Reconcile
	turn     sync.Mutex // held while folding, and by a run until it has its snapshot; taken after runs
}

// New makes a Pipeline over an open store. It reads nothing yet; a broken relation is reported by Run.
func New(s *store.Store, register Register, opts Options) *Pipeline {
	if opts.Zone == "" {
		opts.Zone = "UTC"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Hooks == nil {
		opts.Hooks = func(string) {}
	}
	if opts.Relations == nil {
		opts.Relations = sql.Files
	}
	return &Pipeline{store: s, register: register, opts: opts}
}

// FoldReport tells what a fold did.
type FoldReport struct {
	Full     bool    // everything was folded anew
	Versions int64   // versions folded
	Come     int64   // current rows written
	Gone     int64   // current rows that win no longer
	Moved    int64   // patients whose person changed by a merge or its undoing
	Stubs    int64   // subjects whose Patient has not arrived
	Folded   int64   // newest row key folded
	KnownTo  KnownTo // what the folded tables know now
	Merges
	Took time.Duration
}

// Merges tells of merges that are not applied.
type Merges struct {
	// Rings are patients whose merges form a ring: none of the ring's merges is applied. At most 20 are listed.
	Rings     []models.PatientID
	RingCount int64
	// Waiting counts merges into a patient of whom no Patient has arrived; they apply when it does.
	Waiting int64
}

// Fold brings the current facts (cur_*, codes, person, subject.stub) up to the newest stored versions, in one
// transaction of the pipeline connection. It is idempotent, safe to call at any time and after any crash, and costs
// what the new versions cost. The result is that of folding everything anew, whatever the order of arrival.
func (p *Pipeline) Fold(ctx context.Context) (FoldReport, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.foldStore(ctx, false)
}

// Refold folds everything anew, as the first Fold after an upgrade of the folding rules does. It is the way to go after
// versions were removed from the store.
func (p *Pipeline) Refold(ctx context.Context) (FoldReport, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.foldStore(ctx, true)
}
