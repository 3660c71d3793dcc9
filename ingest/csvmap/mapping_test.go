package csvmap

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carereach/models"
)

func when(t testing.TB, s string) models.TimeRange {
	t.Helper()
	r, err := models.ParseFHIRTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mapFile picks the mapping for a file, maps all rows and gives the facts of each, or the error.
func mapFile(t testing.TB, mappings []*Mapping, name, file string) (*Mapping, [][]models.Fact, []error) {
	t.Helper()
	r, err := NewReader(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Pick(mappings, name, r.Header())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(r.Header()); err != nil {
		t.Fatal(err)
	}
	var facts [][]models.Fact
	var errs []error
	for {
		row, err := r.Next()
		if err != nil && row.Line == 0 {
			return m, facts, errs
		}
		var f []models.Fact
		if err == nil {
			f, err = m.Facts(r.Header(), row.Cells, received)
		}
		facts, errs = append(facts, f), append(errs, err)
	}
}

// want compares the elements that have a value with what is expected of them.
func want(t testing.TB, f models.Fact, typeName, id, patient string, values map[string]any) {
	t.Helper()
	subject := models.Ref{}
	if patient != "" {
		subject = models.Ref{Type: "Patient", ID: patient}
	}
	if f.Type != typeName || f.ID != id || f.Subject != subject {
		t.Errorf("fact %s %q about %+v, want %s %q about %q", f.Type, f.ID, f.Subject, typeName, id, patient)
		return
	}
	ft, _ := models.FactTypeByName(f.Type)
	for i, e := range ft.Elements {
		if !reflect.DeepEqual(f.Values[i], values[e.Column]) {
			t.Errorf("%s.%s = %#v, want %#v", f.Type, e.Column, f.Values[i], values[e.Column])
		}
	}
}

// A plain list of appointments loads by obvious names, whatever their case, order and company.
func TestPlainAppointments(t *testing.T) {
	site := inZone(t, "America/New_York")
	m, facts, errs := mapFile(t, site, "export 2025.csv", "Notes,Status,Patient ID,Appt Date,Appt Time,Provider,Appointment ID,Visit Type,Booked On,Mode,TZ\n"+
		"secret,No Show,p1,3/9/2025,9:30 AM,d1,a1,Follow-up,2025-02-01,Telehealth,\n"+
		",Scheduled,p2,2025-07-01,14:00,,a2,,,walk in,America/Chicago\n"+
		",Completed,p3,2025-03-09,02:30,,a3,,,,\n"+
		",Completed,p3,2024-11-03,01:30,,a4,,,,\n"+
		",Abducted,p3,2025-03-10,,,a5,,,,\n"+
		",Booked,,2025-03-10,,,a6,,,,\n"+
		",,p4,2025-08-10,,d1,,,,,\n"+
		",Deleted,p4,2025-08-10,,d1,a8,,,,\n")
	if m.Name != "appointments" {
		t.Fatalf("mapping %s", m.Name)
	}
	want(t, facts[0][0], "Appointment", "a1", "p1", map[string]any{"status": "noshow", "start": minute(when(t, "2025-03-09T09:30:00-04:00")), "booked": when(t, "2025-02-01"),
		"service_type": []string{"urn:carereach:list:visit-type|Follow-up"}, "modality": "video", "practitioner": models.Ref{Type: "Practitioner", ID: "d1"}})
	want(t, facts[1][0], "Appointment", "a2", "p2", map[string]any{"status": "booked", "start": minute(when(t, "2025-07-01T14:00:00-05:00"))})
	rejected(t, errs[2], models.ReasonBadTime, "date")
	twice := minute(when(t, "2024-11-03T01:30:00-04:00"))
	twice.Hi = minute(when(t, "2024-11-03T01:30:00-05:00")).Hi
	want(t, facts[3][0], "Appointment", "a4", "p3", map[string]any{"status": "fulfilled", "start": twice})
	rejected(t, errs[4], models.ReasonBadValue, "status")
	rejected(t, errs[5], models.ReasonMissingSubject, "patient_id")
	want(t, facts[6][0], "Appointment", "p4||2025-08-10||d1", "p4", map[string]any{"status": "booked", "start": when(t, "2025-08-10"), "practitioner": models.Ref{Type: "Practitioner", ID: "d1"}})
	if !facts[7][0].Retracted {
		t.Error("a deleted appointment is a retraction")
	}
	r, _ := NewReader(strings.NewReader("Notes,Status,Patient ID,Appt Date,Appt Time\n"))
	if got := m.Unmapped(r.Header()); !reflect.DeepEqual(got, []string{"Notes"}) {
		t.Errorf("unmapped columns %q", got)
	}
}

// inZone gives the shipped mappings as a site in that zone has them.
func inZone(t testing.TB, zone string) []*Mapping {
	t.Helper()
	var out []*Mapping
	for _, m := range Shipped() {
		zoned, err := m.WithZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, zoned)
	}
	return out
}

// The site's zone goes to the log with the mapping: read back from its text it means the same time. A zone of the
// mapping's own stays.
func TestZoneIsPartOfTheMapping(t *testing.T) {
	plain := mustLoad(t, good)
	zoned, err := plain.WithZone("America/New_York")
	if err != nil || zoned.Hash() == plain.Hash() {
		t.Fatalf("%v", err)
	}
	again := mustLoad(t, string(zoned.Text()))
	for m, start := range map[*Mapping]string{plain: "2025-03-10T09:00:00Z", zoned: "2025-03-10T09:00:00-04:00", again: "2025-03-10T09:00:00-04:00"} {
		facts, err := oneRow(m, "id,when,patient", "1,2025-03-10 09:00,p1")
		if err != nil {
			t.Fatal(err)
		}
		want(t, facts[0], "Appointment", "1", "p1", map[string]any{"start": minute(when(t, start))})
	}
	if same, err := zoned.WithZone("Asia/Tokyo"); err != nil || same != zoned {
		t.Errorf("a mapping's own zone stays: %v", err)
	}
	if _, err := plain.WithZone("Mars/Olympus"); models.KindOf(err) != models.KindConfig {
		t.Errorf("unknown zone: %v", err)
	}
	if _, err := Load("x.yaml", plain.Text()); err != nil {
		t.Errorf("the plain mapping's text was changed: %v", err)
	}
}

// minute widens a time to the minute that it was written to.
func minute(r models.TimeRange) models.TimeRange {
	r.Hi = r.Lo + models.Micros((time.Minute - time.Millisecond).Microseconds())
	return r
}

func rejected(t testing.TB, err error, reason models.QuarantineReason, where string) {
	t.Helper()
	r, ok := err.(*models.Reject) //nolint:errorlint // rejects come unwrapped, and that is part of the contract
	if !ok || r.Reason != reason || r.Where != where || r.Mend == "" {
		t.Errorf("got %v, want %s at %s with a way to mend it", err, reason, where)
	}
}

// What names and reaches a person goes to the vault; the store keeps that it is there. Consent columns are statements too.
func TestPlainContacts(t *testing.T) {
	m, facts, errs := mapFile(t, Shipped(), "patients.csv", "\ufeffpatient id;First Name;LAST NAME;DOB;Sex;Cell;Home Phone;E-Mail;Address;City;State;Zip;Preferred Language;Preferred Contact;MRN;SMS OK;email_opt_in;Consent Date\r\n"+
		"p1;Ada;\"O'Canary; the 2nd\";2/28/1950;F;555-0100;;ada@example.org;\"1 Main St\";Acton;MA;1720;Spanish;Text;M1;yes;No;2025-01-05\r\n"+
		"p2;;;;;;;;;Boston;;;;;;;;\r\n"+
		"p3;;;1950-02-30;;;;;;;;;;;;;;\r\n"+
		"p4;;;;;;;;;;;;Klingon;;;;;\r\n")
	if m.Name != "contacts" {
		t.Fatalf("mapping %s", m.Name)
	}
	want(t, facts[0][0], "Patient", "p1|contacts", "p1", map[string]any{"birth": when(t, "1950-02-28"), "gender": "female", "language": "es", "city": "Acton", "state": "MA", "zip": "01720", "preferred_channel": "sms",
		"has_mobile": true, "has_phone": true, "has_email": true, "has_address": true})
	id := facts[0][0].Identity
	if w := (&models.Identity{Names: []models.HumanName{{Use: "official", Family: "O'Canary; the 2nd", Given: []string{"Ada"}}},
		Telecom:     []models.ContactPoint{{System: "phone", Use: "mobile", Value: "555-0100"}, {System: "email", Value: "ada@example.org"}},
		Addresses:   []models.Address{{Use: "home", Line: []string{"1 Main St"}, City: "Acton", State: "MA", PostalCode: "1720"}},
		Identifiers: []models.Identifier{{Type: "MR", Value: "M1"}}}); !reflect.DeepEqual(id, w) {
		t.Errorf("identity %+v, want %+v", id, w)
	}
	if len(facts[0]) != 3 {
		t.Fatalf("%d facts, want the patient and two consents", len(facts[0]))
	}
	want(t, facts[0][1], "Consent", "p1|sms", "p1", map[string]any{"action": "granted", "channel": "sms", "purpose": "care_gap", "effective": when(t, "2025-01-05")})
	want(t, facts[0][2], "Consent", "p1|email", "p1", map[string]any{"action": "revoked", "channel": "email", "purpose": "care_gap", "effective": when(t, "2025-01-05")})
	want(t, facts[1][0], "Patient", "p2|contacts", "p2", map[string]any{"city": "Boston", "has_mobile": false, "has_phone": false, "has_email": false, "has_address": false})
	rejected(t, errs[2], models.ReasonBadTime, "birth_date")
	rejected(t, errs[3], models.ReasonBadValue, "language")
}

func TestPlainConsents(t *testing.T) {
	m, facts, errs := mapFile(t, Shipped(), "c.csv", "Patient_ID,Channel,Consent,Purpose,Date,Expires,Captured By,Evidence\n"+
		"p1,Text,Yes,Reminders,2025-01-05,2026,front desk,sheet 7\n"+
		"p2,Phone,opt-out,,,,,\n"+
		"p3,Pigeon,yes,,,,,\n"+
		"p4,sms,,,,,,\n"+
		"p5,sms,yes,,2025-05-01,2025-04-01,,\n")
	if m.Name != "consents" {
		t.Fatalf("mapping %s", m.Name)
	}
	want(t, facts[0][0], "Consent", "p1|Text|Reminders|2025-01-05", "p1", map[string]any{"action": "granted", "channel": "sms", "purpose": "care_gap", "effective": when(t, "2025-01-05"), "expires": when(t, "2026")})
	hi := when(t, "2026").Hi
	if w := (&models.ConsentEvent{Action: "granted", Channel: "sms", Purpose: "care_gap", CapturedBy: "front desk", Evidence: "sheet 7", Effective: when(t, "2025-01-05"), Expires: &hi}); !reflect.DeepEqual(facts[0][0].Consent, w) {
		t.Errorf("ledger gets %+v, want %+v", facts[0][0].Consent, w)
	}
	at := models.Micros(received.UnixMicro())
	want(t, facts[1][0], "Consent", "p2|Phone||", "p2", map[string]any{"action": "revoked", "channel": "voice", "purpose": "any", "effective": models.TimeRange{Lo: at, Hi: at, Zoned: true}})
	rejected(t, errs[2], models.ReasonBadValue, "channel")
	rejected(t, errs[3], models.ReasonBadValue, "action")
	rejected(t, errs[4], models.ReasonBadTime, "expires")
}

// The form of a HCPCS code tells its system; no real code is needed to show it.
func TestHCPCSForm(t *testing.T) {
	for code, want := range map[string]string{"00000": models.SystemCPT, "0000F": models.SystemCPT, "A0000": models.SystemHCPCS, "AAAAA": "", "A000": "", "A000A": "", "A00000": "", "": "", "é0000": ""} {
		if got := hcpcsSystem(code); got != want {
			t.Errorf("%q is of %q, want %q", code, got, want)
		}
	}
}

// A list that knows its patients by record number alone takes that for their id.
func TestRecordNumberInPlaceOfPatientID(t *testing.T) {
	m, facts, _ := mapFile(t, Shipped(), "list.csv", "MRN,Name,Mobile\nM1,A B,1\n")
	if m.Name != "contacts" || facts[0][0].Subject.ID != "M1" || facts[0][0].Identity.Identifiers[0].Value != "M1" {
		t.Errorf("%s: %+v", m.Name, facts)
	}
	_, facts, _ = mapFile(t, Shipped(), "list.csv", "MRN,Patient ID,Name\nM1,p1,A B\n")
	if facts[0][0].Subject.ID != "p1" || facts[0][0].Identity.Identifiers[0].Value != "M1" {
		t.Errorf("the patient id goes before the record number: %+v", facts)
	}
}

// Every reading of a cell, and what it refuses; the refusal names the column and never the value.
func TestReadings(t *testing.T) {
	m := mustLoad(t, `name: all
recognise: {headers: [id]}
empty: ["N/A"]
formats: [DD.MM.YYYY, "DD.MM.YYYY hh:mm", YYYYMMDD, "D MON YY", "MM/DD/YYYY h:mm AM"]
facts:
  - type: Claim
    id: [id]
    subject: p
    version: v
    columns:
      status: {const: active}
      submitted: t
      adjudicated: {column: day, as: date}
      service_period: {start: [from, from2], end: to, empty: ["1970-01-01"]}
      billed: money
      paid: {column: float, round: 2}
      payer: {column: payer, as: payer}
      service: {column: code, form: hcpcs}
      diagnosis: {columns: [dx1, dx2], system_column: sys, system: ICD-10-CM, form: icd-10-cm}
      organization: {column: org, as: "ref:Organization"}
  - type: Patient
    subject: p
    when: [{column: flag, filled: true}]
    columns: {active: flag, language: {column: lang, as: language}, zip: {column: zip, as: zip}, race: {column: race, system_column: sys}}
  - type: MedicationRequest
    id: hash
    subject: p
    when: [{column: qty, filled: true}]
    columns: {quantity: {column: qty, unit_column: unit}, repeats: n}
`)
	element := func(f []models.Fact, typeName, column string) any {
		for _, one := range f {
			if one.Type == typeName {
				_, i, _ := mustType(typeName).Element(column)
				return one.Values[i]
			}
		}
		return "no " + typeName
	}
	for _, c := range []struct {
		columns, cells, typeName, element string
		want                              any
	}{
		{"t", "2025-02-03", "Claim", "submitted", when(t, "2025-02-03")},
		{"t", "2025-02", "Claim", "submitted", when(t, "2025-02")},
		{"t", "03.02.2025", "Claim", "submitted", when(t, "2025-02-03")},
		{"t", "03.02.2025 07:05", "Claim", "submitted", minute(when(t, "2025-02-03T07:05:00Z"))},
		{"t", "20250203", "Claim", "submitted", when(t, "2025-02-03")},
		{"t", "3 feb 25", "Claim", "submitted", when(t, "2025-02-03")},
		{"t", "02/03/2025 1:05 pm", "Claim", "submitted", minute(when(t, "2025-02-03T13:05:00Z"))},
		{"t", "2025-02-03 10:00:00+02:00", "Claim", "submitted", when(t, "2025-02-03T10:00:00+02:00")},
		{"t", "2025-02-03T10:00:00", "Claim", "submitted", when(t, "2025-02-03T10:00:00Z")},
		{"t", "n/a", "Claim", "submitted", nil},
		{"day", "2025-02-03T23:30:00-05:00", "Claim", "adjudicated", when(t, "2025-02-03")},
		{"day", "2025-02-03 00:00", "Claim", "adjudicated", when(t, "2025-02-03")},
		{"money", "-1234.5678", "Claim", "billed", models.Money(-12345678)},
		{"float", "44.400000000000006", "Claim", "paid", models.Money(444000)},
		{"float", "1018.0999999999999", "Claim", "paid", models.Money(10181000)},
		{"float", "7", "Claim", "paid", models.Money(70000)},
		{"payer", "Blue Cross of Jane Roe", "Claim", "payer", "commercial"},
		{"code", "G0438", "Claim", "service", []string{models.SystemHCPCS + "|G0438"}},
		{"dx1,dx2", "e119,I10", "Claim", "diagnosis", []string{models.SystemICD10CM + "|E11.9", models.SystemICD10CM + "|I10"}},
		{"dx2,sys", "250.00,ICD-9-CM", "Claim", "diagnosis", []string{models.SystemICD9CM + "|250.00"}},
		{"org", "o1", "Claim", "organization", models.Ref{Type: "Organization", ID: "o1"}},
		{"flag", "Yes", "Patient", "active", true},
		{"flag", "0", "Patient", "active", false},
		{"flag,lang", "1,en-US", "Patient", "language", "en"},
		{"flag,zip", "1,1720", "Patient", "zip", "01720"},
		{"flag,race,sys", "1,2106-3,2.16.840.1.113883.6.238", "Patient", "race", models.SystemCDCRace + "|2106-3"},
		{"qty,unit", "<=2.5,mg", "MedicationRequest", "quantity", models.Quantity{Value: 2.5, Unit: "mg", Comparator: "<="}},
		{"qty,n", "1,3.0", "MedicationRequest", "repeats", int64(3)},
	} {
		facts, err := oneRow(m, "id,p,"+c.columns, "i,p1,"+c.cells)
		if err != nil {
			t.Errorf("%s = %s: %v", c.columns, c.cells, err)
		} else if got := element(facts, c.typeName, c.element); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s = %s: %#v, want %#v", c.columns, c.cells, got, c.want)
		}
	}
	for _, c := range []struct {
		columns, cells string
		reason         models.QuarantineReason
		where          string
	}{
		{"t", "canary", models.ReasonBadTime, "t"}, {"t", "2025-02-30", models.ReasonBadTime, "t"}, {"t", "31.02.2025", models.ReasonBadTime, "t"}, {"t", "25:00", models.ReasonBadTime, "t"},
		{"t", "2026-01-01", models.ReasonFutureTime, "t"},
		{"from,to", "2025-02-03,2025-02-01", models.ReasonBadTime, "to"},
		{"money", "canary", models.ReasonBadValue, "money"}, {"money", "$5", models.ReasonBadValue, "money"}, {"money", "1.23456", models.ReasonBadValue, "money"}, {"money", `"1,234.50"`, models.ReasonBadValue, "money"},
		{"money", "1e3", models.ReasonBadValue, "money"}, {"float", "1.234", models.ReasonBadValue, "float"}, {"float", "1e999999999", models.ReasonBadValue, "float"}, {"float", "0.1234567890123456789012345678901234567890", models.ReasonBadValue, "float"},
		{"code", "canary", models.ReasonBadValue, "code"}, {"flag", "canary", models.ReasonBadValue, "flag"}, {"flag,lang", "1,canary!", models.ReasonBadValue, "lang"}, {"flag,race", "1,white", models.ReasonBadValue, "race"},
		{"qty", "canary", models.ReasonBadValue, "qty"}, {"qty", "0x10", models.ReasonBadValue, "qty"}, {"qty", "NaN", models.ReasonBadValue, "qty"}, {"qty,n", "1,1.5", models.ReasonBadValue, "n"}, {"v", "canary", models.ReasonBadValue, "v"},
		{"flag,zip", "1," + strings.Repeat("canary", 50), models.ReasonBadValue, "zip"}, {"dx1,sys", "I10,a b|c", models.ReasonBadValue, "sys"},
	} {
		_, err := oneRow(m, "id,p,"+c.columns, "i,p1,"+c.cells)
		rejected(t, err, c.reason, c.where)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the message quotes the value: %v", c.columns, err)
		}
	}
	if _, err := oneRow(m, "id,p", ",p1"); err == nil {
		t.Error("a row without id was accepted")
	} else {
		rejected(t, err, models.ReasonNoID, "id")
	}
	first, _ := oneRow(m, "id,p,from,from2,to", "i,p1,1970-01-01,2025-01-02,2025-01-03")
	start, end := when(t, "2025-01-02"), when(t, "2025-01-03")
	iv, _ := models.Span(&start, &end)
	if got := element(first, "Claim", "service_period"); !reflect.DeepEqual(got, *iv) {
		t.Errorf("a start that means nothing is passed over for the next column: %+v", got)
	}
	for cell, version := range map[string]int64{"7": 7, "": 0, "2025-01-01": int64(when(t, "2025-01-01").Lo)} {
		if facts, err := oneRow(m, "id,p,v", "i,p1,"+cell); err != nil || facts[0].Version != version {
			t.Errorf("version %q: %v, want %d", cell, err, version)
		}
	}
}

