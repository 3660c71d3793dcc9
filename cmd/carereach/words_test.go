package main

import (
	"testing"

	"carereach/models"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://loinc.org|8331-1 = 37.50320360736912 Cel":                      "LOINC 8331-1 = 37.50 Cel",
		"http://snomed.info/sct|73761001 http://www.ama-assn.org/go/cpt|45378": "SNOMED 73761001 CPT 45378",
		"http://terminology.hl7.org/CodeSystem/condition-clinical|resolved":    "resolved",
		"urn:site:codes|A1":                        "urn:site:codes A1",
		"billed 1128.2600":                         "billed 1128.2600",
		"http://loinc.org|2571-8 = 0.000123456 mg": "LOINC 2571-8 = 0.000123 mg",
		"http://loinc.org|4548-4 = 7.1 %":          "LOINC 4548-4 = 7.1 %",
		"http://loinc.org|4548-4 = -12.345678 x":   "LOINC 4548-4 = -12.35 x",
		"":                                         "", "AMB": "AMB",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every code that a run can publish has words; an unknown one stays what it is.
func TestCodesHaveWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range []models.GapReason{models.ReasonNotFound, models.ReasonMissing, models.ReasonPresent, models.ReasonInvalidAttribute, models.ReasonDateInRange, models.ReasonDateOutOfRange,
		models.ReasonValueInRange, models.ReasonValueOutOfRange, models.ReasonCountInRange, models.ReasonCountOutOfRange} {
		w := reasonWord(string(r))
		if w == string(r) || seen[w] {
			t.Errorf("reason %s reads %q: no words of its own", r, w)
		}
		seen[w] = true
	}
	for _, c := range []string{"1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1", "2135-2", "2186-5"} {
		w := groupWord(c)
		if w == c || seen[w] {
			t.Errorf("category %s reads %q: no words of its own", c, w)
		}
		seen[w] = true
	}
	if reasonWord("Other") != "Other" || groupWord("9999-9") != "9999-9" {
		t.Error("an unknown code does not stay what it is")
	}
}

func TestRelationWords(t *testing.T) {
	t.Parallel()
	const roles = "http://terminology.hl7.org/CodeSystem/v3-RoleCode|"
	for _, c := range []struct {
		give []string
		want string
	}{{nil, "related"}, {[]string{roles + "SPS"}, "spouse"}, {[]string{roles + "MTH", "http://terminology.hl7.org/CodeSystem/v2-0131|C"}, "mother, emergency contact"}, {[]string{"urn:x|Y1"}, "urn:x Y1"}} {
		if got := relationWords(c.give); got != c.want {
			t.Errorf("relationWords(%q) = %q, want %q", c.give, got, c.want)
		}
	}
}
