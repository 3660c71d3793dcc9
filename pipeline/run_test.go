package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"carereach/internal/store"
	"carereach/models"
)

// notebook is a Register in a file: every call is on disk when it returns, so that it outlives a killed process.
type notebook struct {
	mu   sync.Mutex
	path string // "" keeps it in memory
	book struct {
		Edition  string
		Editions map[string][]Code
		KPI      KPIInputs
		Erased   []time.Time
		Runs     []Record
	}
}

func openNotebook(t testing.TB, path string) *notebook {
	t.Helper()
	n := &notebook{path: path}
	n.book.Editions = map[string][]Code{}
	if path == "" {
		return n
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n
	}
	if err == nil {
		err = json.Unmarshal(text, &n.book)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *notebook) save() error {
	if n.path == "" {
		return nil
	}
	text, err := json.Marshal(n.book)
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(n.path+".new", n.path)
}

func (n *notebook) load(edition string, codes ...Code) {
	n.book.Edition = edition
	n.book.Editions[edition] = codes
}

func (n *notebook) ValueSetEdition(context.Context) (string, error) { return n.book.Edition, nil }

func (n *notebook) ValueSets(_ context.Context, edition string) ([]Code, error) {
	codes, ok := n.book.Editions[edition]
	if !ok {
		return nil, &models.Error{Kind: models.KindNotFound, Message: "no such edition"}
	}
	return codes, nil
}

func (n *notebook) KPIInputs(context.Context) (KPIInputs, error) { return n.book.KPI, nil }

func (n *notebook) ErasedSince(_ context.Context, at time.Time) (count int, err error) {
	for _, e := range n.book.Erased {
		if !e.Before(at) {
			count++
		}
	}
	return count, nil
}

func (n *notebook) put(id models.RunID, change func(r *Record)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.book.Runs, func(r Record) bool { return r.ID == id })
	if i < 0 {
		n.book.Runs = append(n.book.Runs, Record{ID: id})
		i = len(n.book.Runs) - 1
	}
	change(&n.book.Runs[i])
	return n.save()
}

func (n *notebook) Start(_ context.Context, rec Record) error {
	return n.put(rec.ID, func(r *Record) { r.Inputs, r.State, r.Retained = rec.Inputs, StateStarted, true })
}

func (n *notebook) Finish(_ context.Context, id models.RunID, p Publication) error {
	return n.put(id, func(r *Record) { r.State, r.Publication = StatePublished, p })
}

func (n *notebook) Fail(_ context.Context, id models.RunID, reason string) error {
	return n.put(id, func(r *Record) { r.State, r.Reason = StateFailed, reason })
}

func (n *notebook) Runs(context.Context) ([]Record, error) { return slices.Clone(n.book.Runs), nil }

// publishing writes a relation of a published table: the expressions given, NULL for the other columns.
func publishing(table, from string, expressions map[string]string) string {
	t, _ := models.PublishedByName(table)
	var out []string
	for _, c := range t.Columns {
		e, given := expressions[c.Name]
		if !given {
			e = "NULL"
		}
		out = append(out, fmt.Sprintf("CAST(%s AS %s) AS %q", e, c.Type, c.Name))
	}
	return "SELECT " + strings.Join(out, ", ") + "\n" + from
}

