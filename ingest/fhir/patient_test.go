package fhir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

func TestIdentityOfAPatient(t *testing.T) {
	f := decode(t, `{"resourceType":"Patient","id":"p1",
		"name":[{"use":"official","family":"M\u00fcller","given":["Jo","A."],"prefix":["Ms."],"suffix":["Jr."],"text":"Jo A. Müller"},{"use":"nickname","given":["Jojo"]},{"use":"old"}],
		"telecom":[{"system":"phone","value":" 555-0100 ","use":"mobile","rank":2},{"system":"email","value":"jo@example.org","period":{"start":"2019"}},
			{"system":"phone","value":"555-0199","use":"home","period":{"end":"2026-06-29"}},{"system":"phone","use":"work"}],
		"address":[{"use":"home","line":["1 Elm St","Apt 2"],"city":"Salem","district":"Essex","state":"MA","postalCode":"01970","country":"US"},
			{"use":"home","text":"12 Main St, Lynn","period":{"end":"2020"}}],
		"identifier":[{"system":"http://hospital.example.org","value":"MRN-7","type":{"coding":[{"system":"http://hl7.org/fhir/v2/0203","code":"MR"}]}},
			{"system":"http://hl7.org/fhir/sid/us-ssn","value":"999-55-2827","type":{"coding":[{"system":"http://example.org","code":"ssn"}],"text":"SSN"}},{"system":"http://empty.example.org"}],
		"contact":[{"name":{"family":"Roe"}}]}`)
	want := &models.Identity{
		Names: []models.HumanName{
			{Use: "official", Text: "Jo A. Müller", Family: "Müller", Given: []string{"Jo", "A."}, Prefix: []string{"Ms."}, Suffix: []string{"Jr."}},
			{Use: "nickname", Given: []string{"Jojo"}},
		},
		Telecom: []models.ContactPoint{
			{System: "phone", Value: "555-0100", Use: "mobile", Rank: 2}, {System: "email", Value: "jo@example.org"}, {System: "phone", Value: "555-0199", Use: "old"},
		},
		Addresses: []models.Address{
			{Use: "home", Line: []string{"1 Elm St", "Apt 2"}, City: "Salem", District: "Essex", State: "MA", PostalCode: "01970", Country: "US"},
			{Use: "old", Line: []string{"12 Main St, Lynn"}},
		},
		Identifiers: []models.Identifier{{Type: "MR", System: "http://hospital.example.org", Value: "MRN-7"}, {System: "http://hl7.org/fhir/sid/us-ssn", Value: "999-55-2827"}},
	}
	if diff := cmp.Diff(want, f.Identity); diff != "" {
		t.Errorf("identity differs (-want +got):\n%s", diff)
	}
}

// A Patient without names still replaces what the vault has: an empty Identity, not none.
func TestIdentityIsThereEvenWhenEmpty(t *testing.T) {
	if f := decode(t, `{"resourceType":"Patient","id":"p1"}`); f.Identity == nil || !cmp.Equal(*f.Identity, models.Identity{}) {
		t.Errorf("identity %v", f.Identity)
	}
}

func TestIdentityOfAFamilyContact(t *testing.T) {
	f := decode(t, `{"resourceType":"RelatedPerson","id":"rp1","patient":{"reference":"Patient/p1"},"name":[{"text":"Al Roe"}],"telecom":[{"system":"phone","value":"555-0111"}],
		"address":[{"city":"Lynn"}],"identifier":[{"value":"7"}],"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"SPS"}]}]}`)
	want := &models.Identity{
		Names: []models.HumanName{{Text: "Al Roe"}}, Telecom: []models.ContactPoint{{System: "phone", Value: "555-0111"}}, Addresses: []models.Address{{City: "Lynn"}},
		Identifiers: []models.Identifier{{Value: "7"}}, Related: "rp1", Relation: []string{tables + "v3-RoleCode|SPS"},
	}
	if diff := cmp.Diff(want, f.Identity); diff != "" {
		t.Errorf("identity differs (-want +got):\n%s", diff)
	}
}

