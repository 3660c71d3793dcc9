package store

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/pressly/goose/v3/database"

	"carereach/models"
)

// firstSchema makes the file that the very first version of the program left: migration 1 and nothing else.
func firstSchema(t *testing.T, path string, queries ...string) {
	t.Helper()
	connector, err := duckdb.NewConnector(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(connector)
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(all, "00001_fixed_tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := migrate(context.Background(), pool, fstest.MapFS{"00001_fixed_tables.sql": {Data: text}}); err != nil || v != 1 {
		t.Fatalf("version %d, %v", v, err)
	}
	for _, q := range queries {
		if _, err := pool.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
}

// A file of the first schema opens under this program, keeps its rows and has all tables of today.
func TestFirstSchemaOpensToday(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	firstSchema(t, opts.Path,
		"INSERT INTO subject VALUES (1, '00000000-0000-0000-0000-000000000001', 0, true)", "INSERT INTO person VALUES (1, 2)",
		"INSERT INTO event_seen VALUES ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002')",
		"INSERT INTO position VALUES ('intake', 0, 7)", "INSERT INTO counter VALUES ('k', 8)", "INSERT INTO tally VALUES ('intake', 0, 0, 7, 'clinic', 'Patient', 1, 2, 3, 4)",
		"INSERT INTO quarantine VALUES (1, 'intake', 0, 1, 0, 'clinic', 'Patient', 'bad_json', NULL, NULL, NULL, NULL, NULL, NULL, TIMESTAMP '2026-01-01', '\\x00'::BLOB, 'k1', 'open')",
		"INSERT INTO codes VALUES ('Condition', 1, 1, 's|c')", "INSERT INTO fold_state VALUES ('folded_k', '8')",
		"INSERT INTO pub.run VALUES ('r', DATE '2026-01-01', DATE '2026-01-01', DATE '2026-12-31', 'UTC', '{}', 1, TIMESTAMP '2026-01-02')", "INSERT INTO pub.current VALUES (DATE '2026-01-01', 'r', 1)")
	s := onDisk(t, opts)
	st, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"subject", "person", "event_seen", "position", "counter", "tally", "quarantine", "codes", "fold_state", "pub.run", "pub.current"} {
		if st.Rows[table] != 1 {
			t.Errorf("%s has %d rows after opening, want the one of before", table, st.Rows[table])
		}
	}
	if _, ok := st.Rows["ver_patient"]; !ok {
		t.Error("no fact tables")
	}
}

// Opening again applies nothing again.
func TestMigrationsAreAppliedOnce(t *testing.T) {
	opts := folderOptions(t.TempDir())
	for range 3 {
		s := onDisk(t, opts)
		if got := one[string](t, s, "SELECT string_agg(version_id, ' ' ORDER BY id) FROM schema_version"); got != "0 1" {
			t.Errorf("versions %q", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func pool(t *testing.T) *sql.DB {
	t.Helper()
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A migration that fails half way leaves version, tables and rows as they were, and can be mended and tried again.
func TestFailedMigrationLeavesEverything(t *testing.T) {
	ctx, db := context.Background(), pool(t)
	files := fstest.MapFS{"00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (i BIGINT);\nINSERT INTO a VALUES (1);\n")}}
	if _, err := migrate(ctx, db, files); err != nil {
		t.Fatal(err)
	}
	files["00002_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE b (i BIGINT);\nALTER TABLE a ADD COLUMN j BIGINT;\nUPDATE a SET i = 2;\nINSERT INTO a SELECT CAST('x' AS BIGINT), 1;\n")}
	v, err := migrate(ctx, db, files)
	if err == nil || v != 1 || !strings.Contains(err.Error(), "from version 1") {
		t.Fatalf("version %d, %v", v, err)
	}
	var tables, columns, i int64
	for q, into := range map[string]*int64{
		"SELECT count(*) FROM duckdb_tables() WHERE table_name = 'b'": &tables, "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'a'": &columns, "SELECT i FROM a": &i,
	} {
		if err := db.QueryRow(q).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	if tables != 0 || columns != 1 || i != 1 {
		t.Errorf("%d tables b, %d columns in a, i = %d; want 0, 1, 1", tables, columns, i)
	}
	files["00002_b.sql"].Data = []byte("-- +goose Up\nCREATE TABLE b (i BIGINT);\n")
	if v, err := migrate(ctx, db, files); err != nil || v != 2 {
		t.Errorf("mended: version %d, %v", v, err)
	}
}

// A file of a newer program is refused untouched.
func TestNewerSchemaIsRefused(t *testing.T) {
	opts := folderOptions(t.TempDir())
	firstSchema(t, opts.Path, "INSERT INTO schema_version VALUES (9, 4711)", "CREATE TABLE of_the_future (i BIGINT)")
	_, err := Open(context.Background(), opts)
	want(t, err, models.KindCorruption, "4711", "newer program")
	connector, err := duckdb.NewConnector(opts.Path, nil)
	if err != nil {
		t.Fatalf("the refused file is still held: %v", err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	var n int64
	if err := db.QueryRow("SELECT count(*) FROM duckdb_tables()").Scan(&n); err != nil || n != 14 {
		t.Errorf("%d tables, %v; want the 14 of before", n, err)
	}
}

// goose's own contract for a store of versions.
func TestVersionStore(t *testing.T) {
	ctx, db, v := context.Background(), pool(t), versionStore{}
	if ok, err := v.TableExists(ctx, db); ok || err != nil {
		t.Errorf("table exists: %v, %v", ok, err)
	}
	if err := v.CreateVersionTable(ctx, db); err != nil {
		t.Fatal(err)
	}
	if ok, err := v.TableExists(ctx, db); !ok || err != nil {
		t.Errorf("table exists: %v, %v", ok, err)
	}
	if _, err := v.GetLatestVersion(ctx, db); err != database.ErrVersionNotFound { //nolint:errorlint // goose compares it so
		t.Errorf("latest of none: %v", err)
	}
	for _, n := range []int64{0, 1, 3} {
		if err := v.Insert(ctx, db, database.InsertRequest{Version: n}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := v.GetLatestVersion(ctx, db); n != 3 || err != nil {
		t.Errorf("latest %d, %v", n, err)
	}
	if m, err := v.GetMigration(ctx, db, 1); err != nil || !m.IsApplied {
		t.Errorf("version 1: %+v, %v", m, err)
	}
	if _, err := v.GetMigration(ctx, db, 2); err != database.ErrVersionNotFound { //nolint:errorlint // goose compares it so
		t.Errorf("version 2: %v", err)
	}
	if err := v.Delete(ctx, db, 3); err != nil {
		t.Fatal(err)
	}
	list, err := v.ListMigrations(ctx, db)
	if err != nil || len(list) != 2 || list[0].Version != 1 || list[1].Version != 0 {
		t.Errorf("list %v, %v", list, err)
	}
}
