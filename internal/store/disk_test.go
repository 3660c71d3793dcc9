//go:build linux

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"carereach/models"
)

// smallDisk mounts a file system of the given size; grow makes it larger.
func smallDisk(t *testing.T, size string) (folder string, grow func(size string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a full disk needs a file system of its own, and mounting one needs root")
	}
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a full disk needs a file system of its own, and mounting one is refused here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder, func(size string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}

// fill stores batches of facts with their position until an error, and gives the last position that was acknowledged.
func fill(s *Store, acked int64) (int64, error) {
	ctx := context.Background()
	const rows = 2000
	b := NewFactBatch(mustType("Engagement"))
	defer b.Release()
	for range 5000 {
		for i := range int64(rows) {
			h := head(acked + i)
			n := uint64(acked+i+1) * 0x9E3779B97F4A7C15 // ids that do not compress
			for j := range 8 {
				h.Ent[j], h.Ent[15-j] = byte(n>>(8*j)), byte(n>>(8*j))
			}
			f := models.NewFact("Engagement", "e")
			f.Set("verb", fmt.Sprintf("%x-%x-%x", n, n*n, n*n*n))
			if err := b.Append(h, f.Values); err != nil {
				return acked, err
			}
		}
		if err := s.Ingest(ctx, func(tx *Tx) error {
			if _, err := tx.InsertFacts(ctx, b); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DELETE FROM position"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO position (log, part, next_offset) VALUES ('intake', 0, $1)", acked+rows)
			return err
		}); err != nil {
			return acked, err
		}
		acked += rows
	}
	return acked, errors.New("the disk did not fill up")
}

// intact checks that facts and position agree and that nothing acknowledged is lost, and gives the position.
func intact(t *testing.T, s *Store, acked int64) int64 {
	t.Helper()
	rows, next := one[int64](t, s, "SELECT count(*) FROM ver_engagement"), one[int64](t, s, "SELECT coalesce(max(next_offset), 0) FROM position")
	if rows != next || next < acked {
		t.Fatalf("acknowledged %d, position %d, %d facts", acked, next, rows)
	}
	return next
}

// The disk fills up in the middle of loading, more than once: each time the error says so, nothing acknowledged is lost,
// and after there is room the load goes on where it stood.
func TestDiskFullWhileLoading(t *testing.T) {
	ctx := context.Background()
	folder, grow := smallDisk(t, "24m")
	opts := folderOptions(folder)
	opts.MemoryLimit = "400MB"
	s := onDisk(t, opts)
	var acked int64
	for _, size := range []string{"40m", "64m", "100m"} {
		before := acked
		var err error
		acked, err = fill(s, acked)
		want(t, err, models.KindUnavail, "space")
		t.Logf("full at %d facts: %v", acked, err)
		if acked == before {
			t.Fatal("nothing was stored in the room there was")
		}
		h, err := s.Health(ctx)
		if err != nil {
			t.Fatalf("health on a full disk: %v", err)
		}
		t.Logf("invalid: %q, free %d", h.Invalid, h.FreeBytes)
		if err := s.Reopen(ctx); err != nil {
			t.Logf("reopen while the disk is still full: %v", err)
			want(t, err, models.KindUnavail)
		} else {
			intact(t, s, acked)
		}
		grow(size)
		if err := s.Reopen(ctx); err != nil {
			t.Fatalf("reopen after there is room: %v", err)
		}
		acked = intact(t, s, acked)
		if h, err := s.Health(ctx); err != nil || h.Invalid != "" {
			t.Fatalf("health after Reopen: %+v, %v", h, err)
		}
	}
}

// Whoever goes on after there is room, without Reopen, goes on from the last position that was acknowledged, and what is
// acknowledged then survives a reopening too.
func TestDiskFullAndOnWithoutReopening(t *testing.T) {
	ctx := context.Background()
	folder, grow := smallDisk(t, "16m")
	s := onDisk(t, folderOptions(folder))
	var acked int64
	for _, size := range []string{"28m", "40m"} {
		var err error
		acked, err = fill(s, acked)
		want(t, err, models.KindUnavail, "space")
		grow(size)
		if h, err := s.Health(ctx); err != nil || h.Invalid != "" {
			t.Logf("the engine gave up: %s", h.Invalid)
			if err := s.Reopen(ctx); err != nil {
				t.Fatal(err)
			}
		}
		acked = intact(t, s, acked)
	}
	acked, err := fill(s, acked)
	want(t, err, models.KindUnavail, "space")
	grow("100m")
	if err := s.Reopen(ctx); err != nil {
		t.Fatal(err)
	}
	intact(t, s, acked)
}

