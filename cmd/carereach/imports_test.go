package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "carereach/"

// rooms says which packages of ours each package may import. A package that is not in it has no room yet: adding it here is
// a decision about the design, and ARCHITECTURE.md says why the arrows point as they do.
func rooms() map[string][]string {
	stores := []string{"models", "sql"}
	return map[string][]string{
		"models":          {},
		"sql":             {},
		"internal/store":  stores,
		"internal/ledger": stores,

		"ingest":           {"models", "sql", "internal/store", "internal/ledger", "ingest/csvmap", "ingest/event", "ingest/fhir", "ingest/intake"},
		"ingest/csvmap":    {"models"},
		"ingest/event":     {"models"},
		"ingest/fhir":      {"models"},
		"ingest/intake":    {"models"},
		"ingest/files":     {"models", "ingest/csvmap", "ingest/fhir", "ingest/intake"}, // takes files apart into records of the intake log
		"pipeline":         {"models", "sql", "internal/store", "internal/ledger"},
		"reports":          {"models", "sql", "internal/store", "internal/ledger"},
		"reports/workbook": {"models", "reports"},

		"internal/access": {"models", "internal/ledger"},
		"internal/app": {"models", "sql", "internal/store", "internal/ledger", "internal/access", "ingest", "ingest/csvmap", "ingest/event", "ingest/fhir", "ingest/files", "ingest/intake",
			"pipeline", "reports", "reports/workbook"},
		"cmd/carereach": {"models", "internal/app"},

		"internal/ledger/ledgertest": {"internal/ledger", "models"},
		"tools/clinic":               {},
		"tools/notices":              {},
	}
}

// inTests says what tests may import beyond their package's room.
func inTests() map[string][]string {
	return map[string][]string{
		"ingest": {"internal/ledger/ledgertest", "ingest/files"}, "pipeline": {"internal/ledger/ledgertest"}, "reports": {"internal/ledger/ledgertest"},
		"internal/access": {"internal/ledger/ledgertest"}, "internal/app": {"internal/ledger/ledgertest"}, "internal/ledger": {"internal/ledger/ledgertest"},
	}
}

// libraries says who may import a library, and with it all that lies below its path.
func libraries() map[string][]string {
	return map[string][]string{
		"github.com/duckdb/duckdb-go":                {"internal/store"},
		"github.com/mattn/go-sqlite3":                {"internal/ledger"},
		"github.com/pressly/goose":                   {"internal/store", "internal/ledger"},
		"github.com/apache/arrow-go":                 {"internal/store", "ingest"},
		"github.com/xuri/excelize":                   {"reports/workbook"},
		"github.com/spf13/cobra":                     {"cmd/carereach"},
		"github.com/spf13/pflag":                     {"cmd/carereach"},
		"github.com/schollz/progressbar":             {"cmd/carereach"},
		"github.com/knadh/koanf":                     {"internal/app"},
		"filippo.io/age":                             {"internal/app"},
		"github.com/nyaruka/phonenumbers":            {"internal/ledger"},
		"github.com/rogpeppe/go-internal/testscript": {"cmd/carereach"},
		"net/http":     {"internal/app"},
		"database/sql": {"internal/store", "internal/ledger", "ingest", "pipeline", "reports"},
	}
}

// pure packages work on values only: same input, same output, nothing of the machine.
func pure() []string {
	return []string{"models", "sql", "ingest/fhir", "ingest/event", "ingest/csvmap", "reports/workbook"}
}

func impure() []string {
	return []string{"database/sql", "net", "net/http", "os", "os/exec", "syscall"}
}