// What names or reaches a person, and free text, is planted at every place that could hold it and must show in no value.
func TestNothingPersonalAmongTheValues(t *testing.T) {
	const canary = "CANARY"
	plant := `"text":{"status":"generated","div":"<div>CANARY</div>"},"note":[{"text":"CANARY"}],"extension":[{"url":"http://example.org","valueString":"CANARY"}],
		"identifier":[{"system":"CANARY","value":"CANARY"}],"description":"CANARY","comment":"CANARY","patientInstruction":"CANARY","conclusion":"CANARY","valueString":"CANARY",
		"telecom":[{"system":"phone","value":"CANARY","use":"mobile"}],"photo":[{"data":"CANARY"}],"contact":[{"name":{"text":"CANARY"}}],"performer":[{"display":"CANARY"}],
		"code":{"text":"CANARY","coding":[{"system":"http://loinc.org","code":"1-8","display":"CANARY"}]},"reasonCode":[{"text":"CANARY"}],"onsetString":"CANARY","performedString":"CANARY",
		"payor":[{"display":"CANARY"}],"subscriber":{"display":"CANARY"},"subscriberId":"CANARY","insurance":[{"focal":true,"coverage":{"display":"CANARY"}}]`
	for _, name := range resourceTypes {
		if name == "Practitioner" || name == "Organization" || name == "Location" {
			continue // their names are labels by intent
		}
		who := `"name":[{"family":"CANARY"}],"address":[{"line":["CANARY"],"text":"CANARY","postalCode":"01970"}],"subject":{"reference":"Patient/p1","display":"CANARY"},
			"patient":{"reference":"Patient/p1","display":"CANARY"},"beneficiary":{"reference":"Patient/p1","display":"CANARY"},
			"participant":[{"actor":{"reference":"Patient/p1","display":"CANARY"}}]`
		f := decode(t, `{"resourceType":"`+name+`","id":"x1",`+who+`,`+plant+`}`)
		for column, v := range columns(t, f) {
			if strings.Contains(fmt.Sprintf("%+v", v), canary) {
				t.Errorf("%s.%s holds planted text", name, column)
			}
		}
		if strings.Contains(f.ID+f.Subject.ID, canary) {
			t.Errorf("%s: planted text among the ids", name)
		}
	}
}

func TestHomeAddress(t *testing.T) {
	for _, c := range []struct {
		why, addresses string
		zip, county    any
	}{
		{"home goes before the rest", `{"use":"temp","postalCode":"1"},{"postalCode":"2"},{"use":"home","postalCode":"3"},{"use":"home","postalCode":"4"}`, "3", nil},
		{"where one lives goes before where post is taken", `{"use":"home","type":"postal","postalCode":"1"},{"use":"home","type":"physical","postalCode":"2"}`, "2", nil},
		{"no use goes before a passing one", `{"use":"temp","postalCode":"1"},{"postalCode":"2"}`, "2", nil},
		{"work, billing and old addresses are no home", `{"use":"work","postalCode":"1"},{"use":"billing","postalCode":"2"},{"use":"old","postalCode":"3"}`, nil, nil},
		{"an address that ended is old", `{"use":"home","postalCode":"1","period":{"end":"2026-06"}},{"postalCode":"2","period":{"end":"2026-05"}},{"use":"temp","postalCode":"3"}`, "1", nil},
		{"a county code as the district", `{"district":"25009"}`, nil, "25009"},
		{"four digits are a name", `{"district":"2500"}`, nil, "2500"},
		{"a code of another kind is none", `{"district":"Essex","_district":{"extension":[{"url":"http://example.org","valueCoding":{"code":"25009"}},{"url":"` + addressCode + `","valueCoding":{"code":"ESX"}}]}}`, nil, "Essex"},
	} {
		got := columns(t, decode(t, `{"resourceType":"Patient","id":"p1","address":[`+c.addresses+`]}`))
		if got["zip"] != c.zip || got["county"] != c.county {
			t.Errorf("%s: zip %v county %v", c.why, got["zip"], got["county"])
		}
	}
}

func TestReachability(t *testing.T) {
	for _, c := range []struct {
		why, telecom                string
		mobile, phone, email, mails bool
		address                     string
	}{
		{"a land line", `{"system":"phone","value":"5","use":"home"}`, false, true, false, false, `{"city":"Lynn"}`},
		{"a mobile", `{"system":"phone","value":"5","use":"mobile"}`, true, true, false, true, `{"use":"work","line":["1 Elm St"]}`},
		{"a number for text messages", `{"system":"sms","value":"5"}`, true, true, false, false, `{"use":"old","line":["1 Elm St"]}`},
		{"a fax, a page, no system", `{"system":"fax","value":"5"},{"system":"url","value":"x"},{"value":"5","use":"mobile"}`, false, false, false, true, `{"text":"1 Elm St, Lynn"}`},
		{"an e-mail address", `{"system":"email","value":"a@b.example"}`, false, false, true, false, `{"line":["1 Elm St"],"period":{"end":"2019-01-01"}}`},
		{"old ones and empty ones reach nobody", `{"system":"phone","value":"5","use":"old"},{"system":"email","value":""},{"system":"phone","value":"5","period":{"end":"2026-01"}}`, false, false, false, false, `{"line":[]}`},
		{"a number that ends later still reaches", `{"system":"phone","value":"5","period":{"end":"2026-07-01"}}`, false, true, false, false, `{}`},
	} {
		got := columns(t, decode(t, `{"resourceType":"Patient","id":"p1","telecom":[`+c.telecom+`],"address":[`+c.address+`]}`))
		if got["has_mobile"] != c.mobile || got["has_phone"] != c.phone || got["has_email"] != c.email || got["has_address"] != c.mails {
			t.Errorf("%s: %v", c.why, got)
		}
	}
}

