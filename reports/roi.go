package reports

import (
	"fmt"
	"math"

	"carereach/models"
)

// ROIInputs are the numbers of the return-on-investment model that no event gives. Money is in the site's currency. The
// defaults are assumptions and are shown as such until a site sets its own.
type ROIInputs struct {
	PatientsPerMonth float64 `koanf:"patients_per_month" json:"patients_per_month"` // patients reached a month; 0: one twelfth of those the run says may be contacted
	ContactsEach     float64 `koanf:"contacts_each" json:"contacts_each"`           // contacts per patient reached
	ShareSMS         float64 `koanf:"share_sms" json:"share_sms"`                   // of contacts; the three shares add up to 1
	ShareCall        float64 `koanf:"share_call" json:"share_call"`
	ShareLetter      float64 `koanf:"share_letter" json:"share_letter"`
	CostPerSMS       float64 `koanf:"cost_per_sms" json:"cost_per_sms"`
	CostPerCall      float64 `koanf:"cost_per_call" json:"cost_per_call"` // line charge; the caller's time is added
	CostPerLetter    float64 `koanf:"cost_per_letter" json:"cost_per_letter"`
	MinutesPerCall   float64 `koanf:"minutes_per_call" json:"minutes_per_call"`
	StaffRate        float64 `koanf:"staff_rate" json:"staff_rate"`               // per hour, with benefits
	StaffHoursMonth  float64 `koanf:"staff_hours_month" json:"staff_hours_month"` // running the campaigns, calls apart
	PlatformPerMonth float64 `koanf:"platform_per_month" json:"platform_per_month"`
	SetupCost        float64 `koanf:"setup_cost" json:"setup_cost"`             // once
	MarginPerVisit   float64 `koanf:"margin_per_visit" json:"margin_per_visit"` // revenue less variable cost
	IncentivePerGap  float64 `koanf:"incentive_per_gap" json:"incentive_per_gap"`
	GapsPerVisit     float64 `koanf:"gaps_per_visit" json:"gaps_per_visit"` // care gaps closed at an extra visit
	LiftLow          float64 `koanf:"lift_low" json:"lift_low"`             // extra visits per patient reached, over a holdout
	LiftBase         float64 `koanf:"lift_base" json:"lift_base"`
	LiftHigh         float64 `koanf:"lift_high" json:"lift_high"`
}

// DefaultROIInputs gives the assumptions that stand until a site sets its own. The lifts follow randomised trials of
// outreach, which find 1 to 7 more visits per hundred patients reached; the prices are round figures.
func DefaultROIInputs() ROIInputs {
	return ROIInputs{
		ContactsEach: 2, ShareSMS: 0.7, ShareCall: 0.2, ShareLetter: 0.1,
		CostPerSMS: 0.02, CostPerCall: 0.10, CostPerLetter: 1.20, MinutesPerCall: 6,
		StaffRate: 38, StaffHoursMonth: 20, PlatformPerMonth: 1500, SetupCost: 12000,
		MarginPerVisit: 85, IncentivePerGap: 0, GapsPerVisit: 1,
		LiftLow: 0.01, LiftBase: 0.03, LiftHigh: 0.07,
	}
}

// Validate checks the inputs; where names their place in messages, such as "carereach.yaml: roi". Errors are of
// models.KindConfig.
func (in ROIInputs) Validate(where string) error {
	bad := func(key, want string) error {
		return &models.Error{Kind: models.KindConfig, Message: where + "." + key + " is not valid", Mend: "want " + want}
	}
	for _, row := range in.rows() {
		if math.IsNaN(row.Value) || row.Value < 0 || row.Value > 1e12 {
			return bad(row.Name, "a number from 0 up")
		}
		if row.Kind == ROIShare && row.Value > 1 {
			return bad(row.Name, "a share between 0 and 1")
		}
	}
	if sum := in.ShareSMS + in.ShareCall + in.ShareLetter; math.Abs(sum-1) > 1e-9 {
		return bad("share_sms, share_call and share_letter", fmt.Sprintf("a sum of 1, not %g", sum))
	}
	if in.LiftLow > in.LiftBase || in.LiftBase > in.LiftHigh {
		return bad("lift_low, lift_base and lift_high", "rising values")
	}
	return nil
}

