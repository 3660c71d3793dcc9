package reports

import (
	"fmt"
	"strings"

	"carereach/models"
)

// KPIRow is one row of pub.kpi.
type KPIRow struct {
	KPI         models.KPIID
	Span        string // models.SpanMonth, SpanYear, SpanYearPast
	Month       models.Date
	Site        string // "" all
	Numerator   *Number
	Denominator *Number // nil or 0: no data
	Excluded    int64
}

// State says where a value comes from.
type State string

// A value is measured from events, imported by a person, or there is none and Reason says why.
const (
	Measured State = "measured"
	Imported State = "imported"
	NoData   State = "no_data"
)

// Word is the state as people read it.
func (s State) Word() string { return strings.ReplaceAll(string(s), "_", " ") }

// Status is a value against its target: always a shape and a word, so that nothing is said by colour alone.
type Status string

// On target; near, short of it by at most a tenth of the target; off. Empty when there is no value or no target.
const (
	OnTarget Status = "● On target"
	Near     Status = "▲ Near"
	Off      Status = "■ Off"
)

// nearPercent is how far a value may fall short of its target and still be near it, in percent of the target.
const nearPercent = 10

// KPIFacts is all that the value of one KPI rests on. Rows and imports of other KPIs and sites are passed over.
type KPIFacts struct {
	AsOf     models.Date
	Site     string // "" the whole organisation
	Rows     []KPIRow
	Imports  []Import
	Baseline *Goal
	Target   *Goal
}

// KPIValue is one KPI with everything it is shown with. Amounts are exact; a rate is between 0 and 1.
type KPIValue struct {
	ID          models.KPIID     `json:"id"`
	Name        string           `json:"name"`
	Unit        models.Unit      `json:"unit"`
	Direction   models.Direction `json:"direction"`
	Site        string           `json:"site,omitempty"`
	State       State            `json:"state"`
	Value       *Number          `json:"value"` // nil when State is NoData
	Numerator   *Number          `json:"numerator"`
	Denominator *Number          `json:"denominator"`
	Excluded    int64            `json:"excluded"`
	Reason      string           `json:"reason,omitempty"`   // why there is no data, or what an imported value is made of
	Imported    *ImportedValue   `json:"imported,omitempty"` // also beside a measured value, which wins
	Prior       *Number          `json:"prior"`              // the same for the twelve months before
	Baseline    *Goal            `json:"baseline"`
	Target      *Goal            `json:"target"`
	Status      Status           `json:"status,omitempty"`
	Change      *Change          `json:"change"`
	Money       Meaning          `json:"money"`
	Series      []MonthValue     `json:"series,omitempty"` // months, oldest first
}

// ImportedValue is the twelve-month value made of imported months.
type ImportedValue struct {
	Value  Number   `json:"value"`
	Months int      `json:"months"` // how many of the twelve were imported
	From   []string `json:"from"`   // sources with their owners
}

// Change is now less before. For rates it is a difference of shares, shown as percentage points.
type Change struct {
	Against string `json:"against"` // "12 months before" or "baseline"
	Value   Number `json:"value"`
	Better  bool   `json:"better"` // in the good direction; false when nothing changed
}

// MonthValue is a KPI in one month. Months without data are left out.
type MonthValue struct {
	Month models.Date `json:"month"`
	Value Number      `json:"value"`
	State State       `json:"state"`
}

// What a change is measured against.
const (
	AgainstPrior    = "12 months before"
	AgainstBaseline = "baseline"
)

// Evaluate gives the value of one KPI for the twelve months ending on the as-of date. It is the only place where a KPI is
// worked out: screen, workbook, JSON and command line all show its result.
//
// A value is the numerator over the denominator of the measured row. Measured wins over imported; the imported value then
// stands beside it. An imported value stands for its month: the twelve-month value is the mean of the months imported,
// for hours their sum, and says of how many months it is made. Money is not set here; see Meanings.
func Evaluate(def models.KPIDefinition, f KPIFacts) KPIValue {
	v := KPIValue{ID: def.ID, Name: def.Name, Unit: def.Unit, Direction: def.Direction, Site: f.Site, State: NoData, Baseline: f.Baseline, Target: f.Target}
	v.Imported = importedYear(def, f, f.AsOf)
	now, nowValue := measured(def, f, models.SpanYear)
	switch {
	case nowValue != nil:
		v.State, v.Value, v.Numerator, v.Denominator, v.Excluded = Measured, nowValue, now.Numerator, now.Denominator, now.Excluded
		_, v.Prior = measured(def, f, models.SpanYearPast)
	case v.Imported != nil:
		v.State, v.Value = Imported, &v.Imported.Value
		v.Reason = importedReason(def, *v.Imported)
		if before := importedYear(def, f, f.AsOf.AddMonths(-12)); before != nil && (def.Unit != models.UnitHours || before.Months == v.Imported.Months) {
			v.Prior = &before.Value
		}
	default:
		v.Reason = noDataReason(def, f)
		if now != nil {
			v.Numerator, v.Denominator, v.Excluded = now.Numerator, now.Denominator, now.Excluded
		}
	}
	v.Series = series(def, f, v.State)
	if v.Value != nil {
		v.Status = statusOf(def.Direction, *v.Value, f.Target)
		v.Change = changeOf(def.Direction, *v.Value, v.Prior, f.Baseline)
	}
	return v
}

