package reports

import (
	"context"
	"encoding/json"
	"fmt"

	"carereach/internal/ledger"
	"carereach/models"
)

// Inputs is what reports asks of the ledger: the figures that no event can give, and what they are held against.
// *ledger.Ledger is one.
type Inputs interface {
	// KPIValues lists what was in force when the state was seq; a negative seq is now.
	KPIValues(ctx context.Context, seq int64) ([]ledger.KPIValue, error)
	// KPIState gives the present state.
	KPIState(ctx context.Context) (ledger.KPIState, error)
}

// Import is a KPI value that a person brought in for one calendar month.
type Import struct {
	KPI    models.KPIID `json:"kpi"`
	Month  models.Date  `json:"month"` // first day of the month
	Site   string       `json:"site"`  // "" is the whole organisation
	Value  Number       `json:"value"` // a rate between 0 and 1, money in the site's currency
	Source string       `json:"source"`
	Owner  string       `json:"owner"`
}

// Goal is a baseline or a target: of a KPI, or of a measure's rate.
type Goal struct {
	ID     string      `json:"id"`             // KPI id, or measure id
	Site   string      `json:"site,omitempty"` // "" is the whole organisation
	From   models.Date `json:"from"`           // first day it holds
	Value  Number      `json:"value"`
	Source string      `json:"source,omitempty"`
	Owner  string      `json:"owner,omitempty"`
}

// entered is what the ledger held for one run.
type entered struct {
	imports            []Import
	baselines, targets []Goal
	later              bool // more was entered after the run was made
}

// readEntered reads what was in force when the run was made: a published run is never judged by figures that came later.
func readEntered(ctx context.Context, in Inputs, run Run) (entered, error) {
	seq := run.kpiSeq()
	values, err := in.KPIValues(ctx, seq)
	if err != nil {
		return entered{}, fmt.Errorf("read KPI inputs: %w", err)
	}
	state, err := in.KPIState(ctx)
	if err != nil {
		return entered{}, fmt.Errorf("read the state of KPI inputs: %w", err)
	}
	e := entered{later: seq >= 0 && state.Seq > seq}
	for _, v := range values {
		if v.Value == "" { // taken back
			continue
		}
		n, err := ParseNumber(v.Value)
		if err != nil {
			return entered{}, fmt.Errorf("KPI input %d of %s: %w", v.Seq, v.KPI, err)
		}
		goal := Goal{ID: string(v.KPI), Site: v.Site, From: v.From, Value: n, Source: v.Source, Owner: v.Owner}
		switch v.Kind {
		case ledger.KPIImport:
			e.imports = append(e.imports, Import{KPI: v.KPI, Month: v.From.MonthStart(), Site: v.Site, Value: n, Source: v.Source, Owner: v.Owner})
		case ledger.KPIBaseline:
			e.baselines = inForce(e.baselines, goal, run.AsOf)
		case ledger.KPITarget:
			e.targets = inForce(e.targets, goal, run.AsOf)
		}
	}
	return e, nil
}

// inForce adds a goal that holds on asOf, in place of one of the same KPI and site that began earlier.
func inForce(goals []Goal, g Goal, asOf models.Date) []Goal {
	if g.From > asOf {
		return goals
	}
	for i := range goals {
		if goals[i].ID == g.ID && goals[i].Site == g.Site {
			if g.From >= goals[i].From {
				goals[i] = g
			}
			return goals
		}
	}
	return append(goals, g)
}

// kpiSeq reads from the run's inputs which KPI inputs it was made with; -1 (now) when they do not say.
func (r Run) kpiSeq() int64 {
	var in struct {
		KPI *struct {
			Seq int64 `json:"seq"`
		} `json:"kpi"`
	}
	if json.Unmarshal(r.Inputs, &in) != nil || in.KPI == nil {
		return -1
	}
	return in.KPI.Seq
}

// exactGoal finds the goal of one KPI or measure at exactly this site; nil when there is none.
func exactGoal(goals []Goal, id, site string) *Goal {
	for i := range goals {
		if goals[i].ID == id && goals[i].Site == site {
			return &goals[i]
		}
	}
	return nil
}

// goalFor finds a target: a site without one of its own has that of the organisation.
func goalFor(goals []Goal, id, site string) *Goal {
	if g := exactGoal(goals, id, site); g != nil {
		return g
	}
	return exactGoal(goals, id, "")
}

// CheckEntered checks a value before it is entered: a plain decimal, and for a rate (of a KPI, or of a measure, which has
// no entry in the registry) between 0 and 1, so that 18.4 % is not taken for 1840 %. Errors are of models.KindUsage.
func CheckEntered(id models.KPIID, value string) error {
	n, err := ParseNumber(value)
	if err != nil {
		return err
	}
	def, ok := models.KPIByID(id)
	if isRate := !ok || def.Unit == models.UnitRate; isRate && (n.Sign() < 0 || n.Cmp(Int(1)) > 0) {
		return &models.Error{Kind: models.KindUsage, Message: fmt.Sprintf("%s is a rate, and rates lie between 0 and 1", id), Mend: "write 0.184 for 18.4 %"}
	}
	return nil
}