// ROIKind says how an input of the model is read.
type ROIKind string

// The kinds of input.
const (
	ROIMoney  ROIKind = "money"
	ROICount  ROIKind = "count"
	ROIShare  ROIKind = "share" // between 0 and 1
	ROIFactor ROIKind = "number"
)

// The origins of an input.
const (
	OriginAssumed = "assumption (default)"
	OriginSite    = "set by this site"
	OriginRun     = "from the run: 1/12 of those contactable"
)

// ROIInput is one input of the model as it is shown.
type ROIInput struct {
	Name   string  `json:"name"` // key in the configuration
	Label  string  `json:"label"`
	Value  float64 `json:"value"`
	Kind   ROIKind `json:"kind"`
	Origin string  `json:"origin"`
}

func (in ROIInputs) rows() []ROIInput {
	row := func(name, label string, value float64, kind ROIKind) ROIInput {
		return ROIInput{Name: name, Label: label, Value: value, Kind: kind}
	}
	return []ROIInput{
		row("patients_per_month", "Patients reached a month", in.PatientsPerMonth, ROICount),
		row("contacts_each", "Contacts per patient reached", in.ContactsEach, ROIFactor),
		row("share_sms", "Share of contacts by SMS", in.ShareSMS, ROIShare),
		row("share_call", "Share of contacts by call", in.ShareCall, ROIShare),
		row("share_letter", "Share of contacts by letter", in.ShareLetter, ROIShare),
		row("cost_per_sms", "Cost per SMS", in.CostPerSMS, ROIMoney),
		row("cost_per_call", "Line charge per call", in.CostPerCall, ROIMoney),
		row("cost_per_letter", "Cost per letter, postage included", in.CostPerLetter, ROIMoney),
		row("minutes_per_call", "Staff minutes per call", in.MinutesPerCall, ROIFactor),
		row("staff_rate", "Staff cost per hour, benefits included", in.StaffRate, ROIMoney),
		row("staff_hours_month", "Staff hours a month to run campaigns", in.StaffHoursMonth, ROIFactor),
		row("platform_per_month", "Platform cost a month", in.PlatformPerMonth, ROIMoney),
		row("setup_cost", "Set-up cost, once", in.SetupCost, ROIMoney),
		row("margin_per_visit", "Margin per extra visit", in.MarginPerVisit, ROIMoney),
		row("incentive_per_gap", "Incentive per care gap closed", in.IncentivePerGap, ROIMoney),
		row("gaps_per_visit", "Care gaps closed per extra visit", in.GapsPerVisit, ROIFactor),
		row("lift_low", "Extra visits per patient reached: low", in.LiftLow, ROIShare),
		row("lift_base", "Extra visits per patient reached: base", in.LiftBase, ROIShare),
		row("lift_high", "Extra visits per patient reached: high", in.LiftHigh, ROIShare),
	}
}

// ROICase is the model worked out for one lift. Amounts are a month unless the name says otherwise, undiscounted.
type ROICase struct {
	Name           string  `json:"name"` // low, base, high
	Lift           float64 `json:"lift"`
	ContactCost    float64 `json:"contact_cost"`
	StaffCost      float64 `json:"staff_cost"`
	PlatformCost   float64 `json:"platform_cost"`
	RunningCost    float64 `json:"running_cost"`
	ExtraVisits    float64 `json:"extra_visits"`
	Gain           float64 `json:"gain"` // margin of extra visits and incentives of the gaps closed there
	Net            float64 `json:"net"`
	BreakEvenMonth int     `json:"break_even_month"` // first month in which gains cover set-up and running cost; 0 never
	Cost36         float64 `json:"cost_36"`          // total cost of ownership over 36 months
	Cost60         float64 `json:"cost_60"`
	Net36          float64 `json:"net_36"`
	Net60          float64 `json:"net_60"`
	Return36       float64 `json:"return_36"` // net over cost; 0 when nothing is spent
	Return60       float64 `json:"return_60"`
}

