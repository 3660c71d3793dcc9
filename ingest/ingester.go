package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"carereach/ingest/event"
	"carereach/ingest/fhir"
	"carereach/ingest/intake"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
)

// The formats of records in the intake log.
const (
	intakeLog     = "intake"
	formatFHIR    = intake.FormatFHIR
	formatEvent   = intake.FormatEvent
	formatMapping = intake.FormatMapping
	formatCSV     = intake.FormatCSV // followed by the mapping's hash
)

// Options bound what a load accepts. Zero values mean the defaults of the configuration.
type Options struct {
	Tenant        string
	MaxValueBytes int     // longest resource, event or row
	BatchBytes    int     // bytes of records decoded and committed together
	StopShare     float64 // a batch with more than this share in quarantine stops the load
	StopMin       int     // and at least so many inputs of it
	Workers       int     // decoders side by side
	Hooks         func(point string)
}

// Ingester is the only writer of facts. Its methods take turns; it is safe for concurrent use.
type Ingester struct {
	store  *store.Store
	ledger *ledger.Ledger
	keys   *ledger.Keys
	log    *intake.Log
	opts   Options

	mu       sync.Mutex
	mappings *mappings
	decoders []*decoder
	erased   map[models.PatientID]ledger.Tombstone
	next     counters
}

// counters are the next free keys of the analytics store. They may run ahead after a batch that was rolled back.
type counters struct {
	k, quarantine int64
	top           map[int]int64 // greatest patient key by bucket
}

// New makes an Ingester over open stores and an open log, and reads where they stand.
func New(ctx context.Context, s *store.Store, l *ledger.Ledger, log *intake.Log, opts Options) (*Ingester, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.NumCPU()
	}
	if opts.BatchBytes <= 0 {
		opts.BatchBytes = 16 << 20
	}
	if opts.MaxValueBytes <= 0 {
		opts.MaxValueBytes = fhir.DefaultMaxBytes
	}
	if opts.StopShare <= 0 {
		opts.StopShare, opts.StopMin = 0.5, 100
	}
	if opts.Hooks == nil {
		opts.Hooks = func(string) {}
	}
	in := &Ingester{store: s, ledger: l, keys: l.Keys(), log: log, opts: opts, mappings: newMappings()}
	for range opts.Workers {
		in.decoders = append(in.decoders, &decoder{tenant: opts.Tenant, max: opts.MaxValueBytes, keys: in.keys, mappings: in.mappings,
			fhir: fhir.NewDecoder(fhir.Options{MaxBytes: opts.MaxValueBytes}), events: &event.Decoder{Tenant: opts.Tenant}})
	}
	if err := in.load(ctx); err != nil {
		return nil, fmt.Errorf("open ingest: %w", err)
	}
	return in, nil
}

// load reads the counters and the tombstones of erased patients.
func (in *Ingester) load(ctx context.Context) error {
	erased, err := in.ledger.Erased(ctx)
	if err != nil {
		return err
	}
	in.erased = erased
	in.next.top = map[int]int64{}
	if err := in.store.Ingest(ctx, func(tx *store.Tx) error { return noteErasures(ctx, tx, int64(len(erased))) }); err != nil {
		return err
	}
	return in.store.Read(ctx, func(tx *store.Tx) error {
		if err := in.next.read(ctx, tx); err != nil {
			return err
		}
		return in.checkPosition(ctx, tx)
	})
}

// checkPosition refuses a store that has read further than the log goes: the log was cut or replaced by an older copy.
func (in *Ingester) checkPosition(ctx context.Context, tx *store.Tx) error {
	at, err := position(ctx, tx)
	if err != nil {
		return err
	}
	if at > in.log.End() {
		return &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("analytics.duckdb has read the intake log up to offset %d, but the log ends at %d", at, in.log.End()),
			Mend: "restore the intake log of the same backup, or delete analytics.duckdb to rebuild it from the log that is there"}
	}
	return nil
}

// Report tells what a drain did.
type Report struct {
	Outcomes models.Outcomes
	Batches  int
	Next     int64 // position after the last committed batch
	Took     time.Duration
}

// DrainOptions are the operator's choices for one drain.
type DrainOptions struct {
	AcceptQuarantine bool                  // go on however much is set aside
	Progress         func(next, end int64) // after each batch; nil: nothing
}

