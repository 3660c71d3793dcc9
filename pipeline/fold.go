package pipeline

import (
	"context"
	"crypto/sha256"
	stdsql "database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// foldTexts are the statements of sql/fold. They name tables and columns of models.FactTypes; values are parameters.
var foldTexts = template.Must(template.ParseFS(sql.Files, "fold/*.sql"))

// statements is what the fold needs of a connection: store.Tx and store.Scratch have it.
type statements interface {
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	Query(ctx context.Context, query string, args ...any) (*stdsql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *stdsql.Row
}

// foldType is what a statement of sql/fold may name.
type foldType struct {
	Name    string
	Version string
	Current string
	Columns []string
	Codes   string // column exploded into codes; "" none
	Subject bool
	Full    bool // every entity is folded, into empty tables
}

func foldTypes(full bool) []foldType {
	out := make([]foldType, 0, len(models.FactTypes))
	for _, t := range models.FactTypes {
		f := foldType{Name: t.Name, Version: t.VersionTable(), Current: t.CurrentTable(), Codes: t.CodeFrom, Subject: t.Subject, Full: full}
		for _, c := range t.Columns() {
			f.Columns = append(f.Columns, quote(c.Name))
		}
		out = append(out, f)
	}
	return out
}

// quote makes an identifier of a name of our own.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func foldText(name string, data any) string {
	var b strings.Builder
	if err := foldTexts.ExecuteTemplate(&b, name+".sql", data); err != nil {
		panic("pipeline: sql/fold/" + name + ".sql: " + err.Error()) // fixed when the binary is built; every one runs in tests
	}
	return b.String()
}

// foldRules names the rules of folding: the statements and the columns they work on. A store folded by other rules is
// folded anew by the next Fold.
func foldRules() string {
	h := sha256.New()
	for _, name := range foldNames() {
		fmt.Fprintf(h, "%s\n%s\n", name, sql.Text("fold/"+name))
	}
	for _, t := range foldTypes(true) {
		fmt.Fprintf(h, "%v\n", t)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func foldNames() []string {
	entries, err := sql.Files.ReadDir("fold")
	if err != nil {
		panic("pipeline: sql/fold is not embedded: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// joined writes numbers as the list that statements take apart again.
func joined(pids iter.Seq[int64]) string {
	var b []byte
	for pid := range pids {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, pid, 10)
	}
	return string(b)
}

// foldStore folds the stored versions; turn must be held.
func (p *Pipeline) foldStore(ctx context.Context, anew bool) (FoldReport, error) {
	start := p.opts.Now()
	var f *folder
	err := p.store.Pipeline(ctx, func(tx *store.Tx) error {
		var err error
		f, err = p.foldIn(ctx, tx, anew)
		return err
	})
	if err != nil {
		return FoldReport{}, fmt.Errorf("fold: %w", err)
	}
	p.opts.Hooks(HookFoldCommitted)
	f.report.Took = p.opts.Now().Sub(start)
	return f.report, nil
}

func (p *Pipeline) foldIn(ctx context.Context, on statements, anew bool) (*folder, error) {
	var folded stdsql.NullInt64
	var rules, merges string
	if err := on.QueryRow(ctx, foldText("state", nil)).Scan(&folded, &rules, &merges); err != nil {
		return nil, fmt.Errorf("read what was folded: %w", err)
	}
	f := &folder{on: on, hook: p.opts.Hooks, full: anew || !folded.Valid || rules != foldRules()}
	if err := json.Unmarshal([]byte(merges), &f.report.Merges); err != nil {
		return nil, &models.Error{Kind: models.KindCorruption, Message: "what the last fold remembered of merges cannot be read", Mend: "rebuild the analytics store", Cause: err}
	}
	watermark := folded.Int64
	if f.full {
		watermark = -1
		if err := f.clear(ctx); err != nil {
			return nil, err
		}
	}
	fresh, newest, err := f.arrived(ctx, watermark)
	if err != nil {
		return nil, err
	}
	if newest < watermark { // erased, and nothing came since: start from what is left, its keys will be given again
		if _, newest, err = f.arrived(ctx, -1); err != nil {
			return nil, err
		}
	}
	if f.report.KnownTo, err = readPositions(ctx, on); err != nil {
		return nil, err
	}
	p.opts.Hooks(HookFoldBegun)
	if err := f.fold(ctx, watermark, fresh); err != nil {
		return nil, err
	}
	f.report.Full = f.full
	f.report.Folded = newest
	if f.full || newest != watermark {
		if _, err := f.exec(ctx, "forget", nil); err != nil {
			return nil, err
		}
		if _, err := f.exec(ctx, "remember", nil, newest, foldRules(), asJSON(f.report.Merges)); err != nil {
			return nil, err
		}
	}
	p.opts.Hooks(HookFoldDone)
	if err := on.QueryRow(ctx, foldText("stub_count", nil)).Scan(&f.report.Stubs); err != nil {
		return nil, fmt.Errorf("count stubs: %w", err)
	}
	return f, nil
}

func readPositions(ctx context.Context, on statements) (KnownTo, error) {
	rows, err := on.Query(ctx, foldText("positions", nil))
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	defer rows.Close()
	known := KnownTo{}
	for rows.Next() {
		var e LogEnd
		if err := rows.Scan(&e.Log, &e.Partition, &e.Next); err != nil {
			return nil, fmt.Errorf("read positions: %w", err)
		}
		known = append(known, e)
	}
	return known.Sorted(), rows.Err()
}

// folder folds the versions above a watermark on one connection, inside the transaction of its caller.
type folder struct {
	on     statements
	hook   func(point string)
	full   bool
	report FoldReport
}

// clear empties what a full fold fills.
func (f *folder) clear(ctx context.Context) error {
	names := []string{"codes", "person"}
	for _, t := range foldTypes(true) {
		names = append(names, t.Current)
	}
	for _, name := range names {
		if _, err := f.exec(ctx, "clear", name); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) exec(ctx context.Context, name string, data any, args ...any) (int64, error) {
	n, err := f.on.Exec(ctx, foldText(name, data), args...)
	if err != nil {
		return 0, fmt.Errorf("fold, statement %s: %w", name, err)
	}
	return n, nil
}

// arrived tells how many versions of each type are newer than the watermark, and the newest row key from the watermark on;
// -1 when there is none, not even the watermark's own.
func (f *folder) arrived(ctx context.Context, watermark int64) (fresh map[string]int64, newest int64, err error) {
	rows, err := f.on.Query(ctx, foldText("arrived", map[string]any{"Types": foldTypes(f.full)}), watermark)
	if err != nil {
		return nil, 0, fmt.Errorf("fold, look for new versions: %w", err)
	}
	defer rows.Close()
	fresh, newest = map[string]int64{}, -1
	for rows.Next() {
		var rt string
		var n int64
		var k stdsql.NullInt64
		if err := rows.Scan(&rt, &n, &k); err != nil {
			return nil, 0, fmt.Errorf("fold, look for new versions: %w", err)
		}
		fresh[rt] = n
		newest = max(newest, k.Int64)
	}
	return fresh, newest, rows.Err()
}

// fold brings the current tables up to date with the versions above the watermark. A full fold expects them empty.
func (f *folder) fold(ctx context.Context, watermark int64, fresh map[string]int64) error {
	if f.full || fresh["PersonLink"] > 0 || fresh["Patient"] > 0 {
		if err := f.persons(ctx); err != nil {
			return err
		}
		f.hook(HookFoldPersons)
	}
	codes, err := f.count(ctx, "codes")
	if err != nil {
		return err
	}
	var coded []foldType
	for _, t := range foldTypes(f.full) {
		if fresh[t.Name] == 0 {
			continue
		}
		f.report.Versions += fresh[t.Name]
		dropped, err := f.foldType(ctx, t, watermark)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if t.Codes != "" {
			coded = append(coded, t)
			codes -= dropped
		}
		f.hook(HookFoldType)
	}
	if len(coded) > 0 {
		n, err := f.exec(ctx, "insert_codes", coded)
		if err != nil {
			return err
		}
		if err := f.expect(ctx, "codes", codes+n); err != nil {
			return err
		}
	}
	if err := f.tidy(ctx, fresh); err != nil {
		return err
	}
	return f.stubs(ctx, watermark, fresh)
}

// stubs marks the subjects whose Patient has arrived.
func (f *folder) stubs(ctx context.Context, watermark int64, fresh map[string]int64) (err error) {
	switch {
	case f.full:
		_, err = f.exec(ctx, "stubs", foldType{Full: true})
	case fresh["Patient"] > 0:
		_, err = f.exec(ctx, "stubs", foldType{}, watermark)
	}
	return err
}

// foldType replaces the current rows of entities whose winner changed, and takes the codes of replaced rows away.
func (f *folder) foldType(ctx context.Context, t foldType, watermark int64) (codes int64, err error) {
	rows, err := f.count(ctx, t.Current)
	if err != nil {
		return 0, err
	}
	if t.Full {
		_, err = f.exec(ctx, "winner", t)
	} else {
		codes, err = f.replaced(ctx, t, watermark)
	}
	if err != nil {
		return 0, err
	}
	if _, err := f.exec(ctx, "come", t); err != nil {
		return 0, err
	}
	come, err := f.exec(ctx, "insert_current", t)
	if err != nil {
		return 0, err
	}
	f.report.Come += come
	gone := int64(0)
	if !t.Full {
		if gone, err = f.count(ctx, "fold_gone"); err != nil {
			return 0, err
		}
		f.report.Gone += gone
	}
	return codes, f.expect(ctx, t.Current, rows-gone+come)
}

// replaced deletes the current rows of touched entities that win no longer, and tells how many codes went with them.
func (f *folder) replaced(ctx context.Context, t foldType, watermark int64) (codes int64, err error) {
	if _, err := f.exec(ctx, "touched", t, watermark); err != nil {
		return 0, err
	}
	for _, name := range []string{"winner", "gone"} {
		if _, err := f.exec(ctx, name, t); err != nil {
			return 0, err
		}
	}
	if t.Codes != "" {
		if codes, err = f.exec(ctx, "delete_codes", t); err != nil {
			return 0, err
		}
	}
	_, err = f.exec(ctx, "delete_current", t)
	return codes, err
}

func (f *folder) count(ctx context.Context, table string) (n int64, err error) {
	if err := f.on.QueryRow(ctx, foldText("count", table)).Scan(&n); err != nil {
		return 0, fmt.Errorf("fold, count %s: %w", table, err)
	}
	return n, nil
}

// expect fails when a table has not the rows that the statements said they wrote. The engine is known to have lost some
// without an error (see sql/fold/insert_codes.sql); a fold in which that happens must not stand.
func (f *folder) expect(ctx context.Context, table string, want int64) error {
	n, err := f.count(ctx, table)
	if err == nil && n != want {
		err = &models.Error{Kind: models.KindInternal, Message: fmt.Sprintf("engine kept %d of %d rows of %s", n, want, table), Mend: "nothing was changed; report this"}
	}
	return err
}

// tidy drops the temporary tables, which would live as long as the connection.
func (f *folder) tidy(ctx context.Context, fresh map[string]int64) error {
	names := []string{"touched", "winner", "gone"}
	for _, t := range foldTypes(f.full) {
		if fresh[t.Name] > 0 {
			names = append(names, "come_"+t.Current)
		}
	}
	for _, name := range names {
		if _, err := f.exec(ctx, "drop", name); err != nil {
			return err
		}
	}
	return nil
}

// persons works out who stands for whom and moves the current rows of patients whose survivor changed.
func (f *folder) persons(ctx context.Context) error {
	f.report.Merges = Merges{}
	links, err := f.pairs(ctx, foldText("links", nil))
	if err != nil {
		return fmt.Errorf("fold, read merges: %w", err)
	}
	before, err := f.pairs(ctx, foldText("persons", nil))
	if err != nil {
		return fmt.Errorf("fold, read persons: %w", err)
	}
	merged := make(map[int64]int64, len(links))
	for pid, into := range links {
		if !into.Valid {
			f.report.Waiting++
			continue
		}
		merged[pid] = into.Int64
	}
	after, rings := resolvePersons(merged)
	f.report.RingCount = int64(len(rings))
	if err := f.nameRings(ctx, rings[:min(len(rings), sampleRows)]); err != nil {
		return err
	}
	moved := map[int64]int64{}
	for pid, survivor := range after {
		if before[pid].Int64 != survivor || !before[pid].Valid {
			moved[pid] = survivor
		}
	}
	for pid := range before {
		if _, still := after[pid]; !still {
			moved[pid] = pid
		}
	}
	return f.move(ctx, moved)
}

func (f *folder) pairs(ctx context.Context, query string) (map[int64]stdsql.NullInt64, error) {
	rows, err := f.on.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]stdsql.NullInt64{}
	for rows.Next() {
		var pid int64
		var to stdsql.NullInt64
		if err := rows.Scan(&pid, &to); err != nil {
			return nil, err
		}
		out[pid] = to
	}
	return out, rows.Err()
}

// nameRings puts the tokens of a few ring patients into the report.
func (f *folder) nameRings(ctx context.Context, pids []int64) error {
	if len(pids) == 0 {
		return nil
	}
	rows, err := f.on.Query(ctx, foldText("tokens", nil), joined(slices.Values(pids)))
	if err != nil {
		return fmt.Errorf("fold, name patients of a ring: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("fold, name patients of a ring: %w", err)
		}
		token, err := models.ParsePatientID(text)
		if err != nil {
			return err
		}
		f.report.Rings = append(f.report.Rings, token)
	}
	return rows.Err()
}

// move gives the patients in moved their new survivor and takes their current rows and codes along.
func (f *folder) move(ctx context.Context, moved map[int64]int64) error {
	f.report.Moved = int64(len(moved))
	if len(moved) == 0 {
		return nil
	}
	var from, to []int64
	for pid, survivor := range moved {
		from, to = append(from, pid), append(to, survivor)
	}
	if _, err := f.exec(ctx, "moved", nil, joined(slices.Values(from)), joined(slices.Values(to))); err != nil {
		return err
	}
	for _, name := range []string{"delete_person", "insert_person"} {
		if _, err := f.exec(ctx, name, nil); err != nil {
			return err
		}
	}
	if !f.full { // a full fold fills its tables after this, with the survivors in place
		for _, t := range foldTypes(false) {
			if !t.Subject {
				continue
			}
			if t.Codes != "" {
				if _, err := f.exec(ctx, "move_codes", t); err != nil {
					return err
				}
			}
			if _, err := f.exec(ctx, "move_current", t); err != nil {
				return err
			}
		}
	}
	_, err := f.exec(ctx, "drop", "moved")
	return err
}