// clinicRules is a small set of relations: who is known, one measure over visits coded with the value set "wellness", and
// one over a set that nobody has codes for.
func clinicRules() fstest.MapFS {
	gap := func(measure, from string) string {
		return "-- needs: run, people, valueset, measure\n-- publishes: gap\n" +
			publishing("gap", from, map[string]string{"patient_id": "p.patient_id", "measure": "'" + measure + "'", "as_of": "r.as_of", "status": "CASE WHEN v.n > 0 THEN 'closed' ELSE 'open' END"})
	}
	visits := "FROM people AS p CROSS JOIN run AS r LEFT JOIN (SELECT c.pid, count(*) AS n FROM codes AS c JOIN valueset AS s ON s.code = c.code WHERE s.valueset = '%s' GROUP BY c.pid) AS v ON v.pid = p.pid"
	return files(
		"functions/duckdb.sql", "-- One and one.\nCREATE OR REPLACE MACRO one_more(n) AS n + 1;\n",
		"valuesets/wellness.csv", "system,code\nx,1\n",
		"valuesets/map.csv", "name,oid,title\nwellness,1.1,Wellness\nscan,1.2,Scan\n",
		"staging/people.sql", "-- needs: run, subject, cur_patient\nSELECT p.pid, replace(CAST(s.token AS VARCHAR), '-', '') AS patient_id, one_more(s.bucket) AS b FROM cur_patient AS p JOIN subject AS s ON s.pid = p.pid WHERE NOT s.stub AND p.pid = p.pid0",
		"measures/wellness_visit.sql", "-- measure: wellness_visit | Wellness visit | 1 | higher | preventive\n-- value sets: wellness\n"+gap("wellness_visit", fmt.Sprintf(visits, "wellness")),
		"measures/scan_rule.sql", "-- measure: scan_rule | Scan | 2 | lower | chronic\n-- value sets: wellness, scan\n"+gap("scan_rule", fmt.Sprintf(visits, "scan")),
		"kpi/measure_table.sql", "-- needs: measure\n-- publishes: measure_status\n"+
			publishing("measure_status", "FROM measure AS m", map[string]string{"measure": "m.measure", "title": "m.title", "version": "m.version", "direction": "m.direction", "state": "m.state", "reason": "m.reason"}),
		"kpi/people_list.sql", "-- needs: people\n-- publishes: patient\n"+publishing("patient", "FROM people AS p", map[string]string{"patient_id": "p.patient_id", "bucket": "p.b - 1"}),
		"kpi/unknown_codes.sql", "-- needs: known_code, codes\n-- publishes: code_coverage\n"+publishing("code_coverage",
			"FROM codes AS c LEFT JOIN known_code AS k ON k.code = c.code GROUP BY c.rt", map[string]string{"resource": "c.rt", "uses": "count(*)", "unknown_uses": "count(*) FILTER (WHERE k.code IS NULL)"}),
		"checks/odd_city.sql", "-- needs: run\n-- severity: warning\nSELECT p.ent, p.city FROM cur_patient AS p WHERE p.city = 'odd'",
		"checks/bad_city.sql", "-- needs: run\n-- severity: error\nSELECT p.ent FROM cur_patient AS p WHERE p.city = 'bad'",
	)
}

// clinic is a store with facts, a register and a pipeline over clinicRules.
type clinic struct {
	*history
	register *notebook
	p        *Pipeline
	rules    fstest.MapFS
	clock    time.Time
}

