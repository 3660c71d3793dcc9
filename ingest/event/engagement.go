package event

import "carereach/models"

// engagement decodes engagement.messages. Each event is a happening of its own: the fact's id is the provider's event id
// where there is one, because providers send the same event many times, else the event's. Message text has no place here.
func engagement(c *call) []models.Fact {
	d := c.data
	id := c.ev.ID
	provider, providerEvent := d.text("provider", "word"), d.text("provider_event_id", "id")
	if providerEvent != "" {
		d.require("provider")
		id = provider + "|" + providerEvent
	}
	f := c.fact("Engagement", id)
	f.Set("verb", c.verb)
	if c.ev.Time == nil {
		d.fault.set(badEnvelope("time", "missing", "an engagement.messages event says when it happened"))
	}
	f.Set("at", opt(c.ev.Time))
	f.Set("channel", c.channel())
	f.Set("message", d.ref("message_id", "Message"))
	f.Set("campaign", d.value("campaign_id", "word"))
	f.Set("machine_open", d.flag("machine_open"))
	f.Set("automated", d.flag("automated"))
	if m := d.number("staff_minutes", 0, 1440); m != nil {
		f.Set("staff_minutes", models.Quantity{Value: *m, Unit: "min"})
	}
	f.Set("score", opt(d.count("score", 10)))
	f.Set("outcome", c.outcome())
	for _, name := range []string{"cohort_version", "variant", "step", "template_version", "link_id"} {
		d.text(name, "word")
	}
	d.count("attempt", 1000)
	d.flag("holdout")
	switch c.verb {
	case "portallogin":
	case "surveyresponded":
		d.require("score")
	default:
		d.require("message_id")
	}
	return []models.Fact{f}
}

// channel reads the channel; calls, letters and the portal name theirs by the verb.
func (c *call) channel() any {
	given := c.data.oneOf("channel", "sms", "voice", "email", "mail", "portal", "push", "call_list")
	if given != "" {
		return given
	}
	switch c.verb {
	case "callattempted":
		return "voice"
	case "mailreturned":
		return "mail"
	case "portallogin":
		return "portal"
	case "surveyresponded":
		return nil
	}
	c.data.require("channel")
	return nil
}

// outcome reads how a call went, or the provider's error code.
func (c *call) outcome() any {
	if c.verb == "callattempted" {
		c.data.require("outcome")
	}
	outcome := c.data.oneOf("outcome", "answered", "voicemail", "noanswer", "busy", "wrongnumber")
	code := c.data.value("error_code", "word")
	if outcome != "" {
		return outcome
	}
	return code
}
