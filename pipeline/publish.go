package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carereach/internal/store"
	"carereach/models"
)

// publishNew publishes the rows in scratch as the newest run.
func (p *Pipeline) publishNew(ctx context.Context, plan plan, res *RunResult, scratch string) error {
	seq, err := p.nextSeq(ctx)
	if err != nil {
		return err
	}
	res.Publication = Publication{Seq: seq, At: p.opts.Now().UTC().Truncate(time.Microsecond)}
	err = p.store.Pipeline(ctx, func(tx *store.Tx) error {
		if err := p.writeRun(ctx, tx, plan, res, scratch); err != nil {
			return err
		}
		if res.Sums, res.Rows, err = sumRun(ctx, tx, res.ID); err != nil {
			return err
		}
		return allPublished(plan, res)
	})
	if err != nil {
		return fmt.Errorf("publish run %s: %w", res.ID, err)
	}
	p.opts.Hooks(HookPublished)
	return nil
}

// finish tells the register that the run stands.
func (p *Pipeline) finish(ctx context.Context, res RunResult) error {
	if err := p.register.Finish(ctx, res.ID, res.Publication); err != nil {
		return fmt.Errorf("run %s is published; register it: %w", res.ID, err)
	}
	p.opts.Hooks(HookRunFinished)
	return nil
}

// writeRun writes the rows of every published table, the row of pub.run and the pointer. All of it belongs in one
// transaction: a reader must never see a run in part.
func (p *Pipeline) writeRun(ctx context.Context, on statements, plan plan, res *RunResult, scratch string) error {
	p.opts.Hooks(HookPublishBegun)
	sources := publishers(plan)
	for _, t := range models.Published {
		if relations := sources[t.Name]; len(relations) > 0 {
			text := runText("insert", map[string]any{"Table": t.Name, "Relations": relations, "Scratch": quote(scratch), "Columns": columnNames(t.Columns)})
			if _, err := on.Exec(ctx, text, string(res.ID)); err != nil {
				return fmt.Errorf("write %s: %w", t.Name, err)
			}
		}
		p.opts.Hooks(HookPublishTable + t.Name)
	}
	in := res.Inputs
	_, err := on.Exec(ctx, runText("run", nil), string(res.ID), in.AsOf.String(), in.Period.Start.String(), in.Period.End.String(), in.Zone, in.Canonical(), res.Seq, res.At)
	if err != nil {
		return fmt.Errorf("write the run: %w", err)
	}
	p.opts.Hooks(HookPublishRun)
	for _, name := range []string{"point", "point_first"} {
		if _, err := on.Exec(ctx, runText(name, nil), in.AsOf.String(), string(res.ID), res.Seq); err != nil {
			return fmt.Errorf("write the pointer: %w", err)
		}
	}
	p.opts.Hooks(HookPublishPointer)
	return nil
}

// publishers gives for each published table the tables of the scratch database that its rows come from.
func publishers(plan plan) map[string][]string {
	out := map[string][]string{givenFinding: {quote(givenFinding)}}
	for _, r := range plan.relations {
		if r.Publishes != "" {
			out[r.Publishes] = append(out[r.Publishes], quote(r.Name))
		}
	}
	return out
}

// allPublished fails when a published table has not the rows that its relations made: the engine is known to have lost some
// without an error (see sql/pipeline/insert.sql).
func allPublished(plan plan, res *RunResult) error {
	want := map[string]int64{givenFinding: int64(len(res.Checks))}
	made := map[string]int64{}
	for _, r := range res.Relations {
		made[r.Name] = r.Rows
	}
	for _, r := range plan.relations {
		if r.Publishes != "" {
			want[r.Publishes] += made[r.Name]
		}
	}
	for name, n := range res.Rows {
		if n != want[name] {
			return &models.Error{Kind: models.KindInternal, Message: fmt.Sprintf("engine kept %d of %d rows of pub.%s", n, want[name], name), Mend: "nothing was published; report this"}
		}
	}
	return nil
}

