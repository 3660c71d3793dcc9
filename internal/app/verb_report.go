package app

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/pipeline"
	"carereach/reports"
	"carereach/reports/workbook"
)

// ReportArgs choose a report.
type ReportArgs struct {
	Name string       `json:"name"` // executive
	AsOf *models.Date `json:"as_of"`
	JSON bool         `json:"json"` // the report's values in place of a workbook
}

// ReportResult says what was built; the workbook is the file of the call.
type ReportResult struct {
	Run      models.RunID    `json:"run"`
	AsOf     models.Date     `json:"as_of"`
	Outdated bool            `json:"outdated"` // KPI values were entered after the run was made: analyze again to use them
	Report   *reports.Report `json:"report,omitempty"`
}

func (c *Call) reportBuild(ctx context.Context, in ReportArgs) (ReportResult, error) {
	if in.Name != "executive" {
		return ReportResult{}, &models.Error{Kind: models.KindUsage, Message: "no such report", Mend: "the report there is: executive"}
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "report.build", Detail: in.Name}); err != nil {
		return ReportResult{}, err
	}
	rep, err := c.app.executive(ctx, in.AsOf)
	if err != nil {
		return ReportResult{}, err
	}
	out := ReportResult{Run: rep.Run.ID, AsOf: rep.Run.AsOf, Outdated: rep.Outdated}
	if in.JSON {
		out.Report = &rep
		return out, nil
	}
	return out, workbook.WriteExecutive(c.Out, rep, workbook.Options{TmpDir: c.app.tmpDir(), Generated: c.app.now(), User: c.Actor.Name()})
}

// tmpDir is where a workbook keeps what does not fit in memory: inside the data folder, never in the system's open one.
func (a *App) tmpDir() string { return filepath.Join(a.Dir, "tmp") }

// executive reads the report of the current run of an as-of date.
func (a *App) executive(ctx context.Context, asOf *models.Date) (reports.Report, error) {
	if err := os.MkdirAll(a.tmpDir(), 0o700); err != nil {
		return reports.Report{}, fmt.Errorf("make folder for temporary files: %w", err)
	}
	var rep reports.Report
	err := a.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, asOf)
		if err != nil {
			return err
		}
		prov, err := a.provenance(ctx, run)
		if err != nil {
			return err
		}
		rep, err = reports.Executive(ctx, tx, a.Ledger, run, reports.Request{Organisation: a.Config.Organisation, Currency: a.Config.Currency, ROI: a.Config.ROI, Provenance: prov})
		return err
	})
	return rep, err
}

// provenance says what the run rests on.
func (a *App) provenance(ctx context.Context, run reports.Run) (reports.Provenance, error) {
	p := reports.Provenance{Build: Version + " " + Commit}
	st, err := a.Ingester.Status(ctx)
	if err != nil {
		return p, err
	}
	p.DataThrough = st.Newest
	p.Inputs = []reports.Count{{Name: "stored", Rows: st.Stored}, {Name: "duplicate", Rows: st.Duplicate}, {Name: "ignored", Rows: st.Ignored}, {Name: "quarantined", Rows: st.Quarantined}}
	for _, r := range st.Reasons {
		p.Quarantined = append(p.Quarantined, reports.Count{Name: string(r.Reason) + " " + r.Resource, Rows: r.N})
	}
	in, err := pipeline.ParseInputs(string(run.Inputs))
	if err != nil {
		return p, err
	}
	for _, k := range in.KnownTo {
		p.KnownTo = append(p.KnownTo, fmt.Sprintf("%s/%d up to offset %d", k.Log, k.Partition, k.Next))
	}
	if p.Checksums, err = a.checksums(ctx, run.ID); err != nil {
		return p, err
	}
	edition := in.ValueSets
	if edition == "" {
		edition = "none: only the starter lists that ship with the product"
	}
	p.ValueSets = []reports.Named{{Name: "edition", Text: edition}}
	return p, nil
}

func (a *App) checksums(ctx context.Context, id models.RunID) ([]reports.Named, error) {
	run, err := a.Ledger.Run(ctx, id)
	if err != nil || run.Checksums == "" {
		return nil, err
	}
	sums := map[string]string{}
	if err := json.Unmarshal([]byte(run.Checksums), &sums); err != nil {
		return nil, fmt.Errorf("checksums of run %s: %w", id, err)
	}
	var out []reports.Named
	for _, t := range models.Published {
		out = append(out, reports.Named{Name: t.Name, Text: sums[t.Name]})
	}
	return out, nil
}

// KPIArgs choose KPIs.
type KPIArgs struct {
	AsOf *models.Date `json:"as_of"`
	Site string       `json:"site"`
}

// KPIList is every KPI of the registry, with its value or the reason why there is none.
type KPIList struct {
	Run      models.RunID       `json:"run"`
	AsOf     models.Date        `json:"as_of"`
	Outdated bool               `json:"outdated"`
	Total    int                `json:"total"`
	Shown    int                `json:"shown"`
	Rows     []reports.KPIValue `json:"rows"`
}

