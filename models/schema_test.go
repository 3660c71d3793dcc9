package models

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Column names are the contract of the store: unique in a table, lower snake case, no keyword of an engine.
func TestFactTypesAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, ft := range FactTypes {
		if seen[ft.Name] || seen[ft.Table] || ft.Doc == "" {
			t.Errorf("%s: name or table used twice, or no doc", ft.Name)
		}
		seen[ft.Name], seen[ft.Table] = true, true
		columns := map[string]bool{}
		for _, c := range append(append([]Column{}, VersionColumns...), ft.Columns()...) {
			if columns[c.Name] {
				t.Errorf("%s: column %s twice", ft.Name, c.Name)
			}
			columns[c.Name] = true
			if c.Name != strings.ToLower(c.Name) || c.Type == "" || c.Doc == "" {
				t.Errorf("%s.%s: want lower case, a type and a doc", ft.Name, c.Name)
			}
		}
		if ft.CodeFrom != "" {
			e, _, ok := ft.Element(ft.CodeFrom)
			if !ok || e.Kind != KindConcept {
				t.Errorf("%s: codes come from %q, which is no concept", ft.Name, ft.CodeFrom)
			}
		}
		for _, e := range ft.Elements {
			if len(e.Columns()) == 0 {
				t.Errorf("%s.%s: kind %d has no columns", ft.Name, e.Column, e.Kind)
			}
		}
	}
}

func TestPublishedTablesAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Published {
		if seen[p.Name] || p.Doc == "" || len(p.Columns) == 0 {
			t.Errorf("%s: twice, no doc or no columns", p.Name)
		}
		seen[p.Name] = true
		for _, c := range p.Columns {
			if c.Name == "run_id" || c.Type == "" || c.Doc == "" {
				t.Errorf("%s.%s: run_id is added by the store; type and doc are wanted", p.Name, c.Name)
			}
		}
	}
	if _, ok := PublishedByName("gap"); !ok {
		t.Error("no table gap")
	}
	if _, ok := PublishedByName("no such"); ok {
		t.Error("found a table that is not there")
	}
}

// The executive summary has exactly the seven rows that were agreed, in that order.
func TestExecutiveKPIs(t *testing.T) {
	want := "no_show_rate retention staff_hours satisfaction revenue_per_patient gap_closure preventive_use"
	var got []string
	for _, d := range KPIs {
		if d.Executive {
			got = append(got, string(d.ID))
		}
		if d.Numerator == "" || d.Denominator == "" || d.Exclusions == "" || d.NoData == "" || d.Version == "" {
			t.Errorf("%s: numerator, denominator, exclusions, version and the no-data reason are all printed; none may be empty", d.ID)
		}
		if found, ok := KPIByID(d.ID); !ok || found.Name != d.Name {
			t.Errorf("%s is not found by its id", d.ID)
		}
	}
	if strings.Join(got, " ") != want {
		t.Errorf("executive rows %v, want %s", got, want)
	}
}

func TestFactSet(t *testing.T) {
	f := NewFact("Engagement", "e1")
	f.Set("score", int64(9))
	_, i, _ := mustType(t, "Engagement").Element("score")
	if f.Values[i] != int64(9) {
		t.Errorf("score was not set: %v", f.Values)
	}
	for _, bad := range []func(){func() { NewFact("Nothing", "x") }, func() { f.Set("nothing", 1) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("want a panic for a name that no fact type has")
				}
			}()
			bad()
		}()
	}
}

func mustType(t *testing.T, name string) FactType {
	t.Helper()
	ft, ok := FactTypeByName(name)
	if !ok {
		t.Fatalf("no fact type %s", name)
	}
	return ft
}

func TestOutcomesAddUp(t *testing.T) {
	var o Outcomes
	for i, what := range []Outcome{Stored, Duplicate, Ignored, Quarantined} {
		o.Add(what, int64(i+1))
	}
	if o != (Outcomes{1, 2, 3, 4}) || o.Sum() != 10 {
		t.Errorf("got %+v, sum %d", o, o.Sum())
	}
}

func TestErrorKindSurvivesWrapping(t *testing.T) {
	cause := errors.New("disk")
	err := fmt.Errorf("plan: %w", &Error{Kind: KindUnavail, Message: "store cannot be read", Mend: "free some space", Cause: cause})
	if KindOf(err) != KindUnavail || !errors.Is(err, cause) {
		t.Errorf("kind %s, cause kept %v", KindOf(err), errors.Is(err, cause))
	}
	if got := err.Error(); got != "plan: store cannot be read: disk; free some space" {
		t.Errorf("text %q", got)
	}
	if KindOf(cause) != KindInternal {
		t.Error("an error without kind is internal")
	}
}

func TestIDsReadBack(t *testing.T) {
	p := PatientID{0xab, 1}
	got, err := ParsePatientID(p.String())
	if err != nil || got != p || got.Bucket() != 0xab {
		t.Errorf("%s read as %s, %v", p, got, err)
	}
	if _, err := ParseKey128("ab010000-0000-0000-0000-000000000000"); err != nil {
		t.Errorf("hyphens are allowed: %v", err)
	}
	for _, bad := range []string{"", "zz", "ab01", strings.Repeat("g", 32)} {
		if _, err := ParsePatientID(bad); KindOf(err) != KindUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if (Position{Log: "intake", Offset: 7, Entry: 2}).String() != "intake/0@7.2" {
		t.Error("position text changed")
	}
}

// Payer names are free text: whatever comes in, one of a few classes comes out and never the name.
func TestPayerClass(t *testing.T) {
	for in, want := range map[string]string{"": "", "medicare": "medicare", "Dual Eligible": "dual", "dual_eligible": "dual", "no_insurance": "self-pay", "NO_INSURANCE": "self-pay",
		"private": "commercial", "Blue Cross Blue Shield": "commercial", "medicaid": "medicaid", "Jane Roe, cash": "other"} {
		if got := PayerClass(in); got != want {
			t.Errorf("PayerClass(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRejectNamesThePlace(t *testing.T) {
	r := &Reject{Reason: ReasonBadTime, Where: "Observation.effectiveDateTime", Detail: "not a FHIR date", Mend: "correct it at the source"}
	if got := r.Error(); got != "bad_time at Observation.effectiveDateTime: not a FHIR date; correct it at the source" {
		t.Errorf("text %q", got)
	}
}
