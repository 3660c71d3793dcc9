package event

import "carereach/models"

// claim decodes billing.claims into one fact per claim. Amounts stand either with the claim or with its lines, never both,
// so that nothing counts twice; those of the lines are added up. A reversed claim is a retraction: it nets out.
func claim(c *call) []models.Fact {
	d := c.data
	d.require("claim_id", "period")
	f := c.fact("Claim", d.text("claim_id", "id"))
	f.Set("use", "claim")
	f.Set("status", claimStatus(c.verb))
	f.Retracted = c.verb == "reversed"
	c.service(&f)
	f.Set("submitted", opt(c.past(d, "submitted_at")))
	f.Set("adjudicated", opt(c.past(d, "adjudicated_at")))
	f.Set("paid_on", opt(c.past(d, "paid_at")))
	f.Set("type", d.codings("type"))
	f.Set("encounter", d.ref("encounter_id", "Encounter"))
	f.Set("organization", d.ref("organization", "Organization"))
	d.text("payer_id", "id")
	if class := models.PayerClass(d.text("payer", "text")); class != "" {
		f.Set("payer", class)
	}
	c.amounts(&f)
	return []models.Fact{f}
}

// service sets the dates of service. A claim without an end is for one day.
func (c *call) service(f *models.Fact) {
	p, ok := c.data.child("period")
	if !ok {
		return
	}
	p.require("start")
	start := p.when("start")
	if start == nil {
		return
	}
	c.happened("data.period.start", start.Lo)
	period := c.data.period("period")
	if !p.has("end") {
		day := start.Point()
		period = &day
	}
	f.Set("service_period", opt(period))
}

func claimStatus(verb string) string {
	switch verb {
	case "paid", "denied":
		return verb
	case "reversed":
		return "cancelled"
	}
	return "active"
}

// amounts adds up what was billed, allowed, paid and written off, and gathers the codes of the lines.
func (c *call) amounts(f *models.Fact) {
	d := c.data
	holders := []object{d}
	service, _ := d.codings("service").([]string)
	diagnosis, _ := d.codings("diagnosis").([]string)
	lines := d.each("lines", 999)
	if len(lines) > 0 {
		holders = lines
	}
	for _, line := range lines {
		more, _ := line.codings("service").([]string)
		service = append(service, more...)
		more, _ = line.codings("diagnosis").([]string)
		diagnosis = append(diagnosis, more...)
		line.text("line_id", "id")
	}
	if service != nil {
		f.Set("service", service)
	}
	if diagnosis != nil {
		f.Set("diagnosis", diagnosis)
	}
	any := false
	for _, column := range []string{"billed", "allowed", "paid", "patient_paid", "adjustment"} {
		if len(lines) > 0 && d.has(column) {
			d.bad(column, "amounts with the claim and with lines", "give amounts once: with the lines, or with the claim")
		}
		var sum models.Money
		known := false
		for _, o := range holders {
			if m := o.money(column); m != nil {
				sum, known = sum+*m, true
			}
		}
		if known {
			f.Set(column, sum)
			any = true
		}
	}
	currency := d.value("currency", "currency")
	f.Set("currency", currency)
	if any && currency == nil {
		d.bad("currency", "missing beside amounts", "send the ISO 4217 code, such as USD")
	}
}
