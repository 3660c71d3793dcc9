package app

import (
	"strings"

	"carereach/internal/ledger"
	"carereach/models"
)

// Person is a patient as people know them, from the vault. It is shown under a Grant only.
type Person struct {
	Name         string                `json:"name"`
	RecordNumber string                `json:"record_number"`
	Telecom      []models.ContactPoint `json:"telecom"`
	Addresses    []models.Address      `json:"addresses"`
	Identifiers  []models.Identifier   `json:"identifiers"`
	Contacts     []Contact             `json:"contacts"` // family and other related persons
}

// Contact is somebody related to the patient.
type Contact struct {
	Name     string                `json:"name"`
	Relation []string              `json:"relation"`
	Telecom  []models.ContactPoint `json:"telecom"`
}

// personOf joins the vault records of one patient: every source's own record, then the related persons.
func personOf(records []ledger.IdentityRecord) Person {
	p := Person{Telecom: []models.ContactPoint{}, Addresses: []models.Address{}, Identifiers: []models.Identifier{}, Contacts: []Contact{}}
	for _, r := range records {
		id := r.Identity
		if r.Kind == ledger.OfRelated {
			p.Contacts = append(p.Contacts, Contact{Name: fullName(id.Names), Relation: id.Relation, Telecom: id.Telecom})
			continue
		}
		if p.Name == "" {
			p.Name = fullName(id.Names)
		}
		for _, i := range id.Identifiers {
			if p.RecordNumber == "" && i.Type == "MR" {
				p.RecordNumber = i.Value
			}
		}
		p.Telecom = append(p.Telecom, id.Telecom...)
		p.Addresses = append(p.Addresses, id.Addresses...)
		p.Identifiers = append(p.Identifiers, id.Identifiers...)
	}
	return p
}

// fullName writes the official name, else the first, as "Family, Given".
func fullName(names []models.HumanName) string {
	if len(names) == 0 {
		return ""
	}
	n := names[0]
	for _, other := range names {
		if other.Use == "official" {
			n = other
			break
		}
	}
	if n.Family == "" && len(n.Given) == 0 {
		return n.Text
	}
	return strings.Trim(n.Family+", "+strings.Join(n.Given, " "), ", ")
}

// phone gives the number to call: a mobile first, else any that is in use.
func (p Person) phone() string {
	best := ""
	for _, t := range p.Telecom {
		if (t.System != "phone" && t.System != "sms") || t.Use == "old" {
			continue
		}
		if t.Use == "mobile" || t.System == "sms" {
			return t.Value
		}
		if best == "" {
			best = t.Value
		}
	}
	return best
}

func (p Person) email() string {
	for _, t := range p.Telecom {
		if t.System == "email" && t.Use != "old" {
			return t.Value
		}
	}
	return ""
}

// address writes the address for post on one line.
func (p Person) address() string {
	for _, a := range p.Addresses {
		if a.Use != "old" && len(a.Line) > 0 {
			return strings.Join(append(append([]string{}, a.Line...), strings.TrimSpace(a.City+" "+a.State+" "+a.PostalCode)), ", ")
		}
	}
	return ""
}
