package fhir

import (
	"carereach/models"
)

// sample is a resource and the fact we expect of it: what it must hold, column by column, and nothing else.
type sample struct {
	why       string
	json      string
	subject   string // id of the patient; "" where the type has none
	version   int64
	retracted bool
	want      map[string]any
}

const (
	actCode  = models.SystemActCode
	snomed   = models.SystemSNOMED
	loinc    = models.SystemLOINC
	tables   = "http://terminology.hl7.org/CodeSystem/"
	cancel   = tables + "appointment-cancellation-reason"
	category = tables + "observation-category"
)

// at reads a time that the test wrote itself.
func at(s string) models.TimeRange {
	r, err := models.ParseFHIRTime(s)
	if err != nil {
		panic(err)
	}
	return r
}

// between gives the interval between two times; "" leaves an end open.
func between(start, end string) models.Interval {
	read := func(s string) *models.TimeRange {
		if s == "" {
			return nil
		}
		r := at(s)
		return &r
	}
	iv, err := models.Span(read(start), read(end))
	if err != nil || iv == nil {
		panic("no interval")
	}
	return *iv
}

func ref(kind, id string) models.Ref { return models.Ref{Type: kind, ID: id} }

func corpus() []sample {
	var all []sample
	for _, part := range [][]sample{people(), visits(), clinical(), orders(), money()} {
		all = append(all, part...)
	}
	return all
}

