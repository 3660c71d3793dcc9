package pipeline

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carereach/internal/store"
	"carereach/models"
)

// The crash tests start this test binary again as a child that kills itself (SIGKILL) at a named point of a run, and look
// at what it left behind.
const (
	crashDir    = "CAREREACH_CRASH_DIR"
	crashAt     = "CAREREACH_CRASH_AT"
	crashUnsafe = "CAREREACH_CRASH_UNSAFE" // publish without a transaction
)

// lateFacts come after the first run: the run that is killed has versions to fold and a merge to apply.
var lateFacts = []statement{
	{rt: "Patient", id: 4, patient: 4}, {rt: "Encounter", id: 1, patient: 1, version: 2, retracted: true}, {rt: "Encounter", id: 4, patient: 2, codes: []string{"x|1"}},
	{rt: "PersonLink", id: 4, patient: 4, survivor: 1, linked: true},
}

// site is a folder with a store and a register, as a crashed process leaves it.
type site struct {
	t        testing.TB
	s        *store.Store
	register *notebook
	p        *Pipeline
}

func openSite(t testing.TB, dir string, hooks func(string)) site {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Path: filepath.Join(dir, "analytics.duckdb"), ScratchDir: filepath.Join(dir, "scratch"), Threads: 1, MemoryLimit: "500MB"})
	if err != nil {
		t.Fatal(err)
	}
	r := openNotebook(t, filepath.Join(dir, "register.json"))
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	return site{t, s, r, New(s, r, Options{Relations: clinicRules(), Hooks: hooks, Now: func() time.Time { return at }})}
}

func (k site) close() {
	if err := k.s.Close(); err != nil {
		k.t.Error(err)
	}
}

// TestCrashChild is the child. On its own it does nothing.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("started by the crash tests only")
	}
	k := openSite(t, dir, func(point string) {
		if point == os.Getenv(crashAt) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	})
	if os.Getenv(crashUnsafe) != "" {
		t.Fatal(k.runUnsafely())
	}
	if _, err := k.p.Run(context.Background(), RunRequest{AsOf: day}); err != nil {
		t.Fatal(err)
	}
	t.Fatal("the run came to its end: no such point")
}

// eachAlone is a connection that commits every statement by itself: what publishing must not be.
type eachAlone struct{ s *store.Store }

