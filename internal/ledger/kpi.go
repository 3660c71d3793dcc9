package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"regexp"
	"slices"
	"time"

	"carereach/models"
)

// KPIKind says what an entered value is.
type KPIKind string

// A value of one month that no event gives, the value to compare with, or the value to reach.
const (
	KPIImport   KPIKind = "import"
	KPIBaseline KPIKind = "baseline"
	KPITarget   KPIKind = "target"
)

// KPIValue is one entered value.
type KPIValue struct {
	Seq     int64        `json:"seq"` // order of entry, given by the ledger
	Kind    KPIKind      `json:"kind"`
	KPI     models.KPIID `json:"kpi"`
	From    models.Date  `json:"from"`  // import: first day of the month; baseline, target: first day it holds
	Site    string       `json:"site"`  // "" all sites
	Value   string       `json:"value"` // plain decimal text; "" takes an earlier value back
	Source  string       `json:"source"`
	Owner   string       `json:"owner"`
	Entered time.Time    `json:"entered"` // given by the ledger
}

// KPIState names a state of the entered values: everything up to Seq, with a hash over what is in force then.
type KPIState struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

var decimalText = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)

func (v KPIValue) check() error {
	bad := func(what, mend string) error {
		return &models.Error{Kind: models.KindInvalid, Message: "KPI value " + what, Mend: mend}
	}
	switch {
	case v.Kind != KPIImport && v.Kind != KPIBaseline && v.Kind != KPITarget:
		return bad("is neither import, baseline nor target", "say which")
	case v.KPI == "":
		return bad("names no KPI", "name one of carereach kpi list")
	case v.Kind == KPIImport && v.From != v.From.MonthStart():
		return bad("of an import is not of a month", "give the first day of the month")
	case v.Value != "" && !decimalText.MatchString(v.Value):
		return bad("is not a plain decimal", "write it like 1234.5")
	}
	return nil
}

const kpiColumns = "seq, kind, kpi, first_day, site, value, source, owner, entered"

func (v KPIValue) row() []any {
	return []any{v.Seq, string(v.Kind), string(v.KPI), int64(v.From), v.Site, v.Value, v.Source, v.Owner, micros(v.Entered)}
}

// kpiKey is what an entered value is the value of.
type kpiKey struct {
	kind KPIKind
	kpi  models.KPIID
	from models.Date
	site string
}

func (v KPIValue) key() kpiKey { return kpiKey{v.Kind, v.KPI, v.From, v.Site} }

// PutKPIValues appends values in one transaction and gives the state that results and how many were new. A value equal to the
// one in force is not stored again. Malformed values are errors of models.KindInvalid and store nothing.
func (l *Ledger) PutKPIValues(ctx context.Context, vs []KPIValue) (KPIState, int, error) {
	for _, v := range vs {
		if err := v.check(); err != nil {
			return KPIState{}, 0, err
		}
	}
	var state KPIState
	var added int
	err := l.write(ctx, "enter KPI values", func(tx *sql.Tx) error {
		all, err := l.kpiValues(ctx, tx, -1)
		if err != nil {
			return err
		}
		added = 0
		now := map[kpiKey]KPIValue{}
		for _, v := range all {
			now[v.key()] = v
		}
		for _, v := range vs {
			if old := now[v.key()]; old.Value == v.Value && old.Source == v.Source && old.Owner == v.Owner {
				continue
			}
			v.Seq, v.Entered = int64(len(all))+1, l.now()
			if err := exec(ctx, tx, "INSERT INTO kpi_value ("+kpiColumns+", tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", append(v.row(), l.keys.tag("kpi_value", v.row()...))...); err != nil {
				return err
			}
			all, now[v.key()] = append(all, v), v
			added++
		}
		state = stateOf(all)
		return l.count(ctx, tx, "kpi_value", int64(added))
	})
	if err != nil {
		return KPIState{}, 0, err
	}
	return state, added, nil
}

// kpiValues reads everything entered up to seq (negative: all), in order of entry, checked and complete.
func (l *Ledger) kpiValues(ctx context.Context, tx *sql.Tx, seq int64) ([]KPIValue, error) {
	total, err := l.tally(ctx, tx, "kpi_value")
	if err != nil {
		return nil, err
	}
	if seq < 0 || seq > total {
		seq = total
	}
	out := []KPIValue{}
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var v KPIValue
		var entered int64
		var tag []byte
		if err := rows.Scan(&v.Seq, &v.Kind, &v.KPI, &v.From, &v.Site, &v.Value, &v.Source, &v.Owner, &entered, &tag); err != nil {
			return err
		}
		v.Entered = instant(entered)
		if !l.keys.checkTag(tag, "kpi_value", v.row()...) {
			return damaged("kpi_value", v.Seq, "was changed")
		}
		out = append(out, v)
		if v.Seq != int64(len(out)) {
			return damaged("kpi_value", len(out), "is missing")
		}
		return nil
	}, "SELECT "+kpiColumns+", tag FROM kpi_value WHERE seq <= ? ORDER BY seq", seq)
	if err == nil && int64(len(out)) != seq {
		err = damaged("kpi_value", len(out)+1, "is missing")
	}
	return out, err
}

// inForce keeps the newest value of each key, leaves out those taken back, and sorts.
func inForce(all []KPIValue) []KPIValue {
	newest := map[kpiKey]KPIValue{}
	for _, v := range all {
		newest[v.key()] = v
	}
	out := []KPIValue{}
	for _, v := range newest {
		if v.Value != "" {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b KPIValue) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.KPI, b.KPI), cmp.Compare(a.From, b.From), cmp.Compare(a.Site, b.Site))
	})
	return out
}

// stateOf hashes what is in force, when and by what number it was entered left out.
func stateOf(all []KPIValue) KPIState {
	b := appendText(nil, "carereach kpi values 1")
	for _, v := range inForce(all) {
		for _, x := range v.row()[1:8] {
			b = appendValue(b, x)
		}
	}
	sum := sha256.Sum256(b)
	return KPIState{Seq: int64(len(all)), Hash: hexText(sum[:])}
}

// KPIState gives the present state.
func (l *Ledger) KPIState(ctx context.Context) (KPIState, error) {
	var state KPIState
	err := l.read(ctx, "read KPI values", func(tx *sql.Tx) error {
		all, err := l.kpiValues(ctx, tx, -1)
		state = stateOf(all)
		return err
	})
	return state, err
}

// KPIValues lists what was in force when the state was seq (negative: now): per kind, KPI, first day and site the value
// entered last, ordered by these.
func (l *Ledger) KPIValues(ctx context.Context, seq int64) ([]KPIValue, error) {
	var out []KPIValue
	err := l.read(ctx, "read KPI values", func(tx *sql.Tx) error {
		all, err := l.kpiValues(ctx, tx, seq)
		out = inForce(all)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// KPIHistory lists every value ever entered for a KPI ("" all of them), in order of entry.
func (l *Ledger) KPIHistory(ctx context.Context, kpi models.KPIID) ([]KPIValue, error) {
	out := []KPIValue{}
	err := l.read(ctx, "read KPI values", func(tx *sql.Tx) error {
		all, err := l.kpiValues(ctx, tx, -1)
		for _, v := range all {
			if kpi == "" || v.KPI == kpi {
				out = append(out, v)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