func people() []sample {
	return []sample{
		{
			why: "a patient with everything that leaves the vault",
			json: `{"resourceType":"Patient","id":"p1","meta":{"versionId":"7","lastUpdated":"2026-01-02T03:04:05Z"},
				"extension":[
					{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[
						{"url":"detailed","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2036-2"}},
						{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2028-9"}},
						{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}},
						{"url":"text","valueString":"Asian"}]},
					{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity","extension":[
						{"url":"ombCategory","valueCoding":{"system":"2.16.840.1.113883.6.238","code":"2186-5"}}]},
					{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex","valueCode":"F"},
					{"url":"http://example.org/other","valueString":"x"}],
				"active":true,"gender":"female","birthDate":"1958-03","deceasedBoolean":false,
				"telecom":[{"system":"phone","value":"555-0100","use":"mobile"},{"system":"email","value":"a@example.org"}],
				"address":[
					{"use":"work","line":["9 Office Park"],"city":"Lynn","state":"MA","postalCode":"01901"},
					{"use":"home","line":["1 Elm St"],"city":"Salem","district":"Essex County","state":"MA","postalCode":"01970","country":"US"}],
				"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en-US"}]}},
					{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"es-MX"}]},"preferred":true}],
				"generalPractitioner":[{"reference":"Practitioner/dr1"}],"managingOrganization":{"reference":"Organization/o1"}}`,
			subject: "p1", version: 7,
			want: map[string]any{
				"birth": at("1958-03"), "gender": "female", "active": true, "deceased": false,
				"race": models.SystemCDCRace + "|2028-9", "ethnicity": models.SystemCDCRace + "|2186-5", "birth_sex": "F", "language": "es",
				"city": "Salem", "state": "MA", "zip": "01970", "county": "Essex County",
				"has_mobile": true, "has_phone": true, "has_email": true, "has_address": true,
				"pcp": ref("Practitioner", "dr1"), "organization": ref("Organization", "o1"),
			},
		},
		{
			why: "a date of death says that the person has died; the only language counts without being marked; a county code goes before its name",
			json: `{"resourceType":"Patient","id":"p2","deceasedDateTime":"2025-11","meta":{"lastUpdated":"2026-01-02T03:04:05.5+01:00"},
				"telecom":[{"system":"phone","value":"555-0101","use":"home"},{"system":"email","value":"old@example.org","use":"old"},
					{"system":"phone","value":"555-0102","use":"mobile","period":{"end":"2020-01-01"}}],
				"address":[{"city":"Boston","district":"Suffolk","_district":{"extension":[
					{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-SC-coding","valueCoding":{"system":"http://hl7.org/fhir/sid/us-fips","code":"25025"}}]}}],
				"communication":[{"language":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.121","code":"por"}]}}],
				"generalPractitioner":[{"display":"the clinic"},{"reference":"http://ehr.example.org/fhir/PractitionerRole/r9/_history/3"}]}`,
			subject: "p2", version: int64(at("2026-01-02T02:04:05.5Z").Lo),
			want: map[string]any{
				"deceased": true, "deceased_at": at("2025-11"), "language": "pt", "city": "Boston", "county": "25025",
				"has_mobile": false, "has_phone": true, "has_email": false, "has_address": false, "pcp": ref("PractitionerRole", "r9"),
			},
		},
		{
			why:  "two languages of which none is preferred say nothing; null and the empty string count as absent",
			json: `{"resourceType":"Patient","id":"p3","gender":null,"birthDate":"","communication":[{"language":{"coding":[{"code":"en"}]}},{"language":{"coding":[{"code":"fr"}]}}]}`, subject: "p3",
			want: map[string]any{"has_mobile": false, "has_phone": false, "has_email": false, "has_address": false},
		},
		{
			why: "a family contact",
			json: `{"resourceType":"RelatedPerson","id":"rp1","active":true,"patient":{"reference":"Patient/p1"},"name":[{"family":"Doe"}],
				"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"DAU"}]},
					{"coding":[{"system":"http://hl7.org/fhir/v3/RoleCode","code":"DAU"},{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"C"}]}]}`,
			subject: "p1",
			want:    map[string]any{"active": true, "relationship": []string{tables + "v3-RoleCode|DAU", tables + "v2-0131|C"}},
		},
		{
			why: "a clinician is shown by the official name",
			json: `{"resourceType":"Practitioner","id":"dr1","active":true,"name":[{"use":"old","family":"Smith"},{"use":"usual","text":"Jo"},
				{"use":"official","prefix":["Dr."],"given":["Jo",null,"A."],"family":"Hilpert","suffix":["MD"]}]}`,
			want: map[string]any{"active": true, "label": "Dr. Jo A. Hilpert MD"},
		},
		{
			why: "a role joins a clinician, an organisation and a place",
			json: `{"resourceType":"PractitionerRole","id":"r1","active":true,"practitioner":{"reference":"Practitioner/dr1"},"organization":{"reference":"Organization/o1"},
				"location":[{"reference":"Location/l1"},{"reference":"Location/l2"}],"specialty":[{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.101","code":"207Q00000X"}]}]}`,
			want: map[string]any{
				"active": true, "practitioner": ref("Practitioner", "dr1"), "organization": ref("Organization", "o1"), "location": ref("Location", "l1"),
				"specialty": []string{models.SystemNUCC + "|207Q00000X"},
			},
		},
		{
			why: "an organisation",
			json: `{"resourceType":"Organization","id":"o1","active":true,"name":"  North Shore Clinic ","partOf":{"reference":"Organization/o0"},
				"type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"prov"}]}]}`,
			want: map[string]any{"active": true, "label": "North Shore Clinic", "part_of": ref("Organization", "o0"), "type": []string{tables + "organization-type|prov"}},
		},
		{
			why:  "a place",
			json: `{"resourceType":"Location","id":"l1","status":"active","name":"Room 4 \u2013 Imaging","managingOrganization":{"reference":"Organization/o1"}}`,
			want: map[string]any{"status": "active", "label": "Room 4 – Imaging", "organization": ref("Organization", "o1")},
		},
	}
}

