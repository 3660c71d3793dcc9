package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"carereach/internal/store"
	"carereach/sql"
)

// linted are the layers that keep to portable SQL. In staging all of DuckDB is allowed.
var linted = []string{"measures", "targets", "kpi", "checks"}

// forbidden are words that mean something else on another engine, or nothing, with what to write instead. They are looked
// for outside comments and literals.
var forbidden = []struct{ pattern, instead string }{
	{`::`, "CAST(x AS type)"},
	{`/`, "share(a, b)"},
	{`;\s*$`, "no semicolon at the end: the runner wraps the SELECT"},
	{`"`, "names that need no quotes"},
	{`\[|\{`, "a child table instead of lists and structs"},
	{`\bqualify\b`, "row_number() in a CTE, then nth = 1"},
	{`\basof\b`, "a join and row_number()"},
	{`\b(semi|anti)\s+join\b`, "EXISTS, NOT EXISTS"},
	{`\bnot\s+in\s*\(\s*select\b`, "NOT EXISTS"},
	{`\b(group|order)\s+by\s+all\b`, "the columns"},
	{`\bunion\s+(all\s+)?by\s+name\b`, "the columns in order"},
	{`\*\s*(exclude|replace|rename)\b`, "the columns"},
	{`\bfetch\s+(first|next)\b`, "LIMIT"},
	{`\b(current_date|current_time|current_timestamp|localtime|localtimestamp)\b`, "the table run"},
	{`[+-]\s*interval\b`, "plus_days, plus_months, plus_years"},
	{`\bextract\s*\(\s*(dow|isodow|week|epoch)\b`, "weekday_iso, or a staging column"},
	{`\b(pivot|unpivot|unnest|lambda|using\s+sample|tablesample)\b`, "plain SQL"},
	{`\b(create|insert|update|delete|drop|alter|attach|copy|install|load|pragma|set)\s+\w`, "one SELECT"},
}

// portable are the functions that mean the same on every engine, besides the named ones of sql/functions. Operators are
// functions too.
var portable = strings.Fields(`+ - * || ~~ !~~ count count_star sum min max bool_or bool_and row_number rank dense_rank lag lead
	year month day lower upper trim length substr nullif coalesce abs grouping`)

// linter holds relations to the rules of portable SQL.
type linter struct {
	db    *store.Store
	named map[string]bool // functions of sql/functions/duckdb.sql that any layer may call
}

func newLinter(t *testing.T) linter {
	return linter{testStore(t), namedFunctions(t, sql.Text("functions/duckdb.sql"))}
}

// namedFunctions reads the names of definitions; those below a comment "Staging only" are not for other layers.
func namedFunctions(t *testing.T, text string) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	define := regexp.MustCompile(`^CREATE OR REPLACE MACRO (\w+)\(`)
	staging, comment := false, false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "--") {
			if !comment {
				staging = false
			}
			comment = true
			staging = staging || strings.Contains(line, "Staging only")
			continue
		}
		comment = false
		if m := define.FindStringSubmatch(line); m != nil && !staging {
			named[m[1]] = true
		}
	}
	if len(named) == 0 {
		t.Fatal("no named functions found")
	}
	return named
}

// bare blanks comments and the insides of literals, so that words are looked for in code only, and gives the literals.
func bare(text string) (code string, literals []string) {
	var b strings.Builder
	for rest := text; rest != ""; {
		var cut int
		switch {
		case strings.HasPrefix(rest, "--"):
			if cut = strings.IndexByte(rest, '\n'); cut < 0 {
				cut = len(rest)
			}
			b.WriteByte(' ')
		case strings.HasPrefix(rest, "/*"):
			if cut = strings.Index(rest, "*/") + 2; cut < 2 {
				cut = len(rest)
			}
			b.WriteByte(' ')
		case rest[0] == '\'':
			cut = 1
			for cut < len(rest) && (rest[cut] != '\'' || strings.HasPrefix(rest[cut:], "''")) {
				if rest[cut] == '\'' {
					cut++
				}
				cut++
			}
			cut = min(cut+1, len(rest))
			literals = append(literals, strings.Trim(rest[:cut], "'"))
			b.WriteString("''")
		default:
			cut = 1
			b.WriteByte(rest[0])
		}
		rest = rest[cut:]
	}
	return b.String(), literals
}

