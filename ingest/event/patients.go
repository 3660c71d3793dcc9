package event

import (
	"math"

	"carereach/models"
)

// profile decodes patients.profile.
func profile(c *call) []models.Fact {
	switch c.verb {
	case "merged", "unmerged":
		return c.link()
	}
	f := c.fact("Patient", c.patient.ID)
	f.Retracted = c.verb == "deleted"
	c.person(&f)
	id := c.identity()
	if !f.Retracted {
		f.Identity = id
	}
	r := id.Reach()
	f.Set("has_mobile", r.Mobile)
	f.Set("has_phone", r.Phone)
	f.Set("has_email", r.Email)
	f.Set("has_address", r.Address)
	return []models.Fact{f}
}

// link says that the event's patient record is replaced by another, or no longer is. The link's id is the replaced
// record's, so that the newest statement about a record wins.
func (c *call) link() []models.Fact {
	f := c.fact("PersonLink", c.patient.ID)
	merged := c.verb == "merged"
	f.Set("linked", merged)
	if merged || c.data.has("survivor") {
		survivor := c.data.patient("survivor")
		f.Set("survivor", survivor)
		if survivor.ID == c.patient.ID {
			c.data.fault.set(&models.Reject{Reason: models.ReasonMergeCycle, Where: "data.survivor", Detail: "a record merged into itself", Mend: "name the record that stays"})
		}
	}
	return []models.Fact{f}
}

// person reads what the analytics store keeps of a patient.
func (c *call) person(f *models.Fact) {
	d := c.data
	f.Set("birth", opt(c.past(d, "birth_date")))
	d.words(f, "gender", "sex", "male", "female", "other", "unknown")
	d.words(f, "birth_sex", "birth_sex", "M", "F", "UNK", "OTH", "ASKU")
	f.Set("active", d.flag("active"))
	f.Set("race", d.oneCoding("race"))
	f.Set("ethnicity", d.oneCoding("ethnicity"))
	if lang := models.NormalLanguage(d.text("language", "language")); lang != "" {
		f.Set("language", lang)
	}
	d.words(f, "preferred_channel", "preferred_channel", "sms", "voice", "email", "mail", "portal", "push")
	f.Set("pcp", d.ref("pcp", "Practitioner"))
	f.Set("organization", d.ref("organization", "Organization"))

	died := c.past(d, "deceased_at")
	deceased := d.flag("deceased")
	switch {
	case c.verb == "deceased" && deceased == false:
		d.bad("deceased", "false in a deceased event", "send upserted to correct a death")
	case died != nil || c.verb == "deceased":
		deceased = true
	}
	f.Set("deceased_at", opt(died))
	f.Set("deceased", deceased)
	c.home(f)
}

// home keeps town, state, postal code and county of the home address: the first one that is not old, home before others.
func (c *call) home(f *models.Fact) {
	var home *object
	for _, a := range c.data.each("addresses", 20) {
		use := a.oneOf("use", "home", "work", "temp", "old", "billing")
		a.text("county_fips", "county")
		a.number("lat", -90, 90)
		a.number("lon", -180, 180)
		if use != "old" && (home == nil || use == "home" && home.members["use"] != "home") {
			home = &a
		}
	}
	if home == nil {
		return
	}
	f.Set("city", home.value("city", "text"))
	f.Set("state", home.value("state", "text"))
	f.Set("zip", home.value("postal_code", "postal"))
	f.Set("county", home.value("county_fips", "county"))
	if !home.has("county_fips") {
		f.Set("county", home.value("district", "text"))
	}
}

