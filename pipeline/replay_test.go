package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/internal/store"
	"carereach/models"
)

// published gives every row of schema pub as lines.
func published(t testing.TB, s *store.Store) []string {
	t.Helper()
	parts := []string{"SELECT 'run ' || CAST(r AS VARCHAR) FROM pub.run AS r", "SELECT 'current ' || CAST(r AS VARCHAR) FROM pub.current AS r"}
	for _, name := range publishedNames() {
		parts = append(parts, "SELECT '"+name+" ' || CAST(r AS VARCHAR) FROM pub."+name+" AS r")
	}
	return readLines(t, s, strings.Join(parts, " UNION ALL "))
}

// rebuilt is the clinic after its analytics store was deleted and filled from the log again, in one batch.
func (c *clinic) rebuilt(all ...statement) *clinic {
	c.t.Helper()
	again := &clinic{history: newHistory(c.t, testStore(c.t)), register: c.register, rules: c.rules}
	opts := c.p.opts
	opts.Relations = c.rules
	again.p = New(again.s, c.register, opts)
	again.add(all...)
	return again
}

func outcomes(results []ReplayResult) []string {
	out := []string{}
	for _, r := range results {
		out = append(out, r.AsOf.String()+" "+r.Outcome)
	}
	return out
}

func TestReplayGivesTheSameRows(t *testing.T) {
	c := newClinic(t, Options{})
	c.run(RunRequest{AsOf: day})
	c.register.load("e1", Code{"1.2", "y|9"})
	more := []statement{{rt: "Encounter", id: 1, patient: 1, version: 5, retracted: true}, {rt: "PersonLink", id: 3, patient: 3, version: 2, survivor: 2}, {rt: "Patient", id: 9, patient: 9, label: "odd"}}
	c.add(more...)
	c.run(RunRequest{AsOf: day})
	c.register.load("e2", Code{"1.2", "y|10"})
	c.register.book.KPI = KPIInputs{Seq: 4, Hash: "k"}
	c.run(RunRequest{AsOf: day + 31})
	before := published(t, c.s)

	again := c.rebuilt(append(append([]statement{}, clinicFacts...), more...)...)
	results, err := again.p.Replay(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"2026-06-30 replayed", "2026-06-30 replayed", "2026-07-31 replayed"}, outcomes(results)); d != "" {
		t.Errorf("outcomes (-want +got):\n%s", d)
	}
	if d := cmp.Diff(before, published(t, again.s)); d != "" {
		t.Errorf("published rows after a rebuild (-before +after):\n%s", d)
	}
	results, err = again.p.Replay(context.Background())
	if d := cmp.Diff([]string{"2026-06-30 present", "2026-06-30 present", "2026-07-31 present"}, outcomes(results)); err != nil || d != "" {
		t.Errorf("second replay %v (-want +got):\n%s", err, d)
	}
	if res := again.run(RunRequest{AsOf: day + 62}); res.Seq != 4 {
		t.Errorf("the next publication has place %d", res.Seq)
	}
}

func TestARunAskedForAgainAfterARebuildIsTheSameRun(t *testing.T) {
	c := newClinic(t, Options{})
	first := c.run(RunRequest{AsOf: day})
	before := published(t, c.s)
	again := c.rebuilt(clinicFacts...)
	res := again.run(RunRequest{AsOf: day})
	if res.ID != first.ID || res.Existing || res.Seq != first.Seq {
		t.Errorf("run %+v", res)
	}
	if d := cmp.Diff(before, published(t, again.s)); d != "" {
		t.Errorf("published rows (-before +after):\n%s", d)
	}
}

