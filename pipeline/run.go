package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"
	"time"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// sampleRows is how many offending rows of a check, or patients of a ring, a report shows.
const sampleRows = 20

// runTexts are the statements of sql/pipeline.
var runTexts = template.Must(template.ParseFS(sql.Files, "pipeline/*.sql"))

func runText(name string, data any) string {
	var b strings.Builder
	if err := runTexts.ExecuteTemplate(&b, name+".sql", data); err != nil {
		panic("pipeline: sql/pipeline/" + name + ".sql: " + err.Error()) // fixed when the binary is built; every one runs in tests
	}
	return b.String()
}

// RunRequest asks for the rows of one as-of date.
type RunRequest struct {
	AsOf    models.Date // in the site's zone
	KnownTo *KnownTo    // nil: everything committed when the run starts
}

// RunResult is a published run, or what stopped it.
type RunResult struct {
	ID        models.RunID
	Inputs    Inputs
	Existing  bool // it was published before; nothing was computed
	Fold      FoldReport
	Relations []RelationRun    // in the order they ran; empty for an existing run
	Checks    []CheckFinding   // checks that found something
	Measures  []MeasureState   // one per measure, by id
	Rows      map[string]int64 // published rows per table
	Scratch   string           // file of the scratch database, when it was kept
	Publication

	erased []string // tables that a republished run has without patients erased since
}

// RelationRun is one relation of a run.
type RelationRun struct {
	Layer string
	Name  string
	Rows  int64
	Took  time.Duration
}

// MeasureState says whether a measure ran, and why not: the value sets for which no code is known.
type MeasureState struct {
	ID     models.MeasureID `json:"measure"`
	Title  string           `json:"title"`
	State  string           `json:"state"`            // MeasureRan or MeasureRefused
	Reason string           `json:"reason,omitempty"` // why it was refused

	relation, version, direction, purpose, unloaded string
}

// CheckFinding is one check with offending rows.
type CheckFinding struct {
	Name     string     `json:"check"`
	Severity string     `json:"severity"` // SeverityError or SeverityWarning
	Rows     int64      `json:"rows"`
	Columns  []string   `json:"columns,omitempty"`
	Sample   [][]string `json:"sample,omitempty"` // up to 20 rows; empty for an existing run. The store holds no identifiers
}

// Run folds what is new, makes every relation in the order of its needs in a scratch database, runs the checks and
// publishes the rows atomically. The same inputs give the same run: it is returned as it stands and never published twice.
// Errors: KindQuality when a check of severity error found rows (the result tells which), KindConfig when a relation, a
// value set file or the zone is broken, KindNotFound when KnownTo asks for more than the store has read. Nothing is
// published on error.
func (p *Pipeline) Run(ctx context.Context, req RunRequest) (RunResult, error) {
	p.runs.Lock()
	defer p.runs.Unlock()
	if _, err := time.LoadLocation(p.opts.Zone); err != nil {
		return RunResult{}, &models.Error{Kind: models.KindConfig, Message: "zone of the site is not known", Mend: "write an IANA zone such as America/New_York", Cause: err}
	}
	plan, err := readPlan(p.opts.Relations)
	if err != nil {
		return RunResult{}, err
	}
	if err := p.reconcile(ctx); err != nil {
		return RunResult{}, err
	}
	in, err := p.inputs(ctx, req)
	if err != nil {
		return RunResult{}, err
	}
	return p.run(ctx, plan, in, req.KnownTo == nil)
}

// plan is the set of relations in the order they run, with the functions they call.
type plan struct {
	fsys      fs.FS
	functions []string
	relations []Relation
}

func readPlan(fsys fs.FS) (plan, error) {
	relations, err := LoadRelations(fsys)
	if err != nil {
		return plan{}, err
	}
	ordered, err := inOrder(relations, givenTables())
	if err != nil {
		return plan{}, err
	}
	functions, err := readFunctions(fsys)
	return plan{fsys, functions, ordered}, err
}

// readFunctions takes functions/duckdb.sql apart: one definition a line, comments between them.
func readFunctions(fsys fs.FS) ([]string, error) {
	text, err := fs.ReadFile(fsys, "functions/duckdb.sql")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read functions: %w", err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			out = append(out, line)
		}
	}
	return out, nil
}