// identity reads what goes to the vault.
func (c *call) identity() *models.Identity {
	d, id := c.data, &models.Identity{}
	for _, n := range d.each("names", 20) {
		id.Names = append(id.Names, models.HumanName{Use: n.oneOf("use", "usual", "official", "temp", "nickname", "anonymous", "old", "maiden"), Text: n.text("text", "text"),
			Family: n.text("family", "text"), Given: n.texts("given", "text", 10), Prefix: n.texts("prefix", "text", 10), Suffix: n.texts("suffix", "text", 10)})
	}
	for _, t := range d.each("telecom", 50) {
		t.require("system", "value")
		point := models.ContactPoint{System: t.oneOf("system", "phone", "email", "sms", "fax", "pager", "url", "other"), Value: t.text("value", "text"), Use: t.oneOf("use", "home", "work", "mobile", "temp", "old")}
		if rank := t.count("rank", math.MaxInt32); rank != nil {
			point.Rank = int(*rank)
		}
		if p := t.period("period"); p != nil && p.EndHi < c.received {
			point.Use = "old"
		}
		id.Telecom = append(id.Telecom, point)
	}
	for _, a := range d.each("addresses", 20) {
		id.Addresses = append(id.Addresses, models.Address{Use: a.oneOf("use", "home", "work", "temp", "old", "billing"), Line: a.texts("line", "text", 10), City: a.text("city", "text"),
			District: a.text("district", "text"), State: a.text("state", "text"), PostalCode: a.text("postal_code", "postal"), Country: a.text("country", "text")})
	}
	p, _ := d.child("patient")
	system, _ := p.members["system"].(string)
	id.Identifiers = []models.Identifier{{System: system, Value: c.patient.ID}}
	for _, i := range d.each("identifiers", 50) {
		i.require("system", "value")
		one := models.Identifier{Type: i.text("type", "word"), System: i.text("system", "uri"), Value: i.text("value", "id")}
		if first := id.Identifiers[0]; one.System == first.System && one.Value == first.Value {
			id.Identifiers[0].Type = one.Type
			continue
		}
		id.Identifiers = append(id.Identifiers, one)
	}
	return id
}

// consent decodes patients.consent. Who captured it and the evidence go to the ledger only.
func consent(c *call) []models.Fact {
	d := c.data
	d.require("consent_id", "channel", "purpose", "effective")
	f := c.fact("Consent", d.text("consent_id", "id"))
	ev := &models.ConsentEvent{Action: c.verb, Channel: d.oneOf("channel", "sms", "voice", "email", "mail", "portal", "push", "any"),
		Purpose: d.oneOf("purpose", "treatment", "care_gap", "marketing", "survey", "any"), Basis: d.text("basis", "word"),
		CapturedBy: d.text("captured_by", "text"), Evidence: d.text("evidence", "text")}
	effective, expires := d.when("effective"), d.when("expires")
	if effective != nil {
		ev.Effective = *effective
	}
	if expires != nil {
		ev.Expires = &expires.Hi
	}
	if _, err := models.Span(effective, expires); err != nil {
		d.fault.set(&models.Reject{Reason: models.ReasonBadTime, Where: "data.expires", Detail: "expires before it is effective", Mend: "correct the dates at the source"})
	}
	f.Consent = ev
	f.Set("action", ev.Action)
	f.Set("channel", ev.Channel)
	f.Set("purpose", ev.Purpose)
	f.Set("basis", d.value("basis", "word"))
	f.Set("effective", opt(effective))
	f.Set("expires", opt(expires))
	return []models.Fact{f}
}

// coverage decodes patients.coverage. Of the payer's name only its class is kept; plan, member and attribution are not.
func coverage(c *call) []models.Fact {
	d := c.data
	d.require("coverage_id", "period")
	f := c.fact("Coverage", d.text("coverage_id", "id"))
	status := d.oneOf("status", "active", "cancelled", "draft", "entered-in-error")
	if status == "" {
		status = "active"
	}
	f.Retracted = status == "entered-in-error"
	f.Set("status", status)
	f.Set("type", d.codings("type"))
	payer := d.text("payer", "text")
	if class := models.PayerClass(payer); class != "" {
		f.Set("payer", class)
	}
	f.Set("payer_org", d.ref("payer_id", "Organization"))
	for _, name := range []string{"plan", "member_id_hash", "attribution"} {
		d.text(name, "id")
	}
	d.text("line_of_business", "word")
	if p, ok := d.child("period"); ok {
		p.require("start")
		if c.verb == "ended" {
			p.require("end")
		}
	}
	f.Set("period", opt(d.period("period")))
	return []models.Fact{f}
}
