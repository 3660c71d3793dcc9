package main

import (
	"fmt"
	"time"
)

// The code systems used, all free to use; LOINC comes with the notice in sql/valuesets/NOTICE.md.
const (
	icd10cm  = "http://hl7.org/fhir/sid/icd-10-cm"
	icd10pcs = "http://www.cms.gov/Medicare/Coding/ICD10"
	hcpcs    = "http://www.nlm.nih.gov/research/umls/hcpcs"
	loinc    = "http://loinc.org"
	cvx      = "http://hl7.org/fhir/sid/cvx"
	ucum     = "http://unitsofmeasure.org"
	actCode  = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
)

func (c *clinic) patient(p person) {
	telecom := []object{{"system": "phone", "use": "home", "value": fmt.Sprintf("802-555-01%02d", c.rng.IntN(100))}}
	if p.mobile {
		telecom = append(telecom, object{"system": "phone", "use": "mobile", "value": fmt.Sprintf("802-555-01%02d", c.rng.IntN(100))})
	}
	if p.email {
		telecom = append(telecom, object{"system": "email", "value": p.given + "." + p.family + "@example.org"})
	}
	r := c.add("Patient", object{"id": p.id, "active": true, "gender": p.sex, "birthDate": p.birth.Format("2006-01-02"),
		"meta":       object{"versionId": "1"},
		"name":       []object{{"use": "official", "family": p.family, "given": []string{p.given}}},
		"identifier": []object{{"type": coded("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "record number"), "system": "urn:clinic:mrn", "value": "MRN-" + p.id[2:]}},
		"telecom":    telecom,
		"address": []object{{"use": "home", "line": []string{fmt.Sprintf("%d %s", 1+c.rng.IntN(99), streets[c.rng.IntN(len(streets))])}, "city": "Riverton", "state": "VT", "postalCode": fmt.Sprintf("0540%d", 1+p.site),
			"district": "Chittenden"}},
		"communication":        []object{{"language": coded("urn:ietf:bcp:47", p.language, p.language), "preferred": true}},
		"generalPractitioner":  []object{ref("Practitioner", fmt.Sprintf("dr-%d", p.doctor+1))},
		"managingOrganization": ref("Organization", fmt.Sprintf("org-%d", p.site+1))})
	if age := asOf.Year() - p.birth.Year(); age > 80 && c.chance(0.3) {
		r["deceasedDateTime"] = asOf.AddDate(0, -c.rng.IntN(10)-1, 0).Format("2006-01-02")
	}
}

func (c *clinic) coverage(p person) {
	c.add("Coverage", object{"id": c.id("cov"), "status": "active", "beneficiary": ref("Patient", p.id), "payor": []object{{"display": p.payer}},
		"period": object{"start": "2024-01-01"}})
}

func (c *clinic) conditions(p person) {
	problem := func(code, display string, since time.Time) {
		c.add("Condition", object{"id": c.id("con"), "subject": ref("Patient", p.id), "code": coded(icd10cm, code, display), "onsetDateTime": since.Format("2006-01-02"),
			"clinicalStatus":     coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "active"),
			"verificationStatus": coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "confirmed")})
	}
	if p.hypertension {
		problem("I10", "high blood pressure", asOf.AddDate(-3, -c.rng.IntN(30), 0))
	}
	if p.diabetes {
		problem("E11.9", "diabetes type 2", asOf.AddDate(-2, -c.rng.IntN(30), 0))
	}
	if c.chance(0.02) && p.birth.Year() < 1980 {
		problem("C18.9", "colon cancer", asOf.AddDate(-1, 0, 0))
	}
	if p.sex == "female" && p.birth.Year() < 1985 && c.chance(0.03) {
		problem("Z90.13", "both breasts removed", asOf.AddDate(-4, 0, 0))
	}
}

// visits books about one appointment a quarter over two years and a few ahead. The planted truth: Northside's patients miss
// nearly a quarter of them, the others about one in eleven.
func (c *clinic) visits(p person) {
	miss := 0.09
	if p.site == 0 {
		miss = 0.24
	}
	quiet := c.chance(0.15) // these patients have not been seen for over a year
	for q := -8; q <= 0; q++ {
		if !c.chance(0.6) || (quiet && q > -5) {
			continue
		}
		start := asOf.AddDate(0, 3*q, -1-c.rng.IntN(80)).Add(time.Duration(13+c.rng.IntN(8)) * time.Hour)
		c.visit(p, start, miss)
	}
	if c.chance(0.3) {
		start := asOf.AddDate(0, 0, 2+c.rng.IntN(40)).Add(time.Duration(13+c.rng.IntN(8)) * time.Hour)
		c.appointment(p, start, "booked")
	}
}

func (c *clinic) appointment(p person, start time.Time, status string) string {
	id := c.id("apt")
	r := c.add("Appointment", object{"id": id, "status": status, "start": stamp(start), "end": stamp(start.Add(30 * time.Minute)), "created": stamp(start.AddDate(0, 0, -5-c.rng.IntN(40))),
		"participant": []object{{"actor": ref("Patient", p.id), "status": "accepted"}, {"actor": ref("Practitioner", fmt.Sprintf("dr-%d", p.doctor+1)), "status": "accepted"},
			{"actor": ref("Location", fmt.Sprintf("loc-%d", p.site+1)), "status": "accepted"}}})
	if start.After(asOf) {
		r["created"] = stamp(asOf.AddDate(0, 0, -3-c.rng.IntN(30)))
	}
	return id
}

func (c *clinic) visit(p person, start time.Time, miss float64) {
	switch {
	case c.chance(miss):
		c.appointment(p, start, "noshow")
		return
	case c.chance(0.07):
		c.appointment(p, start, "cancelled")
		return
	}
	apt, enc := c.appointment(p, start, "fulfilled"), c.id("enc")
	class := "AMB"
	if c.chance(0.12) {
		class = "VR"
	}
	c.add("Encounter", object{"id": enc, "status": "finished", "class": object{"system": actCode, "code": class}, "subject": ref("Patient", p.id),
		"period":          object{"start": stamp(start), "end": stamp(start.Add(25 * time.Minute))},
		"participant":     []object{{"individual": ref("Practitioner", fmt.Sprintf("dr-%d", p.doctor+1))}},
		"serviceProvider": ref("Organization", fmt.Sprintf("org-%d", p.site+1)),
		"location":        []object{{"location": ref("Location", fmt.Sprintf("loc-%d", p.site+1))}}, "appointment": []object{ref("Appointment", apt)}})
	if p.hypertension || c.chance(0.4) {
		c.bloodPressure(p, enc, start)
	}
	if p.diabetes && c.chance(0.6) {
		c.lab(p, enc, start, "4548-4", "HbA1c", 5.6+5*c.rng.Float64(), "%")
	}
	c.claim(p, enc, start)
}

func (c *clinic) bloodPressure(p person, enc string, at time.Time) {
	part := func(code string, v int) object {
		return object{"code": coded(loinc, code, code), "valueQuantity": object{"value": v, "unit": "mm[Hg]", "system": ucum, "code": "mm[Hg]"}}
	}
	c.add("Observation", object{"id": c.id("obs"), "status": "final", "subject": ref("Patient", p.id), "encounter": ref("Encounter", enc), "effectiveDateTime": stamp(at.Add(5 * time.Minute)),
		"category": []object{coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "vital signs")}, "code": coded(loinc, "85354-9", "blood pressure"),
		"component": []object{part("8480-6", 112+c.rng.IntN(48)), part("8462-4", 66+c.rng.IntN(32))}})
}

