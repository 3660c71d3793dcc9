package reports

import (
	"math"
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

func TestROIByHand(t *testing.T) {
	in := ROIInputs{PatientsPerMonth: 1000, ContactsEach: 2, ShareSMS: 0.5, ShareCall: 0.25, ShareLetter: 0.25, CostPerSMS: 0.1, CostPerCall: 1, CostPerLetter: 2,
		MinutesPerCall: 6, StaffRate: 40, StaffHoursMonth: 10, PlatformPerMonth: 500, SetupCost: 10000, MarginPerVisit: 100, IncentivePerGap: 50, GapsPerVisit: 1,
		LiftLow: 0.02, LiftBase: 0.03, LiftHigh: 0.05}
	m := in.Model(7)
	// A contact costs 0.5*0.1 + 0.25*(1 + 4) + 0.25*2 = 1.80, two for each of 1000 patients: 3600; staff 400; platform 500.
	base := m.Cases[1]
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"contacts", base.ContactCost, 3600}, {"staff", base.StaffCost, 400}, {"running", base.RunningCost, 4500},
		{"extra visits", base.ExtraVisits, 30}, {"gain", base.Gain, 4500}, {"net", base.Net, 0},
		{"cost over 36 months", base.Cost36, 172000}, {"cost over 60 months", base.Cost60, 280000}, {"net over 36 months", base.Net36, -10000},
		{"high: net", m.Cases[2].Net, 3000}, {"high: net over 60 months", m.Cases[2].Net60, 170000}, {"high: return over 60 months", m.Cases[2].Return60, 170000.0 / 280000},
		{"low: net", m.Cases[0].Net, -1500},
	} {
		if math.Abs(c.got-c.want) > 1e-6 {
			t.Errorf("%s: %g, want %g", c.what, c.got, c.want)
		}
	}
	if m.Cases[0].BreakEvenMonth != 0 || m.Cases[2].BreakEvenMonth != 4 { // 10000 / 3000 = 3.3
		t.Errorf("break-even low %d, high %d; want never (0) and 4", m.Cases[0].BreakEvenMonth, m.Cases[2].BreakEvenMonth)
	}
	if got := len(m.Curve); got != 11 || m.Curve[10].Month != 60 || math.Abs(m.Curve[10].High-170000) > 1e-6 || m.Curve[0].Base != -10000 {
		t.Errorf("curve: %+v", m.Curve)
	}
}

// Break-even is the first month whose cumulative net is not negative.
func TestROIBreakEvenIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := DefaultROIInputs()
		in.PatientsPerMonth = float64(rapid.IntRange(1, 20000).Draw(t, "patients"))
		in.SetupCost = float64(rapid.IntRange(0, 100000).Draw(t, "setup"))
		in.MarginPerVisit = float64(rapid.IntRange(0, 500).Draw(t, "margin"))
		for _, c := range in.Model(0).Cases {
			if (c.BreakEvenMonth == 0) != (c.Net <= 0) {
				t.Fatalf("net %g, break-even %d", c.Net, c.BreakEvenMonth)
			}
			if c.BreakEvenMonth == 0 {
				continue
			}
			n := float64(c.BreakEvenMonth)
			if c.Net*n-in.SetupCost < -1e-6 || (n > 1 && c.Net*(n-1)-in.SetupCost > 1e-6) {
				t.Fatalf("net %g, setup %g, break-even %g", c.Net, in.SetupCost, n)
			}
		}
	})
}

func TestROIOrigins(t *testing.T) {
	in := DefaultROIInputs()
	in.StaffRate = 55
	m := in.Model(1201)
	origin := map[string]string{}
	for _, row := range m.Inputs {
		origin[row.Name] = row.Origin
	}
	if origin["staff_rate"] != OriginSite || origin["cost_per_sms"] != OriginAssumed || origin["patients_per_month"] != OriginRun {
		t.Errorf("%v", origin)
	}
	if m.Inputs[0].Value != 101 { // 1201 / 12, rounded up
		t.Errorf("patients a month: %g", m.Inputs[0].Value)
	}
	in.PatientsPerMonth = 80
	if m := in.Model(1201); m.Inputs[0].Value != 80 || m.Inputs[0].Origin != OriginSite {
		t.Errorf("set patients a month: %+v", m.Inputs[0])
	}
}

func TestROIValidate(t *testing.T) {
	if err := DefaultROIInputs().Validate("roi"); err != nil {
		t.Fatalf("defaults: %v", err)
	}
	for name, spoil := range map[string]func(*ROIInputs){
		"negative":       func(in *ROIInputs) { in.CostPerSMS = -1 },
		"not a number":   func(in *ROIInputs) { in.StaffRate = math.NaN() },
		"infinite":       func(in *ROIInputs) { in.SetupCost = math.Inf(1) },
		"shares":         func(in *ROIInputs) { in.ShareSMS = 0.9 },
		"share above 1":  func(in *ROIInputs) { in.ShareSMS, in.ShareCall, in.ShareLetter = 1.5, 0, 0 },
		"lifts reversed": func(in *ROIInputs) { in.LiftLow = 0.5 },
	} {
		in := DefaultROIInputs()
		spoil(&in)
		if err := in.Validate("carereach.yaml: roi"); models.KindOf(err) != models.KindConfig {
			t.Errorf("%s: %v", name, err)
		}
	}
}