// lint gives the findings for one relation, none when it is fine.
func (l linter) lint(t *testing.T, r Relation) []string {
	t.Helper()
	var out []string
	find := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	code, literals := bare(r.Text)
	portableLayer := slices.Contains(linted, r.Layer)
	if portableLayer {
		for _, f := range forbidden {
			if hit := regexp.MustCompile(`(?i)` + f.pattern).FindString(strings.TrimSpace(code)); hit != "" {
				find("%q: write %s", hit, f.instead)
			}
		}
		for _, s := range literals {
			if strings.Contains(s, `\`) {
				find("backslash in the literal %q: an escape on other engines", s)
			}
			if before, after, ok := strings.Cut(s, "|"); ok && before != "" && after != "" && !strings.Contains(s, " ") {
				find("code %q: name a value set", s)
			}
		}
	} else if strings.HasSuffix(strings.TrimSpace(code), ";") {
		find("semicolon at the end")
	}
	tree, err := l.parse(t, r.Text)
	if err != "" {
		find("not one SELECT: %s", err)
		return out
	}
	w := walker{ctes: map[string]bool{}}
	w.names(tree)
	w.walk(tree)
	given := givenTables()
	for name := range w.tables {
		switch {
		case slices.Contains(r.Needs, name):
		case !given[name]:
			find("reads %s and does not say that it needs it", name)
		case portableLayer:
			find("reads %s, which only staging may, or does not say that it needs it", name)
		}
	}
	if !portableLayer {
		return out
	}
	for name := range w.tables {
		if given[name] && (strings.HasPrefix(name, "cur_") || name == "codes" || name == "subject" || name == "person") {
			find("reads the fact table %s: only staging may", name)
		}
	}
	for name := range w.functions {
		if !slices.Contains(portable, name) && !l.named[name] {
			find("function %s is not on the list of those that mean the same everywhere", name)
		}
	}
	for finding := range w.findings {
		find("%s", finding)
	}
	return out
}

func (l linter) parse(t *testing.T, text string) (tree any, problem string) {
	t.Helper()
	var answer string
	err := l.db.Read(context.Background(), func(tx *store.Tx) error {
		return tx.QueryRow(context.Background(), "SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)", text).Scan(&answer)
	})
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Error      bool   `json:"error"`
		Message    string `json:"error_message"`
		Statements []any  `json:"statements"`
	}
	if err := json.Unmarshal([]byte(answer), &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.Error {
		return nil, parsed.Message
	}
	if len(parsed.Statements) != 1 {
		return nil, fmt.Sprintf("%d statements", len(parsed.Statements))
	}
	return parsed.Statements[0], ""
}

// walker collects what a syntax tree names.
type walker struct {
	ctes      map[string]bool
	tables    map[string]bool
	functions map[string]bool
	findings  map[string]bool
}

// names collects the names of common table expressions.
func (w *walker) names(node any) {
	switch n := node.(type) {
	case map[string]any:
		if m, ok := n["cte_map"].(map[string]any); ok {
			entries, _ := m["map"].([]any)
			for _, e := range entries {
				if entry, ok := e.(map[string]any); ok {
					if key, ok := entry["key"].(string); ok {
						w.ctes[key] = true
					}
				}
			}
		}
		for v := range maps.Values(n) {
			w.names(v)
		}
	case []any:
		for _, v := range n {
			w.names(v)
		}
	}
}

func (w *walker) walk(node any) {
	switch n := node.(type) {
	case map[string]any:
		w.visit(n)
		for v := range maps.Values(n) {
			w.walk(v)
		}
	case []any:
		for _, v := range n {
			w.walk(v)
		}
	}
}

func (w *walker) visit(n map[string]any) {
	if w.tables == nil {
		w.tables, w.functions, w.findings = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	text := func(key string) string { s, _ := n[key].(string); return s }
	switch {
	case text("type") == "BASE_TABLE":
		if name := text("table_name"); !w.ctes[name] {
			w.tables[name] = true
		}
		if text("alias") == "" {
			w.findings["table "+text("table_name")+" has no alias"] = true
		}
	case text("type") == "TABLE_FUNCTION":
		w.findings["a table function: write a staging relation"] = true
	case text("class") == "FUNCTION" || text("class") == "WINDOW":
		if name := strings.ToLower(text("function_name")); name != "" {
			w.functions[name] = true
		}
	case text("type") == "SELECT_NODE":
		w.stars(n)
	case text("class") == "PARAMETER":
		w.findings["a parameter: relations have none but the table run"] = true
	case text("null_order") == "ORDER_DEFAULT":
		w.findings["ORDER BY without NULLS FIRST or LAST"] = true
	}
	if modifiers, ok := n["modifiers"].([]any); ok {
		w.limits(modifiers)
	}
}

// stars finds a star among the columns of a SELECT. A list of VALUES is kept as a SELECT with a star of its own.
func (w *walker) stars(selectNode map[string]any) {
	if from, ok := selectNode["from_table"].(map[string]any); ok && from["type"] == "EXPRESSION_LIST" {
		return
	}
	list, _ := selectNode["select_list"].([]any)
	for _, column := range list {
		if c, ok := column.(map[string]any); ok && c["class"] == "STAR" {
			w.findings["a star: spell out the columns"] = true
		}
	}
}

// limits finds a LIMIT that takes arbitrary rows.
func (w *walker) limits(modifiers []any) {
	var limit, order bool
	for _, m := range modifiers {
		kind, _ := m.(map[string]any)
		limit = limit || kind["type"] == "LIMIT_MODIFIER"
		order = order || kind["type"] == "ORDER_MODIFIER"
	}
	if limit && !order {
		w.findings["LIMIT without ORDER BY takes arbitrary rows"] = true
	}
}

func TestShippedRelationsArePortable(t *testing.T) {
	relations, err := LoadRelations(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	l := newLinter(t)
	for _, r := range relations {
		for _, f := range l.lint(t, r) {
			t.Errorf("sql/%s: %s", r.Path(), f)
		}
		if first, _, _ := strings.Cut(r.Text, "\n"); !strings.HasPrefix(first, "-- ") || strings.Contains(first, "needs:") {
			t.Errorf("sql/%s does not begin by telling what a row is", r.Path())
		}
		cases, err := fs.Glob(sql.Files, "testdata/"+r.Name+"/*.txtar")
		if err != nil || len(cases) == 0 {
			t.Errorf("sql/%s has no case below sql/testdata/%s (%v)", r.Path(), r.Name, err)
		}
	}
}

// TestEveryPublishedTableIsMade: a published table that no relation fills would be empty for ever, and nobody would notice.
func TestEveryPublishedTableIsMade(t *testing.T) {
	p, err := readPlan(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{givenFinding: true}
	for _, r := range p.relations {
		made[r.Publishes] = true
	}
	for _, name := range publishedNames() {
		if !made[name] {
			t.Errorf("nothing publishes %s", name)
		}
	}
}

// TestTheLintFinds shows each rule a relation that breaks it.
func TestTheLintFinds(t *testing.T) {
	l := newLinter(t)
	for _, c := range []struct{ text, want string }{
		{"SELECT 1 AS a;", "no semicolon"},
		{"SELECT p.a::INTEGER AS a FROM people AS p", "CAST"},
		{"SELECT p.a / p.b AS a FROM people AS p", "share"},
		{`SELECT p.a AS "a b" FROM people AS p`, "need no quotes"},
		{"SELECT [1, 2] AS a", "child table"},
		{"SELECT p.a AS a FROM people AS p QUALIFY row_number() OVER (ORDER BY p.a ASC NULLS LAST) = 1", "row_number() in a CTE"},
		{"SELECT p.a AS a FROM people AS p ASOF JOIN visits AS v ON p.a >= v.a", "row_number"},
		{"SELECT p.a AS a FROM people AS p SEMI JOIN visits AS v ON p.a = v.a", "EXISTS"},
		{"SELECT p.a AS a FROM people AS p WHERE p.a NOT IN (SELECT v.a FROM visits AS v)", "NOT EXISTS"},
		{"SELECT p.a AS a, count(*) AS n FROM people AS p GROUP BY ALL", "the columns"},
		{"SELECT p.* EXCLUDE (a) FROM people AS p", "the columns"},
		{"SELECT p.* FROM people AS p", "a star"},
		{"SELECT p.a AS a FROM people AS p WHERE p.day < current_date", "the table run"},
		{"SELECT p.day + INTERVAL 1 DAY AS a FROM people AS p", "plus_days"},
		{"SELECT extract(dow FROM p.day) AS a FROM people AS p", "weekday_iso"},
		{"SELECT unnest(p.list) AS a FROM people AS p", "plain SQL"},
		{"CREATE TABLE x AS SELECT 1 AS a", "one SELECT"},
		{"SELECT p.a AS a FROM people AS p ORDER BY p.a", "NULLS FIRST or LAST"},
		{"SELECT row_number() OVER (ORDER BY p.a) AS a FROM people AS p", "NULLS FIRST or LAST"},
		{"SELECT p.a AS a FROM people AS p LIMIT 3", "arbitrary rows"},
		{"SELECT avg(p.a) AS a FROM people AS p", "function avg"},
		{"SELECT max_by(p.a, p.b) AS a FROM people AS p", "function max_by"},
		{"SELECT round(p.a) AS a FROM people AS p", "function round"},
		{"SELECT key_text(p.a) AS a FROM people AS p", "function key_text"},
		{"SELECT greatest(p.a, p.b) AS a FROM people AS p", "function greatest"},
		{"SELECT p.a AS a FROM people AS p WHERE p.code = 'http://loinc.org|4548-4'", "name a value set"},
		{`SELECT p.a AS a FROM people AS p WHERE p.a = 'a\b'`, "backslash"},
		{"SELECT p.a AS a FROM people AS p WHERE p.a = $1", "a parameter"},
		{"SELECT p.a AS a FROM people AS p WHERE p.a = ?", "a parameter"},
		{"SELECT people.a AS a FROM people", "no alias"},
		{"SELECT g.a AS a FROM range(3) AS g(a)", "a table function"},
		{"SELECT c.k AS a FROM codes AS c", "fact table codes"},
		{"SELECT c.k AS a FROM cur_patient AS c", "cur_patient, which only staging may"},
		{"SELECT s.a AS a FROM sites AS s", "does not say that it needs it"},
		{"SELECT FROM WHERE", "not one SELECT"},
		{"SELECT 1 AS a; SELECT 2 AS b", "2 statements"},
	} {
		r, err := parseRelation("kpi", "x", "-- A row.\n-- needs: people, visits, codes\n"+c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.lint(t, r); !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s\nfindings %q, want one that says %q", c.text, got, c.want)
		}
	}
}

func TestTheLintLeavesGoodRelationsAlone(t *testing.T) {
	l := newLinter(t)
	r, err := parseRelation("kpi", "x", `-- A row: avg(x) / 2; "quoted" [list] QUALIFY in a comment is fine.
-- needs: people, run
WITH ranked AS (
    SELECT p.patient_id, p.a, /* one / two */ row_number() OVER (PARTITION BY p.patient_id ORDER BY p.a DESC NULLS LAST, p.b ASC NULLS LAST) AS nth
    FROM people AS p
)
SELECT r.patient_id, age_on(r.a, n.as_of) AS age, count(*) FILTER (WHERE r.a IS NOT NULL) AS n, 'it''s "a" [b]; c::d and 1/2' AS words
FROM ranked AS r
CROSS JOIN run AS n
CROSS JOIN (VALUES (1, 2)) AS v(x, y)
WHERE r.nth = 1 AND r.a >= plus_years(n.as_of, -2) AND r.a BETWEEN DATE '2020-01-01' AND n.as_of AND r.patient_id LIKE 'a%'
GROUP BY r.patient_id, age_on(r.a, n.as_of)
ORDER BY r.patient_id ASC NULLS LAST
LIMIT 5
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.lint(t, r); len(got) > 0 {
		t.Errorf("findings %q", got)
	}
	staging, err := parseRelation("staging", "x", "-- A row.\n-- needs: run\nSELECT c.*, [1]::INTEGER[] FROM cur_patient c QUALIFY row_number() OVER (ORDER BY k) = 1")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.lint(t, staging); len(got) > 0 {
		t.Errorf("staging: findings %q", got)
	}
}
