package event

import (
	"strings"

	"carereach/models"
)

// hl7 gives the URI of one of HL7's own code systems.
func hl7(name string) string { return "http://terminology.hl7.org/CodeSystem/" + name }

func clinicalVerbs() []string {
	var out []string
	for _, kind := range []string{"observation", "condition", "procedure", "immunization", "medication", "allergy"} {
		for _, verb := range []string{"asserted", "amended", "enteredinerror"} {
			out = append(out, kind+"."+verb)
		}
	}
	return out
}

// clinical decodes clinical.facts.
func clinical(c *call) []models.Fact {
	kind, verb, _ := strings.Cut(c.verb, ".")
	d := c.data
	d.require("fact_id")
	id := d.text("fact_id", "id")
	var f models.Fact
	switch kind {
	case "observation":
		f = c.observation(id)
	case "condition":
		f = c.condition(id)
	case "procedure":
		f = c.procedure(id)
	case "immunization":
		f = c.immunization(id)
	case "medication":
		f = c.medication(id)
	default:
		c.ignored = true
		f = c.fact("Condition", id) // read like one, and then dropped
	}
	code := d.codings("code")
	f.Set("code", code)
	f.Set("encounter", d.ref("encounter_id", "Encounter"))
	d.text("performer", "id")
	f.Retracted = verb == "enteredinerror"
	if !f.Retracted {
		d.require("code")
		if d.has("code") && code == nil {
			d.bad("code", "empty", "give at least one code")
		}
	}
	return []models.Fact{f}
}

// needed says that members must be there unless the fact is withdrawn.
func (c *call) needed(names ...string) {
	if !strings.HasSuffix(c.verb, ".enteredinerror") {
		c.data.require(names...)
	}
}

// words reads a text that is one of some words into an element; absent stays nil.
func (o object) words(f *models.Fact, column, name string, words ...string) {
	if s := o.oneOf(name, words...); s != "" {
		f.Set(column, s)
	}
}

// effective reads when something was observed or done, which must have begun.
func (c *call) effective() any {
	iv := c.data.whenOrPeriod("effective")
	if iv != nil {
		c.happened("data.effective", iv.StartLo)
	}
	return opt(iv)
}

func (c *call) observation(id string) models.Fact {
	d, f := c.data, c.fact("Observation", id)
	c.needed("status", "effective")
	d.words(&f, "status", "status", "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown")
	f.Set("effective", c.effective())
	f.Set("issued", opt(c.pastInstant(d, "issued")))
	f.Set("category", d.codings("category"))
	f.Set("interpretation", d.codings("interpretation"))
	f.Set("value", opt(d.quantity("value")))
	f.Set("value_code", d.codings("value_code"))
	f.Set("value_text", d.flag("value_text"))
	var parts []models.Component
	for _, part := range d.each("components", 100) {
		part.require("code")
		code, _ := part.codings("code").([]string)
		if len(code) == 0 {
			part.bad("code", "empty", "give at least one code")
		}
		valueCode, _ := part.codings("value_code").([]string)
		parts = append(parts, models.Component{Code: code, Value: part.quantity("value"), ValueCode: valueCode})
	}
	if parts != nil {
		f.Set("component", parts)
	}
	return f
}

func (c *call) condition(id string) models.Fact {
	d, f := c.data, c.fact("Condition", id)
	if s := d.oneOf("clinical_status", "active", "recurrence", "relapse", "inactive", "remission", "resolved"); s != "" {
		f.Set("clinical_status", []string{models.CodeKey(hl7("condition-clinical"), s)})
	}
	if s := d.oneOf("verification_status", "unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"); s != "" {
		f.Set("verification_status", []string{models.CodeKey(hl7("condition-ver-status"), s)})
	}
	f.Set("category", d.codings("category"))
	f.Set("body_site", d.codings("body_site"))
	onset := d.whenOrPeriod("onset")
	if onset != nil {
		c.happened("data.onset", onset.StartLo)
	}
	f.Set("onset", opt(onset))
	f.Set("abatement", opt(d.whenOrPeriod("abatement")))
	f.Set("recorded", opt(c.past(d, "recorded")))
	return f
}

func (c *call) procedure(id string) models.Fact {
	d, f := c.data, c.fact("Procedure", id)
	c.needed("status", "effective")
	status := d.oneOf("status", "preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown")
	if status != "" {
		f.Set("status", status)
	}
	if status == "preparation" || status == "not-done" {
		f.Set("performed", opt(d.whenOrPeriod("effective")))
	} else {
		f.Set("performed", c.effective())
	}
	f.Set("status_reason", d.codings("status_reason"))
	f.Set("category", d.codings("category"))
	f.Set("body_site", d.codings("body_site"))
	return f
}

func (c *call) immunization(id string) models.Fact {
	d, f := c.data, c.fact("Immunization", id)
	c.needed("status", "effective")
	d.words(&f, "status", "status", "completed", "not-done", "entered-in-error")
	f.Set("occurrence", opt(c.past(d, "effective")))
	f.Set("status_reason", d.codings("status_reason"))
	return f
}

func (c *call) medication(id string) models.Fact {
	d, f := c.data, c.fact("MedicationRequest", id)
	c.needed("status", "effective")
	d.words(&f, "status", "status", "active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown")
	if d.has("intent") {
		d.words(&f, "intent", "intent", "proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option")
	} else {
		f.Set("intent", "order")
	}
	f.Set("authored", opt(c.past(d, "effective")))
	f.Set("not_done", d.flag("not_done"))
	f.Set("category", d.codings("category"))
	f.Set("validity", opt(d.period("validity")))
	f.Set("repeats", opt(d.count("repeats", 1000)))
	if q, ok := d.child("quantity"); ok {
		q.require("value")
		f.Set("quantity", opt(q.quantity("value")))
	}
	if days := d.number("supply_days", 0, 10000); days != nil {
		f.Set("supply", models.Quantity{Value: *days, Unit: "d"})
	}
	return f
}