func (e eachAlone) Exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = e.s.Pipeline(ctx, func(tx *store.Tx) error {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

func (eachAlone) Query(context.Context, string, ...any) (*stdsql.Rows, error) {
	return nil, errors.New("not asked for")
}

func (eachAlone) QueryRow(context.Context, string, ...any) *stdsql.Row { return nil }

// runUnsafely is Run, published without a transaction.
func (k site) runUnsafely() error {
	ctx := context.Background()
	plan, err := readPlan(k.p.opts.Relations)
	if err != nil {
		return err
	}
	in, err := k.p.inputs(ctx, RunRequest{AsOf: day})
	if err != nil {
		return err
	}
	fold, err := k.p.foldStore(ctx, false)
	if err != nil {
		return err
	}
	in.KnownTo = fold.KnownTo
	res := RunResult{ID: in.RunID(), Inputs: in, Fold: fold, Publication: Publication{Seq: 2, At: k.p.opts.Now()}}
	if err := k.register.Start(ctx, Record{ID: res.ID, Inputs: in}); err != nil {
		return err
	}
	return k.p.compute(ctx, plan, &res, func() {}, func(scratch string) error {
		return k.p.writeRun(ctx, eachAlone{k.s}, plan, &res, scratch)
	})
}

// whole looks for anything in part: a run of the store whose rows are not those that the run must have (want holds its
// checksums), rows or a pointer of a run that is not there, and a register that says otherwise than the store.
func (k site) whole(want map[models.RunID]map[string]string) error {
	ctx := context.Background()
	var problems []error
	stored, err := k.p.storedRuns(ctx)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, r := range stored {
		ids = append(ids, string(r.id))
		err := k.s.Read(ctx, func(tx *store.Tx) error {
			sums, _, err := sumRun(ctx, tx, r.id)
			if err == nil && !maps.Equal(sums, want[r.id]) {
				err = fmt.Errorf("run %s is published in part: %v", r.id, differing(want[r.id], sums))
			}
			return err
		})
		problems = append(problems, err)
	}
	for _, name := range append(publishedNames(), "current") {
		for _, id := range readLines(k.t, k.s, "SELECT DISTINCT run_id FROM pub."+name) {
			if !slices.Contains(ids, id) {
				problems = append(problems, fmt.Errorf("pub.%s has rows of run %s, which is not published", name, id))
			}
		}
	}
	for _, r := range k.register.book.Runs {
		if (r.State == StatePublished) != slices.Contains(ids, string(r.ID)) || r.State == StateStarted {
			problems = append(problems, fmt.Errorf("the register calls run %s %s", r.ID, r.State))
		}
	}
	return errors.Join(problems...)
}

// prepared makes a folder with one published run and facts that came after it.
func prepared(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	k := openSite(t, dir, nil)
	defer k.close()
	h := newHistory(t, k.s)
	h.add(clinicFacts...)
	if _, err := k.p.Run(context.Background(), RunRequest{AsOf: day}); err != nil {
		t.Fatal(err)
	}
	h.add(lateFacts...)
	return dir
}

// copied gives a copy of a prepared folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"analytics.duckdb", "analytics.duckdb.wal", "register.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// undisturbed runs in a copy without a crash and gives the checksums of both runs and the rows published.
func undisturbed(t *testing.T, dir string) (sums map[models.RunID]map[string]string, rows []string) {
	t.Helper()
	k := openSite(t, copied(t, dir), nil)
	defer k.close()
	if _, err := k.p.Run(context.Background(), RunRequest{AsOf: day}); err != nil {
		t.Fatal(err)
	}
	sums = map[models.RunID]map[string]string{}
	for _, r := range k.register.book.Runs {
		sums[r.ID] = r.Sums
	}
	return sums, published(t, k.s)
}

// crash starts the child in dir and waits until it has killed itself.
func crash(t *testing.T, dir, point string, unsafely bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$", "-test.v")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashAt+"="+point)
	if unsafely {
		cmd.Env = append(cmd.Env, crashUnsafe+"=1")
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the child was not killed at %s: %v\n%s", point, err, out)
	}
}

// TestKilledAnywhereARunIsWholeOrAbsent kills the process at every named point. After a restart a run is published whole
// or not at all, the register says the same, and asking again gives the rows of a run that nothing disturbed.
func TestKilledAnywhereARunIsWholeOrAbsent(t *testing.T) {
	dir := prepared(t)
	want, rows := undisturbed(t, dir)
	for _, point := range HookPoints() {
		t.Run(point, func(t *testing.T) {
			crashed := copied(t, dir)
			crash(t, crashed, point, false)
			k := openSite(t, crashed, nil)
			defer k.close()
			if err := k.p.Reconcile(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := k.whole(want); err != nil {
				t.Errorf("after the restart: %v", err)
			}
			stands := slices.Contains([]string{HookPublished, HookRunFinished}, point)
			res, err := k.p.Run(context.Background(), RunRequest{AsOf: day})
			if err != nil {
				t.Fatal(err)
			}
			if res.Existing != stands {
				t.Errorf("killed at %s, the run was there: %t", point, res.Existing)
			}
			if err := k.whole(want); err != nil {
				t.Errorf("after running again: %v", err)
			}
			if d := cmp.Diff(rows, published(t, k.s)); d != "" {
				t.Errorf("published rows (-undisturbed +after the crash):\n%s", d)
			}
			if d := cmp.Diff(foldByHand(append(slices.Clone(clinicFacts), lateFacts...)), dumpStore(t, k.s)); d != "" {
				t.Errorf("folded tables (-by hand +after the crash):\n%s", d)
			}
		})
	}
}

// TestPublishingWithoutATransactionIsCaught is the control: the same crashes, the same look afterwards, but every
// statement committed by itself. The look must find runs in part, or it proves nothing.
func TestPublishingWithoutATransactionIsCaught(t *testing.T) {
	dir := prepared(t)
	want, _ := undisturbed(t, dir)
	for _, point := range []string{HookPublishTable + "patient", HookPublishTable + "gap", HookPublishTable + "check_result"} {
		crashed := copied(t, dir)
		crash(t, crashed, point, true)
		k := openSite(t, crashed, nil)
		if err := k.p.Reconcile(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := k.whole(want); err == nil || !strings.Contains(err.Error(), "which is not published") {
			t.Errorf("killed at %s without a transaction, and nothing was found: %v", point, err)
		}
		k.close()
	}
}
