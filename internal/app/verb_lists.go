package app

import (
	"context"
	"fmt"
	"iter"

	"carereach/internal/access"
	"carereach/internal/store"
	"carereach/models"
	"carereach/reports"
	"carereach/reports/workbook"
)

// ListArgs are what every list of patients takes beside its filter.
type ListArgs struct {
	AsOf       *models.Date `json:"as_of"`      // nil: the newest run
	Format     string       `json:"format"`     // "": rows in the result; csv or xlsx: a file
	Identified bool         `json:"identified"` // with names and ways to reach the patient, from the vault
	Purpose    string       `json:"purpose"`    // needed when identified
}

// GapsArgs choose a list of care gaps.
type GapsArgs struct {
	ListArgs
	reports.GapFilter
	Count bool `json:"count"` // numbers only, by measure and status
}

// TargetsArgs choose a list of patients to reach.
type TargetsArgs struct {
	ListArgs
	reports.TargetFilter
}

// Exported is the result of a list written as a file.
type Exported struct {
	Run   models.RunID `json:"run"`
	Total int64        `json:"total"`
	Shown int64        `json:"shown"` // rows in the file; the filter's limit leaves out the rest
}

func (c *Call) gapsList(ctx context.Context, in GapsArgs) (any, error) {
	if in.Count {
		return c.gapsCount(ctx, in)
	}
	l := list{args: in.ListArgs, action: "gaps.list", title: "Care gaps", filter: in.Words(), columns: reports.GapColumns()}
	return pageOrFile(ctx, c, l, in.Page, func(tx *store.Tx, run reports.Run, p reports.Page) (reports.List[reports.Gap], error) {
		f := in.GapFilter
		f.Page = p
		return reports.Gaps(ctx, tx, run, f)
	}, func(tx *store.Tx, run reports.Run) iter.Seq2[[]any, error] {
		return reports.GapCells(reports.EachGap(ctx, tx, run, in.GapFilter))
	})
}

// pageOrFile gives the rows of a list as a page, or writes them to the call's file when its arguments name a format. read gives
// one page with the number of all rows, each streams the rows as cells; both read the same snapshot.
func pageOrFile[T any](ctx context.Context, c *Call, l list, p reports.Page, read func(*store.Tx, reports.Run, reports.Page) (reports.List[T], error),
	each func(*store.Tx, reports.Run) iter.Seq2[[]any, error]) (any, error) {
	var page reports.List[T]
	err := c.app.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, l.args.AsOf)
		if err != nil {
			return err
		}
		if l.args.Format == "" {
			page, err = read(tx, run, p)
			return err
		}
		counted, err := read(tx, run, reports.Page{Limit: 1})
		if err != nil {
			return err
		}
		l.run, l.total, l.shown = run, counted.Total, shown(counted.Total, p)
		l.rows = func() iter.Seq2[[]any, error] { return each(tx, run) }
		return c.export(ctx, &l)
	})
	if err != nil {
		return nil, err
	}
	if l.args.Format != "" {
		return Exported{Run: l.run.ID, Total: l.total, Shown: l.written}, nil
	}
	return page, c.app.Guard.Record(ctx, c.Actor, access.Act{Action: l.action, Purpose: access.Operations, Detail: fmt.Sprintf("%d of %d rows, by token: %s", page.Shown, page.Total, l.filter)})
}

// GapCount is the number of gaps of one measure in one state.
type GapCount struct {
	Measure string `json:"measure"`
	Status  string `json:"status"`
	N       int64  `json:"n"`
}

// GapCounts are the gaps of a run by measure and status; they add up to Total.
type GapCounts struct {
	Run   models.RunID `json:"run"`
	Total int64        `json:"total"`
	Shown int          `json:"shown"`
	Rows  []GapCount   `json:"rows"`
}

func (c *Call) gapsCount(ctx context.Context, in GapsArgs) (GapCounts, error) {
	out := GapCounts{Rows: []GapCount{}}
	err := c.app.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, in.AsOf)
		if err != nil {
			return err
		}
		out.Run = run.ID
		rows, err := tx.Query(ctx, "SELECT measure, status, count(*) FROM pub.gap WHERE run_id = ? GROUP BY measure, status ORDER BY measure, status", string(run.ID))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g GapCount
			if err := rows.Scan(&g.Measure, &g.Status, &g.N); err != nil {
				return err
			}
			out.Rows = append(out.Rows, g)
			out.Total += g.N
		}
		return rows.Err()
	})
	out.Shown = len(out.Rows)
	return out, err
}

func (c *Call) targetsList(ctx context.Context, in TargetsArgs) (any, error) {
	l := list{args: in.ListArgs, action: "targets.list", title: "Patients to reach", filter: in.Words(), columns: reports.TargetColumns()}
	return pageOrFile(ctx, c, l, in.Page, func(tx *store.Tx, run reports.Run, p reports.Page) (reports.List[reports.Target], error) {
		f := in.TargetFilter
		f.Page = p
		return reports.Targets(ctx, tx, run, f)
	}, func(tx *store.Tx, run reports.Run) iter.Seq2[[]any, error] {
		return reports.TargetCells(reports.EachTarget(ctx, tx, run, in.TargetFilter))
	})
}

