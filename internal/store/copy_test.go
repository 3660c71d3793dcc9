package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"carereach/models"
)

// storeNext stores a hundred facts and moves the position behind them, in one transaction.
func storeNext(s *Store) error {
	ctx := context.Background()
	return s.Ingest(ctx, func(tx *Tx) error {
		b := NewFactBatch(mustType("Engagement"))
		defer b.Release()
		var next int64
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(next_offset), 0) FROM position").Scan(&next); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM position"); err != nil {
			return err
		}
		for i := range int64(100) {
			if err := b.Append(head(next+i), make([]any, len(b.Type().Elements))); err != nil {
				return err
			}
		}
		if _, err := tx.InsertFacts(ctx, b); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO position (log, part, next_offset) VALUES ('intake', 0, $1)", next+100)
		return err
	})
}

// A copy is a store: it opens, and has the rows of one commit, while a writer goes on.
func TestCopyIsAStore(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	for range 20 {
		if err := storeNext(s); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
				if err := storeNext(s); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	path := filepath.Join(opts.ScratchDir, "backup.duckdb")
	report, err := s.CopyTo(ctx, path)
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatalf("writer beside the copy: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != report.Bytes {
		t.Errorf("file %v, %v; report says %d bytes", info, err, report.Bytes)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.ScratchDir, "*")); len(left) != 1 {
		t.Errorf("in the scratch folder: %v", left)
	}
	restored := folderOptions(t.TempDir())
	if err := os.Rename(path, restored.Path); err != nil {
		t.Fatal(err)
	}
	r := onDisk(t, restored)
	rows, next := one[int64](t, r, "SELECT count(*) FROM ver_engagement"), one[int64](t, r, "SELECT next_offset FROM position")
	if rows != next || rows < 2000 || rows != report.Rows["ver_engagement"] {
		t.Errorf("copy has %d rows at position %d, report says %d", rows, next, report.Rows["ver_engagement"])
	}
	columns := []string{"ent", "source", "version", "known_at", "retracted", "log", "part", "off", "entry"}
	if a, b := sumOf(t, s, "ver_engagement", columns, "off < $1", next), sumOf(t, r, "ver_engagement", columns, ""); a != b {
		t.Errorf("content differs: %s and %s", a, b)
	}
	execute(t, r, "INSERT INTO counter (name, value) VALUES ('k', 1)") // and it can be worked with
}

// Only a new file inside the scratch folder is written.
func TestCopyRefusesOtherPaths(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	there := filepath.Join(opts.ScratchDir, "there.duckdb")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "copy.duckdb", filepath.Join(filepath.Dir(opts.Path), "copy.duckdb"), opts.Path, filepath.Join(opts.ScratchDir, "copy.db"),
		filepath.Join(opts.ScratchDir, "..", "copy.duckdb"), filepath.Join(opts.ScratchDir, "spill", "copy.duckdb"), there} {
		_, err := s.CopyTo(ctx, path)
		want(t, err, models.KindUsage)
	}
	if b, err := os.ReadFile(there); err != nil || string(b) != "precious" {
		t.Errorf("a file that was there: %q, %v", b, err)
	}
	_, err := inMemory(t).CopyTo(ctx, there)
	want(t, err, models.KindUsage)
}

// A copy that is broken off leaves no file and no attached database; the next one works.
func TestCopyBrokenOffLeavesNothing(t *testing.T) {
	opts := folderOptions(t.TempDir())
	s := onDisk(t, opts)
	execute(t, s, "CREATE TABLE big AS SELECT range AS i, md5(CAST(range AS VARCHAR)) AS h FROM range(500000)")
	path := filepath.Join(opts.ScratchDir, "copy.duckdb")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for fileSize(path) == 0 {
			if ctx.Err() != nil {
				return
			}
		}
		cancel()
	}()
	_, err := s.CopyTo(ctx, path)
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.ScratchDir, "*")); len(left) != 0 {
		t.Errorf("left in the scratch folder: %v", left)
	}
	report, err := s.CopyTo(context.Background(), path)
	if err != nil || report.Rows["big"] != 500000 {
		t.Errorf("the next copy: %+v, %v", report, err)
	}
}