func (c *clinic) lab(p person, enc string, at time.Time, code, display string, v float64, unit string) {
	c.add("Observation", object{"id": c.id("obs"), "status": "final", "subject": ref("Patient", p.id), "encounter": ref("Encounter", enc), "effectiveDateTime": stamp(at.Add(20 * time.Minute)),
		"category": []object{coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "laboratory")}, "code": coded(loinc, code, display),
		"valueQuantity": object{"value": float64(int(v*10)) / 10, "unit": unit, "system": ucum, "code": unit}})
}

// screenings gives some of those who are due their colonoscopy, stool test or mammogram.
func (c *clinic) screenings(p person) {
	age := asOf.Year() - p.birth.Year()
	day := func(years int) string {
		return asOf.AddDate(-c.rng.IntN(years), -c.rng.IntN(11), -1-c.rng.IntN(27)).Format("2006-01-02")
	}
	if age >= 45 && c.chance(0.45) {
		c.add("Procedure", object{"id": c.id("pro"), "status": "completed", "subject": ref("Patient", p.id), "code": coded(hcpcs, "G0121", "screening colonoscopy"), "performedDateTime": day(13)})
	} else if age >= 45 && c.chance(0.4) {
		c.add("Observation", object{"id": c.id("obs"), "status": "final", "subject": ref("Patient", p.id), "code": coded(loinc, "29771-3", "stool test, immunochemical"), "effectiveDateTime": day(2),
			"category":             []object{coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "laboratory")},
			"valueCodeableConcept": coded(loinc, "LA6577-6", "negative")})
	}
	if p.sex == "female" && age >= 40 && c.chance(0.55) {
		c.add("DiagnosticReport", object{"id": c.id("rep"), "status": "final", "subject": ref("Patient", p.id), "code": coded(loinc, "24606-6", "mammogram, screening"), "effectiveDateTime": day(4),
			"category": []object{coded("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "radiology")}})
	}
}

func (c *clinic) vaccines(p person) {
	for _, season := range []int{2024, 2025} {
		if !c.chance(0.5) {
			continue
		}
		day := time.Date(season, 9, 15+c.rng.IntN(60), 0, 0, 0, 0, time.UTC)
		if day.Before(p.birth.AddDate(0, 6, 0)) {
			continue
		}
		c.add("Immunization", object{"id": c.id("imm"), "status": "completed", "patient": ref("Patient", p.id), "vaccineCode": coded(cvx, "150", "influenza"), "occurrenceDateTime": day.Format("2006-01-02")})
	}
}