func visits() []sample {
	return []sample{
		{
			why: "a visit: the clinician is the first who is one, not the daughter who came along",
			json: `{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"http://hl7.org/fhir/v3/ActCode","code":"AMB"},
				"type":[{"coding":[{"system":"SNOMED-CT","code":"185349003"},{"system":"http://www.ama-assn.org/go/cpt","code":"99213"}]},{"text":"check-up"}],
				"subject":{"reference":"https://ehr.example.org/fhir/Patient/p1"},
				"participant":[{"individual":{"reference":"RelatedPerson/rp1"}},{},{"individual":{"reference":"Practitioner/dr1"}}],
				"period":{"start":"2026-05-01T09:00:00-04:00","end":"2026-05-01T09:30:00-04:00"},
				"reasonCode":[{"coding":[{"system":"http://snomed.info/sct","code":"38341003"}]}],"serviceProvider":{"reference":"Organization/o1"},
				"location":[{"location":{"reference":"Location/l1"}}],"appointment":[{"reference":"Appointment/a1"}],
				"hospitalization":{"dischargeDisposition":{"coding":[{"system":"http://www.nubc.org/patient-discharge","code":"01"}]}}}`,
			subject: "p1",
			want: map[string]any{
				"status": "finished", "class": actCode + "|AMB", "type": []string{snomed + "|185349003", models.SystemCPT + "|99213"},
				"period": between("2026-05-01T09:00:00-04:00", "2026-05-01T09:30:00-04:00"), "reason": []string{snomed + "|38341003"},
				"practitioner": ref("Practitioner", "dr1"), "organization": ref("Organization", "o1"), "location": ref("Location", "l1"),
				"appointment": ref("Appointment", "a1"), "disposition": []string{models.SystemDischarge + "|01"},
			},
		},
		{
			why:  "a visit entered in error is a retraction; only a family member took part, so nobody is its clinician",
			json: `{"resourceType":"Encounter","id":"e2","status":"entered-in-error","subject":{"reference":"Patient/p1/_history/2"},"participant":[{"individual":{"reference":"RelatedPerson/rp1"}}],"period":{"start":"2031-01-01"}}`, subject: "p1", retracted: true,
			want: map[string]any{"status": "entered-in-error", "period": between("2031-01-01", "")},
		},
		{
			why: "a booking that the patient cancelled; the patient, the clinician and the place are among the participants",
			json: `{"resourceType":"Appointment","id":"a1","status":"cancelled","start":"2027-01-05T10:00:00Z","end":"2027-01-05T10:20:00Z","created":"2026-06-01",
				"cancelationReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason","code":"pat-crs"}]},
				"serviceType":[{"coding":[{"system":"http://example.org/svc","code":"124"}]}],"specialty":[{"coding":[{"system":"http://snomed.info/sct","code":"394814009"}]}],
				"reasonCode":[{"coding":[{"system":"http://snomed.info/sct","code":"413095006"}]}],
				"participant":[{"actor":{"reference":"Location/l1"},"status":"accepted"},{"actor":{"reference":"PractitionerRole/r1"},"status":"accepted"},
					{"type":[{"text":"nobody"}],"status":"needs-action"},{"actor":{"reference":"Patient/p1"},"status":"accepted"},{"actor":{"reference":"Practitioner/dr2"},"status":"accepted"}]}`,
			subject: "p1",
			want: map[string]any{
				"status": "cancelled", "start": at("2027-01-05T10:00:00Z"), "end": at("2027-01-05T10:20:00Z"), "booked": at("2026-06-01"),
				"cancel_reason": []string{cancel + "|pat-crs"}, "cancelled_by": "patient", "service_type": []string{"http://example.org/svc|124"},
				"specialty": []string{snomed + "|394814009"}, "reason": []string{snomed + "|413095006"},
				"practitioner": ref("PractitionerRole", "r1"), "location": ref("Location", "l1"),
			},
		},
	}
}

