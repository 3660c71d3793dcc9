package main

import (
	"math"
	"strconv"
	"strings"

	"carereach/models"
)

// plain writes codes and values of a fact the way people read them: "LOINC 8331-1 = 37.5 Cel" for
// "http://loinc.org|8331-1 = 37.50320360736912 Cel". JSON keeps what the source sent.
func plain(what string) string {
	words := strings.Split(what, " ")
	for i, w := range words {
		if system, code, ok := strings.Cut(w, "|"); ok {
			words[i] = strings.TrimSpace(systemWord(system) + " " + code)
		} else {
			words[i] = rounded(w)
		}
	}
	return strings.Join(words, " ")
}

// systemWord gives the short name of a code system; none for HL7's own tables, whose codes are words already.
func systemWord(system string) string {
	switch system {
	case models.SystemSNOMED:
		return "SNOMED"
	case models.SystemLOINC:
		return "LOINC"
	case models.SystemICD10CM, models.SystemICD10:
		return "ICD-10"
	case models.SystemICD10PCS:
		return "ICD-10-PCS"
	case models.SystemICD9CM:
		return "ICD-9"
	case models.SystemCPT:
		return "CPT"
	case models.SystemHCPCS:
		return "HCPCS"
	case models.SystemCVX:
		return "CVX"
	case models.SystemRxNorm:
		return "RxNorm"
	case models.SystemNDC:
		return "NDC"
	}
	if strings.HasPrefix(system, "http://terminology.hl7.org/") {
		return ""
	}
	return system
}

// rounded shortens a number that a machine wrote with more digits than anybody measures: two decimals, or three digits that
// count for small ones. Anything with up to four decimals, an amount say, stays as it is.
func rounded(word string) string {
	_, decimals, _ := strings.Cut(word, ".")
	f, err := strconv.ParseFloat(word, 64)
	if err != nil || len(decimals) <= 4 {
		return word
	}
	if math.Abs(f) >= 1 {
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// groupWord says an OMB category of race or ethnicity (CDC code system) in words.
func groupWord(code string) string {
	switch code {
	case "1002-5":
		return "American Indian or Alaska Native"
	case "2028-9":
		return "Asian"
	case "2054-5":
		return "Black or African American"
	case "2076-8":
		return "Native Hawaiian or Other Pacific Islander"
	case "2106-3":
		return "White"
	case "2131-1":
		return "other race"
	case "2135-2":
		return "Hispanic or Latino"
	case "2186-5":
		return "not Hispanic or Latino"
	}
	return code
}

// relationWords says what somebody is to the patient, from HL7's codes of roles and contacts.
func relationWords(codes []string) string {
	var out []string
	for _, c := range codes {
		w := plain(c)
		switch w {
		case "SPS", "HUSB", "WIFE":
			w = "spouse"
		case "DOMPART":
			w = "partner"
		case "MTH":
			w = "mother"
		case "FTH":
			w = "father"
		case "PRN":
			w = "parent"
		case "CHILD", "SON", "DAU", "SONC", "DAUC":
			w = "child"
		case "SIB", "BRO", "SIS":
			w = "sibling"
		case "GUARD":
			w = "guardian"
		case "FRND":
			w = "friend"
		case "NBOR":
			w = "neighbour"
		case "C":
			w = "emergency contact"
		case "N":
			w = "next of kin"
		}
		out = append(out, w)
	}
	return or(strings.Join(out, ", "), "related")
}

// reasonWord says a DEQM reason code in words.
func reasonWord(code string) string {
	switch models.GapReason(code) {
	case models.ReasonNotFound:
		return "no such record"
	case models.ReasonMissing:
		return "the record lacks what is asked for"
	case models.ReasonPresent:
		return "there is something that must not be"
	case models.ReasonInvalidAttribute:
		return "wrong status or code"
	case models.ReasonDateInRange:
		return "in time"
	case models.ReasonDateOutOfRange:
		return "not in time"
	case models.ReasonValueInRange:
		return "value in range"
	case models.ReasonValueOutOfRange:
		return "value out of range"
	case models.ReasonCountInRange:
		return "often enough"
	case models.ReasonCountOutOfRange:
		return "not often enough"
	}
	return code
}
