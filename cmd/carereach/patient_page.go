package main

import (
	"fmt"
	"strings"
	"time"

	"carereach/internal/app"
	"carereach/models"
)

// patientPage writes the one page about a patient: who, how to reach them, care, gaps, what is coming up and what was,
// consents, and who looked at the record. Times are in the zone of the site.
func patientPage(p *page, s app.PatientShown, now time.Time, zone *time.Location) {
	p.line("%s", or(s.Person.Name, "(name not known)"))
	p.line("token %s", s.Token)
	if n := len(s.Tokens); n > 1 {
		p.line("merged from %d records: %s", n, strings.Join(s.Tokens, ", "))
	}
	patientWho(p, s)
	patientReach(p, s)
	if s.Profile != nil {
		patientGaps(p, s)
	} else {
		p.heading("Care gaps")
		p.line("  no run is published yet: carereach analyze --as-of YYYY-MM-DD")
	}
	patientHistory(p, s, now, zone)
	patientConsents(p, s.Consents)
	patientSeen(p, s)
}

func patientWho(p *page, s app.PatientShown) {
	kv := []string{"record number", s.Person.RecordNumber}
	if f := s.Profile; f != nil && f.InRun {
		age := ""
		if f.Age != nil {
			age = fmt.Sprintf("%d on %s", *f.Age, f.AsOf)
		}
		deceased := ""
		if f.Deceased {
			deceased = "yes"
		}
		kv = append(kv, "deceased", deceased, "age", age, "sex", f.Sex, "language", f.Language, "race", groupWord(f.Race), "ethnicity", groupWord(f.Ethnicity), "site", f.Site, "clinician", f.PCP, "payer", f.Payer,
			"last visit", day(f.LastVisit), "next visit", day(f.NextVisit))
	}
	p.pairs(kv...)
	if f := s.Profile; f != nil && !f.InRun {
		p.line("  not among the patients of run %s as of %s", short(f.Run), f.AsOf)
	}
}

func patientReach(p *page, s app.PatientShown) {
	p.heading("How to reach")
	var kv []string
	for _, t := range s.Person.Telecom {
		kv = append(kv, strings.TrimSpace(t.Use+" "+t.System), t.Value)
	}
	for _, a := range s.Person.Addresses {
		kv = append(kv, strings.TrimSpace(a.Use+" address"), addressLine(a))
	}
	for _, r := range s.Person.Contacts {
		ways := []string{r.Name}
		for _, t := range r.Telecom {
			ways = append(ways, t.Value)
		}
		kv = append(kv, relationWords(r.Relation), strings.Join(ways, ", "))
	}
	if s.Profile != nil && s.Profile.InRun {
		kv = append(kv, "allowed and possible", or(strings.Join(s.Profile.Reach, ", "), "nothing")+", as of "+s.Profile.AsOf.String())
	}
	p.pairs(kv...)
}

func addressLine(a models.Address) string {
	var parts []string
	for _, part := range append(append([]string{}, a.Line...), strings.TrimSpace(a.City+" "+a.State+" "+a.PostalCode), a.Country) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func patientGaps(p *page, s app.PatientShown) {
	p.heading("Care gaps, run %s as of %s", short(s.Profile.Run), s.Profile.AsOf)
	if len(s.Profile.Gaps) == 0 {
		p.line("  No measure applies.")
		return
	}
	t := newTable("measure", "status", "due", "why", "evidence")
	t.indent = "  "
	for _, g := range s.Profile.Gaps {
		due := strings.TrimSpace(g.Due + " " + day(g.DueOn))
		status := g.Status
		if g.ClosedBy != "" {
			status += " by " + g.ClosedBy
		}
		evidence := g.EvidenceType
		if on := day(g.EvidenceOn); on != "" {
			evidence += " of " + on
		}
		if g.EvidenceValue != "" {
			evidence += ", " + g.EvidenceValue
		}
		t.row(g.Measure, status, due, reasonWord(g.Reason), evidence)
	}
	p.table(t)
}

func patientHistory(p *page, s app.PatientShown, now time.Time, zone *time.Location) {
	coming, was := &table{columns: columns("", "", "", ""), bare: true, indent: "  "}, &table{columns: columns("", "", "", ""), bare: true, indent: "  "}
	for _, h := range s.History.Rows {
		at, to := "day not known", was
		if h.At != nil {
			at = h.At.In(zone).Format("2006-01-02 15:04")
			if h.Day {
				at = h.At.UTC().Format(time.DateOnly)
			}
			if h.At.After(now) {
				to = coming
			}
		}
		to.row(at, h.Kind, plain(h.Status), plain(h.What))
	}
	if len(coming.rows) > 0 {
		p.heading("Coming up (%s)", zone)
		p.table(coming)
	}
	p.heading("What was (%s)", zone)
	if len(was.rows) == 0 {
		p.line("  Nothing is on record.")
	}
	p.table(was)
	p.leftOut("happenings", s.History.Shown, s.History.Total, "a larger --limit shows more")
}

func patientConsents(p *page, standing []app.Standing) {
	p.heading("Consents")
	if len(standing) == 0 {
		p.line("  Nothing was ever said.")
		return
	}
	p.standing(standing)
}

// standing writes what statements amount to, one line per channel.
func (p *page) standing(standing []app.Standing) {
	t := newTable("channel", "purpose", "standing")
	t.indent = "  "
	for _, s := range standing {
		t.row(s.Channel, s.Purpose, s.State)
	}
	p.table(t)
}

func patientSeen(p *page, s app.PatientShown) {
	p.heading("Who looked at the record")
	if len(s.Seen.Rows) == 0 {
		p.line("  Nobody yet.")
		return
	}
	t := newTable("when", "who", "purpose", "what")
	t.indent = "  "
	for _, r := range s.Seen.Rows {
		t.row(instant(r.At), r.Actor, r.Purpose, r.Action)
	}
	p.table(t)
	p.leftOut("looks", int64(len(s.Seen.Rows)), int64(s.Seen.Total), "carereach audit search --token shows more")
}