func mustType(name string) models.FactType {
	ft, _ := models.FactTypeByName(name)
	return ft
}

func oneRow(m *Mapping, header, cells string) ([]models.Fact, error) {
	r, err := NewReader(strings.NewReader(header + "\n" + cells + "\n"))
	if err != nil {
		return nil, err
	}
	row, err := r.Next()
	if err != nil {
		return nil, err
	}
	return m.Facts(r.Header(), row.Cells, received)
}

// A missing column refuses the file with its name and the names that are there; a first row of data is not shown.
func TestCheckNamesMissingColumns(t *testing.T) {
	m := mapping(t, "tuva-medical")
	err := m.Check(NewHeader([]string{"CLAIM_ID", "Member"}))
	rejected(t, err, models.ReasonBadColumn, "header")
	for _, part := range []string{"missing: patient_id, claim_line_number", "the file has: CLAIM_ID, Member"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nwants %q", err, part)
		}
	}
	if err := m.Check(NewHeader([]string{"10133", "Jane Canary", "1949-06-04"})); strings.Contains(err.Error(), "Canary") {
		t.Errorf("a row of data in place of the header is shown: %v", err)
	}
	err = m.Check(NewHeader([]string{"claim_id", "claim_line_number", "patient_id", "paid_amount", "Paid Amount"}))
	if err == nil || !strings.Contains(err.Error(), "twice: paid_amount") {
		t.Errorf("a column that is there twice: %v", err)
	}
	if err := m.Check(NewHeader([]string{"claim_id", "claim_line_number", "patient_id", "note", "note", "", ""})); err != nil {
		t.Errorf("what the mapping does not read may be there twice: %v", err)
	}
}