func TestReplayReportsWhatDiffers(t *testing.T) {
	c := newClinic(t, Options{})
	c.run(RunRequest{AsOf: day})
	c.add(statement{rt: "Patient", id: 4, patient: 4})
	c.run(RunRequest{AsOf: day + 1})

	t.Run("another fact in the log", func(t *testing.T) {
		changed := append([]statement{}, clinicFacts...)
		changed[3].codes = nil // the visit that closed a gap lost its code
		again := c.rebuilt(append(changed, statement{rt: "Patient", id: 4, patient: 4})...)
		results, err := again.p.Replay(context.Background())
		if models.KindOf(err) != models.KindPartial || !strings.Contains(err.Error(), "2 of 2") {
			t.Fatalf("error %v", err)
		}
		if d := cmp.Diff([]string{"gap", "code_coverage"}, results[0].Tables); d != "" || results[0].Outcome != ReplayDiffers || strings.Contains(results[0].Reason, "other code") {
			t.Errorf("result %+v (-want +got):\n%s", results[0], d)
		}
		if got := published(t, again.s); len(got) != 0 {
			t.Errorf("a run that differs was published: %q", got)
		}
		if r := c.register.book.Runs[0]; r.State != StatePublished || len(r.Sums) == 0 {
			t.Errorf("the register of a run that differs was changed: %+v", r)
		}
	})
	t.Run("other code that gives other rows", func(t *testing.T) {
		rules := clinicRules()
		rules["kpi/people_list.sql"] = &fstest.MapFile{Data: []byte(strings.Replace(string(rules["kpi/people_list.sql"].Data), "FROM people AS p", "FROM people AS p WHERE p.pid < 0", 1))}
		other := *c
		other.rules = rules
		results, err := other.rebuilt(append(append([]statement{}, clinicFacts...), statement{rt: "Patient", id: 4, patient: 4})...).p.Replay(context.Background())
		if err == nil || results[0].Outcome != ReplayDiffers || !strings.Contains(results[0].Reason, "other code") {
			t.Errorf("results %+v, error %v", results, err)
		}
	})
	t.Run("other code that gives the same rows", func(t *testing.T) {
		rules := clinicRules()
		rules["kpi/people_list.sql"] = &fstest.MapFile{Data: append([]byte("-- One row per patient.\n"), rules["kpi/people_list.sql"].Data...)}
		other := *c
		other.rules = rules
		again := other.rebuilt(append(append([]statement{}, clinicFacts...), statement{rt: "Patient", id: 4, patient: 4})...)
		results, err := again.p.Replay(context.Background())
		if err != nil || results[1].Outcome != ReplayDone {
			t.Errorf("results %+v, error %v", results, err)
		}
	})
	t.Run("a log that is cut short", func(t *testing.T) {
		again := c.rebuilt(clinicFacts...)
		results, err := again.p.Replay(context.Background())
		if d := cmp.Diff([]string{"2026-06-30 replayed", "2026-07-01 failed"}, outcomes(results)); err == nil || d != "" {
			t.Errorf("error %v, outcomes (-want +got):\n%s", err, d)
		}
		if !strings.Contains(results[1].Reason, "read up to offset 6") {
			t.Errorf("reason %q", results[1].Reason)
		}
	})
	t.Run("value sets that are gone", func(t *testing.T) {
		c.register.load("e9", Code{"1.2", "y|9"})
		c.run(RunRequest{AsOf: day + 2})
		delete(c.register.book.Editions, "e9")
		results, err := c.rebuilt(append(append([]statement{}, clinicFacts...), statement{rt: "Patient", id: 4, patient: 4})...).p.Replay(context.Background())
		if d := cmp.Diff([]string{"2026-06-30 replayed", "2026-07-01 replayed", "2026-07-02 failed"}, outcomes(results)); err == nil || d != "" {
			t.Errorf("error %v, outcomes (-want +got):\n%s", err, d)
		}
	})
}

func TestReplayLeavesErasedPatientsOut(t *testing.T) {
	c := newClinic(t, Options{})
	before := c.run(RunRequest{AsOf: day})
	c.register.book.Erased = []time.Time{c.clock.Add(time.Hour)}
	c.clock = c.clock.Add(2 * time.Hour)
	after := c.run(RunRequest{AsOf: day + 1}) // its facts have the patient still: it can only come out different
	again := c.rebuilt(clinicFacts[1:]...)
	again.off = int64(len(clinicFacts))
	again.add(statement{rt: "Practitioner", id: 1}) // positions as they were
	results, err := again.p.Replay(context.Background())
	if d := cmp.Diff([]string{"2026-06-30 erased", "2026-07-01 differs"}, outcomes(results)); d != "" || models.KindOf(err) != models.KindPartial {
		t.Fatalf("error %v, outcomes (-want +got):\n%s", err, d)
	}
	if results[0].ID != before.ID || results[1].ID != after.ID || !slices.Contains(results[0].Tables, "gap") || results[0].Reason == "" {
		t.Errorf("results %+v", results)
	}
	if d := cmp.Diff([]string{"wellness_visit 02 open"}, again.rows(gapLines, string(before.ID))); d != "" {
		t.Errorf("gaps of the run without the erased patient (-want +got):\n%s", d)
	}
}

func TestRunsThatAreNotRetainedAreNotReplayed(t *testing.T) {
	c := newClinic(t, Options{})
	first := c.run(RunRequest{AsOf: day})
	if err := c.register.put(first.ID, func(r *Record) { r.Retained = false }); err != nil {
		t.Fatal(err)
	}
	again := c.rebuilt(clinicFacts...)
	if results, err := again.p.Replay(context.Background()); err != nil || len(results) != 0 {
		t.Errorf("results %+v, error %v", results, err)
	}
}

