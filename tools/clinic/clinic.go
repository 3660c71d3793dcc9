package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// asOf is the day on which the demo judges; nothing that has happened lies after it.
var asOf = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)

// object is one JSON object; maps keep the generator short, and encoding/json writes their keys in order.
type object = map[string]any

// clinic holds the resources by file while they are made.
type clinic struct {
	rng    *rand.Rand
	people []person
	fhir   map[string][]object // by resource type
	bad    []string            // broken lines of a feed, one per kind of trouble
	lists  map[string][][]string
	events []object
	serial int
}

// person is what the generator knows of a patient.
type person struct {
	id, family, given, sex, language, payer string
	birth                                   time.Time
	site, doctor                            int
	mobile, email, refuses                  bool
	hypertension, diabetes                  bool
}

var (
	sites    = []string{"Northside Family Clinic", "Harbor Health Center", "Mill Street Practice"}
	doctors  = []string{"Dr. Ines Okafor", "Dr. Paul Lindqvist", "Dr. Mei Tanaka", "Dr. Rosa Delgado", "Dr. Amir Haddad", "Dr. Kate Brennan"}
	families = []string{"Abernethy", "Bascombe", "Castellano", "Dunmore", "Eastgate", "Fairweather", "Grimaldi", "Hollister", "Ivanova", "Jessamine", "Kowalczyk", "Lombardo",
		"Montclair", "Nakagawa", "Oyelaran", "Pemberton", "Quintero", "Rosenthal", "Silvestri", "Thistlewood", "Underhill", "Vasquez", "Winterbourne", "Yarborough"}
	female    = []string{"Adela", "Beatrix", "Carmen", "Delphine", "Esme", "Fatima", "Greta", "Hana", "Ingrid", "Juno"}
	male      = []string{"Anselm", "Bruno", "Cedric", "Dmitri", "Emil", "Faisal", "Gideon", "Hugo", "Isidro", "Jonas"}
	languages = []string{"en", "en", "en", "en", "es", "es", "zh", "vi"}
	payers    = []string{"Medicare", "Medicaid", "Commercial PPO", "Commercial HMO", "Self-pay"}
	streets   = []string{"Alder Street", "Birch Lane", "Cedar Court", "Dogwood Drive", "Elm Avenue"}
)

// newClinic makes all patients and everything that happened to them.
func newClinic(seed uint64, patients int) *clinic {
	c := &clinic{rng: rand.New(rand.NewPCG(seed, 20260630)), fhir: map[string][]object{}, lists: map[string][][]string{}}
	c.organisations()
	for i := range patients {
		p := c.person(i)
		c.people = append(c.people, p)
		c.patient(p)
		c.coverage(p)
		c.conditions(p)
		c.visits(p)
		c.screenings(p)
		c.vaccines(p)
	}
	c.family()
	c.engagement()
	c.contactLists()
	c.trouble()
	return c
}

func (c *clinic) chance(share float64) bool { return c.rng.Float64() < share }

// id gives the next resource id with a readable prefix.
func (c *clinic) id(prefix string) string {
	c.serial++
	return fmt.Sprintf("%s-%05d", prefix, c.serial)
}

// add files a resource under its type.
func (c *clinic) add(resourceType string, r object) object {
	r["resourceType"] = resourceType
	c.fhir[resourceType] = append(c.fhir[resourceType], r)
	return r
}

func (c *clinic) organisations() {
	for i, name := range sites {
		c.add("Organization", object{"id": fmt.Sprintf("org-%d", i+1), "active": true, "name": name})
		c.add("Location", object{"id": fmt.Sprintf("loc-%d", i+1), "status": "active", "name": name, "managingOrganization": ref("Organization", fmt.Sprintf("org-%d", i+1))})
	}
	for i, name := range doctors {
		id := fmt.Sprintf("dr-%d", i+1)
		c.add("Practitioner", object{"id": id, "active": true, "name": []object{{"text": name}}})
		c.add("PractitionerRole", object{"id": "role-" + id, "active": true, "practitioner": ref("Practitioner", id), "organization": ref("Organization", fmt.Sprintf("org-%d", i/2+1)),
			"location": []object{ref("Location", fmt.Sprintf("loc-%d", i/2+1))}})
	}
}

func (c *clinic) person(i int) person {
	p := person{id: fmt.Sprintf("p-%04d", i+1), sex: "female", site: i % len(sites)}
	names := female
	if c.chance(0.47) {
		p.sex, names = "male", male
	}
	p.given, p.family = names[c.rng.IntN(len(names))], families[c.rng.IntN(len(families))]
	age := 18 + c.rng.IntN(68)
	if i%10 == 9 {
		age = 1 + c.rng.IntN(16) // one patient in ten is a child
	}
	p.birth = asOf.AddDate(-age, 0, -c.rng.IntN(364))
	p.doctor = p.site*2 + c.rng.IntN(2)
	p.language = languages[c.rng.IntN(len(languages))]
	p.payer = payers[1+c.rng.IntN(len(payers)-1)]
	if age >= 65 {
		p.payer = payers[0]
	}
	p.mobile, p.email, p.refuses = c.chance(0.8), c.chance(0.6), c.chance(0.08)
	p.hypertension, p.diabetes = age > 35 && c.chance(0.4), age > 30 && c.chance(0.25)
	return p
}

func ref(resourceType, id string) object { return object{"reference": resourceType + "/" + id} }

func coded(system, code, display string) object {
	return object{"coding": []object{{"system": system, "code": code, "display": display}}}
}

// stamp writes an instant in the clinic's summer or winter offset, as its systems do.
func stamp(t time.Time) string { return t.In(eastern(t)).Format("2006-01-02T15:04:05-07:00") }

// eastern is the offset of the clinic's zone at t, near enough for made-up data and the same on every machine.
func eastern(t time.Time) *time.Location {
	if t.Month() > time.March && t.Month() < time.November {
		return time.FixedZone("EDT", -4*3600)
	}
	return time.FixedZone("EST", -5*3600)
}
