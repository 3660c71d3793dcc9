package store

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// children are what this test binary does instead of testing when it is started as a child process.
var children = map[string]func() error{"hold": holdChild, "load": loadChild}

const childVariable = "CAREREACH_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	run, ok := children[os.Getenv(childVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := run(); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(1)
	}
}

// child starts this binary as a child process that does one of children.
func child(t testing.TB, what string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childVariable+"="+what), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// holdChild opens the store and keeps it until it is killed.
func holdChild() error {
	s, err := Open(context.Background(), folderOptions(os.Getenv("STORE_FOLDER")))
	if err != nil {
		return err
	}
	defer s.Close()
	_, _ = os.Stdout.WriteString("open\n")
	time.Sleep(time.Minute)
	return nil
}

// folderOptions are the options of a store inside one folder.
func folderOptions(folder string) Options {
	return Options{Path: filepath.Join(folder, "analytics.duckdb"), ScratchDir: filepath.Join(folder, "scratch"), MemoryLimit: "1GB", Threads: 2}
}

func inMemory(t testing.TB) *Store {
	t.Helper()
	s, err := OpenMemory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, s)
}

func onDisk(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, s)
}

// closed closes s at the end of the test.
func closed(t testing.TB, s *Store) *Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// want checks the kind of an error and that it says every one of words.
func want(t testing.TB, err error, kind models.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %s", kind)
	}
	if models.KindOf(err) != kind {
		t.Errorf("kind %s, want %s: %v", models.KindOf(err), kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not say %q: %v", w, err)
		}
	}
}