// TestReplayOfRandomHistories: runs are made between random batches of versions, retractions and merges; after a rebuild
// that reads the log in one batch, every one of them is published again with the same rows.
func TestReplayOfRandomHistories(t *testing.T) {
	type scenario struct {
		all     []statement
		batches []int
		days    []int
	}
	draw := rapid.Custom(func(t *rapid.T) scenario {
		return scenario{rapid.Permutation(drawHistory(t)).Draw(t, "arrival"),
			rapid.SliceOfN(rapid.IntRange(5, 30), 6, 6).Draw(t, "batches"), rapid.SliceOfN(rapid.IntRange(0, 1), 6, 6).Draw(t, "days")}
	})
	first, second := testStore(t), testStore(t)
	for seed := range 30 {
		sc := draw.Example(seed)
		c := &clinic{history: newHistory(t, emptied(t, first)), register: openNotebook(t, ""), rules: clinicRules()}
		c.p = New(first, c.register, Options{Relations: c.rules})
		for i, rest := 0, sc.all; len(rest) > 0; i++ {
			n := min(sc.batches[i], len(rest))
			c.add(rest[:n]...)
			rest = rest[n:]
			c.run(RunRequest{AsOf: day + models.Date(sc.days[i])})
		}
		before := published(t, first)
		newHistory(t, emptied(t, second)).add(sc.all...)
		if _, err := New(second, c.register, Options{Relations: c.rules}).Replay(context.Background()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d := cmp.Diff(before, published(t, second)); d != "" {
			t.Fatalf("seed %d: published rows (-before +after):\n%s", seed, d)
		}
	}
}

// TestRunsBesideIngestAndFolds: while facts arrive and are folded all the time, every run sees exactly what its positions
// say. After a rebuild each of them comes out the same, which a run that saw more or less would not.
func TestRunsBesideIngestAndFolds(t *testing.T) {
	c := newClinic(t, Options{})
	all := slices.Clone(clinicFacts)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		defer func() { stopped <- err }()
		for i := 10; err == nil; i++ {
			batch := []statement{{rt: "Patient", id: i, patient: i % 200, version: int64(i)}, {rt: "Encounter", id: i, patient: i % 200, codes: []string{"x|1"}},
				{rt: "Encounter", id: i - 1, patient: (i - 1) % 200, version: 1, retracted: true}, {rt: "PersonLink", id: 3, patient: 3, survivor: 1 + i%2, version: int64(i), linked: i%3 > 0}}
			select {
			case <-stop:
				return
			default:
				c.add(batch...)
				all = append(all, batch...)
				_, err = c.p.Fold(context.Background())
			}
		}
	}()
	ids := map[models.RunID]bool{}
	for i := range 12 {
		ids[c.run(RunRequest{AsOf: day + models.Date(i%3)}).ID] = true
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if len(ids) < 6 {
		t.Errorf("only %d different runs of 12: nothing arrived meanwhile", len(ids))
	}
	before := published(t, c.s)
	again := c.rebuilt(all...)
	if _, err := again.p.Replay(context.Background()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, published(t, again.s)); d != "" {
		t.Errorf("published rows (-before +after):\n%s", d)
	}
}

func TestReconcileMakesRegisterAndStoreAgree(t *testing.T) {
	c := newClinic(t, Options{})
	res := c.run(RunRequest{AsOf: day})
	want := c.register.book.Runs[0]
	for _, state := range []string{StateStarted, StateFailed} { // the register missed the end, or took it for a failure
		if err := c.register.put(res.ID, func(r *Record) { r.State, r.Publication = state, Publication{} }); err != nil {
			t.Fatal(err)
		}
		if err := c.p.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, c.register.book.Runs[0]); d != "" {
			t.Errorf("register of a published run called %s (-want +got):\n%s", state, d)
		}
	}
	c.register.book.Runs = nil // a ledger restored from an older backup
	if err := c.register.Start(context.Background(), Record{ID: "gone", Inputs: Inputs{AsOf: day}}); err != nil {
		t.Fatal(err)
	}
	if err := c.p.Reconcile(context.Background()); err != nil {
		t.Fatal(err)
	}
	runs := c.register.book.Runs
	if len(runs) != 2 || runs[0].State != StateFailed || runs[0].Reason == "" {
		t.Fatalf("a started run without rows: %+v", runs)
	}
	if d := cmp.Diff(want, runs[1]); d != "" {
		t.Errorf("register of a run it had never heard of (-want +got):\n%s", d)
	}
}
