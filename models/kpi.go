package models

// Unit says how a KPI's value is read and formatted.
type Unit string

// The units. A rate is numerator over denominator between 0 and 1 (shown in percent, differences in pp).
const (
	UnitRate  Unit = "rate"
	UnitMoney Unit = "money" // in the site's currency
	UnitDays  Unit = "days"
	UnitHours Unit = "hours"
	UnitScore Unit = "score"
)

// Direction says which way is better.
type Direction string

// Higher or lower is better.
const (
	Higher Direction = "higher"
	Lower  Direction = "lower"
)

// KPIDefinition is the one compiled definition that feeds screen, workbook, API and command line.
type KPIDefinition struct {
	ID          KPIID     `json:"id"`
	Name        string    `json:"name"`
	Unit        Unit      `json:"unit"`
	Direction   Direction `json:"direction"`
	Numerator   string    `json:"numerator"`
	Denominator string    `json:"denominator"`
	Exclusions  string    `json:"exclusions"`
	Source      string    `json:"source"`    // who publishes the definition, or "ours"
	Version     string    `json:"version"`   // of the definition
	Relation    string    `json:"relation"`  // relation under sql/kpi that measures it; empty: by import only
	Executive   bool      `json:"executive"` // one of the seven rows of the executive summary
	NoData      string    `json:"no_data"`   // the reason printed when nothing measures it
}

// KPIs is the registry, in the order of reports. Values are rows (kpi, span, month, site, numerator, denominator, excluded).
var KPIs = []KPIDefinition{
	{ID: "no_show_rate", Name: "No-show rate", Unit: UnitRate, Direction: Lower, Numerator: "appointments with status noshow", Denominator: "appointments completed (fulfilled) or noshow, start in the span",
		Exclusions: "cancelled appointments (late ones apart), rescheduled more than 24 h ahead", Source: "ours", Version: "1", Relation: "kpi_no_show", Executive: true, NoData: "no source sends appointments"},
	{ID: "retention", Name: "Patient retention", Unit: UnitRate, Direction: Higher, Numerator: "patients of the year before with at least one completed visit in the span", Denominator: "patients with at least one completed visit in the twelve months before the span",
		Exclusions: "patients who died before the end of the span", Source: "ours", Version: "1", Relation: "kpi_retention", Executive: true, NoData: "no completed visits in the year before the span"},
	{ID: "staff_hours", Name: "Staff hours on outreach", Unit: UnitHours, Direction: Lower, Numerator: "minutes of staff time on outreach work items / 60", Denominator: "1",
		Exclusions: "none", Source: "ours", Version: "1", Relation: "kpi_staff_hours", Executive: true, NoData: "no source sends outreach work items with minutes; use kpi import"},
	{ID: "satisfaction", Name: "Satisfaction (net promoter score)", Unit: UnitScore, Direction: Higher, Numerator: "survey answers 9-10 minus answers 0-6, times 100", Denominator: "survey answers 0-10",
		Exclusions: "none; the response rate stands beside it", Source: "net promoter score, Reichheld 2003", Version: "1", Relation: "kpi_satisfaction", Executive: true, NoData: "no source sends survey answers; use kpi import"},
	{ID: "revenue_per_patient", Name: "Revenue per patient", Unit: UnitMoney, Direction: Higher, Numerator: "amounts paid on claims with service in the span", Denominator: "distinct patients with a completed visit in the span",
		Exclusions: "claims entered in error or cancelled", Source: "ours", Version: "1", Relation: "kpi_revenue", Executive: true, NoData: "no source sends paid amounts; use kpi import"},
	{ID: "gap_closure", Name: "Care gap closure", Unit: UnitRate, Direction: Higher, Numerator: "of those, closed by care with evidence in the span", Denominator: "care gaps open at the start of the span",
		Exclusions: "patients excluded from the measure by the end of the span", Source: "ours, after the gap reports of Da Vinci DEQM", Version: "1", Relation: "kpi_gap_closure", Executive: true, NoData: "no care gap was open at the start of the span"},
	{ID: "preventive_use", Name: "Preventive care use", Unit: UnitRate, Direction: Higher, Numerator: "patient-measures of the preventive rules with service in the look-back", Denominator: "patient-measures eligible for a preventive rule on the last day of the span",
		Exclusions: "measure exclusions", Source: "USPSTF and CDC recommendations named in each rule", Version: "1", Relation: "kpi_preventive", Executive: true, NoData: "nobody is eligible for a preventive measure"},
	{ID: "net_collection", Name: "Net collection rate", Unit: UnitRate, Direction: Higher, Numerator: "payments matched to claims with service in the span", Denominator: "charges less contractual adjustments of those claims",
		Exclusions: "claims entered in error or cancelled; claims without any payment data", Source: "HFMA MAP key", Version: "1", Relation: "kpi_net_collection", NoData: "no source sends charges with payments; use kpi import"},
	{ID: "days_in_ar", Name: "Days in accounts receivable", Unit: UnitDays, Direction: Lower, Numerator: "open balance of claims at the end of the span", Denominator: "charges in the span / days in the span",
		Exclusions: "claims entered in error or cancelled", Source: "HFMA MAP key", Version: "1", Relation: "kpi_days_in_ar", NoData: "no source sends charges with payments; use kpi import"},
	{ID: "acquisition_cost", Name: "Acquisition cost per new patient", Unit: UnitMoney, Direction: Lower, Numerator: "acquisition spend including salaries", Denominator: "patients whose first completed visit lies in the span",
		Exclusions: "none", Source: "ours", Version: "1", NoData: "spend is in no event; use kpi import"},
	{ID: "engagement", Name: "Engagement score", Unit: UnitScore, Direction: Higher, Numerator: "sum over patients of weighted events: delivered 1, replied 5, portal login 3, survey answered 5, visit kept 10; each halved per 90 days of age", Denominator: "patients reached or seen in the span",
		Exclusions: "opens by mail scanners", Source: "ours; weights published here", Version: "1", Relation: "kpi_engagement", NoData: "no source sends message or portal events"},
}

// KPIByID finds a definition.
func KPIByID(id KPIID) (KPIDefinition, bool) {
	for _, d := range KPIs {
		if d.ID == id {
			return d, true
		}
	}
	return KPIDefinition{}, false
}

// The spans for which KPI rows are made. Month rows carry the first day of their month, the others the day they end on.
const (
	SpanMonth    = "month"     // one calendar month, whole months ended by as_of only
	SpanYear     = "rolling12" // twelve months ending on as_of
	SpanYearPast = "prior12"   // the twelve months before those
)