// ROIPoint is the cumulative net after so many months.
type ROIPoint struct {
	Month int     `json:"month"`
	Low   float64 `json:"low"`
	Base  float64 `json:"base"`
	High  float64 `json:"high"`
}

// ROIModel is the return-on-investment model with its inputs and results.
type ROIModel struct {
	Inputs []ROIInput `json:"inputs"`
	Cases  [3]ROICase `json:"cases"` // low, base, high
	Curve  []ROIPoint `json:"curve"` // months 0, 6, 12 ... 60
}

// Model works the model out. contactable is the number of patients that the run says may be contacted; it stands in for
// PatientsPerMonth when that is 0. Only extra visits over a holdout are counted as gain, never every answer.
//
// The steps are those of the formulas in the workbook, in the same order.
func (in ROIInputs) Model(contactable int64) ROIModel {
	fromRun := in.PatientsPerMonth == 0
	if fromRun {
		in.PatientsPerMonth = math.Ceil(float64(contactable) / 12)
	}
	m := ROIModel{Inputs: in.rows()}
	for i, d := range DefaultROIInputs().rows() {
		switch {
		case i == 0 && fromRun:
			m.Inputs[i].Origin = OriginRun
		case d.Value == m.Inputs[i].Value:
			m.Inputs[i].Origin = OriginAssumed
		default:
			m.Inputs[i].Origin = OriginSite
		}
	}
	m.Cases = [3]ROICase{in.work("low", in.LiftLow), in.work("base", in.LiftBase), in.work("high", in.LiftHigh)}
	for month := 0; month <= 60; month += 6 {
		at := func(c ROICase) float64 { return c.Net*float64(month) - in.SetupCost }
		m.Curve = append(m.Curve, ROIPoint{month, at(m.Cases[0]), at(m.Cases[1]), at(m.Cases[2])})
	}
	return m
}

func (in ROIInputs) work(name string, lift float64) ROICase {
	c := ROICase{Name: name, Lift: lift}
	perContact := in.ShareSMS*in.CostPerSMS + in.ShareCall*(in.CostPerCall+in.MinutesPerCall/60*in.StaffRate) + in.ShareLetter*in.CostPerLetter
	c.ContactCost = in.PatientsPerMonth * in.ContactsEach * perContact
	c.StaffCost = in.StaffHoursMonth * in.StaffRate
	c.PlatformCost = in.PlatformPerMonth
	c.RunningCost = c.ContactCost + c.StaffCost + c.PlatformCost
	c.ExtraVisits = in.PatientsPerMonth * lift
	c.Gain = c.ExtraVisits * (in.MarginPerVisit + in.GapsPerVisit*in.IncentivePerGap)
	c.Net = c.Gain - c.RunningCost
	if c.Net > 0 {
		c.BreakEvenMonth = int(math.Max(1, math.Ceil(round9(in.SetupCost/c.Net))))
	}
	c.Cost36, c.Cost60 = in.SetupCost+36*c.RunningCost, in.SetupCost+60*c.RunningCost
	c.Net36, c.Net60 = 36*c.Gain-c.Cost36, 60*c.Gain-c.Cost60
	if c.Cost36 > 0 {
		c.Return36, c.Return60 = c.Net36/c.Cost36, c.Net60/c.Cost60
	}
	return c
}

// round9 takes away the noise of the last binary digits before a number is rounded up, as ROUND(x,9) does in the sheet.
func round9(f float64) float64 { return math.Round(f*1e9) / 1e9 }