func TestLinksBetweenRecords(t *testing.T) {
	facts, err := NewDecoder(Options{}).Resource([]byte(`{"resourceType":"Patient","id":"a","meta":{"versionId":"4"},"link":[
		{"type":"replaced-by","other":{"reference":"Patient/b"}},{"type":"replaces","other":{"reference":"http://x.example/fhir/Patient/c"}},
		{"type":"seealso","other":{"reference":"Patient/d"}},{"type":"refer","other":{"reference":"RelatedPerson/r"}}]}`), receivedAt)
	if err != nil {
		t.Fatal(err)
	}
	type link struct {
		id, replaced, survivor string
		version                int64
	}
	var got []link
	for _, f := range facts[1:] {
		v := columns(t, f)
		if f.Type != "PersonLink" || v["linked"] != true || f.Subject.Type != "Patient" || f.Identity != nil || f.Retracted {
			t.Errorf("%+v", f)
		}
		got = append(got, link{f.ID, f.Subject.ID, v["survivor"].(models.Ref).ID, f.Version})
	}
	want := []link{{"a/link/b", "a", "b", 4}, {"a/link/c", "c", "a", 4}}
	if facts[0].Type != "Patient" || !cmp.Equal(want, got, cmp.AllowUnexported(link{})) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		why, communication string
		want               any
	}{
		{"the preferred one", `{"language":{"coding":[{"code":"en"}]}},{"preferred":true,"language":{"coding":[{"code":"ht"}]}}`, "ht"},
		{"the first code that is one", `{"preferred":true,"language":{"coding":[{"code":"Spanish"},{"code":"spa"}]}}`, "es"},
		{"the only one", `{"preferred":false,"language":{"coding":[{"code":"vi-VN"}]}}`, "vi"},
		{"one of several unmarked", `{"language":{"coding":[{"code":"en"}]}},{"preferred":false,"language":{"coding":[{"code":"fr"}]}}`, nil},
		{"the preferred one is in words, the other is not asked", `{"language":{"coding":[{"code":"en"}]}},{"preferred":true,"language":{"text":"Creole"}}`, nil},
		{"none", ``, nil},
	} {
		if got := columns(t, decode(t, `{"resourceType":"Patient","id":"p1","communication":[`+c.communication+`]}`))["language"]; got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}

func TestPractitionerLabel(t *testing.T) {
	for _, c := range []struct {
		names string
		want  any
	}{
		{`{"family":"Roe","given":["Al"]}`, "Al Roe"},
		{`{"text":"Dr. Al Roe","family":"Roe"}`, "Dr. Al Roe"},
		{`{"use":"nickname","text":"Al"},{"text":"Albert Roe"}`, "Albert Roe"},
		{`{"use":"maiden","family":"Roe"},{"use":"anonymous","text":"x"}`, nil},
		{``, nil},
	} {
		if got := columns(t, decode(t, `{"resourceType":"Practitioner","id":"d1","name":[`+c.names+`]}`))["label"]; got != c.want {
			t.Errorf("%s: %v, want %v", c.names, got, c.want)
		}
	}
}

func TestCancelledBy(t *testing.T) {
	for _, c := range []struct {
		reason string
		want   any
	}{
		{`{"system":"` + cancel + `","code":"pat"}`, "patient"},
		{`{"system":"` + cancel + `","code":"pat-fb"}`, "patient"},
		{`{"system":"` + cancel + `","code":"prov-dch"}`, "provider"},
		{`{"system":"` + cancel + `","code":"maint"}`, "provider"},
		{`{"system":"` + cancel + `","code":"oth-weath"}`, nil},
		{`{"system":"` + cancel + `","code":"patent"}`, nil},
		{`{"system":"http://example.org/reasons","code":"pat"}`, nil},
		{`{"system":"http://example.org/reasons","code":"7"},{"system":"` + cancel + `","code":"prov"}`, "provider"},
	} {
		got := columns(t, decode(t, `{"resourceType":"Appointment","id":"a1","status":"cancelled","participant":[{"actor":{"reference":"Patient/p1"}}],"cancelationReason":{"coding":[`+c.reason+`]}}`))
		if got["cancelled_by"] != c.want {
			t.Errorf("%s: %v, want %v", c.reason, got["cancelled_by"], c.want)
		}
	}
}

func TestPayers(t *testing.T) {
	for _, c := range []struct {
		payor      string
		class, org any
	}{
		{`{"display":"Blue Cross"}`, "commercial", nil},
		{`{"display":"dual_eligible"}`, "dual", nil},
		{`{"reference":"Organization/o7"}`, nil, ref("Organization", "o7")},
		{`{"reference":"Organization/o7"},{"reference":"Organization/o8","display":"Medicaid"}`, "medicaid", ref("Organization", "o7")},
		{`{"reference":"RelatedPerson/r1","display":"Al Roe"}`, "self-pay", nil},
		{``, nil, nil},
	} {
		got := columns(t, decode(t, `{"resourceType":"Coverage","id":"v1","beneficiary":{"reference":"Patient/p1"},"payor":[`+c.payor+`]}`))
		if got["payer"] != c.class || got["payer_org"] != c.org {
			t.Errorf("%s: %v", c.payor, got)
		}
	}
}
