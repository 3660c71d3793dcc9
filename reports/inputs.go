package reports

import (
	"context"

	"carereach/models"
)

// Inputs is what reports asks of the ledger: the figures that no event can give, and what they are held against.
type Inputs interface {
	// Imports gives every KPI import in force: the newest value for each KPI, month and site.
	Imports(ctx context.Context) ([]Import, error)
	// Baselines gives the baselines in force: at most one for each KPI and site.
	Baselines(ctx context.Context) ([]Goal, error)
	// Targets gives the targets in force: at most one for each KPI and site, and for each measure.
	Targets(ctx context.Context) ([]Goal, error)
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
	KPI   models.KPIID `json:"kpi"`            // KPI id, or measure id for a measure's target
	Site  string       `json:"site,omitempty"` // "" is the whole organisation
	Value Number       `json:"value"`
	Note  string       `json:"note,omitempty"` // where it comes from
	Owner string       `json:"owner,omitempty"`
}

// goalFor finds the goal of one KPI or measure and site; a site without a goal of its own has that of the organisation.
func goalFor(goals []Goal, id, site string) *Goal {
	var whole *Goal
	for i := range goals {
		if string(goals[i].KPI) != id {
			continue
		}
		if goals[i].Site == site {
			return &goals[i]
		}
		if goals[i].Site == "" {
			whole = &goals[i]
		}
	}
	return whole
}
