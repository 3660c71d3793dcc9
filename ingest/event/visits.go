package event

import "carereach/models"

// appointment decodes visits.appointments.
func appointment(c *call) []models.Fact {
	d := c.data
	d.require("appointment_id", "status")
	f := c.fact("Appointment", d.text("appointment_id", "id"))
	f.Set("status", d.oneOf("status", appointmentStatuses(c.verb)...))
	f.Retracted = c.verb == "enteredinerror"

	start, end := d.instant("start"), d.instant("end")
	switch c.verb {
	case "proposed", "waitlisted", "cancelled", "enteredinerror":
	case "checkedin", "fulfilled", "noshow":
		d.require("start")
		if start != nil {
			c.happened("data.start", start.Lo)
		}
	case "rescheduled":
		d.require("start")
		if !d.has("prior_start") && !d.has("replaces_id") {
			d.bad("prior_start", "neither prior_start nor replaces_id", "say what the new time replaces")
		}
	default:
		d.require("start")
	}
	if _, err := models.Span(start, end); err != nil {
		d.fault.set(&models.Reject{Reason: models.ReasonBadTime, Where: "data.start", Detail: "starts after it ends", Mend: "correct the times at the source"})
	}
	f.Set("start", opt(start))
	f.Set("end", opt(end))
	f.Set("booked", opt(c.pastInstant(d, "booked_at")))
	f.Set("rescheduled_from", opt(d.instant("prior_start")))
	f.Set("service_type", d.codings("service_type"))
	f.Set("specialty", d.codings("specialty"))
	f.Set("reason", d.codings("reason"))
	f.Set("practitioner", d.ref("provider", "Practitioner"))
	f.Set("location", d.ref("location", "Location"))
	f.Set("replaces", d.ref("replaces_id", "Appointment"))
	if m := d.oneOf("modality", "in-person", "video", "phone"); m != "" {
		f.Set("modality", m)
	}
	d.text("zone", "zone")
	d.text("trigger", "word")
	c.cancellation(&f)
	return []models.Fact{f}
}

func (c *call) cancellation(f *models.Fact) {
	if c.verb == "cancelled" {
		c.data.require("cancel")
	}
	cancel, ok := c.data.child("cancel")
	if !ok {
		return
	}
	if by := cancel.oneOf("by", "patient", "provider"); by != "" {
		f.Set("cancelled_by", by)
	}
	f.Set("cancel_reason", cancel.codings("reason"))
	f.Set("cancelled", opt(c.pastInstant(cancel, "at")))
}

// appointmentStatuses gives the FHIR appointment statuses that a verb may come with.
func appointmentStatuses(verb string) []string {
	switch verb {
	case "proposed":
		return []string{"proposed", "pending"}
	case "modified":
		return []string{"proposed", "pending", "booked", "arrived", "checked-in", "waitlist"}
	case "waitlisted":
		return []string{"waitlist"}
	case "checkedin":
		return []string{"arrived", "checked-in"}
	case "fulfilled", "noshow", "cancelled":
		return []string{verb}
	case "enteredinerror":
		return []string{"entered-in-error"}
	}
	return []string{"booked"} // booked, confirmed, rescheduled
}

// encounter decodes visits.encounters.
func encounter(c *call) []models.Fact {
	d := c.data
	d.require("encounter_id", "class", "status")
	f := c.fact("Encounter", d.text("encounter_id", "id"))
	status := d.oneOf("status", encounterStatuses(c.verb)...)
	f.Set("status", status)
	f.Retracted = status == "entered-in-error"
	if class := d.oneOf("class", "AMB", "EMER", "IMP", "OBSENC", "HH", "VR"); class != "" {
		f.Set("class", models.CodeKey(models.SystemActCode, class))
	}
	c.encounterPeriod(&f, status)
	f.Set("type", d.codings("type"))
	f.Set("practitioner", d.ref("attending", "Practitioner"))
	f.Set("organization", d.ref("organization", "Organization"))
	f.Set("location", d.ref("location", "Location"))
	f.Set("appointment", d.ref("appointment_id", "Appointment"))
	f.Set("disposition", d.codings("disposition"))
	reasons, _ := d.codings("reason").([]string)
	facts := []models.Fact{f}
	for _, dx := range d.each("diagnoses", 100) {
		code := c.diagnosis(dx, f.ID, &facts)
		reasons = append(reasons, code...)
	}
	if reasons != nil {
		f.Set("reason", reasons)
	}
	return facts
}

// diagnosis reads one diagnosis of an encounter: its codes are reasons for the visit, and with a fact_id it is a Condition
// that can be corrected and withdrawn by that id.
func (c *call) diagnosis(dx object, encounterID string, facts *[]models.Fact) []string {
	dx.require("code")
	codes, _ := dx.codings("code").([]string)
	if len(codes) == 0 {
		dx.bad("code", "empty", "give at least one code")
	}
	if id := dx.text("fact_id", "id"); id != "" {
		cond := c.fact("Condition", id)
		cond.Set("category", []string{models.CodeKey("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")})
		cond.Set("code", codes)
		cond.Set("encounter", models.Ref{Type: "Encounter", ID: encounterID})
		cond.Set("recorded", opt(c.past(dx, "recorded")))
		*facts = append(*facts, cond)
	}
	return codes
}

// encounterPeriod sets from when to when the visit lasts, which must have begun unless it is planned or was called off.
func (c *call) encounterPeriod(f *models.Fact, status string) {
	if p, ok := c.data.child("period"); ok {
		start := p.when("start")
		if start != nil && status != "planned" && status != "cancelled" {
			c.happened("data.period.start", start.Lo)
		}
	}
	f.Set("period", opt(c.data.period("period")))
	switch c.verb {
	case "registered", "admitted", "transferred", "discharged", "dischargecancelled":
		c.data.require("period")
		p, ok := c.data.child("period")
		if ok {
			p.require("start")
		}
		if ok && c.verb == "discharged" {
			p.require("end")
		}
	}
}

// encounterStatuses gives the FHIR encounter statuses that a verb may come with.
func encounterStatuses(verb string) []string {
	switch verb {
	case "registered":
		return []string{"planned", "arrived", "triaged", "in-progress"}
	case "admitted":
		return []string{"arrived", "triaged", "in-progress"}
	case "transferred", "dischargecancelled":
		return []string{"in-progress", "onleave"}
	case "discharged":
		return []string{"finished"}
	case "admitcancelled":
		return []string{"cancelled"}
	}
	return []string{"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"}
}
