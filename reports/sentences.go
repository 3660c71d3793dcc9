package reports

import (
	"fmt"
	"strings"

	"carereach/models"
)

// Sentences gives three sentences for the head of a report, written by rule from its numbers: what got better most, what
// got worse most, and where most care is missing. Each names its figures; none claims a cause.
func (r Report) Sentences() [3]string {
	return [3]string{r.movement(true), r.movement(false), r.furthest()}
}

// movement names the executive KPI that moved most in one direction, relative to what it is compared with.
func (r Report) movement(better bool) string {
	var most *KPIValue
	var size Number
	compared := 0
	for i := range r.KPIs {
		v := &r.KPIs[i]
		if !executive(v.ID) || v.Change == nil {
			continue
		}
		compared++
		if v.Change.Value.Sign() == 0 || v.Change.Better != better {
			continue
		}
		before := v.Value.Minus(v.Change.Value)
		rel, ok := v.Change.Value.Abs().Over(before.Abs())
		if !ok {
			rel = v.Change.Value.Abs()
		}
		if most == nil || rel.Cmp(size) > 0 {
			most, size = v, rel
		}
	}
	if most != nil {
		return r.moved(*most)
	}
	switch {
	case compared == 0 && better:
		return "No figure has an earlier value or a baseline yet, so nothing can be said about change."
	case compared == 0:
		return r.missing()
	case better:
		return fmt.Sprintf("None of the %d figures that can be compared got better.", compared)
	}
	return fmt.Sprintf("None of the %d figures that can be compared got worse.", compared)
}

func (r Report) moved(v KPIValue) string {
	verb := "rose"
	if v.Change.Value.Sign() < 0 {
		verb = "fell"
	}
	by := strings.TrimLeft(FormatChange(v.Unit, r.Currency, v.Change.Value), "+-")
	against := "the 12 months before"
	if v.Change.Against == AgainstBaseline {
		against = "the baseline"
	}
	s := fmt.Sprintf("%s %s by %s to %s against %s", v.Name, verb, by, Format(v.Unit, r.Currency, *v.Value), against)
	if v.Target != nil {
		s += fmt.Sprintf("; the target is %s (%s)", Format(v.Unit, r.Currency, v.Target.Value), statusWord(v.Status))
	}
	if v.State == Imported {
		s += "; imported figures"
	}
	return s + "."
}

// statusWord is the status without its shape, in lower case.
func statusWord(s Status) string {
	_, word, _ := strings.Cut(string(s), " ")
	return strings.ToLower(word)
}

func (r Report) missing() string {
	var names []string
	for _, v := range r.KPIs {
		if executive(v.ID) && v.State == NoData {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return "All seven executive figures have data."
	}
	return fmt.Sprintf("%d of 7 executive figures have no data: %s.", len(names), strings.Join(names, ", "))
}

// furthest names the measure that misses its target by most patients; without targets, the one with most open gaps.
func (r Report) furthest() string {
	var goal, open *MeasureRow
	var goalTitle, openTitle string
	for _, m := range r.Measures {
		for i := range m.Rows {
			row := &m.Rows[i]
			if row.Site != "" {
				continue
			}
			if row.ToGoal != nil && *row.ToGoal > 0 && (goal == nil || *row.ToGoal > *goal.ToGoal) {
				goal, goalTitle = row, m.Title
			}
			if row.Open > 0 && (open == nil || row.Open > open.Open) {
				open, openTitle = row, m.Title
			}
		}
	}
	switch {
	case goal != nil:
		return fmt.Sprintf("%s is furthest from its target: %s more to reach %s; %s of %s may be contacted.", goalTitle,
			patients(*goal.ToGoal), Format(models.UnitRate, "", goal.Target.Value), group(fmt.Sprint(goal.Reachable)), openGaps(goal.Open))
	case open != nil:
		return fmt.Sprintf("%s has most open gaps: %s, %s of whom may be contacted.", openTitle, patients(open.Open), group(fmt.Sprint(open.Reachable)))
	}
	return "No care gap is open."
}

func patients(n int64) string {
	if n == 1 {
		return "1 patient"
	}
	return group(fmt.Sprint(n)) + " patients"
}

func openGaps(n int64) string {
	if n == 1 {
		return "1 open gap"
	}
	return group(fmt.Sprint(n)) + " open gaps"
}

func executive(id models.KPIID) bool {
	d, ok := models.KPIByID(id)
	return ok && d.Executive
}
