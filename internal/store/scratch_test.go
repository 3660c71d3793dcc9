package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

func scratch(t *testing.T, s *Store, name string) *Scratch {
	t.Helper()
	c, err := s.Scratch(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// stores runs a test on a store on disk and on one in memory: they must not differ.
func stores(t *testing.T, test func(*testing.T, *Store)) {
	t.Run("disk", func(t *testing.T) { test(t, onDisk(t, folderOptions(t.TempDir()))) })
	t.Run("memory", func(t *testing.T) { test(t, inMemory(t)) })
}

// A run makes its tables in the scratch database from the main one and publishes them from there.
func TestScratchToPublished(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		execute(t, s, "INSERT INTO counter (name, value) SELECT 'n' || range, range FROM range(100)")
		c := scratch(t, s, "run_a")
		if c.Name() != "run_a" {
			t.Errorf("name %s", c.Name())
		}
		for _, q := range []string{"CREATE SCHEMA staging", "CREATE TABLE staging.even AS SELECT value FROM counter WHERE value % 2 = 0", "CREATE TABLE gap (run_id VARCHAR, patient_id VARCHAR)"} {
			if _, err := c.Exec(ctx, q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		n, err := c.Exec(ctx, "INSERT INTO gap SELECT 'r', CAST(value AS VARCHAR) FROM staging.even WHERE value < $1", 20)
		if err != nil || n != 10 {
			t.Fatalf("%d rows, %v", n, err)
		}
		if err := s.Pipeline(ctx, func(tx *Tx) error {
			n, err := tx.Exec(ctx, "INSERT INTO pub.gap (run_id, patient_id) SELECT run_id, patient_id FROM run_a.gap")
			if n != 10 && err == nil {
				t.Errorf("published %d rows", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := one[int64](t, s, "SELECT count(*) FROM pub.gap"); n != 10 {
			t.Errorf("%d published rows", n)
		}
		rows, err := c.Query(ctx, "SELECT value FROM staging.even ORDER BY value LIMIT 3")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []int64
		for rows.Next() {
			var v int64
			if err := rows.Scan(&v); err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if rows.Err() != nil || len(got) != 3 || got[2] != 4 {
			t.Errorf("rows %v, %v", got, rows.Err())
		}
	})
}

// The engine itself refuses whatever a scratch connection would change in the main database.
func TestScratchCannotWriteTheMainDatabase(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
		c := scratch(t, s, "run_a")
		main := s.db.catalog
		for _, q := range []string{
			"INSERT INTO counter (name, value) VALUES ('bad', 1)", "UPDATE counter SET value = 2", "DELETE FROM counter", "DROP TABLE counter", "ALTER TABLE counter ADD COLUMN x INTEGER",
			"CREATE TABLE " + main + ".main.bad (i INTEGER)", "INSERT INTO " + main + ".pub.gap (run_id) VALUES ('bad')", "CREATE SCHEMA " + main + ".bad", "CREATE TABLE t AS SELECT 1; DELETE FROM counter",
			"COMMIT; DELETE FROM counter", "ROLLBACK; BEGIN; UPDATE counter SET value = 3; COMMIT; BEGIN",
		} {
			if _, err := c.Exec(ctx, q); err == nil {
				t.Errorf("Exec %s: worked", q)
			}
			if _, err := texts(c.Query(ctx, q)); err == nil {
				t.Errorf("Query %s: worked", q)
			}
		}
		if got := one[string](t, s, "SELECT concat_ws(' ', count(*), min(value), max(value), (SELECT count(*) FROM pub.gap)) FROM counter"); got != "1 1 1 0" {
			t.Errorf("the main database was changed: %s", got)
		}
	})
}

// Inside Snapshot every statement sees the main database as it was at the first, and nothing is seen from outside before
// the end.
func TestSnapshotOfTheMainDatabase(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		c := scratch(t, s, "run_a")
		if err := c.Snapshot(ctx, func(tx *Tx) error {
			execute(t, s, "INSERT INTO counter (name, value) VALUES ('late', 1)", "INSERT INTO pub.gap (run_id) VALUES ('late')")
			for _, q := range []string{"CREATE TABLE a AS SELECT * FROM counter", "CREATE TABLE b AS SELECT * FROM " + s.db.catalog + ".pub.gap"} {
				if _, err := tx.Exec(ctx, q); err != nil {
					return err
				}
			}
			if n := one[int64](t, s, "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'run_a'"); n != 0 {
				t.Errorf("%d tables are seen before the end", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := one[string](t, s, "SELECT concat_ws(' ', (SELECT count(*) FROM run_a.a), (SELECT count(*) FROM run_a.b), (SELECT count(*) FROM counter))"); got != "0 0 1" {
			t.Errorf("rows %s; want none of the later commit", got)
		}
		stop := errors.New("stop")
		if err := c.Snapshot(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, "CREATE TABLE d AS SELECT 1 AS i"); err != nil {
				return err
			}
			return stop
		}); !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
		if n := one[int64](t, s, "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'run_a' AND table_name = 'd'"); n != 0 {
			t.Error("a table of an undone Snapshot is there")
		}
	})
}

// Close removes the file, even when rows were left open; the name is free again and the new database is empty.
func TestScratchLeavesNothing(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	var kept *sql.Rows
	for range 3 {
		c, err := s.Scratch(ctx, "run_a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(ctx, "CREATE TABLE t AS SELECT range AS i FROM range(200000)"); err != nil {
			t.Fatal(err)
		}
		if kept, err = c.Query(ctx, "SELECT * FROM t"); err != nil || !kept.Next() || kept.Err() != nil {
			t.Fatalf("no row: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if _, err := c.Exec(ctx, "SELECT 1"); models.KindOf(err) != models.KindUnavail {
			t.Errorf("after Close: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(opts.ScratchDir, "*")); len(left) != 0 {
			t.Errorf("left in the scratch folder: %v", left)
		}
	}
	if kept.Next() {
		t.Error("rows of a closed scratch database go on")
	}
	if n := one[int64](t, s, "SELECT count(*) FROM duckdb_databases() WHERE NOT internal"); n != 1 {
		t.Errorf("%d databases attached", n)
	}
}

func TestScratchNames(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	scratch(t, s, "run_a")
	for _, name := range []string{"", "Run", "1run", "run-a", "run a", "run;a", "../run", strings.Repeat("r", 64), "run_a", "memory"} {
		c, err := s.Scratch(ctx, name)
		if models.KindOf(err) != models.KindUsage {
			t.Errorf("%q: %v", name, err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	for _, name := range []string{"main", "temp", "system"} { // the engine's own
		if c, err := s.Scratch(ctx, name); err == nil {
			if _, err := c.Exec(ctx, "CREATE TABLE t (i INTEGER)"); err != nil {
				t.Errorf("%q was attached and does not work: %v", name, err)
			}
			_ = c.Close()
		}
	}
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
}

// Two runs beside each other, closed with the store when they were forgotten.
func TestScratchesAreClosedWithTheStore(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s, err := Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run_a", "run_b"} {
		c, err := s.Scratch(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(ctx, "CREATE TABLE t AS SELECT 1 AS i"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.ScratchDir, "*")); len(left) != 0 {
		t.Errorf("left in the scratch folder: %v", left)
	}
	onDisk(t, opts) // and the file is free
}

// Keep leaves the file until the next Open.
func TestKeep(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	c, err := s.Scratch(ctx, "run_a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "CREATE TABLE t AS SELECT 1 AS i"); err != nil {
		t.Fatal(err)
	}
	path, err := c.Keep()
	if err != nil {
		t.Fatal(err)
	}
	if fileSize(path) == 0 {
		t.Errorf("no file at %s", path)
	}
	if err := s.Reopen(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the kept file is still there after the next opening")
	}
}

// A run that outgrows its bound is stopped with a clear error while it grows; the store goes on.
func TestScratchIsBounded(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	opts.ScratchLimit, opts.MemoryLimit = "30MB", "200MB"
	s := onDisk(t, opts)
	c := scratch(t, s, "run_a")
	start := time.Now()
	_, err := c.Exec(ctx, "CREATE TABLE t AS SELECT md5(CAST(range AS VARCHAR)) || md5(CAST(range + 1 AS VARCHAR)) AS h FROM range(30000000)")
	want(t, err, models.KindUnavail, "30MB", "store.scratch_limit")
	t.Logf("stopped after %v at %d bytes", time.Since(start), fileSize(c.path))
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := scratch(t, s, "run_b").Exec(ctx, "CREATE TABLE t AS SELECT 1 AS i"); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

func TestScratchStopsWithItsContext(t *testing.T) {
	s := onDisk(t, folderOptions(t.TempDir()))
	c := scratch(t, s, "run_a")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Exec(ctx, "CREATE TABLE t AS SELECT a.range AS i FROM range(1000000) a, range(1000000) b WHERE a.range = -b.range - 1")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Exec(context.Background(), "CREATE TABLE t AS SELECT 1 AS i"); err != nil {
		t.Errorf("after a cancelled statement: %v", err)
	}
}