func (c *Call) kpiList(ctx context.Context, in KPIArgs) (KPIList, error) {
	var out KPIList
	err := c.app.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, in.AsOf)
		if err != nil {
			return err
		}
		board, err := reports.ReadBoard(ctx, tx, c.app.Ledger, run, c.app.Config.ROI)
		if err != nil {
			return err
		}
		out = KPIList{Run: run.ID, AsOf: run.AsOf, Outdated: board.Outdated(), Rows: board.At(in.Site)}
		return nil
	})
	out.Total, out.Shown = len(out.Rows), len(out.Rows)
	return out, err
}

// KPIEntered is what an import or a goal changed.
type KPIEntered struct {
	Read int   `json:"read"`
	New  int   `json:"new"` // the others were in force already
	Seq  int64 `json:"seq"`
}

// kpiColumns are the columns of an import file, in any order.
var kpiColumns = []string{"kpi", "month", "site", "value", "source", "owner"}

func (c *Call) kpiImport(ctx context.Context, _ None) (KPIEntered, error) {
	name, content, err := c.Files.Next()
	if err != nil {
		return KPIEntered{}, &models.Error{Kind: models.KindUsage, Message: "no file to import", Mend: "carereach kpi import FILE.csv", Cause: err}
	}
	values, err := readKPIFile(name, content)
	if err != nil {
		return KPIEntered{}, err
	}
	return c.enter(ctx, "kpi.import", values)
}

func (c *Call) enter(ctx context.Context, action string, values []ledger.KPIValue) (KPIEntered, error) {
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: action, Detail: fmt.Sprintf("%d values", len(values))}); err != nil {
		return KPIEntered{}, err
	}
	state, fresh, err := c.app.Ledger.PutKPIValues(ctx, values)
	if err != nil {
		return KPIEntered{}, fmt.Errorf("enter KPI values: %w", err)
	}
	return KPIEntered{Read: len(values), New: fresh, Seq: state.Seq}, nil
}

// readKPIFile reads an import file; every mistake names its line and column. Nothing is imported of a file with mistakes.
func readKPIFile(name string, content io.Reader) ([]ledger.KPIValue, error) {
	bad := func(line int, what, mend string) error {
		return &models.Error{Kind: models.KindInvalid, Message: fmt.Sprintf("%s line %d: %s", name, line, what), Mend: mend}
	}
	in := csv.NewReader(content)
	head, err := in.Read()
	if err != nil {
		return nil, bad(1, "no header", "the columns are "+strings.Join(kpiColumns, ", "))
	}
	at := map[string]int{}
	for i, h := range head {
		at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))] = i
	}
	for _, col := range kpiColumns {
		if _, ok := at[col]; !ok {
			return nil, bad(1, "column "+col+" is missing", "the columns are "+strings.Join(kpiColumns, ", "))
		}
	}
	var out []ledger.KPIValue
	for {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			line := 0
			if broken := (*csv.ParseError)(nil); errors.As(err, &broken) {
				line = broken.Line
			}
			return nil, bad(line, "not a row of the header's columns", "check quotes and commas")
		}
		line, _ := in.FieldPos(0)
		get := func(col string) string { return strings.TrimSpace(rec[at[col]]) }
		day, err := readMonth(get("month"))
		if err != nil {
			return nil, bad(line, "month is not YYYY-MM", "write 2026-05")
		}
		if _, ok := models.KPIByID(models.KPIID(get("kpi"))); !ok {
			return nil, bad(line, "unknown kpi", "carereach kpi list shows the ids")
		}
		if err := reports.CheckEntered(models.KPIID(get("kpi")), get("value")); err != nil {
			return nil, bad(line, "value is not a plain number of this KPI's kind", "write rates as 0.153, money as 1234.50")
		}
		out = append(out, ledger.KPIValue{Kind: ledger.KPIImport, KPI: models.KPIID(get("kpi")), From: day, Site: get("site"), Value: get("value"), Source: get("source"), Owner: get("owner")})
	}
}

func readMonth(s string) (models.Date, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		d, derr := models.ParseDate(s)
		return d.MonthStart(), derr
	}
	return models.DateOf(t), nil
}

// GoalArgs set a baseline or a target of a KPI or of a measure's rate.
type GoalArgs struct {
	Kind  ledger.KPIKind `json:"kind"` // baseline or target
	KPI   models.KPIID   `json:"kpi"`  // KPI id, or measure id for a target of its rate
	Site  string         `json:"site"`
	Value string         `json:"value"` // "" takes it back
	From  models.Date    `json:"from"`
	Note  string         `json:"note"`
}

func (c *Call) kpiGoal(ctx context.Context, in GoalArgs) (KPIEntered, error) {
	if in.Kind != ledger.KPIBaseline && in.Kind != ledger.KPITarget {
		return KPIEntered{}, &models.Error{Kind: models.KindUsage, Message: "a baseline or a target can be set", Mend: "carereach kpi baseline set, carereach kpi target set"}
	}
	if in.Value != "" {
		if err := reports.CheckEntered(in.KPI, in.Value); err != nil {
			return KPIEntered{}, err
		}
	}
	return c.enter(ctx, "kpi."+string(in.Kind), []ledger.KPIValue{{Kind: in.Kind, KPI: in.KPI, Site: in.Site, Value: in.Value, From: in.From, Source: in.Note, Owner: c.Actor.Name()}})
}
