package reports

import (
	"fmt"
	"strings"

	"carereach/models"
)

// Meaning is what a change is worth in money, where a formula for it is stated. Amounts of different KPIs overlap (a kept
// patient is also a visit) and must not be added up.
type Meaning struct {
	Amount  *Number `json:"amount"` // positive is good for the organisation; nil: Reason says why
	Formula string  `json:"formula,omitempty"`
	Reason  string  `json:"reason,omitempty"`
}

// Valuation is the stated formula of one KPI: the change in the good direction, times the denominator when Counted, times
// the sum of the inputs of the ROI model named by Inputs or the value of the KPI named by Times (1 when neither).
type Valuation struct {
	Words   string
	Counted bool
	Inputs  []string
	Times   models.KPIID
}

// ValuationOf gives the formula of a KPI; false when none is stated.
func ValuationOf(id models.KPIID) (Valuation, bool) {
	switch id {
	case "no_show_rate":
		return Valuation{Words: "fewer no-shows × margin per visit", Counted: true, Inputs: []string{"margin_per_visit"}}, true
	case "retention":
		return Valuation{Words: "more patients kept × revenue per patient", Counted: true, Times: "revenue_per_patient"}, true
	case "staff_hours":
		return Valuation{Words: "fewer hours × staff cost per hour", Inputs: []string{"staff_rate"}}, true
	case "revenue_per_patient":
		return Valuation{Words: "more revenue per patient × patients seen", Counted: true}, true
	case "gap_closure":
		return Valuation{Words: "more gaps closed × (margin per visit + incentive per gap)", Counted: true, Inputs: []string{"margin_per_visit", "incentive_per_gap"}}, true
	case "preventive_use":
		return Valuation{Words: "more services × margin per visit", Counted: true, Inputs: []string{"margin_per_visit"}}, true
	case "net_collection":
		return Valuation{Words: "more collected of charges less adjustments", Counted: true}, true
	case "days_in_ar":
		return Valuation{Words: "fewer days × charges a day: cash freed once", Counted: true}, true
	case "acquisition_cost":
		return Valuation{Words: "lower cost × new patients", Counted: true}, true
	}
	return Valuation{}, false
}

// setMeanings works out what each change is worth. It needs all values of one site, because some formulas use another KPI.
func setMeanings(values []KPIValue, roi ROIInputs) {
	for i := range values {
		values[i].Money = meaningOf(values[i], values, roi)
	}
}

func meaningOf(v KPIValue, values []KPIValue, roi ROIInputs) Meaning {
	how, ok := ValuationOf(v.ID)
	if !ok {
		return Meaning{Reason: "no formula is stated"}
	}
	m := Meaning{Formula: how.Words}
	switch {
	case v.Value == nil:
		m.Reason = "no data"
		return m
	case v.Change == nil:
		m.Reason = "no earlier value or baseline"
		return m
	case how.Counted && v.Denominator == nil:
		m.Reason = "no count behind an import"
		return m
	}
	amount := v.Change.Value
	if v.Direction == models.Lower {
		amount = Int(0).Minus(amount)
	}
	if how.Counted {
		amount = amount.Times(*v.Denominator)
	}
	factor, why := how.factor(values, roi)
	if why != "" {
		m.Reason = why
		return m
	}
	amount = amount.Times(factor)
	m.Amount = &amount
	return m
}

func (how Valuation) factor(values []KPIValue, roi ROIInputs) (factor Number, why string) {
	if how.Times != "" {
		for _, v := range values {
			if v.ID == how.Times && v.Value != nil {
				return *v.Value, ""
			}
		}
		return Number{}, fmt.Sprintf("no data for %s to value it with", strings.ReplaceAll(string(how.Times), "_", " "))
	}
	if len(how.Inputs) == 0 {
		return Int(1), ""
	}
	for _, name := range how.Inputs {
		for _, row := range roi.rows() {
			if row.Name == name {
				factor = factor.Plus(Float(row.Value))
			}
		}
	}
	return factor, ""
}