// list is a list on its way into a file. The first column of its rows is the patient's token.
type list struct {
	args    ListArgs
	action  string
	title   string
	filter  string
	run     reports.Run
	total   int64 // rows that fit the filter
	shown   int64 // rows that the page leaves of them
	written int64
	columns []reports.ListColumn
	rows    func() iter.Seq2[[]any, error]
}

// export writes the audit row, and then the file to the caller.
func (c *Call) export(ctx context.Context, l *list) error {
	if l.args.Format != "csv" && l.args.Format != "xlsx" {
		return &models.Error{Kind: models.KindUsage, Message: "a list is written as csv or xlsx", Mend: "name the file with --out and one of these endings"}
	}
	subjects, err := patientsOf(l.rows())
	if err != nil {
		return err
	}
	act := access.Act{Action: l.action, Purpose: access.Operations, Subjects: subjects, Detail: fmt.Sprintf("%d rows as %s: %s", l.total, l.args.Format, l.filter)}
	mark, note := "by token, without identifiers", "Pseudonymous patient data. Keep inside the organisation."
	rows := l.rows()
	if l.args.Identified {
		act.Purpose = access.Purpose(l.args.Purpose)
		grant, err := c.app.Guard.Grant(ctx, c.Actor, act)
		if err != nil {
			return err
		}
		l.columns = append(identityColumns(), l.columns...)
		rows = c.identified(ctx, grant, rows)
		mark, note = fmt.Sprintf("for %s, audit row %d", grant.Purpose(), grant.Audit()), "Identified patient data. For the purpose named above only; do not forward; destroy after use."
	} else if err := c.app.Guard.Record(ctx, c.Actor, act); err != nil {
		return err
	}
	rows = counted(rows, &l.written)
	generated := c.app.now()
	mark = fmt.Sprintf("%s, %s, %s", c.Actor.Name(), generated.UTC().Format("2006-01-02 15:04 MST"), mark)
	return c.writeList(l, mark, note, rows)
}

func (c *Call) writeList(l *list, mark, note string, rows iter.Seq2[[]any, error]) error {
	if l.args.Format == "csv" {
		_, err := reports.WriteCSV(c.Out, l.columns, rows)
		return err
	}
	return workbook.WriteList(c.Out, workbook.ListMeta{Title: l.title, Watermark: mark, Note: note, Run: l.run, Columns: l.columns, Total: l.total, Shown: l.shown, Filters: l.filter,
		Options: workbook.Options{TmpDir: c.app.tmpDir(), Generated: c.app.now(), User: c.Actor.Name()}}, rows)
}

// shown gives how many of total rows a page leaves.
func shown(total int64, p reports.Page) int64 {
	n := max(0, total-p.Offset)
	if p.Limit > 0 {
		n = min(n, p.Limit)
	}
	return n
}

func counted(rows iter.Seq2[[]any, error], n *int64) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil {
				*n++
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// patientsOf collects the patients of a list, each once, in the order of their rows.
func patientsOf(rows iter.Seq2[[]any, error]) ([]models.PatientID, error) {
	var out []models.PatientID
	have := map[models.PatientID]bool{}
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		id, err := models.ParsePatientID(row[0].(string))
		if err != nil {
			return nil, err
		}
		if !have[id] {
			have[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}

// identityColumns are what an identified list has before its own columns.
func identityColumns() []reports.ListColumn {
	return []reports.ListColumn{{Name: "name", Title: "Name", Width: 26}, {Name: "record_number", Title: "Record number", Width: 16}, {Name: "phone", Title: "Telephone", Width: 18},
		{Name: "email", Title: "E-mail", Width: 28}, {Name: "address", Title: "Address", Width: 34}}
}

// identified puts the identity of each row's patient before its cells, opening the vault for a thousand rows at a time.
func (c *Call) identified(ctx context.Context, grant access.Grant, rows iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var chunk [][]any
		flush := func() bool {
			out, err := c.withIdentity(ctx, grant, chunk)
			chunk = chunk[:0]
			if err != nil {
				yield(nil, err)
				return false
			}
			for _, row := range out {
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if chunk = append(chunk, row); len(chunk) == 1000 && !flush() {
				return
			}
		}
		flush()
	}
}

func (c *Call) withIdentity(ctx context.Context, grant access.Grant, rows [][]any) ([][]any, error) {
	ids := make([]models.PatientID, 0, len(rows))
	for _, row := range rows {
		id, err := models.ParsePatientID(row[0].(string))
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := c.app.Guard.Identities(ctx, grant, ids)
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	out := make([][]any, len(rows))
	for i, row := range rows {
		p := personOf(known[ids[i]])
		out[i] = append([]any{p.Name, p.RecordNumber, p.phone(), p.email(), p.address()}, row...)
	}
	return out, nil
}
