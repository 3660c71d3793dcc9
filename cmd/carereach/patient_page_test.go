package main

import (
	"strings"
	"testing"
	"time"

	"carereach/internal/app"
	"carereach/models"
)

// What is booked stands under "Coming up", in the site's zone; a day without a clock time stays that day wherever one stands.
func TestPatientPageTimes(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	at := func(s string) *time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return &v
	}
	s := app.PatientShown{Token: "920ed9bf87812d35e784020ba3e5075f", Tokens: []string{"920ed9bf87812d35e784020ba3e5075f"}}
	s.History.Rows = []app.Happening{
		{Kind: "appointment", At: at("2026-07-03T01:30:00Z"), Status: "booked"},
		{Kind: "visit", At: at("2026-07-01T11:59:00Z"), Status: "finished"},
		{Kind: "immunization", At: at("2025-09-21T00:00:00Z"), Day: true, Status: "completed"},
		{Kind: "condition", Status: "active"},
	}
	s.History.Total, s.History.Shown = 9, 4
	got := printed(func(p *page) { patientPage(p, s, now, zone) })
	coming, was, ok := strings.Cut(got, "What was (America/New_York)\n")
	if !ok || !strings.Contains(coming, "Coming up (America/New_York)\n  2026-07-02 21:30  appointment  booked\n") {
		t.Errorf("coming up:\n%s", coming)
	}
	for _, want := range []string{"2026-07-01 07:59  visit ", "2025-09-21        immunization", "day not known     condition", "4 of 9 happenings shown; a larger --limit shows more"} {
		if !strings.Contains(was, want) {
			t.Errorf("what was lacks %q:\n%s", want, was)
		}
	}
}

// Nothing known is said as such, part by part, and never left blank.
func TestPatientPageOfAStranger(t *testing.T) {
	t.Parallel()
	s := app.PatientShown{Token: "920ed9bf87812d35e784020ba3e5075f"}
	got := printed(func(p *page) { patientPage(p, s, time.Now(), time.UTC) })
	for _, want := range []string{"(name not known)", "no run is published yet", "Nothing is on record", "Nothing was ever said", "Nobody yet"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
}

// A gap shows what decided it: evidence with its date and value, and what closed it.
func TestPatientPageGaps(t *testing.T) {
	t.Parallel()
	due, on := models.NewDate(2026, 3, 10), models.NewDate(2026, 2, 10)
	var s app.PatientShown
	s.Profile = &app.Profile{Gaps: []app.Gap{
		{Measure: "bp_control", Status: "open", Due: "overdue", DueOn: &due, Reason: "ValueOutOfRange", EvidenceType: "Observation", EvidenceOn: &on, EvidenceValue: "142/78 mm[Hg]"},
		{Measure: "breast_screening", Status: "closed", ClosedBy: "exclusion", Reason: "Present"},
	}}
	got := printed(func(p *page) { patientPage(p, s, time.Now(), time.UTC) })
	for _, want := range []string{"bp_control        open                 overdue 2026-03-10  value out of range", "Observation of 2026-02-10, 142/78 mm[Hg]", "breast_screening  closed by exclusion", "not among the patients of run"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
}
