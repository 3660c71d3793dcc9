package models

import "strings"

// The code systems that feeds name in many ways, by the URI that FHIR R4 and published value sets give them.
const (
	SystemSNOMED      = "http://snomed.info/sct"
	SystemLOINC       = "http://loinc.org"
	SystemICD10CM     = "http://hl7.org/fhir/sid/icd-10-cm"
	SystemICD10PCS    = "http://www.cms.gov/Medicare/Coding/ICD10"
	SystemICD10       = "http://hl7.org/fhir/sid/icd-10"
	SystemICD9CM      = "http://hl7.org/fhir/sid/icd-9-cm"
	SystemCPT         = "http://www.ama-assn.org/go/cpt"
	SystemHCPCS       = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
	SystemCDT         = "http://www.ada.org/cdt"
	SystemCVX         = "http://hl7.org/fhir/sid/cvx"
	SystemRxNorm      = "http://www.nlm.nih.gov/research/umls/rxnorm"
	SystemNDC         = "http://hl7.org/fhir/sid/ndc"
	SystemUCUM        = "http://unitsofmeasure.org"
	SystemCDCRace     = "urn:oid:2.16.840.1.113883.6.238"
	SystemNUCC        = "http://nucc.org/provider-taxonomy"
	SystemSOPT        = "https://nahdo.org/sopt"
	SystemDischarge   = "http://www.nubc.org/patient-discharge"
	SystemRevenue     = "https://www.nubc.org/CodeSystem/RevenueCodes"
	SystemActCode     = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	terminologyPrefix = "http://terminology.hl7.org/CodeSystem/"
	snomedEdition     = "snomed.info/sct/"
)

// systemNames maps the other names of a code system to its URI. Keys are as foldSystem leaves them: lower case; a URL
// without scheme, "www." and closing slash; an OID bare; a short name without blanks, hyphens, underscores and dots.
var systemNames = map[string]string{
	"snomed.info/sct": SystemSNOMED, "2.16.840.1.113883.6.96": SystemSNOMED, "snomedct": SystemSNOMED, "snomed": SystemSNOMED, "sct": SystemSNOMED, "snomedctus": SystemSNOMED,
	"loinc.org": SystemLOINC, "2.16.840.1.113883.6.1": SystemLOINC, "loinc": SystemLOINC, "ln": SystemLOINC, "lnc": SystemLOINC,
	"hl7.org/fhir/sid/icd-10-cm": SystemICD10CM, "2.16.840.1.113883.6.90": SystemICD10CM, "icd10cm": SystemICD10CM, "i10c": SystemICD10CM,
	"cms.gov/medicare/coding/icd10": SystemICD10PCS, "hl7.org/fhir/sid/icd-10-pcs": SystemICD10PCS, "2.16.840.1.113883.6.4": SystemICD10PCS, "icd10pcs": SystemICD10PCS, "i10p": SystemICD10PCS,
	"hl7.org/fhir/sid/icd-10": SystemICD10, "2.16.840.1.113883.6.3": SystemICD10, "icd10": SystemICD10, "i10": SystemICD10,
	"hl7.org/fhir/sid/icd-9-cm": SystemICD9CM, "terminology.hl7.org/codesystem/icd9cm": SystemICD9CM, "2.16.840.1.113883.6.42": SystemICD9CM,
	"2.16.840.1.113883.6.103": SystemICD9CM, "2.16.840.1.113883.6.104": SystemICD9CM, "icd9cm": SystemICD9CM, "i9c": SystemICD9CM, "i9cdx": SystemICD9CM, "i9cp": SystemICD9CM,
	"ama-assn.org/go/cpt": SystemCPT, "2.16.840.1.113883.6.12": SystemCPT, "cpt": SystemCPT, "cpt4": SystemCPT, "c4": SystemCPT,
	"cms.gov/medicare/coding/hcpcsreleasecodesets": SystemHCPCS, "nlm.nih.gov/research/umls/hcpcs": SystemHCPCS, "terminology.hl7.org/codesystem/hcpcs": SystemHCPCS,
	"2.16.840.1.113883.6.285": SystemHCPCS, "hcpcs": SystemHCPCS, "hcpcslevelii": SystemHCPCS,
	"ada.org/cdt": SystemCDT, "2.16.840.1.113883.6.13": SystemCDT, "cdt": SystemCDT,
	"hl7.org/fhir/sid/cvx": SystemCVX, "2.16.840.1.113883.12.292": SystemCVX, "cvx": SystemCVX,
	"nlm.nih.gov/research/umls/rxnorm": SystemRxNorm, "2.16.840.1.113883.6.88": SystemRxNorm, "rxnorm": SystemRxNorm, "rxcui": SystemRxNorm,
	"hl7.org/fhir/sid/ndc": SystemNDC, "2.16.840.1.113883.6.69": SystemNDC, "ndc": SystemNDC,
	"unitsofmeasure.org": SystemUCUM, "2.16.840.1.113883.6.8": SystemUCUM, "ucum": SystemUCUM,
	"2.16.840.1.113883.6.238": SystemCDCRace, "cdcrec": SystemCDCRace,
	"nucc.org/provider-taxonomy": SystemNUCC, "2.16.840.1.113883.6.101": SystemNUCC, "nucc": SystemNUCC,
	"nahdo.org/sopt": SystemSOPT, "2.16.840.1.113883.3.221.5": SystemSOPT, "sop": SystemSOPT, "sopt": SystemSOPT,
	"nubc.org/patient-discharge": SystemDischarge, "2.16.840.1.113883.6.301.5": SystemDischarge,
	"nubc.org/codesystem/revenuecodes": SystemRevenue, "2.16.840.1.113883.6.301.3": SystemRevenue,
	"2.16.840.1.113883.5.4": SystemActCode, "actcode": SystemActCode,
}

// NormalSystem gives the URI by which FHIR R4 names a code system, for the OIDs, short names and URL variants that feeds
// use for it ("urn:oid:2.16.840.1.113883.6.96", "SNOMED-CT", "https://snomed.info/sct/"). HL7's own tables of the time
// before R4 ("http://hl7.org/fhir/v3/ActCode", "http://hl7.org/fhir/v2/0203") move to terminology.hl7.org. An unknown
// system comes back as it is, without surrounding blanks; "" stays "". A version behind a bar ("http://loinc.org|2.74") is
// dropped. Applying it twice changes nothing.
func NormalSystem(system string) string {
	system, _, _ = strings.Cut(system, "|")
	system = strings.TrimSpace(system)
	switch system {
	case "", SystemSNOMED, SystemLOINC, SystemICD10CM, SystemRxNorm, SystemCVX, SystemCPT:
		return system
	}
	folded := foldSystem(system)
	if uri, ok := systemNames[folded]; ok {
		return uri
	}
	if strings.HasPrefix(folded, snomedEdition) {
		return SystemSNOMED
	}
	for _, old := range [...]struct{ prefix, table string }{{"http://hl7.org/fhir/v2/", "v2-"}, {"http://hl7.org/fhir/v3/", "v3-"}} {
		if name, ok := strings.CutPrefix(system, old.prefix); ok && name != "" && !strings.Contains(name, "/") {
			return terminologyPrefix + old.table + name
		}
	}
	return system
}

// foldSystem brings the spellings of one system together; see systemNames.
func foldSystem(system string) string {
	s := strings.ToLower(system)
	if oid, ok := strings.CutPrefix(s, "urn:oid:"); ok {
		return oid
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		return strings.TrimSuffix(strings.TrimPrefix(rest, "www."), "/")
	}
	if strings.Trim(s, "0123456789.") == "" {
		return s
	}
	return strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(s)
}