// measured finds the row of a rolling span and its value; the value is nil when the row counts nothing.
func measured(def models.KPIDefinition, f KPIFacts, span string) (*KPIRow, *Number) {
	for i := range f.Rows {
		r := &f.Rows[i]
		if r.KPI == def.ID && r.Span == span && r.Site == f.Site {
			return r, r.value()
		}
	}
	return nil, nil
}

func (r KPIRow) value() *Number {
	if r.Numerator == nil || r.Denominator == nil {
		return nil
	}
	q, ok := r.Numerator.Over(*r.Denominator)
	if !ok {
		return nil
	}
	return &q
}

// yearMonths gives the first days of the twelve calendar months that end on or before asOf, as a range [from, to].
func yearMonths(asOf models.Date) (from, to models.Date) {
	to = asOf.MonthStart()
	if asOf.AddDays(1).MonthStart() == to { // asOf is not the last day of its month
		to = to.AddMonths(-1)
	}
	return to.AddMonths(-11), to
}

// LastMonth is the first day of the last calendar month that ends on or before asOf: the newest month of every series.
func LastMonth(asOf models.Date) models.Date {
	_, last := yearMonths(asOf)
	return last
}

func importedYear(def models.KPIDefinition, f KPIFacts, asOf models.Date) *ImportedValue {
	from, to := yearMonths(asOf)
	var sum Number
	out := ImportedValue{}
	seen := map[string]bool{}
	for _, im := range f.Imports {
		if im.KPI != def.ID || im.Site != f.Site || im.Month < from || im.Month > to {
			continue
		}
		sum = sum.Plus(im.Value)
		out.Months++
		if who := im.Source + " (" + im.Owner + ")"; !seen[who] {
			seen[who] = true
			out.From = append(out.From, who)
		}
	}
	if out.Months == 0 {
		return nil
	}
	out.Value = sum
	if def.Unit != models.UnitHours {
		out.Value, _ = sum.Over(Int(int64(out.Months)))
	}
	return &out
}

func importedReason(def models.KPIDefinition, im ImportedValue) string {
	how := "mean"
	if def.Unit == models.UnitHours {
		how = "sum"
	}
	return fmt.Sprintf("imported: %s of %d of 12 months, from %s", how, im.Months, strings.Join(im.From, ", "))
}

// noDataReason tells apart what no source sends, what happened in other spans only, and what was imported elsewhere.
func noDataReason(def models.KPIDefinition, f KPIFacts) string {
	for _, r := range f.Rows {
		if r.KPI == def.ID && r.Site == f.Site && r.value() != nil {
			return fmt.Sprintf("none in the twelve months to %s: %s", f.AsOf, def.Denominator)
		}
	}
	for _, im := range f.Imports {
		if im.KPI == def.ID && im.Site == f.Site {
			return "imported for other months only; use kpi import for the twelve months to " + f.AsOf.String()
		}
		if im.KPI == def.ID && f.Site == "" {
			return "imported by site only, and values of sites cannot be added up; use kpi import with an empty site"
		}
	}
	return def.NoData
}

func series(def models.KPIDefinition, f KPIFacts, state State) []MonthValue {
	at := map[models.Date]MonthValue{}
	last := LastMonth(f.AsOf)
	if state != Measured {
		for _, im := range f.Imports {
			if im.KPI == def.ID && im.Site == f.Site && im.Month <= last {
				at[im.Month] = MonthValue{im.Month, im.Value, Imported}
			}
		}
	}
	for _, r := range f.Rows {
		if r.KPI != def.ID || r.Span != models.SpanMonth || r.Site != f.Site {
			continue
		}
		if val := r.value(); val != nil {
			at[r.Month] = MonthValue{r.Month, *val, Measured}
		}
	}
	var out []MonthValue
	for m := last.AddMonths(-23); m <= last; m = m.AddMonths(1) {
		if mv, ok := at[m]; ok {
			out = append(out, mv)
		}
	}
	return out
}

func statusOf(dir models.Direction, value Number, target *Goal) Status {
	if target == nil {
		return ""
	}
	short := target.Value.Minus(value)
	if dir == models.Lower {
		short = value.Minus(target.Value)
	}
	near, _ := target.Value.Abs().Times(Int(nearPercent)).Over(Int(100))
	switch {
	case short.Sign() <= 0:
		return OnTarget
	case short.Cmp(near) <= 0:
		return Near
	}
	return Off
}

func changeOf(dir models.Direction, value Number, prior *Number, baseline *Goal) *Change {
	c := Change{Against: AgainstPrior}
	switch {
	case prior != nil:
		c.Value = value.Minus(*prior)
	case baseline != nil:
		c.Against, c.Value = AgainstBaseline, value.Minus(baseline.Value)
	default:
		return nil
	}
	c.Better = c.Value.Sign() > 0 == (dir == models.Higher) && c.Value.Sign() != 0
	return &c
}