func TestPickSaysWhatIsMissing(t *testing.T) {
	_, err := Pick(Shipped(), "x.csv", NewHeader([]string{"claim_id", "claim_line_number", "patient_id", "dispensing_date"}))
	rejected(t, err, models.ReasonMissingMapping, "file")
	if !strings.Contains(err.Error(), "nearest is tuva-pharmacy, which wants: ndc_code") {
		t.Errorf("%v", err)
	}
	_, err = Pick(Shipped(), "x.csv", NewHeader([]string{"DATE", "PATIENT", "ENCOUNTER", "CODE", "BASE_COST"}))
	if err == nil || !strings.Contains(err.Error(), "whose files are named") {
		t.Errorf("headers fit but the name does not: %v", err)
	}
	_, err = Pick(Shipped(), "x.csv", NewHeader([]string{"p17", "Canary", "01/02/1950"}))
	if err == nil || strings.Contains(err.Error(), "Canary") {
		t.Errorf("%v", err)
	}
	a, b := mustLoad(t, good), mustLoad(t, strings.Replace(good, "name: list", "name: other", 1))
	if _, err := Pick([]*Mapping{a, b}, "x.csv", NewHeader([]string{"id", "when"})); err == nil || !strings.Contains(err.Error(), "several mappings") {
		t.Errorf("two that fit equally: %v", err)
	}
	c := mustLoad(t, strings.Replace(good, "[id, when]", "[id, when, patient]", 1))
	if m, err := Pick([]*Mapping{a, c}, "x.csv", NewHeader([]string{"patient", "id", "when"})); err != nil || m != c {
		t.Errorf("the one that knows more columns is taken: %v, %v", m, err)
	}
	if !mapping(t, "synthea-conditions").Match(`C:\in\2024-Conditions.CSV.gz`, []string{"start", "stop", "patient", "encounter", "code"}) {
		t.Error("folders, case and .gz do not matter in file names")
	}
}