// Drain reads the log from the stored position to the end it has now, batch by batch. What is committed stays committed
// when a later batch fails; calling it again goes on from there. A batch of which too much would be quarantined is rolled
// back and stops the drain with models.KindQuality, so that a changed schema does not set a whole feed aside.
func (in *Ingester) Drain(ctx context.Context, o DrainOptions) (Report, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	started := time.Now()
	var rep Report
	end := in.log.End()
	err := in.store.Read(ctx, func(tx *store.Tx) error {
		var err error
		rep.Next, err = position(ctx, tx)
		return err
	})
	if err != nil {
		return rep, fmt.Errorf("read position: %w", err)
	}
	var late []int64
	for rep.Next < end {
		done, err := in.batch(ctx, rep.Next, o)
		if err != nil {
			rep.Took = time.Since(started)
			return rep, fmt.Errorf("load from offset %d of the intake log: %w", rep.Next, err)
		}
		rep.Next = done.next
		rep.Batches++
		late = append(late, done.erased...)
		addOutcomes(&rep.Outcomes, done.outcomes)
		if o.Progress != nil {
			o.Progress(rep.Next, end)
		}
	}
	rep.Took = time.Since(started)
	return rep, in.redactLate(ctx, late)
}

// redactLate empties the records about people who are already erased: what arrives late about them is not kept either.
func (in *Ingester) redactLate(ctx context.Context, offsets []int64) error {
	if len(offsets) == 0 {
		return nil
	}
	if _, err := in.redact(ctx, offsets, in.erased); err != nil {
		return fmt.Errorf("empty %d records about erased patients: %w", len(offsets), err)
	}
	return nil
}

func addOutcomes(to *models.Outcomes, more models.Outcomes) {
	to.Stored += more.Stored
	to.Duplicate += more.Duplicate
	to.Ignored += more.Ignored
	to.Quarantined += more.Quarantined
}

// batchDone is what one committed batch reports.
type batchDone struct {
	next     int64
	outcomes models.Outcomes
	erased   []int64 // offsets of records about erased patients
}

// batch decodes and commits the records from offset from on, up to BatchBytes.
func (in *Ingester) batch(ctx context.Context, from int64, o DrainOptions) (batchDone, error) {
	fetched, err := in.log.Fetch(ctx, from, in.opts.BatchBytes)
	if err != nil {
		return batchDone{}, err
	}
	if err := in.define(ctx, fetched.Records, from); err != nil {
		return batchDone{}, err
	}
	in.opts.Hooks("fetched")
	inputs, err := decodeAll(ctx, in.decoders, fetched.Records)
	if err != nil {
		return batchDone{}, err
	}
	in.opts.Hooks("decoded")
	b := &batch{in: in, from: from, next: fetched.Next, inputs: inputs, accept: o.AcceptQuarantine}
	if err := in.store.Ingest(ctx, func(tx *store.Tx) error { return b.commit(ctx, tx) }); err != nil {
		return batchDone{}, err
	}
	in.opts.Hooks("committed")
	return batchDone{next: fetched.Next, outcomes: b.outcomes, erased: b.erased}, nil
}

// define takes the mappings that the records bring, and looks for an earlier definition of one that they use without it.
func (in *Ingester) define(ctx context.Context, records []intake.Record, from int64) error {
	missing := false
	for i := range records {
		r := &records[i]
		if r.Format == formatMapping {
			if err := in.mappings.define(r); err != nil {
				return err
			}
		} else if hash, ok := mappingOf(r); ok && !missing {
			_, known := in.mappings.get(hash)
			missing = !known
		}
	}
	if !missing {
		return nil
	}
	return in.defineFrom(ctx, from)
}

// defineFrom reads the log up to offset end for mapping definitions: after a restart the position may lie behind them.
func (in *Ingester) defineFrom(ctx context.Context, end int64) error {
	for at := in.log.Start(); at < end; {
		b, err := in.log.Fetch(ctx, at, in.opts.BatchBytes)
		if err != nil {
			return err
		}
		for i := range b.Records {
			if b.Records[i].Format == formatMapping {
				if err := in.mappings.define(&b.Records[i]); err != nil {
					return err
				}
			}
		}
		if b.Next <= at {
			return errors.New("the intake log gives no records")
		}
		at = b.Next
	}
	return nil
}

// Pause runs fn while no input is taken, so that log and ledger can be copied at one moment.
func (in *Ingester) Pause(fn func() error) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return fn()
}
