package main

import (
	"fmt"
	"strconv"
	"time"
)

// event files one of our own events in CloudEvents form.
func (c *clinic) event(topic, verb, subject string, at time.Time, data object) {
	if subject != "" {
		data["patient"] = object{"system": "urn:clinic:ehr", "value": subject}
	}
	id := c.id("evt")
	c.events = append(c.events, object{"specversion": "1.0", "id": id, "source": "/clinic/outreach", "type": "org.carereach." + topic + "." + verb + ".v1", "subject": id,
		"time": stamp(at), "datacontenttype": "application/json", "data": data})
}

// claim bills a visit: charges, what the contract allows, what was paid, and now and then a denial or an open balance.
func (c *clinic) claim(p person, enc string, at time.Time) {
	billed := 14000 + 500*c.rng.IntN(40) // cents
	allowed := billed * 7 / 10
	data := object{"claim_id": c.id("clm"), "encounter_id": enc, "payer": p.payer, "billed": cents(billed), "currency": "USD",
		"period": object{"start": at.Format("2006-01-02"), "end": at.Format("2006-01-02")}, "submitted_at": stamp(at.AddDate(0, 0, 2))}
	c.event("billing.claims", "submitted", p.id, at.AddDate(0, 0, 2), copyOf(data))
	settled := at.AddDate(0, 0, 20+c.rng.IntN(40))
	switch {
	case settled.After(asOf): // still open
	case c.chance(0.06):
		data["allowed"], data["paid"], data["adjudicated_at"] = cents(0), cents(0), stamp(settled)
		data["version"] = 2
		c.event("billing.claims", "denied", p.id, settled, data)
	default:
		paid := allowed
		if c.chance(0.15) {
			paid = allowed * 8 / 10 // the patient's share was never collected
		}
		data["allowed"], data["paid"], data["adjustment"] = cents(allowed), cents(paid), cents(billed-allowed)
		data["adjudicated_at"], data["paid_at"] = stamp(settled), stamp(settled)
		data["version"] = 2
		c.event("billing.claims", "paid", p.id, settled, data)
	}
}

func copyOf(o object) object {
	n := object{}
	for k, v := range o {
		n[k] = v
	}
	return n
}

func cents(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// family gives some patients a relative on record.
func (c *clinic) family() {
	for i, p := range c.people {
		if i%9 == 0 {
			c.add("RelatedPerson", object{"id": c.id("rel"), "active": true, "patient": ref("Patient", p.id), "name": []object{{"family": p.family, "given": []string{"Marguerite"}}},
				"telecom":      []object{{"system": "phone", "value": "802-555-0199"}},
				"relationship": []object{coded("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "SPS", "spouse")}})
		}
	}
}

// engagement makes messages, call work items with staff minutes, portal logins and survey answers over the last 14 months.
func (c *clinic) engagement() {
	for m := -14; m < 0; m++ {
		month := asOf.AddDate(0, m, 1)
		for range 18 {
			p := c.people[c.rng.IntN(len(c.people))]
			at := month.Add(time.Duration(c.rng.IntN(27*24)) * time.Hour).Add(14 * time.Hour)
			c.touch(p, at)
		}
	}
}

func (c *clinic) touch(p person, at time.Time) {
	msg := c.id("msg")
	switch k := c.rng.IntN(10); {
	case k < 4:
		c.event("engagement.messages", "delivered", p.id, at, object{"message_id": msg, "channel": "sms", "automated": true})
		if c.chance(0.3) {
			c.event("engagement.messages", "replied", p.id, at.Add(2*time.Hour), object{"message_id": msg, "channel": "sms"})
		}
	case k < 7:
		outcomes := []string{"answered", "answered", "voicemail", "noanswer"}
		c.event("engagement.messages", "callattempted", p.id, at, object{"message_id": msg, "channel": "call_list", "outcome": outcomes[c.rng.IntN(4)], "staff_minutes": 3 + c.rng.IntN(9), "automated": false})
	case k < 8:
		c.event("engagement.messages", "portallogin", p.id, at, object{"message_id": msg, "channel": "portal"})
	default:
		c.event("engagement.messages", "surveyresponded", p.id, at, object{"message_id": msg, "channel": "email", "score": min(10, 5+c.rng.IntN(7))})
	}
}

// contactLists makes the plain lists a front desk exports: contacts, consents and tomorrow's schedule.
func (c *clinic) contactLists() {
	contacts := [][]string{{"Patient ID", "Mobile", "Email", "Preferred Channel", "Language"}}
	consents := [][]string{{"Patient ID", "Channel", "Purpose", "Status", "Date", "Basis"}}
	for _, p := range c.people {
		day := asOf.AddDate(0, -1-c.rng.IntN(20), 0).Format("2006-01-02")
		channel := "mail"
		if p.mobile {
			channel = "sms"
			consents = append(consents, []string{p.id, "sms", "treatment", "granted", day, "intake form"})
		}
		if p.email {
			consents = append(consents, []string{p.id, "email", "treatment", "granted", day, "intake form"})
		}
		if p.refuses {
			consents = append(consents, []string{p.id, "any", "any", "revoked", asOf.AddDate(0, 0, -20).Format("2006-01-02"), "by telephone"})
		}
		if p.mobile && c.chance(0.2) {
			contacts = append(contacts, []string{p.id, fmt.Sprintf("802-555-01%02d", c.rng.IntN(100)), "", channel, p.language})
		}
	}
	appointments := [][]string{{"Appointment ID", "Patient ID", "Start", "End", "Status", "Booked At", "Service"}}
	for i := range 12 {
		p := c.people[i*7%len(c.people)]
		start := asOf.AddDate(0, 0, 1+i%3).Add(time.Duration(9+i%7) * time.Hour)
		appointments = append(appointments, []string{"list-" + strconv.Itoa(i+1), p.id, start.Format("2006-01-02 15:04"), start.Add(30 * time.Minute).Format("2006-01-02 15:04"), "booked", asOf.AddDate(0, 0, -9).Format("2006-01-02 15:04"), "check-up"})
	}
	c.lists["contacts"], c.lists["consents"], c.lists["appointments"] = contacts, consents, appointments
}
