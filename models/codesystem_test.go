package models

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalSystemAliases(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"urn:oid:2.16.840.1.113883.6.96", SystemSNOMED},
		{"URN:OID:2.16.840.1.113883.6.96", SystemSNOMED},
		{"2.16.840.1.113883.6.96", SystemSNOMED},
		{"SNOMED-CT", SystemSNOMED},
		{"SNOMED CT", SystemSNOMED},
		{"snomed", SystemSNOMED},
		{"https://snomed.info/sct", SystemSNOMED},
		{"http://snomed.info/sct/", SystemSNOMED},
		{"http://snomed.info/sct/731000124108", SystemSNOMED},
		{"urn:oid:2.16.840.1.113883.6.1", SystemLOINC},
		{"LOINC", SystemLOINC},
		{"LN", SystemLOINC},
		{"http://www.loinc.org/", SystemLOINC},
		{"urn:oid:2.16.840.1.113883.6.90", SystemICD10CM},
		{"ICD10CM", SystemICD10CM},
		{"ICD-10-CM", SystemICD10CM},
		{"urn:oid:2.16.840.1.113883.6.4", SystemICD10PCS},
		{"ICD-10-PCS", SystemICD10PCS},
		{"http://hl7.org/fhir/sid/icd-10-pcs", SystemICD10PCS},
		{"ICD-10", SystemICD10},
		{"urn:oid:2.16.840.1.113883.6.103", SystemICD9CM},
		{"http://terminology.hl7.org/CodeSystem/icd9cm", SystemICD9CM},
		{"urn:oid:2.16.840.1.113883.12.292", SystemCVX},
		{"CVX", SystemCVX},
		{"urn:oid:2.16.840.1.113883.6.285", SystemHCPCS},
		{"http://www.nlm.nih.gov/research/umls/hcpcs", SystemHCPCS},
		{"http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", SystemHCPCS},
		{"urn:oid:2.16.840.1.113883.6.88", SystemRxNorm},
		{"RxNorm", SystemRxNorm},
		{"urn:oid:2.16.840.1.113883.6.69", SystemNDC},
		{"urn:oid:2.16.840.1.113883.6.12", SystemCPT},
		{"CPT-4", SystemCPT},
		{"urn:oid:2.16.840.1.113883.6.13", SystemCDT},
		{"urn:oid:2.16.840.1.113883.3.221.5", SystemSOPT},
		{"2.16.840.1.113883.6.238", SystemCDCRace},
		{"http://hl7.org/fhir/v3/ActCode", SystemActCode},
		{"urn:oid:2.16.840.1.113883.5.4", SystemActCode},
		{"http://hl7.org/fhir/v2/0203", "http://terminology.hl7.org/CodeSystem/v2-0203"},
		{"http://loinc.org|2.74", SystemLOINC},
		{"http://example.org/codes|1", "http://example.org/codes"},
		{"  http://loinc.org ", SystemLOINC},
	} {
		if got := NormalSystem(c.in); got != c.want {
			t.Errorf("NormalSystem(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNormalSystemLeavesOthersAlone(t *testing.T) {
	for _, s := range []string{
		"", "http://example.org/codes", "urn:oid:1.2.3.4", "urn:uuid:5ad2f1c0-0000-4000-8000-000000000000", "LOCAL",
		"http://terminology.hl7.org/CodeSystem/observation-category", "http://hl7.org/fhir/v3/", "http://hl7.org/fhir/v2/0203/extra",
		"http://snomed.info/sctx", "2.16.840.1.113883.6.960", "http://hl7.org/fhir/sid/icd-10-de",
	} {
		if got := NormalSystem(s); got != s {
			t.Errorf("NormalSystem(%q) = %q, want it untouched", s, got)
		}
	}
}

// Every URI in the table is its own normal form, so that facts and value sets meet whichever of them was normalised.
func TestNormalSystemKeepsItsOwnURIs(t *testing.T) {
	for alias, uri := range systemNames {
		if got := NormalSystem(uri); got != uri {
			t.Errorf("%q is the form for %q but becomes %q", uri, alias, got)
		}
		if foldSystem(spelling(alias)) != alias {
			t.Errorf("alias %q can never be met: it is not in folded form", alias)
		}
	}
}

// spelling writes an alias of the table as a feed might: a URL with its scheme, anything else as it is.
func spelling(alias string) string {
	if strings.Contains(alias, "/") || strings.HasSuffix(alias, ".org") {
		return "http://" + alias
	}
	return alias
}

func TestNormalSystemIsIdempotentAndBlindToSpelling(t *testing.T) {
	aliases := slices.Sorted(maps.Keys(systemNames))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "any")
		if rapid.Bool().Draw(t, "known") {
			alias := rapid.SampledFrom(aliases).Draw(t, "alias")
			s = spelling(alias)
			if got := NormalSystem(strings.ToUpper(s)); got != systemNames[alias] {
				t.Fatalf("%q in capitals becomes %q, want %q", s, got, systemNames[alias])
			}
		}
		once := NormalSystem(s)
		if twice := NormalSystem(once); twice != once {
			t.Fatalf("%q becomes %q and then %q", s, once, twice)
		}
	})
}
