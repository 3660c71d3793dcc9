package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/models"
)

// The golden text pins names, order and types of what every statement about facts rests on.
func TestFactDDL(t *testing.T) {
	const wantText = `CREATE TABLE ver_person_link (
	pid BIGINT,
	k BIGINT,
	ent UUID,
	source VARCHAR,
	version BIGINT,
	known_at TIMESTAMP,
	retracted BOOLEAN,
	log VARCHAR,
	part INTEGER,
	off BIGINT,
	entry INTEGER,
	survivor UUID,
	linked BOOLEAN
);
CREATE TABLE cur_person_link (
	pid BIGINT,
	pid0 BIGINT,
	k BIGINT,
	ent UUID,
	source VARCHAR,
	version BIGINT,
	known_at TIMESTAMP,
	survivor UUID,
	linked BOOLEAN
);
`
	if got := FactDDL(mustType("PersonLink")); got != wantText {
		t.Errorf("got\n%s", got)
	}
}

func TestPublishedDDL(t *testing.T) {
	const wantText = `CREATE TABLE pub.check_result (
	run_id VARCHAR,
	check_name VARCHAR,
	severity VARCHAR,
	rows BIGINT
);
`
	p, _ := models.PublishedByName("check_result")
	if got := PublishedDDL(p); got != wantText {
		t.Errorf("got\n%s", got)
	}
}

// The tables of an open store are those of models, column for column, type for type.
func TestStoreHasWhatModelsSays(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	var have map[string]map[string]string
	if err := s.Read(ctx, func(tx *Tx) (err error) {
		have, err = storedColumns(ctx, tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, w := range s.tables {
		for _, c := range w.columns {
			if plainType(have[w.title()][c.Name]) != plainType(c.Type) {
				t.Errorf("%s.%s is %q, want %q", w.title(), c.Name, have[w.title()][c.Name], c.Type)
			}
		}
		if len(have[w.title()]) != len(w.columns) {
			t.Errorf("%s has %d columns, want %d", w.title(), len(have[w.title()]), len(w.columns))
		}
	}
}

// asModels opens the store as a program would whose models hold these tables.
func asModels(opts Options, tables []table) (*Store, error) {
	ctx := context.Background()
	opts, err := checkOptions(opts)
	if err != nil {
		return nil, err
	}
	fixed, err := migrations()
	if err != nil {
		return nil, err
	}
	return openWith(ctx, opts, fixed, tables)
}

// mustModels is asModels for tables that must open, closed again by the test.
func mustModels(t *testing.T, opts Options, tables ...table) *Store {
	t.Helper()
	s, err := asModels(opts, tables)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func columns(text string) (out []models.Column) {
	for _, c := range strings.Split(text, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
		out = append(out, models.Column{Name: name, Type: typ})
	}
	return out
}

// A new element is a new column: old rows have NULL in it and are said to need a rebuild, until the file is made anew.
func TestNewElementIsAdded(t *testing.T) {
	ctx, opts := context.Background(), folderOptions(t.TempDir())
	old := mustModels(t, opts, table{"main", "ver_x", columns("k BIGINT")}, table{"main", "cur_x", columns("k BIGINT")}, table{"main", "ver_empty", columns("k BIGINT")}, table{"pub", "x", columns("run_id VARCHAR")})
	execute(t, old, "INSERT INTO ver_x VALUES (1)", "INSERT INTO cur_x VALUES (1)", "INSERT INTO pub.x VALUES ('r')")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	next := []table{
		{"main", "ver_x", columns("k BIGINT, class VARCHAR")}, {"main", "cur_x", columns("k BIGINT, class VARCHAR")}, {"main", "ver_empty", columns("k BIGINT, class VARCHAR")},
		{"pub", "x", columns("run_id VARCHAR, site VARCHAR")}, {"main", "ver_new", columns("k BIGINT")},
	}
	for range 2 { // what is needed is still known at the start after
		s := mustModels(t, opts, next...)
		h, err := s.Health(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.RebuildNeeded, " "); got != "pub.x.site ver_x.class" {
			t.Errorf("rebuild needed for %q", got)
		}
		if got := one[string](t, s, "SELECT concat_ws(' ', (SELECT count(*) FROM ver_x WHERE k = 1 AND class IS NULL), (SELECT count(*) FROM cur_x WHERE class IS NULL), (SELECT count(*) FROM ver_empty WHERE class IS NULL), (SELECT count(*) FROM ver_new))"); got != "1 1 0 0" {
			t.Errorf("rows %s", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// An element that models no longer names stays in the file; nothing is dropped.
func TestRemovedElementStays(t *testing.T) {
	opts := folderOptions(t.TempDir())
	s := mustModels(t, opts, table{"main", "ver_x", columns("k BIGINT, class VARCHAR")})
	execute(t, s, "INSERT INTO ver_x VALUES (1, 'AMB')")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closed(t, mustModels(t, opts, table{"main", "ver_x", columns("k BIGINT")}))
	if got := one[string](t, s, "SELECT class FROM ver_x"); got != "AMB" {
		t.Errorf("class %q", got)
	}
}

// A column of another type is refused before anything is changed, with what to do.
func TestChangedTypeIsRefused(t *testing.T) {
	opts := folderOptions(t.TempDir())
	if err := mustModels(t, opts, table{"main", "ver_x", columns("k BIGINT, n BIGINT")}).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := asModels(opts, []table{{"main", "ver_new", columns("k BIGINT")}, {"main", "ver_x", columns("k BIGINT, more VARCHAR, n VARCHAR")}})
	want(t, err, models.KindCorruption, "ver_x.n", "BIGINT", "VARCHAR", "rebuilt from the logs")
	s := closed(t, mustModels(t, opts, table{"main", "ver_x", columns("k BIGINT, n BIGINT")}))
	if n := one[int64](t, s, "SELECT count(*) FROM duckdb_columns() WHERE table_name IN ('ver_new', 'ver_x') AND column_name IN ('k', 'more')"); n != 1 {
		t.Errorf("a refused change left %d columns, want 1", n)
	}
}

// A keyword as a column name fails when the tables are first made, not in somebody's statement a year later.
func TestKeywordAsColumnFailsAtOnce(t *testing.T) {
	if _, err := asModels(folderOptions(t.TempDir()), []table{{"main", "ver_x", columns("order BIGINT")}}); err == nil {
		t.Error("a table with a column named order was made")
	}
}

// What is thrown away can be made again: a store whose file was deleted starts empty with the full schema.
func TestDeletedFileIsMadeAnew(t *testing.T) {
	opts := folderOptions(t.TempDir())
	s := onDisk(t, opts)
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{opts.Path, opts.Path + ".wal"} {
		_ = os.Remove(path)
	}
	if left, _ := filepath.Glob(opts.Path + "*"); len(left) != 0 {
		t.Fatalf("%v is left", left)
	}
	if n := one[int64](t, onDisk(t, opts), "SELECT count(*) FROM counter"); n != 0 {
		t.Errorf("%d rows in a new file", n)
	}
}