// payer_transitions of newer releases, whose columns have other names, give the same coverage.
func TestSyntheaCoverageTakesBothHeaders(t *testing.T) {
	m := mapping(t, "synthea-coverage")
	older, err1 := oneRow(m, "PATIENT,MEMBERID,START_YEAR,END_YEAR,PAYER,OWNERSHIP", "p1,,2014-10-14T04:17:47Z,2015-10-20T04:17:47Z,7caa7254-5050-3b5e-9eae-bd5ea30e809c,Self")
	newer, err2 := oneRow(m, "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,PLAN_OWNERSHIP", "p1,,2014-10-14T04:17:47Z,2015-10-20T04:17:47Z,7caa7254-5050-3b5e-9eae-bd5ea30e809c,Self")
	if err1 != nil || err2 != nil || !reflect.DeepEqual(older, newer) {
		t.Fatalf("%v %v\n%+v\n%+v", err1, err2, older, newer)
	}
	_, i, _ := mustType("Coverage").Element("payer")
	if older[0].Values[i] != "medicare" {
		t.Errorf("payer %v", older[0].Values[i])
	}
	if years, err := oneRow(m, "PATIENT,START_YEAR,END_YEAR,PAYER,OWNERSHIP", "p1,2014,2014,x,Self"); err != nil || years[0].ID != "p1|2014|x" {
		t.Errorf("plain years: %v", err)
	}
}