func clinical() []sample {
	return []sample{
		{
			why: "a diagnosis with a year of onset",
			json: `{"resourceType":"Condition","id":"c1","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"resolved"}]},
				"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},
				"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}],
				"code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.90","code":"I10"},{"system":"http://snomed.info/sct","code":"38341003"}],"text":"high blood pressure"},
				"bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"80891009"}]}],"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},
				"onsetDateTime":"2019","abatementPeriod":{"start":"2020-01-01","end":"2020-02-01"},"recordedDate":"2019-05-01T08:00:00Z"}`,
			subject: "p1",
			want: map[string]any{
				"clinical_status": []string{tables + "condition-clinical|resolved"}, "verification_status": []string{tables + "condition-ver-status|confirmed"},
				"category": []string{tables + "condition-category|problem-list-item"}, "code": []string{models.SystemICD10CM + "|I10", snomed + "|38341003"},
				"body_site": []string{snomed + "|80891009"}, "encounter": ref("Encounter", "e1"), "onset": at("2019").Point(),
				"abatement": between("2020-01-01", "2020-02-01"), "recorded": at("2019-05-01T08:00:00Z"),
			},
		},
		{
			why: "a diagnosis dated by age, later entered in error",
			json: `{"resourceType":"Condition","id":"c2","verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"entered-in-error"}]},
				"subject":{"reference":"Patient/p1"},"onsetAge":{"value":52,"unit":"years","system":"http://unitsofmeasure.org","code":"a"},"abatementAge":{"value":55.5,"unit":"years"}}`,
			subject: "p1", retracted: true,
			want: map[string]any{
				"verification_status": []string{tables + "condition-ver-status|entered-in-error"},
				"onset_age":           models.Quantity{Value: 52, Unit: "a"}, "abatement_age": models.Quantity{Value: 55.5, Unit: "years"},
			},
		},
		{
			why: "a laboratory result keeps its bound and its double value",
			json: `{"resourceType":"Observation","id":"b1","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
				"code":{"coding":[{"system":"http://loinc.org","code":"4548-4"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},
				"effectiveDateTime":"2026-05-01T09:10:00.123456-04:00","issued":"2026-05-02T00:00:00Z","interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"H"}]}],
				"valueQuantity":{"value":160.4692076211096,"comparator":">=","unit":"percent","system":"http://unitsofmeasure.org","code":"%"}}`,
			subject: "p1",
			want: map[string]any{
				"status": "final", "category": []string{category + "|laboratory"}, "code": []string{loinc + "|4548-4"}, "encounter": ref("Encounter", "e1"),
				"effective": at("2026-05-01T09:10:00.123456-04:00").Point(), "issued": at("2026-05-02T00:00:00Z"), "interpretation": []string{tables + "v3-ObservationInterpretation|H"},
				"value": models.Quantity{Value: 160.4692076211096, Unit: "%", Comparator: ">="},
			},
		},
		{
			why: "a blood pressure panel; one part is a code, one a whole number, one is only text",
			json: `{"resourceType":"Observation","id":"b2","subject":{"reference":"Patient/p1"},"effectivePeriod":{"start":"2026-05-01"},
				"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":142,"unit":"mmHg"}},
					{"code":{"coding":[{"system":"http://loinc.org","code":"8357-6"}]},"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"37931006"}]}},
					{"code":{"coding":[{"system":"http://loinc.org","code":"9279-1"}]},"valueInteger":18},
					{"code":{"text":"mood"},"valueString":"cheerful"}]}`,
			subject: "p1",
			want: map[string]any{
				"effective": between("2026-05-01", ""),
				"component": []models.Component{
					{Code: []string{loinc + "|8480-6"}, Value: &models.Quantity{Value: 142, Unit: "mmHg"}},
					{Code: []string{loinc + "|8357-6"}, ValueCode: []string{snomed + "|37931006"}},
					{Code: []string{loinc + "|9279-1"}, Value: &models.Quantity{Value: 18}},
					{},
				},
			},
		},
		{
			why:  "a result in words is only marked as such",
			json: `{"resourceType":"Observation","id":"b3","subject":{"reference":"Patient/p1"},"effectiveInstant":"2026-05-01T09:10:00Z","valueString":"ask Mrs Doe"}`, subject: "p1",
			want: map[string]any{"effective": at("2026-05-01T09:10:00Z").Point(), "value_text": true},
		},
		{
			why:  "a result that is a code; a Timing counts from its first to its last event",
			json: `{"resourceType":"Observation","id":"b4","subject":{"reference":"Patient/p1"},"effectiveTiming":{"event":["2026-05-03","2026-05-01","2026-05-02"]},"valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"LA6576-8"}]}}`, subject: "p1",
			want: map[string]any{"effective": between("2026-05-01", "2026-05-03"), "value_code": []string{loinc + "|LA6576-8"}},
		},
		{
			why:  "a score is a number without a unit",
			json: `{"resourceType":"Observation","id":"b5","subject":{"reference":"Patient/p1"},"valueInteger":17}`, subject: "p1",
			want: map[string]any{"value": models.Quantity{Value: 17}},
		},
		{
			why: "a procedure that was not done, and why",
			json: `{"resourceType":"Procedure","id":"x1","status":"not-done","statusReason":{"coding":[{"system":"http://snomed.info/sct","code":"183932001"}]},
				"category":{"coding":[{"system":"http://snomed.info/sct","code":"387713003"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"73761001"}]},
				"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"performedDateTime":"2026-02","bodySite":[{"coding":[{"system":"http://snomed.info/sct","code":"71854001"}]}]}`,
			subject: "p1",
			want: map[string]any{
				"status": "not-done", "status_reason": []string{snomed + "|183932001"}, "category": []string{snomed + "|387713003"}, "code": []string{snomed + "|73761001"},
				"encounter": ref("Encounter", "e1"), "performed": at("2026-02").Point(), "body_site": []string{snomed + "|71854001"},
			},
		},
		{
			why: "a vaccine",
			json: `{"resourceType":"Immunization","id":"i1","status":"not-done","statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PATOBJ"}]},
				"vaccineCode":{"coding":[{"system":"urn:oid:2.16.840.1.113883.12.292","code":"140"}]},"patient":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"occurrenceDateTime":"2025-10-01"}`,
			subject: "p1",
			want: map[string]any{
				"status": "not-done", "status_reason": []string{tables + "v3-ActReason|PATOBJ"}, "code": []string{models.SystemCVX + "|140"}, "encounter": ref("Encounter", "e1"),
				"occurrence": at("2025-10-01"),
			},
		},
		{
			why: "a report",
			json: `{"resourceType":"DiagnosticReport","id":"d1","status":"final","category":[{"coding":[{"system":"http://hl7.org/fhir/v2/0074","code":"LAB"}]}],
				"code":{"coding":[{"system":"http://loinc.org","code":"51990-0"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},
				"effectivePeriod":{"end":"2026-05-02"},"issued":"2026-05-02T00:00:00+00:00"}`,
			subject: "p1",
			want: map[string]any{
				"status": "final", "category": []string{tables + "v2-0074|LAB"}, "code": []string{loinc + "|51990-0"}, "encounter": ref("Encounter", "e1"),
				"effective": between("", "2026-05-02"), "issued": at("2026-05-02T00:00:00Z"),
			},
		},
	}
}