// listed is a package as go list gives it.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// offences gives every import that breaks a rule, each as the edge and the rule.
func offences(packages []listed) []string {
	var out []string
	for _, p := range packages {
		from := strings.TrimPrefix(p.ImportPath, module)
		room, ok := rooms()[from]
		if !ok {
			out = append(out, from+": no room in the table of rooms")
			continue
		}
		for _, to := range p.Imports {
			out = append(out, edge(from, to, room, true)...)
		}
		for _, to := range append(slices.Clone(p.TestImports), p.XTestImports...) {
			if to == p.ImportPath {
				continue // a test from outside its package
			}
			out = append(out, edge(from, to, append(slices.Clone(room), inTests()[from]...), false)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// edge judges one import. Tests may reach for os, net/http and database/sql, and nothing else that is not theirs.
func edge(from, to string, room []string, shipped bool) []string {
	var out []string
	bad := func(rule string, args ...any) {
		out = append(out, fmt.Sprintf("%s -> %s: ", from, to)+fmt.Sprintf(rule, args...))
	}
	ours, isOurs := strings.CutPrefix(to, module)
	standard := !isOurs && !strings.Contains(strings.SplitN(to, "/", 2)[0], ".")
	if isOurs && !slices.Contains(room, ours) {
		bad("the room may import %s only", strings.Join(room, ", "))
	}
	if from == "models" && shipped && !standard {
		bad("models rests on the standard library alone")
	}
	if slices.Contains(pure(), from) && shipped && slices.Contains(impure(), to) {
		bad("a pure package")
	}
	for library, importers := range libraries() {
		below := to == library || strings.HasPrefix(to, library+"/")
		if below && !slices.Contains(importers, from) && (shipped || !standard) {
			bad("only %s imports it", strings.Join(importers, ", "))
		}
	}
	return out
}

func TestImportGraph(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	if len(packages) < 15 {
		t.Fatalf("go list gives %d packages only", len(packages))
	}
	for _, o := range offences(packages) {
		t.Error(o)
	}
}

// A rule that nothing can break would prove nothing: each kind of rule catches its example, and nothing else does.
func TestImportGraphCatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		give listed
		want string // start of the only offence; "" none
	}{
		{"a stage that imports another", listed{ImportPath: "carereach/reports", Imports: []string{"fmt", "carereach/models", "carereach/pipeline"}}, "reports -> carereach/pipeline: the room may import"},
		{"a test that does", listed{ImportPath: "carereach/pipeline", TestImports: []string{"carereach/ingest"}}, "pipeline -> carereach/ingest: the room may import"},
		{"an outside test that does", listed{ImportPath: "carereach/pipeline", XTestImports: []string{"carereach/pipeline", "carereach/reports"}}, "pipeline -> carereach/reports: the room"},
		{"models with a library", listed{ImportPath: "carereach/models", Imports: []string{"golang.org/x/text/language"}}, "models -> golang.org/x/text/language: models rests"},
		{"models with one of ours", listed{ImportPath: "carereach/models", Imports: []string{"carereach/sql"}}, "models -> carereach/sql: "},
		{"a decoder that opens files", listed{ImportPath: "carereach/ingest/fhir", Imports: []string{"os"}}, "ingest/fhir -> os: a pure package"},
		{"a second importer of DuckDB", listed{ImportPath: "carereach/pipeline", Imports: []string{"github.com/duckdb/duckdb-go/v2"}}, "pipeline -> github.com/duckdb/duckdb-go/v2: only internal/store"},
		{"a command that opens the ledger", listed{ImportPath: "carereach/cmd/carereach", Imports: []string{"carereach/internal/ledger"}}, "cmd/carereach -> carereach/internal/ledger: the room"},
		{"a new package", listed{ImportPath: "carereach/internal/helpers"}, "internal/helpers: no room"},
		{"a path that only looks like a library", listed{ImportPath: "carereach/pipeline", Imports: []string{"github.com/duckdb/duckdb-gofer"}}, ""},
		{"tests that open files", listed{ImportPath: "carereach/ingest/fhir", TestImports: []string{"os", "database/sql"}}, ""},
		{"what is allowed", listed{ImportPath: "carereach/cmd/carereach", Imports: []string{"os", "carereach/internal/app", "github.com/spf13/cobra"}}, ""},
	} {
		got := offences([]listed{c.give})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: offences %q, want none", c.name, got)
		case c.want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], c.want)):
			t.Errorf("%s: offences %q, want one that starts %q", c.name, got, c.want)
		}
	}
}

// Every room and library in the tables is there: a table of what used to be would hold nothing.
func TestImportTablesAreCurrent(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	var imports []string
	for _, p := range goList(t) {
		have[strings.TrimPrefix(p.ImportPath, module)] = true
		imports = append(imports, append(append(slices.Clone(p.Imports), p.TestImports...), p.XTestImports...)...)
	}
	for room := range rooms() {
		if !have[room] {
			t.Errorf("room %s is in the table and not in the repository", room)
		}
	}
	for library := range libraries() {
		if library != "github.com/spf13/pflag" && !slices.ContainsFunc(imports, func(to string) bool { return strings.HasPrefix(to, library) }) {
			t.Errorf("library %s is in the table and nobody imports it", library)
		}
	}
}

// goList lists every package of the module, with the imports of its tests.
func goList(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "duckdb_arrow,nomsgpack", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = repository(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