// A checkpoint that finds no room says so; the rows are in the log, and after Reopen they are all there.
func TestDiskFullAtCheckpoint(t *testing.T) {
	ctx := context.Background()
	folder, grow := smallDisk(t, "60m")
	opts := folderOptions(folder)
	s := onDisk(t, opts)
	execute(t, s, "INSERT INTO counter (name, value) SELECT md5(CAST(range AS VARCHAR)), range FROM range(100000)")
	free := freeBytes(folder)
	if err := os.WriteFile(filepath.Join(folder, "ballast"), make([]byte, free-64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	err := s.Checkpoint(ctx)
	want(t, err, models.KindUnavail, "space")
	h, err := s.Health(ctx)
	if err != nil || h.Invalid == "" {
		t.Errorf("health says %q, %v; the engine refuses all work now", h.Invalid, err)
	}
	want(t, s.Read(ctx, func(tx *Tx) error { return nil }), models.KindUnavail, "reopen the store")
	want(t, s.Ingest(ctx, func(tx *Tx) error { return nil }), models.KindUnavail, "reopen the store")
	_, err = s.Scratch(ctx, "run_a")
	want(t, err, models.KindUnavail, "reopen the store")
	grow("200m")
	if err := s.Reopen(ctx); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](t, s, "SELECT count(DISTINCT name) FROM counter"); n != 100000 {
		t.Errorf("%d of 100000 rows", n)
	}
	if err := s.Checkpoint(ctx); err != nil {
		t.Errorf("checkpoint after there is room: %v", err)
	}
}

// A run whose scratch database fills the disk fails clearly and leaves the main database working.
func TestDiskFullInScratch(t *testing.T) {
	ctx := context.Background()
	folder, grow := smallDisk(t, "40m")
	opts := folderOptions(folder)
	opts.MemoryLimit = "100MB"
	s := onDisk(t, opts)
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	c, err := s.Scratch(ctx, "run_a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(ctx, "CREATE TABLE t AS SELECT md5(CAST(range AS VARCHAR)) || md5(CAST(range + 1 AS VARCHAR)) AS h FROM range(10000000)")
	want(t, err, models.KindUnavail, "space")
	t.Log(err)
	_ = c.Close()
	grow("100m")
	if h, err := s.Health(ctx); err != nil || h.Invalid != "" {
		t.Logf("health %+v, %v", h, err)
		if err := s.Reopen(ctx); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, s, "UPDATE counter SET value = 2 WHERE name = 'k'")
	if n := one[int64](t, s, "SELECT value FROM counter WHERE name = 'k'"); n != 2 {
		t.Errorf("value %d", n)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.ScratchDir, "*.duckdb*")); len(left) != 0 {
		t.Errorf("left in the scratch folder: %v", left)
	}
}

// A copy that finds no room leaves no half file, and the store goes on.
func TestDiskFullWhileCopying(t *testing.T) {
	ctx := context.Background()
	folder, _ := smallDisk(t, "100m")
	opts := folderOptions(folder)
	s := onDisk(t, opts)
	execute(t, s, "CREATE TABLE big AS SELECT range AS i, md5(CAST(range AS VARCHAR)) AS h FROM range(600000)")
	if err := s.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, freeBytes(folder)-4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(opts.ScratchDir, "copy.duckdb")
	_, err := s.CopyTo(ctx, path)
	want(t, err, models.KindUnavail, "space")
	t.Log(err)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("half a copy is left")
	}
	if h, _ := s.Health(ctx); h.Invalid != "" {
		t.Errorf("the copy took the store down with it: %s", h.Invalid)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	if n := one[int64](t, s, "SELECT count(*) FROM big"); n != 600000 {
		t.Errorf("%d rows", n)
	}
}