func newClinic(t testing.TB, opts Options) *clinic {
	t.Helper()
	c := &clinic{history: newHistory(t, testStore(t)), register: openNotebook(t, ""), rules: clinicRules(), clock: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	opts.Relations = c.rules
	opts.Now = func() time.Time { c.clock = c.clock.Add(time.Second); return c.clock }
	c.p = New(c.s, c.register, opts)
	c.add(clinicFacts...)
	return c
}

var clinicFacts = []statement{
	{rt: "Patient", id: 1, patient: 1}, {rt: "Patient", id: 2, patient: 2}, {rt: "Patient", id: 3, patient: 3},
	{rt: "Encounter", id: 1, patient: 1, codes: []string{"x|1", "y|9"}}, {rt: "Encounter", id: 2, patient: 9},
	{rt: "PersonLink", id: 3, patient: 3, survivor: 2, linked: true},
}

var day = models.NewDate(2026, 6, 30)

func (c *clinic) run(req RunRequest) RunResult {
	c.t.Helper()
	res, err := c.p.Run(context.Background(), req)
	if err != nil {
		c.t.Fatal(err)
	}
	return res
}

// rows gives one column list of a published table, sorted, of all runs.
func (c *clinic) rows(query string, args ...any) []string {
	c.t.Helper()
	return readLines(c.t, c.s, query, args...)
}

func readLines(t testing.TB, s *store.Store, query string, args ...any) []string {
	t.Helper()
	out := []string{}
	err := s.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(context.Background(), query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			out = append(out, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

const gapLines = "SELECT concat_ws(' ', measure, substr(patient_id, 1, 2), status) FROM pub.gap WHERE run_id = $1"

func TestARunPublishesWhatItsRelationsMade(t *testing.T) {
	c := newClinic(t, Options{Zone: "America/New_York", ConfigHash: "cfg"})
	res := c.run(RunRequest{AsOf: day})
	if d := cmp.Diff([]string{"wellness_visit 01 closed", "wellness_visit 02 open"}, c.rows(gapLines, string(res.ID))); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"Encounter 2 1"}, c.rows("SELECT concat_ws(' ', resource, uses, unknown_uses) FROM pub.code_coverage")); d != "" {
		t.Errorf("code coverage (-want +got):\n%s", d)
	}
	want := Inputs{AsOf: day, Period: models.Period{Start: models.NewDate(2026, 1, 1), End: models.NewDate(2026, 12, 31)}, Zone: "America/New_York",
		KnownTo: KnownTo{{"files", 0, 6}}, Config: "cfg", Code: codeHash(c.rules)}
	if d := cmp.Diff(want, res.Inputs); d != "" {
		t.Errorf("inputs (-want +got):\n%s", d)
	}
	if res.ID != want.RunID() || len(res.ID) != 32 {
		t.Errorf("run id %s", res.ID)
	}
	if d := cmp.Diff([]string{fmt.Sprintf("2026-06-30 2026-01-01 2026-12-31 America/New_York %s 1 %s", res.ID, want.Canonical())},
		c.rows("SELECT concat_ws(' ', as_of, period_start, period_end, zone, run_id, published_seq, inputs) FROM pub.run")); d != "" {
		t.Errorf("run (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"2026-06-30 " + string(res.ID) + " 1"}, c.rows("SELECT concat_ws(' ', as_of, run_id, seq) FROM pub.current")); d != "" {
		t.Errorf("pointer (-want +got):\n%s", d)
	}
	record := c.register.book.Runs[0]
	if record.State != StatePublished || record.Seq != 1 || len(record.Sums) != len(models.Published) || !maps.Equal(record.Sums, res.Sums) {
		t.Errorf("register %+v", record)
	}
	if res.Rows["gap"] != 2 || res.Rows["patient"] != 2 || res.Rows["target"] != 0 {
		t.Errorf("rows %v", res.Rows)
	}
	var names []string
	for _, r := range res.Relations {
		names = append(names, r.Name)
		if r.Took <= 0 {
			t.Errorf("%s took %v", r.Name, r.Took)
		}
	}
	if names[0] != "people" || len(names) != 8 {
		t.Errorf("relations %v", names)
	}
}

func TestAMeasureWithoutCodesIsRefused(t *testing.T) {
	c := newClinic(t, Options{})
	res := c.run(RunRequest{AsOf: day})
	want := []string{"scan_rule refused no codes for scan", "wellness_visit ran"}
	if d := cmp.Diff(want, c.rows("SELECT concat_ws(' ', measure, state, reason) FROM pub.measure_status WHERE run_id = $1", string(res.ID))); d != "" {
		t.Errorf("measures (-want +got):\n%s", d)
	}
	c.register.load("e1", Code{"1.2", "y|9"}, Code{"7.7", "z|1"})
	res = c.run(RunRequest{AsOf: day})
	if res.Existing || res.Inputs.ValueSets != "e1" || res.Seq != 2 {
		t.Errorf("run after loading value sets %+v", res)
	}
	gaps := []string{"scan_rule 01 closed", "scan_rule 02 open", "wellness_visit 01 closed", "wellness_visit 02 open"}
	if d := cmp.Diff(gaps, c.rows(gapLines, string(res.ID))); d != "" {
		t.Errorf("gaps with the set loaded (-want +got):\n%s", d)
	}
}

func TestTheSameQuestionIsOneRun(t *testing.T) {
	c := newClinic(t, Options{})
	first, second := c.run(RunRequest{AsOf: day}), c.run(RunRequest{AsOf: day})
	if second.ID != first.ID || !second.Existing || len(second.Relations) != 0 {
		t.Errorf("second run %+v", second)
	}
	if !maps.Equal(first.Rows, second.Rows) || !maps.Equal(first.Sums, second.Sums) || second.Seq != first.Seq || !second.At.Equal(first.At) {
		t.Errorf("first %+v\nsecond %+v", first.Publication, second.Publication)
	}
	if d := cmp.Diff([]string{"scan_rule refused", "wellness_visit ran"}, []string{string(second.Measures[0].ID) + " " + second.Measures[0].State, string(second.Measures[1].ID) + " " + second.Measures[1].State}); d != "" {
		t.Errorf("measures of an existing run (-want +got):\n%s", d)
	}
	if n := len(c.rows("SELECT run_id FROM pub.run")); n != 1 {
		t.Errorf("%d runs", n)
	}
	known := first.Inputs.KnownTo
	if third := c.run(RunRequest{AsOf: day, KnownTo: &known}); !third.Existing {
		t.Error("naming the present positions makes another run")
	}
}

func TestEveryInputMakesAnotherRun(t *testing.T) {
	base := Inputs{AsOf: day, Period: models.CalendarYear(day), Zone: "UTC", KnownTo: KnownTo{{"a", 0, 1}, {"b", 0, 1}}, ValueSets: "v", KPI: KPIInputs{1, "k"}, Config: "c", Code: "d"}
	seen := map[models.RunID]string{base.RunID(): "base"}
	for name, change := range map[string]func(in *Inputs){
		"as of": func(in *Inputs) { in.AsOf++ }, "period": func(in *Inputs) { in.Period.End++ }, "zone": func(in *Inputs) { in.Zone = "X" },
		"known to": func(in *Inputs) { in.KnownTo = KnownTo{{"a", 0, 1}, {"b", 0, 2}} }, "value sets": func(in *Inputs) { in.ValueSets = "" },
		"kpi": func(in *Inputs) { in.KPI.Seq++ }, "config": func(in *Inputs) { in.Config = "" }, "code": func(in *Inputs) { in.Code = "" },
	} {
		in := base
		change(&in)
		if other, taken := seen[in.RunID()]; taken {
			t.Errorf("%s has the run id of %s", name, other)
		}
		seen[in.RunID()] = name
		back, err := ParseInputs(in.Canonical())
		if err != nil || back.RunID() != in.RunID() {
			t.Errorf("%s read back: %+v, %v", name, back, err)
		}
	}
	turned := base
	turned.KnownTo = KnownTo{{"b", 0, 1}, {"a", 0, 1}}
	if turned.RunID() != base.RunID() {
		t.Error("the order of positions changes the run id")
	}
	if _, err := ParseInputs("{"); models.KindOf(err) != models.KindCorruption {
		t.Errorf("broken inputs: %v", err)
	}
}

func TestWhatComesLaterChangesNoPastRun(t *testing.T) {
	c := newClinic(t, Options{})
	first := c.run(RunRequest{AsOf: day})
	c.add(statement{rt: "Encounter", id: 1, patient: 1, version: 5, retracted: true}, statement{rt: "PersonLink", id: 3, patient: 3, version: 2, survivor: 2}, statement{rt: "Encounter", id: 7, patient: 2, codes: []string{"x|1"}})
	later := c.run(RunRequest{AsOf: day})
	if later.ID == first.ID || later.Existing {
		t.Fatalf("a run over more facts is the same run: %+v", later)
	}
	if d := cmp.Diff([]string{"wellness_visit 01 open", "wellness_visit 02 closed", "wellness_visit 03 open"}, c.rows(gapLines, string(later.ID))); d != "" {
		t.Errorf("later gaps (-want +got):\n%s", d)
	}
	// Another as-of date with the old positions is a run over the past.
	past := c.run(RunRequest{AsOf: day + 1, KnownTo: &first.Inputs.KnownTo})
	if d := cmp.Diff([]string{"wellness_visit 01 closed", "wellness_visit 02 open"}, c.rows(gapLines, string(past.ID))); d != "" {
		t.Errorf("gaps of what was known then (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"2026-06-30 " + string(later.ID), "2026-07-01 " + string(past.ID)}, c.rows("SELECT concat_ws(' ', as_of, run_id) FROM pub.current")); d != "" {
		t.Errorf("pointers (-want +got):\n%s", d)
	}
}

func TestPositionsThatWereNeverReadAreRefused(t *testing.T) {
	c := newClinic(t, Options{})
	for _, known := range []KnownTo{{{"files", 0, 7}}, {{"files", 1, 1}}, {{"other", 0, 1}}} {
		_, err := c.p.Run(context.Background(), RunRequest{AsOf: day, KnownTo: &known})
		if models.KindOf(err) != models.KindNotFound || !strings.Contains(err.Error(), known[0].Log) {
			t.Errorf("known to %v: %v", known, err)
		}
	}
	none := KnownTo{}
	res := c.run(RunRequest{AsOf: day, KnownTo: &none})
	if res.Rows["patient"] != 0 || res.Rows["measure_status"] != 2 {
		t.Errorf("rows when nothing was known %v", res.Rows)
	}
}

func TestChecksStopOrWarn(t *testing.T) {
	c := newClinic(t, Options{})
	c.add(statement{rt: "Patient", id: 1, patient: 1, version: 1, label: "odd"})
	res := c.run(RunRequest{AsOf: day})
	want := []CheckFinding{{Name: "odd_city", Severity: SeverityWarning, Rows: 1, Columns: []string{"ent", "city"}, Sample: [][]string{{entOf("Patient", 1), "odd"}}}}
	if d := cmp.Diff(want, res.Checks); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"odd_city warning 1"}, c.rows(`SELECT concat_ws(' ', check_name, severity, "rows") FROM pub.check_result`)); d != "" {
		t.Errorf("published warnings (-want +got):\n%s", d)
	}
	var many []statement
	for i := range 25 {
		many = append(many, statement{rt: "Patient", id: 100 + i, patient: 100 + i, label: "bad"})
	}
	c.add(many...)
	failed, err := c.p.Run(context.Background(), RunRequest{AsOf: day})
	if models.KindOf(err) != models.KindQuality || !strings.Contains(err.Error(), "bad_city (25 rows)") {
		t.Fatalf("error %v", err)
	}
	if len(failed.Checks) != 2 || len(failed.Checks[0].Sample) != 20 || failed.Checks[0].Rows != 25 {
		t.Errorf("findings %+v", failed.Checks)
	}
	if got := c.rows("SELECT run_id FROM pub.run"); len(got) != 1 {
		t.Errorf("runs after a failed check: %v", got)
	}
	last := c.register.book.Runs[1]
	if last.State != StateFailed || !strings.HasPrefix(last.Reason, "quality: ") {
		t.Errorf("register %+v", last)
	}
	for i := range many {
		many[i].version, many[i].label = 1, "fine"
	}
	c.add(many...)
	if res := c.run(RunRequest{AsOf: day}); res.Seq != 2 {
		t.Errorf("run after the data were mended %+v", res.Publication)
	}
}

func TestBrokenRelationsStopTheRun(t *testing.T) {
	for _, c := range []struct{ why, file, text, want string }{
		{"SQL that does not parse", "kpi/x.sql", "-- needs: run\nSELEC 1", "sql/kpi/x.sql cannot run"},
		{"a table that is not there", "kpi/x.sql", "-- needs: run\nSELECT * FROM nowhere", "sql/kpi/x.sql cannot run"},
		{"a column too few", "kpi/x.sql", "-- needs: run\n-- publishes: check_result\nSELECT 'a' AS check_name, 'b' AS severity", `column 3 is "rows BIGINT", and gives ""`},
		{"a column of another type", "kpi/x.sql", "-- needs: run\n-- publishes: check_result\nSELECT 'a' AS check_name, 'b' AS severity, 1 AS \"rows\"", `and gives "rows INTEGER"`},
		{"a broken function", "functions/duckdb.sql", "CREATE MACRO x AS;", "sql/functions/duckdb.sql has a broken definition"},
		{"a broken value set", "valuesets/wellness.csv", "code\n1\n", "no column system"},
		{"no such need", "kpi/x.sql", "-- needs: nowhere\nSELECT 1 AS a", "needs nowhere"},
	} {
		t.Run(c.why, func(t *testing.T) {
			k := newClinic(t, Options{})
			k.rules[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			_, err := k.p.Run(context.Background(), RunRequest{AsOf: day})
			if models.KindOf(err) != models.KindConfig || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want kind config and %q", err, c.want)
			}
			if n := len(k.rows("SELECT run_id FROM pub.run")); n != 0 {
				t.Errorf("%d runs published", n)
			}
		})
	}
	k := newClinic(t, Options{Zone: "Mars/Olympus"})
	if _, err := k.p.Run(context.Background(), RunRequest{AsOf: day}); models.KindOf(err) != models.KindConfig {
		t.Errorf("unknown zone: %v", err)
	}
}