// The order of columns, the case of headers and columns that nobody asked for never change the facts, nor what goes to the
// log, nor the ids made of a row's content.
func TestColumnOrderAndCaseNeverMatter(t *testing.T) {
	hashed := mustLoad(t, "name: h\nrecognise: {headers: [p]}\nfacts:\n  - type: Observation\n    id: hash\n    subject: p\n    columns:\n      code: {column: c, system: \"urn:x\"}\n      value: {column: v, unit: kg}\n      effective: d\n")
	files := map[*Mapping][]string{
		mapping(t, "appointments"):       {"patient_id", "appointment_id", "status", "start", "provider", "visit_type"},
		mapping(t, "contacts"):           {"patient_id", "first_name", "last_name", "dob", "phone", "email", "zip", "sms_consent"},
		mapping(t, "tuva-pharmacy"):      {"patient_id", "claim_id", "claim_line_number", "dispensing_date", "ndc_code", "paid_amount"},
		mapping(t, "synthea-encounters"): {"Id", "START", "STOP", "PATIENT", "ENCOUNTERCLASS", "CODE"},
		hashed:                           {"p", "c", "v", "d"},
	}
	pool := []string{"", "a", "p1", "2025-01-02", "2024-12-31", "12.50", "7", "booked", "ambulatory", "yes", "N/A", "é", "1,5"}
	rapid.Check(t, func(t *rapid.T) {
		for m, names := range files {
			cells := make([]string, len(names))
			for i := range names {
				cells[i] = rapid.SampledFrom(pool).Draw(t, names[i])
			}
			facts1, err1 := m.Facts(NewHeader(names), cells, received)
			body1 := EncodeRow(NewHeader(names), cells)
			order := rapid.Permutation(indexes(len(names))).Draw(t, "order")
			var names2, cells2 []string
			for _, i := range order {
				names2 = append(names2, respell(t, names[i]))
				cells2 = append(cells2, rapid.SampledFrom([]string{"", " "}).Draw(t, "pad")+cells[i])
			}
			plain := EncodeRow(NewHeader(names2), trimmed(cells2))
			if string(body1) != string(plain) {
				t.Fatalf("the log gets %s and %s", body1, plain)
			}
			at := rapid.IntRange(0, len(names2)).Draw(t, "extra at")
			names2 = append(names2[:at:at], append([]string{"surplus column"}, names2[at:]...)...)
			cells2 = append(cells2[:at:at], append([]string{"anything"}, cells2[at:]...)...)
			facts2, err2 := m.Facts(NewHeader(names2), cells2, received)
			if !reflect.DeepEqual(facts1, facts2) || fmt.Sprint(err1) != fmt.Sprint(err2) {
				t.Fatalf("%s\n%v %v: %+v %v\n%v %v: %+v %v", m.Name, names, cells, facts1, err1, names2, cells2, facts2, err2)
			}
			replayed, err3 := m.FactsJSON(EncodeRow(NewHeader(names2), cells2), received)
			if !reflect.DeepEqual(facts1, replayed) || fmt.Sprint(err1) != fmt.Sprint(err3) {
				t.Fatalf("%s: replayed %+v %v, want %+v %v", m.Name, replayed, err3, facts1, err1)
			}
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func trimmed(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strings.TrimSpace(c)
	}
	return out
}

// respell writes a header name in another way that means the same.
func respell(t *rapid.T, name string) string {
	switch rapid.IntRange(0, 4).Draw(t, "spelling") {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return " " + strings.ToLower(name) + " "
	case 2:
		return strings.ReplaceAll(name, "_", " ")
	case 3:
		return strings.ReplaceAll(name, "_", "-")
	}
	return name
}

// No two lists of id parts give the same id.
func TestIDsOfPartsAreUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.StringOf(rapid.RuneFrom([]rune(`a|\`))), 2, 3)
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		same := reflect.DeepEqual(a, b)
		if got := joinID(append([]string{}, a...)) == joinID(append([]string{}, b...)); got != same {
			t.Fatalf("%q and %q give the same id: %v", a, b, got)
		}
	})
}

// A body that is no row is bad_json, and a mapping that ignores its files ignores every row.
func TestFactsJSONAndIgnore(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `{"a":1}`, `{"a":"b"`} {
		_, err := mapping(t, "contacts").FactsJSON([]byte(body), received)
		rejected(t, err, models.ReasonBadJSON, "row")
	}
	if _, err := oneRow(mapping(t, "synthea-other"), "PATIENT,ENCOUNTER", "p,e"); !errors.Is(err, ErrIgnored) {
		t.Errorf("got %v", err)
	}
	_, err := mapping(t, "contacts").Facts(NewHeader([]string{"a", "b"}), []string{"1"}, received)
	rejected(t, err, models.ReasonBadColumn, "row")
	var row map[string]string
	if err := json.Unmarshal(EncodeRow(NewHeader([]string{"Phone", "phone", "", "A"}), []string{"1", "2", "3", " "}), &row); err != nil || !reflect.DeepEqual(row, map[string]string{"phone": "1", "phone#2": "2", "#3": "3"}) {
		t.Errorf("nothing of a row is lost: %v, %v", row, err)
	}
}