// inputs are those of a run that starts now.
func (p *Pipeline) inputs(ctx context.Context, req RunRequest) (Inputs, error) {
	edition, err := p.register.ValueSetEdition(ctx)
	if err != nil {
		return Inputs{}, fmt.Errorf("read value sets: %w", err)
	}
	kpi, err := p.register.KPIInputs(ctx)
	if err != nil {
		return Inputs{}, fmt.Errorf("read KPI inputs: %w", err)
	}
	in := Inputs{AsOf: req.AsOf, Period: models.CalendarYear(req.AsOf), Zone: p.opts.Zone, ValueSets: edition, KPI: kpi,
		Config: p.opts.ConfigHash, Code: codeHash(p.opts.Relations)}
	if req.KnownTo != nil {
		in.KnownTo = req.KnownTo.Sorted()
	}
	return in, nil
}

// run folds, takes a snapshot, computes and publishes. With now set, known_to becomes what the fold found.
func (p *Pipeline) run(ctx context.Context, plan plan, in Inputs, now bool) (RunResult, error) {
	p.turn.Lock()
	release := releaseOnce(p.turn.Unlock)
	defer release()
	fold, err := p.foldStore(ctx, false)
	if err != nil {
		return RunResult{}, err
	}
	if now {
		in.KnownTo = fold.KnownTo
	}
	res := RunResult{ID: in.RunID(), Inputs: in, Fold: fold}
	if err := in.KnownTo.within(fold.KnownTo); err != nil {
		return res, err
	}
	before, err := p.recordOf(ctx, res.ID)
	if err != nil {
		return res, err
	}
	if published, err := p.existing(ctx, &res); published || err != nil {
		res.Publication = before.Publication
		return res, err
	}
	if before.State == StatePublished { // the store was rebuilt since: publish it again as it was
		return res, p.again(ctx, plan, &res, before.Publication, release)
	}
	if err := p.register.Start(ctx, Record{ID: res.ID, Inputs: in, State: StateStarted}); err != nil {
		return res, fmt.Errorf("register run %s: %w", res.ID, err)
	}
	p.opts.Hooks(HookRunStarted)
	stands := false
	err = p.compute(ctx, plan, &res, release, func(scratch string) error {
		err := p.publishNew(ctx, plan, &res, scratch)
		stands = err == nil
		return err
	})
	switch {
	case stands:
		return res, errors.Join(err, p.finish(ctx, res))
	default: // what happened is recorded even when the caller has given up
		if ferr := p.register.Fail(context.WithoutCancel(ctx), res.ID, string(models.KindOf(err))+": "+err.Error()); ferr != nil {
			err = errors.Join(err, fmt.Errorf("register the failure of run %s: %w", res.ID, ferr))
		}
		return res, err
	}
}

// releaseOnce makes f safe to be called twice.
func releaseOnce(f func()) func() {
	done := false
	return func() {
		if !done {
			done = true
			f()
		}
	}
}

// compute makes and checks every relation of the run over one snapshot and hands the scratch database to use. snapshot is
// called as soon as the snapshot is taken: from then on folds may go on.
func (p *Pipeline) compute(ctx context.Context, plan plan, res *RunResult, snapshot func(), use func(scratch string) error) (err error) {
	var loaded []Code
	if edition := res.Inputs.ValueSets; edition != "" { // "" is the edition of a site that had loaded none
		if loaded, err = p.register.ValueSets(ctx, edition); err != nil {
			return fmt.Errorf("read value sets: %w", err)
		}
	}
	codes, err := readCodeLists(plan.fsys, loaded)
	if err != nil {
		return err
	}
	main, err := p.catalog(ctx)
	if err != nil {
		return err
	}
	scratch, err := p.store.Scratch(ctx, "run_"+string(res.ID[:16]))
	if err != nil {
		return fmt.Errorf("run %s: %w", res.ID, err)
	}
	defer func() { err = errors.Join(err, p.done(scratch, res)) }() //nolint:contextcheck // put away even when the caller has given up
	var failed error
	err = scratch.Snapshot(ctx, func(tx *store.Tx) error {
		if _, err := readPositions(ctx, tx); err != nil { // the first look at the main tables takes the snapshot
			return err
		}
		snapshot()
		if !slices.Equal(res.Inputs.KnownTo.Sorted(), res.Fold.KnownTo) {
			if err := foldPast(ctx, tx, main, res.Inputs.KnownTo); err != nil {
				return fmt.Errorf("fold what was known then: %w", err)
			}
		}
		failed = makeRelations(ctx, duck{tx, scratch.Name()}, plan, codes, res)
		if p.opts.KeepScratch {
			return nil // what was made so far is to be looked at
		}
		return failed
	})
	if err = cmp.Or(failed, err); err != nil {
		return fmt.Errorf("run %s: %w", res.ID, err)
	}
	p.opts.Hooks(HookRunComputed)
	return use(scratch.Name())
}