func orders() []sample {
	return []sample{
		{
			why: "a prescription",
			json: `{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","doNotPerform":true,"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/medicationrequest-category","code":"community"}]}],
				"medicationCodeableConcept":{"coding":[{"system":"RxNorm","code":"849574"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"authoredOn":"2026-04-01",
				"dispenseRequest":{"validityPeriod":{"start":"2026-04-01","end":"2027-04-01"},"numberOfRepeatsAllowed":3,"quantity":{"value":90,"code":"{tbl}"},"expectedSupplyDuration":{"value":30,"code":"d"}}}`,
			subject: "p1",
			want: map[string]any{
				"status": "active", "intent": "order", "not_done": true, "category": []string{tables + "medicationrequest-category|community"}, "code": []string{models.SystemRxNorm + "|849574"},
				"encounter": ref("Encounter", "e1"), "authored": at("2026-04-01"), "validity": between("2026-04-01", "2027-04-01"), "repeats": int64(3),
				"quantity": models.Quantity{Value: 90, Unit: "{tbl}"}, "supply": models.Quantity{Value: 30, Unit: "d"},
			},
		},
		{
			why: "a medicine that the order carries inside itself",
			json: `{"resourceType":"MedicationRequest","id":"m2","subject":{"reference":"Patient/p1"},"medicationReference":{"reference":"#med"},
				"contained":[{"resourceType":"Organization","id":"med"},{"resourceType":"Medication","id":"med","code":{"coding":[{"system":"http://hl7.org/fhir/sid/ndc","code":"0069-2587-10"}]}}]}`,
			subject: "p1", want: map[string]any{"code": []string{models.SystemNDC + "|0069-2587-10"}},
		},
		{
			why: "a referral for next year; orders may lie in the future",
			json: `{"resourceType":"ServiceRequest","id":"s1","status":"active","intent":"order","doNotPerform":false,"category":[{"coding":[{"system":"http://snomed.info/sct","code":"103696004"}]}],
				"code":{"coding":[{"system":"http://snomed.info/sct","code":"73761001"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},
				"occurrenceTiming":{"repeat":{"boundsPeriod":{"start":"2027-01-01"}}},"authoredOn":"2026-06-01T00:00:00Z"}`,
			subject: "p1",
			want: map[string]any{
				"status": "active", "intent": "order", "not_done": false, "category": []string{snomed + "|103696004"}, "code": []string{snomed + "|73761001"},
				"encounter": ref("Encounter", "e1"), "occurrence": between("2027-01-01", ""), "authored": at("2026-06-01T00:00:00Z"),
			},
		},
	}
}

