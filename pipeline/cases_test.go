package pipeline

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// A case file, sql/testdata/<relation>/<case>.txtar, starts with a sentence saying what is expected and why. Then:
//
//	-- as_of --            the as-of date, 2026-06-30 when left out; zone and period likewise (UTC, the calendar year)
//	-- in/<table>.csv --   rows of a relation, of a folded table (cur_*, codes, subject) or of valueset
//	-- want/<table>.csv -- the rows of a relation, in any order; want/<table>@<measure>.csv those of one measure
//
// Columns that an input leaves out are NULL; the text NULL is NULL. A want compares the columns it names and the number of
// rows. What a wanted relation needs and no input gives is computed where an input bears on it, and else is empty. Value
// sets are the starter lists unless a case gives its own. go test -run TestCases -update writes what came out.
const (
	caseAsOf  = "2026-06-30"
	caseNull  = "NULL"
	casesPath = "../sql/testdata"
)

// caseBench runs case files. Column types come from the real relations, made once over no facts at all.
type caseBench struct {
	store  *store.Store
	plan   plan
	byName map[string]Relation
	types  map[string][]models.Column // relation or folded table → columns
	codes  codeLists
	facts  map[string]bool // relations that read a folded table
	ran    int
}

func newCaseBench(t *testing.T) *caseBench {
	t.Helper()
	b := &caseBench{store: testStore(t), byName: map[string]Relation{}, types: map[string][]models.Column{}, facts: map[string]bool{}}
	var err error
	if b.plan, err = readPlan(sql.Files); err != nil {
		t.Fatal(err)
	}
	if b.codes, err = readCodeLists(sql.Files, nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.plan.relations {
		b.byName[r.Name] = r
		b.facts[r.Name] = strings.Contains(r.Text, "cur_") || strings.Contains(r.Text, "FROM codes ")
	}
	for _, ft := range models.FactTypes {
		key := columns("pid", "BIGINT", "pid0", "BIGINT", "k", "BIGINT", "ent", "UUID", "source", "VARCHAR", "version", "BIGINT", "known_at", "TIMESTAMP")
		b.types[ft.CurrentTable()] = append(key, ft.Columns()...)
	}
	b.types["codes"] = columns("rt", "VARCHAR", "pid", "BIGINT", "k", "BIGINT", "code", "VARCHAR")
	b.types["subject"] = columns("pid", "BIGINT", "token", "UUID", "bucket", "SMALLINT", "stub", "BOOLEAN")
	for _, table := range givenBefore(caseInputs(t, &txtar.Archive{}), b.codes, judgeMeasures(b.plan.relations, b.codes)) {
		b.types[table.name] = table.columns
	}
	b.run(t, func(e duck) {
		b.give(t, e, caseInputs(t, &txtar.Archive{}), nil)
		for _, r := range b.plan.relations {
			if _, err := e.Make(t.Context(), r.Name, r.Text, false); err != nil {
				t.Fatalf("sql/%s over no facts: %v", r.Path(), err)
			}
			if b.types[r.Name], err = e.Columns(t.Context(), r.Name); err != nil {
				t.Fatal(err)
			}
		}
	})
	return b
}

// run calls fn with an engine of its own, fresh and empty.
func (b *caseBench) run(t *testing.T, fn func(duck)) {
	t.Helper()
	b.ran++
	scratch, err := b.store.Scratch(t.Context(), fmt.Sprintf("case_%d", b.ran))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := scratch.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = scratch.Snapshot(t.Context(), func(tx *store.Tx) error {
		e := duck{tx, scratch.Name()}
		for _, f := range b.plan.functions {
			if err := e.Define(t.Context(), f); err != nil {
				return err
			}
		}
		fn(e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// give makes the tables that the runner gives, but for those that the case gives itself.
func (b *caseBench) give(t *testing.T, e duck, in Inputs, own map[string][][]any) {
	t.Helper()
	for _, table := range givenBefore(in, b.codes, judgeMeasures(b.plan.relations, b.codes)) {
		if _, given := own[table.name]; given {
			continue
		}
		if err := e.Load(t.Context(), table.name, table.columns, table.rows); err != nil {
			t.Fatal(err)
		}
	}
}

// needed lists what has to be there for the relations wanted, each after what it needs; inputs are not followed further.
func (b *caseBench) needed(wanted []string, given map[string][][]any) (order []string, touched map[string]bool) {
	touched = map[string]bool{}
	state := map[string]bool{}
	var visit func(name string) (bears bool)
	visit = func(name string) bool {
		if _, input := given[name]; input && !slices.Contains(wanted, name) {
			return true
		}
		r, made := b.byName[name]
		if !made {
			return false
		}
		if state[name] {
			return touched[name]
		}
		state[name] = true
		bears, rests := slices.Contains(wanted, name), !b.facts[name]
		for table := range given {
			bears = bears || !b.knows(table) && strings.Contains(r.Text, table+" ")
		}
		for _, need := range r.Needs {
			bears = visit(need) || bears
			rests = rests && !b.rests(need)
		}
		touched[name] = bears || rests
		order = append(order, name)
		return bears
	}
	for _, w := range wanted {
		visit(w)
	}
	return order, touched
}

// knows says whether name is a relation rather than a table of facts.
func (b *caseBench) knows(name string) bool { _, ok := b.byName[name]; return ok }

// rests says whether a relation rests on facts, at whatever distance.
func (b *caseBench) rests(name string) bool {
	r, made := b.byName[name]
	if !made {
		return false
	}
	return b.facts[name] || slices.ContainsFunc(r.Needs, b.rests)
}

// caseFile is one parsed case.
type caseFile struct {
	path    string
	archive *txtar.Archive
	inputs  Inputs
	given   map[string][][]any  // table → rows in the order of its columns
	columns map[string][]string // table → columns that the case names
	want    []string            // what is compared: relation, or relation@measure, in the order of the file
}

func caseInputs(t *testing.T, a *txtar.Archive) Inputs {
	t.Helper()
	text := func(name, otherwise string) string {
		for _, f := range a.Files {
			if f.Name == name {
				return strings.TrimSpace(string(f.Data))
			}
		}
		return otherwise
	}
	day := func(s string) models.Date {
		d, err := models.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	in := Inputs{AsOf: day(text("as_of", caseAsOf)), Zone: text("zone", "UTC")}
	in.Period = models.CalendarYear(in.AsOf)
	if from, to, ok := strings.Cut(text("period", ""), " "); ok {
		in.Period = models.Period{Start: day(from), End: day(to)}
	}
	return in
}

func (b *caseBench) read(t *testing.T, path string) *caseFile {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b.parse(t, path, data)
}

func (b *caseBench) parse(t *testing.T, path string, data []byte) *caseFile {
	t.Helper()
	c := &caseFile{path: path, archive: txtar.Parse(data), given: map[string][][]any{}, columns: map[string][]string{}}
	if sentence := strings.TrimSpace(string(c.archive.Comment)); len(strings.Fields(sentence)) < 6 || !strings.HasSuffix(sentence, ".") {
		t.Errorf("%s does not start with a sentence that says what is expected and why", path)
	}
	c.inputs = caseInputs(t, c.archive)
	for _, f := range c.archive.Files {
		folder, table, _ := strings.Cut(strings.TrimSuffix(f.Name, ".csv"), "/")
		switch folder {
		case "as_of", "zone", "period":
			continue
		case "in", "want":
		default:
			t.Fatalf("%s: file %s is none of as_of, zone, period, in/*.csv, want/*.csv", path, f.Name)
		}
		relation, _, _ := strings.Cut(table, "@")
		header, rows := b.table(t, c, relation, f.Data)
		if folder == "want" {
			c.want = append(c.want, table)
			c.columns[table] = header
			continue
		}
		c.given[table] = rows
	}
	if len(c.want) == 0 {
		t.Fatalf("%s wants nothing", path)
	}
	return c
}

// table reads a CSV of a table: the columns it names, and its rows with all columns of the table.
func (b *caseBench) table(t *testing.T, c *caseFile, table string, data []byte) (header []string, rows [][]any) {
	t.Helper()
	types, known := b.types[table]
	if !known {
		t.Fatalf("%s: there is no table %s", c.path, table)
	}
	r := csv.NewReader(bytes.NewReader(data))
	records, err := r.ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%s: %s has no header or is malformed: %v", c.path, table, err)
	}
	header = records[0]
	at := map[string]int{}
	for i, name := range header {
		if !slices.ContainsFunc(types, func(col models.Column) bool { return col.Name == name }) {
			t.Fatalf("%s: %s has no column %q", c.path, table, name)
		}
		at[name] = i
	}
	for _, record := range records[1:] {
		row := make([]any, len(types))
		for i, col := range types {
			if j, named := at[col.Name]; named && record[j] != caseNull {
				row[i] = record[j]
			}
		}
		rows = append(rows, row)
	}
	return header, rows
}

// result computes the relations that the case wants and gives the rows of each, in the columns named, sorted.
func (b *caseBench) result(t *testing.T, c *caseFile) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	b.run(t, func(e duck) {
		b.give(t, e, c.inputs, c.given)
		for _, table := range slices.Sorted(maps.Keys(c.given)) {
			if err := e.Load(t.Context(), table, b.types[table], c.given[table]); err != nil {
				t.Fatalf("%s: %v", c.path, err)
			}
		}
		order, touched := b.needed(c.relations(), c.given)
		for _, name := range order {
			if !touched[name] {
				if err := e.Load(t.Context(), name, b.types[name], nil); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if _, err := e.Make(t.Context(), name, b.byName[name].Text, false); err != nil {
				t.Fatalf("%s: sql/%s: %v", c.path, b.byName[name].Path(), err)
			}
		}
		for _, w := range c.want {
			out[w] = readColumns(t, e, w, c.columns[w])
		}
	})
	return out
}

// relations are those that the case wants.
func (c *caseFile) relations() (out []string) {
	for _, w := range c.want {
		relation, _, _ := strings.Cut(w, "@")
		out = append(out, relation)
	}
	return out
}

func readColumns(t *testing.T, e duck, want string, names []string) [][]string {
	t.Helper()
	table, measure, one := strings.Cut(want, "@")
	var casts []string
	for _, n := range names {
		casts = append(casts, "coalesce(CAST("+quote(n)+" AS VARCHAR), '"+caseNull+"')")
	}
	text := "SELECT " + strings.Join(casts, ", ") + " FROM " + quote(table)
	if one {
		text += " WHERE measure = '" + measure + "'"
	}
	rows, err := e.on.Query(context.Background(), text+" ORDER BY ALL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := [][]string{}
	for rows.Next() {
		row := make([]string, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCases holds every relation to its case files.
func TestCases(t *testing.T) {
	b := newCaseBench(t)
	paths, err := filepath.Glob(filepath.Join(casesPath, "*", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for _, path := range paths {
		relation := filepath.Base(filepath.Dir(path))
		t.Run(relation+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			if !b.knows(relation) {
				t.Fatalf("there is no relation %s", relation)
			}
			c := b.read(t, path)
			got := b.result(t, c)
			if *update {
				c.rewrite(t, got)
				return
			}
			for _, f := range c.archive.Files {
				table, wanted := strings.CutPrefix(strings.TrimSuffix(f.Name, ".csv"), "want/")
				if !wanted {
					continue
				}
				if d := cmp.Diff(wantedRows(t, f.Data), got[table]); d != "" {
					t.Errorf("%s\n%s (-want +got):\n%s", strings.TrimSpace(string(c.archive.Comment)), table, d)
				}
			}
		})
	}
}

func wantedRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := append([][]string{}, records[1:]...)
	slices.SortFunc(rows, slices.Compare[[]string])
	return rows
}

// rewrite puts what came out into the case file, under the columns it names.
func (c *caseFile) rewrite(t *testing.T, got map[string][][]string) {
	t.Helper()
	for i, f := range c.archive.Files {
		table, wanted := strings.CutPrefix(strings.TrimSuffix(f.Name, ".csv"), "want/")
		if !wanted {
			continue
		}
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		if err := w.WriteAll(append([][]string{c.columns[table]}, got[table]...)); err != nil {
			t.Fatal(err)
		}
		c.archive.Files[i].Data = out.Bytes()
	}
	if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCaseFilesAreCompared proves the harness: a case whose expectation is off by one day or one row must not pass.
func TestCaseFilesAreCompared(t *testing.T) {
	b := newCaseBench(t)
	const text = `A visit on the as-of date is in care for 24 months from that day.
-- in/visits.csv --
patient_id,visit_on
a,2026-06-30
-- want/in_care.csv --
patient_id,to_on
%s
`
	path := filepath.Join(t.TempDir(), "case.txtar")
	for want, same := range map[string]bool{"a,2028-06-30": true, "a,2028-06-29": false, "b,2028-06-30": false, "a,2028-06-30\na,2028-06-30": false, "": false} {
		if err := os.WriteFile(path, fmt.Appendf(nil, text, want), 0o600); err != nil {
			t.Fatal(err)
		}
		c := b.read(t, path)
		got := b.result(t, c)
		if d := cmp.Diff(wantedRows(t, c.archive.Files[1].Data), got["in_care"]); (d == "") != same {
			t.Errorf("want %q compared equal: %v", want, d == "")
		}
	}
}