func columnNames(columns []models.Column) []string {
	var out []string
	for _, c := range columns {
		out = append(out, quote(c.Name))
	}
	return out
}

// sumRun counts and sums the published rows of a run, table by table.
func sumRun(ctx context.Context, tx *store.Tx, id models.RunID) (sums map[string]string, rows map[string]int64, err error) {
	sums, rows = map[string]string{}, map[string]int64{}
	for _, t := range models.Published {
		var names []string
		for _, c := range t.Columns {
			names = append(names, c.Name)
		}
		if rows[t.Name], sums[t.Name], err = store.Checksum(ctx, tx, "pub."+t.Name, names, "run_id = $1", string(id)); err != nil {
			return nil, nil, fmt.Errorf("sum %s: %w", t.Name, err)
		}
	}
	return sums, rows, nil
}

// storedRun is a row of pub.run.
type storedRun struct {
	id     models.RunID
	inputs string
	Publication
}

func (p *Pipeline) storedRuns(ctx context.Context) ([]storedRun, error) {
	var out []storedRun
	err := p.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, runText("runs", nil))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r storedRun
			if err := rows.Scan(&r.id, &r.inputs, &r.Seq, &r.At); err != nil {
				return err
			}
			out = append(out, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list published runs: %w", err)
	}
	return out, nil
}

// nextSeq gives the place of the next publication: after all that store and register know of.
func (p *Pipeline) nextSeq(ctx context.Context) (int64, error) {
	stored, err := p.storedRuns(ctx)
	if err != nil {
		return 0, err
	}
	records, err := p.register.Runs(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the run register: %w", err)
	}
	var last int64
	for _, r := range stored {
		last = max(last, r.Seq)
	}
	for _, r := range records {
		last = max(last, r.Seq)
	}
	return last + 1, nil
}

func (p *Pipeline) recordOf(ctx context.Context, id models.RunID) (Record, error) {
	records, err := p.register.Runs(ctx)
	if err != nil {
		return Record{}, fmt.Errorf("read the run register: %w", err)
	}
	for _, r := range records {
		if r.ID == id {
			return r, nil
		}
	}
	return Record{}, nil
}

// existing fills res from the store when the run is published there.
func (p *Pipeline) existing(ctx context.Context, res *RunResult) (bool, error) {
	stored, err := p.storedRuns(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range stored {
		if r.id == res.ID {
			res.Existing = true
		}
	}
	if !res.Existing {
		return false, nil
	}
	err = p.store.Read(ctx, func(tx *store.Tx) error { return readResult(ctx, tx, res) })
	if err != nil {
		return true, fmt.Errorf("read run %s: %w", res.ID, err)
	}
	return true, nil
}

func readResult(ctx context.Context, tx *store.Tx, res *RunResult) error {
	res.Rows = map[string]int64{}
	for _, t := range models.Published {
		var n int64
		if err := tx.QueryRow(ctx, runText("count", map[string]any{"Table": t.Name}), string(res.ID)).Scan(&n); err != nil {
			return err
		}
		res.Rows[t.Name] = n
	}
	rows, err := tx.Query(ctx, runText("measures", nil), string(res.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m MeasureState
		if err := rows.Scan(&m.ID, &m.Title, &m.State, &m.Reason); err != nil {
			return err
		}
		res.Measures = append(res.Measures, m)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	found, err := tx.Query(ctx, runText("findings", nil), string(res.ID))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var f CheckFinding
		if err := found.Scan(&f.Name, &f.Severity, &f.Rows); err != nil {
			return err
		}
		res.Checks = append(res.Checks, f)
	}
	return found.Err()
}

// differing names the tables whose checksums are not the same, in the order of models.Published.
func differing(want, got map[string]string) []string {
	var out []string
	for _, t := range models.Published {
		if want[t.Name] != got[t.Name] {
			out = append(out, t.Name)
		}
	}
	return out
}

// differs is the error of a run that came out different from what the register says it was.
type differs struct{ tables []string }

func (d *differs) Error() string { return "rows differ in " + strings.Join(d.tables, ", ") }