// done closes the scratch database, or keeps it when that is asked for.
func (p *Pipeline) done(scratch *store.Scratch, res *RunResult) error {
	var err error
	if p.opts.KeepScratch {
		res.Scratch, err = scratch.Keep()
	} else {
		err = scratch.Close()
	}
	if err != nil {
		return fmt.Errorf("put the scratch database away: %w", err)
	}
	return nil
}

// catalog gives the name by which other databases see the main one.
func (p *Pipeline) catalog(ctx context.Context) (name string, err error) {
	err = p.store.Read(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "SELECT current_database()").Scan(&name)
	})
	if err != nil {
		return "", fmt.Errorf("name the store: %w", err)
	}
	return name, nil
}

// makeRelations makes the given tables and every relation, and runs the checks. It fails with KindQuality when a check of
// severity error found rows.
func makeRelations(ctx context.Context, e Engine, plan plan, codes codeLists, res *RunResult) error {
	for _, f := range plan.functions {
		if err := e.Define(ctx, f); err != nil {
			return &models.Error{Kind: models.KindConfig, Message: "sql/functions/duckdb.sql has a broken definition", Mend: "correct it", Cause: err}
		}
	}
	res.Measures = judgeMeasures(plan.relations, codes)
	refused := map[string]bool{}
	for _, m := range res.Measures {
		refused[m.relation] = m.State == MeasureRefused
	}
	for _, t := range givenBefore(res.Inputs, codes, res.Measures) {
		if err := e.Load(ctx, t.name, t.columns, t.rows); err != nil {
			return err
		}
	}
	for _, r := range plan.relations {
		start := time.Now()
		n, err := e.Make(ctx, r.Name, r.Text, refused[r.Name])
		if err != nil {
			return wrongRelation(ctx, r, err)
		}
		if err := conforms(ctx, e, r); err != nil {
			return err
		}
		res.Relations = append(res.Relations, RelationRun{r.Layer, r.Name, n, time.Since(start)})
		if r.Layer == "checks" && n > 0 {
			f := CheckFinding{Name: r.Name, Severity: r.Severity, Rows: n}
			if f.Columns, f.Sample, err = e.Read(ctx, r.Name, sampleRows); err != nil {
				return err
			}
			res.Checks = append(res.Checks, f)
		}
	}
	slices.SortFunc(res.Checks, func(a, b CheckFinding) int { return strings.Compare(a.Name, b.Name) })
	if err := judgeChecks(res.Checks); err != nil {
		return err
	}
	t := givenFindings(res.Checks)
	return e.Load(ctx, t.name, t.columns, t.rows)
}

// wrongRelation tells a relation that cannot run from a run that was stopped or ran out of room.
func wrongRelation(ctx context.Context, r Relation, err error) error {
	if ctx.Err() != nil || models.KindOf(err) == models.KindUnavail {
		return fmt.Errorf("make sql/%s: %w", r.Path(), err)
	}
	return &models.Error{Kind: models.KindConfig, Message: "sql/" + r.Path() + " cannot run", Mend: "correct the relation", Cause: err}
}

// judgeChecks fails when a check of severity error found rows.
func judgeChecks(findings []CheckFinding) error {
	var bad []string
	for _, f := range findings {
		if f.Severity == SeverityError {
			bad = append(bad, fmt.Sprintf("%s (%d rows)", f.Name, f.Rows))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &models.Error{Kind: models.KindQuality, Message: "checks found rows that must not be: " + strings.Join(bad, ", "),
		Mend: "nothing was published; correct the data at their source, or the rule, and run again"}
}

// conforms holds a relation that is published to the columns of its table, names, order and types.
func conforms(ctx context.Context, e Engine, r Relation) error {
	if r.Publishes == "" {
		return nil
	}
	want, _ := models.PublishedByName(r.Publishes)
	got, err := e.Columns(ctx, r.Name)
	if err != nil {
		return err
	}
	for i := range max(len(want.Columns), len(got)) {
		var w, g string
		if i < len(want.Columns) {
			w = want.Columns[i].Name + " " + want.Columns[i].Type
		}
		if i < len(got) {
			g = got[i].Name + " " + got[i].Type
		}
		if w != g {
			return broken(r.Path(), fmt.Sprintf("publishes %s, whose column %d is %q, and gives %q", r.Publishes, i+1, w, g), "give the columns of models.Published in their order, cast to their types")
		}
	}
	return nil
}