// execute runs statements on the pipeline connection and fails the test when one does not work.
func execute(t testing.TB, s *Store, queries ...string) {
	t.Helper()
	ctx := context.Background()
	if err := s.Pipeline(ctx, func(tx *Tx) error {
		for _, q := range queries {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// one reads a single value.
func one[T any](t testing.TB, s *Store, query string, args ...any) (v T) {
	t.Helper()
	ctx := context.Background()
	if err := s.Read(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&v) }); err != nil {
		t.Fatal(err)
	}
	return v
}

// What was committed is there after the store was closed and opened; what was not is not.
func TestCommittedRowsSurviveClosing(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	if err := s.Ingest(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO position (log, part, next_offset) VALUES ('intake', 0, 7)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if err := s.Ingest(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE position SET next_offset = 8"); err != nil {
			return err
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Fatalf("want fn's own error, got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	want(t, s.Read(ctx, func(*Tx) error { return nil }), models.KindUnavail, "closed")
	if got := one[int64](t, onDisk(t, opts), "SELECT next_offset FROM position"); got != 7 {
		t.Errorf("next_offset %d, want 7", got)
	}
}

// Another process that asks for the file is told which process has it.
func TestLockedFileNamesItsHolder(t *testing.T) {
	folder := t.TempDir()
	cmd, out := child(t, "hold", "STORE_FOLDER="+folder)
	if !out.Scan() || out.Text() != "open" {
		t.Fatal("child did not open the store")
	}
	left := filepath.Join(folder, "scratch", "run_of_the_daemon.duckdb")
	if err := os.WriteFile(left, []byte("in use"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), folderOptions(folder))
	want(t, err, models.KindUnavail, "in use by process "+strconv.Itoa(cmd.Process.Pid), "socket")
	if _, err := os.Stat(left); err != nil {
		t.Error("a scratch database of the process that holds the file was removed")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s, err := Open(context.Background(), folderOptions(folder))
	if err != nil {
		t.Fatalf("after its holder died the file must open: %v", err)
	}
	closed(t, s)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("the scratch database of a dead process was not removed")
	}
}

// A second Store of one process on one file would share its engine; it is refused and the first goes on.
func TestSecondStoreOfOneProcessIsRefused(t *testing.T) {
	opts := folderOptions(t.TempDir())
	s := onDisk(t, opts)
	_, err := Open(context.Background(), opts)
	want(t, err, models.KindUnavail, "already open in this process")
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
}

func TestOpenRefusesFoldersThatDoNotFit(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fit := folderOptions(dir)
	for name, change := range map[string]func(*Options){
		"no file":               func(o *Options) { o.Path = "" },
		"no scratch":            func(o *Options) { o.ScratchDir = "" },
		"folder is missing":     func(o *Options) { o.Path = filepath.Join(dir, "none", "analytics.duckdb") },
		"folder is a file":      func(o *Options) { o.Path = filepath.Join(file, "analytics.duckdb") },
		"store is a folder":     func(o *Options) { o.Path = dir },
		"scratch is a file":     func(o *Options) { o.ScratchDir = file },
		"store in scratch":      func(o *Options) { o.ScratchDir = dir },
		"store below scratch":   func(o *Options) { o.ScratchDir = filepath.Dir(dir) },
		"question mark in path": func(o *Options) { o.Path = filepath.Join(dir, "what?.duckdb") },
		"number sign in path":   func(o *Options) { o.Path = filepath.Join(dir, "no#1.duckdb") },
		"percent sign in path":  func(o *Options) { o.Path = filepath.Join(dir, "100%zz.duckdb") },
		"memory is no size":     func(o *Options) { o.MemoryLimit = "lots" },
		"memory is nothing":     func(o *Options) { o.MemoryLimit = "0GB" },
		"scratch is no size":    func(o *Options) { o.ScratchLimit = "4'; DROP TABLE subject; --" },
	} {
		opts := fit
		change(&opts)
		s, err := Open(context.Background(), opts)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if models.KindOf(err) != models.KindConfig {
			t.Errorf("%s: kind %s: %v", name, models.KindOf(err), err)
		}
	}
}

// The file and the scratch folder are the owner's alone, and a symbolic link to the folder does not confuse the lock-down.
func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "scratch"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := onDisk(t, folderOptions(link))
	for path, mode := range map[string]os.FileMode{"analytics.duckdb": 0o600, "scratch": 0o700} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode().Perm(), err, mode)
		}
	}
	c, err := s.Scratch(context.Background(), "run_link")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// Reopen gives the committed rows back and refuses work only while it lasts.
func TestReopen(t *testing.T) {
	ctx := context.Background()
	s := onDisk(t, folderOptions(t.TempDir()))
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	c, err := s.Scratch(ctx, "run_before")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(ctx); err != nil {
		t.Fatal(err)
	}
	if got := one[int64](t, s, "SELECT value FROM counter WHERE name = 'k'"); got != 1 {
		t.Errorf("counter %d after Reopen", got)
	}
	_, err = c.Exec(ctx, "CREATE TABLE t (i INTEGER)")
	want(t, err, models.KindUnavail)
	if err := c.Close(); err != nil {
		t.Errorf("close of a scratch database that went with Reopen: %v", err)
	}
	want(t, inMemory(t).Reopen(ctx), models.KindUsage)
}

// Reopen and Close wait for the transaction that runs, and a call nested in it is refused, not left waiting for ever.
func TestCloseWaitsForTransactions(t *testing.T) {
	ctx := context.Background()
	s, err := OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	started, finish, closing := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	done := make(chan error, 1)
	go func() {
		done <- s.Ingest(ctx, func(tx *Tx) error {
			close(started)
			<-finish
			if err := s.Read(ctx, func(*Tx) error { return nil }); models.KindOf(err) != models.KindUnavail {
				return errors.New("a nested call while closing was not refused")
			}
			_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('k', 1)")
			return err
		})
	}()
	<-started
	go func() { closing <- s.Close() }()
	for { // until Close waits
		s.mu.Lock()
		waits := s.closing
		s.mu.Unlock()
		if waits {
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(finish)
	if err := <-done; err != nil {
		t.Errorf("transaction that Close waited for: %v", err)
	}
	if err := <-closing; err != nil {
		t.Error(err)
	}
}

func TestHealthAndStats(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	at := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { return at }
	s := onDisk(t, opts)
	execute(t, s, "INSERT INTO counter (name, value) SELECT CAST(range AS VARCHAR), range FROM range(1000)", "INSERT INTO pub.gap (run_id) VALUES ('r')")
	h, err := s.Health(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if h.Path != s.opts.Path || !h.At.Equal(at) || h.Engine != "v1.5.5" || h.SchemaVersion != 1 || !h.Locked || h.Invalid != "" || len(h.RebuildNeeded) != 0 {
		t.Errorf("health %+v", h)
	}
	if h.FileBytes == 0 || h.WALBytes == 0 || h.FreeBytes < 1<<20 {
		t.Errorf("sizes %d, %d, %d", h.FileBytes, h.WALBytes, h.FreeBytes)
	}
	if err := s.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.WALBytes != 0 || st.Rows["counter"] != 1000 || st.Rows["pub.gap"] != 1 || st.Rows["ver_patient"] != 0 {
		t.Errorf("stats %+v", st)
	}
	if tables := len(models.FactTypes)*2 + len(models.Published) + 13; len(st.Rows) != tables {
		t.Errorf("%d tables, want %d", len(st.Rows), tables)
	}
}

// Readers and a run in progress neither stop a checkpoint nor lose their snapshot by it.
func TestCheckpointBesideReaders(t *testing.T) {
	ctx := context.Background()
	s := onDisk(t, folderOptions(t.TempDir()))
	execute(t, s, "INSERT INTO counter (name, value) SELECT CAST(range AS VARCHAR), range FROM range(10000)")
	c, err := s.Scratch(ctx, "run_a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	count := func(tx *Tx) (n int64) {
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM counter").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if err := s.Read(ctx, func(reader *Tx) error {
		return c.Snapshot(ctx, func(run *Tx) error {
			if _, err := run.Exec(ctx, "CREATE TABLE before AS SELECT * FROM counter"); err != nil {
				return err
			}
			execute(t, s, "DELETE FROM counter WHERE value >= 100")
			for range 3 {
				if err := s.Checkpoint(ctx); err != nil {
					t.Errorf("checkpoint: %v", err)
				}
				execute(t, s, "INSERT INTO counter (name, value) VALUES ('more', 1)")
			}
			if a, b := count(reader), count(run); a != 10000 || b != 10000 {
				t.Errorf("reader sees %d, run sees %d of 10000 rows", a, b)
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 103 {
		t.Errorf("%d rows", n)
	}
	if err := s.Checkpoint(ctx); err != nil {
		t.Error(err)
	}
	if size := fileSize(s.opts.Path + ".wal"); size != 0 {
		t.Errorf("log still has %d bytes", size)
	}
}

// BenchmarkOpenMemory is what every test of every stage pays first: it should stay below 60 ms.
func BenchmarkOpenMemory(b *testing.B) {
	for b.Loop() {
		s, err := OpenMemory(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