func money() []sample {
	return []sample{
		{
			why: "insurance by an organisation",
			json: `{"resourceType":"Coverage","id":"v1","status":"active","type":{"coding":[{"system":"urn:oid:2.16.840.1.113883.3.221.5","code":"1"}]},"beneficiary":{"reference":"Patient/p1"},
				"payor":[{"reference":"Organization/cms","display":"Medicare Part B"}],"period":{"start":"2026-01-01","end":"2026-12-31"}}`,
			subject: "p1",
			want: map[string]any{
				"status": "active", "type": []string{models.SystemSOPT + "|1"}, "payer": "medicare", "payer_org": ref("Organization", "cms"), "period": between("2026-01-01", "2026-12-31"),
			},
		},
		{
			why:  "whoever pays for themselves is named by class, not by name",
			json: `{"resourceType":"Coverage","id":"v2","beneficiary":{"reference":"Patient/p1"},"payor":[{"reference":"Patient/p1","display":"Jo Medicare"}]}`, subject: "p1",
			want: map[string]any{"payer": "self-pay"},
		},
		{
			why: "a claim: the focal insurance decides, codes come once, the visit is the first named",
			json: `{"resourceType":"Claim","id":"k1","status":"active","use":"claim","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]},
				"patient":{"reference":"Patient/p1"},"billablePeriod":{"start":"2026-05-01","end":"2026-05-01"},"created":"2026-05-03","provider":{"reference":"Organization/o1"},
				"insurance":[{"sequence":1,"focal":false,"coverage":{"display":"Medicaid"}},{"sequence":2,"focal":true,"coverage":{"display":"Aetna PPO"}}],
				"diagnosis":[{"sequence":1,"diagnosisCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I10"}]}},{"sequence":2,"diagnosisReference":{"reference":"Condition/c1"}}],
				"item":[{"sequence":1,"productOrService":{"coding":[{"system":"HCPCS","code":"G0008"}]}},
					{"sequence":2,"productOrService":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.285","code":"G0008"},{"system":"CPT","code":"90686"}]},"encounter":[{"reference":"Encounter/e1"},{"reference":"Encounter/e2"}]}],
				"total":{"value":129.16,"currency":"USD"}}`,
			subject: "p1",
			want: map[string]any{
				"status": "active", "use": "claim", "type": []string{tables + "claim-type|institutional"}, "service_period": between("2026-05-01", "2026-05-01"), "submitted": at("2026-05-03"),
				"billed": models.Money(1291600), "currency": "USD", "payer": "commercial", "service": []string{models.SystemHCPCS + "|G0008", models.SystemCPT + "|90686"},
				"diagnosis": []string{models.SystemICD10CM + "|I10"}, "encounter": ref("Encounter", "e1"), "organization": ref("Organization", "o1"),
			},
		},
		{
			why: "without a payer in the insurance the insurer's name tells; a clinician who bills is no organisation",
			json: `{"resourceType":"Claim","id":"k2","patient":{"reference":"Patient/p1"},"provider":{"reference":"Practitioner/dr1"},"insurer":{"display":"Veterans Affairs"},
				"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/v1"}}],"total":{"currency":"USD"}}`,
			subject: "p1", want: map[string]any{"currency": "USD", "payer": "military"},
		},
	}
}
