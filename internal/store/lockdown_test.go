package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/models"
)

// Nothing that SQL can say reaches a file outside the scratch folder, the network, an extension or a setting.
func TestLockDownRefuses(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	opts := folderOptions(dir)
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("name\nJane Roe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(dir, "outside.duckdb")
	escape := filepath.Join(opts.ScratchDir, "..", "outside.duckdb")
	statements := []string{
		"SELECT * FROM read_csv('" + secret + "')", "SELECT * FROM '" + secret + "'", "SELECT * FROM read_text('" + secret + "')", "SELECT * FROM read_blob('" + secret + "')",
		"SELECT * FROM glob('" + dir + "/*')", "SELECT * FROM sniff_csv('" + secret + "')", "SELECT * FROM parquet_metadata('" + secret + "')",
		"COPY (SELECT 1) TO '" + filepath.Join(dir, "out.csv") + "'", "COPY counter TO '" + filepath.Join(dir, "out.parquet") + "' (FORMAT parquet)", "COPY counter FROM '" + secret + "'",
		"EXPORT DATABASE '" + filepath.Join(dir, "export") + "'", "IMPORT DATABASE '" + dir + "'",
		"ATTACH '" + outside + "' AS outside", "ATTACH '" + escape + "' AS escaped", "ATTACH '" + opts.Path + "' AS again (READ_ONLY)",
		"INSTALL httpfs", "LOAD httpfs", "INSTALL spatial FROM community", "LOAD '" + secret + "'", "SELECT * FROM 'https://example.org/x.csv'",
		"CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
		"SET enable_external_access = true", "SET lock_configuration = false", "SET allowed_directories = ['/']", "SET memory_limit = '1TB'", "SET threads = 64", "SET GLOBAL TimeZone = 'America/New_York'",
		"SET TimeZone = 'America/New_York'", "SET temp_directory = '/tmp'", "SET autoload_known_extensions = true", "SET allow_community_extensions = true", "RESET threads", "SET checkpoint_threshold = '1MB'",
		"SET profiling_output = '" + filepath.Join(dir, "out.csv") + "'", "PRAGMA profiling_output = '" + filepath.Join(dir, "out.csv") + "'", "SET enable_logging = true", "SET log_query_path = '" + filepath.Join(dir, "out.csv") + "'", "SET secret_directory = '/tmp'", "SET home_directory = '/tmp'", "SET disabled_optimizers = 'filter_pushdown'",
	}
	s := onDisk(t, opts)
	reader, err := s.db.pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	// Asked of the engine itself, so that no guard of ours answers in its place.
	for name, conn := range map[string]*sql.Conn{"ingest": s.db.ingest.conn, "pipeline": s.db.pipeline.conn, "read": reader} {
		for _, q := range statements {
			if _, err := conn.ExecContext(ctx, q); err == nil {
				t.Errorf("%s connection: %s: worked", name, q)
			}
		}
	}
	for _, path := range []string{"out.csv", "out.parquet", "export", "outside.duckdb"} {
		if _, err := os.Stat(filepath.Join(dir, path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made", path)
		}
	}
}

// Memory has the same locks, so that a test finds what would fail in production.
func TestMemoryIsLockedDown(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	dir := t.TempDir()
	for _, q := range []string{"SELECT * FROM read_csv('/etc/passwd')", "ATTACH '" + dir + "/a.duckdb' AS a", "COPY (SELECT 1) TO '" + dir + "/a.csv'", "SET threads = 64"} {
		if _, err := s.db.pipeline.conn.ExecContext(ctx, q); err == nil {
			t.Errorf("%s: worked", q)
		}
	}
}

// Inside the scratch folder files can still be attached after external access is off: scratch databases and copies
// rest on that.
func TestLockDownLeavesTheScratchFolder(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	s := onDisk(t, opts)
	c, err := s.Scratch(ctx, "run_a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Exec(ctx, "CREATE TABLE t AS SELECT range AS i FROM range(10)"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(opts.ScratchDir, "run_a.duckdb")); err != nil {
		t.Errorf("scratch database is not where it should be: %v", err)
	}
}

// The settings hold on every connection, also on those that are made later, and the queries that need them still work.
func TestSettingsHoldOnEveryConnection(t *testing.T) {
	ctx := context.Background()
	opts := folderOptions(t.TempDir())
	opts.MemoryLimit, opts.ScratchLimit = "300MB", "2GB"
	s := onDisk(t, opts)
	for range 3 { // nested, so that each has a connection of its own
		if err := s.Read(ctx, func(tx *Tx) error {
			return s.Read(ctx, func(tx *Tx) error {
				var zone, memory, spill, limit string
				var threads int64
				err := tx.QueryRow(ctx, "SELECT current_setting('TimeZone'), current_setting('memory_limit'), current_setting('temp_directory'), current_setting('max_temp_directory_size'), current_setting('threads')").Scan(&zone, &memory, &spill, &limit, &threads)
				if zone != "UTC" || !strings.HasPrefix(memory, "286") || spill != filepath.Join(s.opts.ScratchDir, "spill") || !strings.HasPrefix(limit, "1.8 GiB") || threads != 2 {
					t.Errorf("zone %s, memory %s, spill %s up to %s, threads %d", zone, memory, spill, limit, threads)
				}
				return err
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A statement beyond memory spills into the scratch folder; beyond the bound of that it fails clearly and the store goes on.
func TestMemoryAndSpillAreBounded(t *testing.T) {
	ctx := context.Background()
	opts := folderOptions(t.TempDir())
	opts.MemoryLimit, opts.ScratchLimit, opts.Threads = "60MB", "100MB", 1
	s := onDisk(t, opts)
	sorted := func(rows string) error {
		return s.Read(ctx, func(tx *Tx) error {
			var n int64
			return tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT i, row_number() OVER (ORDER BY h) AS r FROM (SELECT range AS i, md5(CAST(range AS VARCHAR)) AS h FROM range("+rows+"))) WHERE r >= 0").Scan(&n)
		})
	}
	if err := sorted("800000"); err != nil {
		t.Errorf("a statement that has to spill: %v", err)
	}
	want(t, sorted("20000000"), models.KindUnavail, "store.")
	if err := sorted("1000"); err != nil {
		t.Errorf("the store does not work after a statement beyond its bounds: %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for in, bytes := range map[string]int64{"1KB": 1000, "4GB": 4_000_000_000, "512MiB": 512 << 20, "1.5 GB": 1_500_000_000, "2TB": 2_000_000_000_000, " 1MiB ": 1 << 20} {
		got, err := parseSize("x", in)
		if err != nil || got != bytes {
			t.Errorf("parseSize(%q) = %d, %v; want %d", in, got, err, bytes)
		}
	}
	for _, in := range []string{"", "4", "GB", "-1GB", "0GB", "4 G", "1e3GB", "4GB; SET x", "4gb"} {
		if got, err := parseSize("x", in); models.KindOf(err) != models.KindConfig {
			t.Errorf("parseSize(%q) = %d, %v; want an error", in, got, err)
		}
	}
}
