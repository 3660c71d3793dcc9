package pipeline

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
)

func testLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := ledger.CreateKeys(keys); err != nil {
		t.Fatal(err)
	}
	ring, err := ledger.LoadKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	l, err := ledger.Open(context.Background(), ledger.Options{Dir: dir, Sink: filepath.Join(t.TempDir(), "audit"), Keys: ring, Now: func() time.Time { at = at.Add(time.Second); return at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestRunsInTheLedger: the register of the ledger serves the pipeline as the notebook of the other tests does.
func TestRunsInTheLedger(t *testing.T) {
	ctx := context.Background()
	l := testLedger(t)
	_, err := l.LoadValueSets(ctx, []ledger.ValueSet{{OID: "1.2", Version: "1", Title: "Scan", Codes: []ledger.Coding{{System: "y", Code: "9"}}}})
	if err != nil {
		t.Fatal(err)
	}
	state, _, err := l.PutKPIValues(ctx, []ledger.KPIValue{{Kind: ledger.KPIImport, KPI: "acquisition_cost", From: models.NewDate(2026, 6, 1), Value: "12.5", Source: "finance", Owner: "cfo"}})
	if err != nil {
		t.Fatal(err)
	}
	c := newClinic(t, Options{})
	register := InLedger(l)
	opts := c.p.opts
	c.p = New(c.s, register, opts)
	first := c.run(RunRequest{AsOf: day})
	if hash, err := l.ValueSetHash(ctx); err != nil || first.Inputs.ValueSets != hash || first.Inputs.KPI != (KPIInputs{state.Seq, state.Hash}) {
		t.Errorf("inputs %+v, edition %s, KPI inputs %+v (%v)", first.Inputs, hash, state, err)
	}
	if again := c.run(RunRequest{AsOf: day}); !again.Existing {
		t.Error("the same question made another run")
	}
	c.add(statement{rt: "Patient", id: 7, patient: 7, label: "bad"})
	if _, err := c.p.Run(ctx, RunRequest{AsOf: day}); models.KindOf(err) != models.KindQuality {
		t.Fatalf("error %v, want a failed check", err)
	}
	c.add(statement{rt: "Patient", id: 7, patient: 7, version: 1})
	second := c.run(RunRequest{AsOf: day})
	other := c.run(RunRequest{AsOf: day + 1})

	records, err := register.Runs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{
		{ID: first.ID, Inputs: first.Inputs, State: StatePublished, Publication: first.Publication}, // replaced by the second of that day
		{ID: second.ID, Inputs: second.Inputs, State: StatePublished, Retained: true, Publication: second.Publication},
		{ID: other.ID, Inputs: other.Inputs, State: StatePublished, Retained: true, Publication: other.Publication},
	}
	if d := cmp.Diff(want, records[:3]); d != "" {
		t.Errorf("register (-want +got):\n%s", d)
	}
	if len(records) != 4 || records[3].State != StateFailed || records[3].Retained || records[3].Reason == "" {
		t.Errorf("the failed run: %+v", records[3:])
	}

	before := c.rows("SELECT CAST(r AS VARCHAR) FROM pub.gap AS r WHERE run_id <> $1", string(first.ID))
	rebuilt := &clinic{history: newHistory(t, testStore(t)), rules: c.rules}
	rebuilt.p = New(rebuilt.s, register, opts)
	rebuilt.add(append(append([]statement{}, clinicFacts...), statement{rt: "Patient", id: 7, patient: 7, label: "bad"}, statement{rt: "Patient", id: 7, patient: 7, version: 1})...)
	results, err := rebuilt.p.Replay(ctx)
	if d := cmp.Diff([]string{"2026-06-30 replayed", "2026-07-01 replayed"}, outcomes(results)); err != nil || d != "" {
		t.Fatalf("error %v, outcomes (-want +got):\n%s", err, d)
	}
	if d := cmp.Diff(before, rebuilt.rows("SELECT CAST(r AS VARCHAR) FROM pub.gap AS r")); d != "" {
		t.Errorf("gaps of the retained runs (-before +after):\n%s", d)
	}
}

func TestErasuresInTheLedger(t *testing.T) {
	ctx := context.Background()
	l := testLedger(t)
	register := InLedger(l)
	at := time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC)
	if err := l.Erase(ctx, tokenOf(1), "request 7", at); err != nil {
		t.Fatal(err)
	}
	for moment, want := range map[time.Time]int{at.Add(-time.Hour): 1, at: 1, at.Add(time.Hour): 0} {
		if got, err := register.ErasedSince(ctx, moment); err != nil || got != want {
			t.Errorf("erased since %v: %d, %v; want %d", moment, got, err, want)
		}
	}
}

// TestALedgerBehindTheStoreIsCompleted: a ledger restored from before a publication learns of it from the store.
func TestALedgerBehindTheStoreIsCompleted(t *testing.T) {
	ctx := context.Background()
	c := newClinic(t, Options{})
	c.p = New(c.s, InLedger(testLedger(t)), c.p.opts)
	res := c.run(RunRequest{AsOf: day})
	older := InLedger(testLedger(t))
	c.p = New(c.s, older, c.p.opts)
	if err := c.p.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	records, err := older.Runs(ctx)
	if err != nil || len(records) != 1 {
		t.Fatalf("register %+v, %v", records, err)
	}
	if d := cmp.Diff(Record{ID: res.ID, Inputs: res.Inputs, State: StatePublished, Retained: true, Publication: res.Publication}, records[0]); d != "" {
		t.Errorf("register (-want +got):\n%s", d)
	}
	if n, err := countRuns(ctx, c.s); err != nil || n != 1 {
		t.Errorf("%d runs in the store, %v", n, err)
	}
}

func countRuns(ctx context.Context, s *store.Store) (n int, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM pub.run").Scan(&n)
	})
	return n, err
}
