package workbook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carereach/models"
	"carereach/reports"
)

// definitions makes the sheet that says what every figure means.
func (x *executive) definitions() *sheet {
	s := &sheet{name: "Definitions", colour: quiet, freezeRow: 3, freezeCol: 1, repeat: "3:3", tableFrom: 3, tableName: "tblDefinitions",
		widths: []float64{27, 9, 36, 34, 30, 27, 34}}
	s.lines = []line{
		{cells: []cell{{value: "Definitions", look: titleLook}}},
		{cells: []cell{{value: "The same definitions feed workbook, JSON and command line. A value is the numerator over the denominator. No data is never 0.", look: subLook}}},
		heads("Figure", "Better", "Numerator", "Denominator", "Excluded", "In money", "Source and version"),
	}
	add := func(cells ...string) {
		l := line{}
		for _, c := range cells {
			l.cells = append(l.cells, cell{value: c, look: textLook})
		}
		s.lines = append(s.lines, l)
	}
	for _, d := range models.KPIs {
		money := "no formula is stated"
		if how, ok := reports.ValuationOf(d.ID); ok {
			money = how.Words
		}
		add(d.Name, string(d.Direction), d.Numerator, d.Denominator, d.Exclusions, money, d.Source+"; version "+d.Version)
	}
	for _, m := range x.report.Measures {
		add(m.Title, string(m.Direction), "patients who meet the rule", "patients eligible, less excluded", "exclusions and exceptions of the measure",
			"to goal × (margin per visit + incentive per gap)", m.Source+"; version "+m.Version)
	}
	s.tableRows, s.tableCols = len(s.lines)-3, len(s.widths)
	for _, words := range []string{
		"Status: on target; near, short of the target by at most a tenth of it; off. Percentage points (pp) are differences of rates.",
		"Imported: entered by a person for calendar months. The twelve-month value is the mean of the months entered, for hours their sum.",
		"Small numbers are not suppressed: this report is for use inside the organisation.",
	} {
		s.lines = append(s.lines, line{cells: []cell{{value: words, look: subLook}}})
	}
	return s
}

// provenance makes the sheet that says where every number comes from.
func (x *executive) provenance() *sheet {
	s := &sheet{name: "Provenance", colour: quiet, portrait: true, freezeRow: 3, repeat: "3:3", tableFrom: 3, tableName: "tblProvenance", widths: []float64{20, 40, 62}}
	s.lines = []line{
		{cells: []cell{{value: "Provenance", look: titleLook}}},
		{cells: []cell{{value: "What this report was made from. The same run, inputs and program give the same numbers.", look: subLook}}},
		heads("Part", "Item", "Value"),
	}
	add := func(part, item string, value any) {
		l := textLook
		if _, isCount := value.(int); isCount {
			l = countLook.with(func(l *look) { l.align = "left" })
		}
		s.lines = append(s.lines, line{cells: []cell{{value: part, look: textLook}, {value: item, look: textLook}, {value: value, look: l}}})
	}
	x.runLines(add)
	p := x.report.Provenance
	for _, text := range p.KnownTo {
		add("known to", "log position", text)
	}
	for _, n := range p.ValueSets {
		add("value set", n.Name, n.Text)
	}
	for _, c := range p.Inputs {
		add("inputs", c.Name, int(c.Rows))
	}
	for _, c := range p.Quarantined {
		add("quarantine, open", c.Name, int(c.Rows))
	}
	for _, c := range p.Rows {
		add("published rows", c.Name, int(c.Rows))
	}
	for _, n := range p.Checksums {
		add("checksum", n.Name, n.Text)
	}
	for _, c := range x.report.Checks {
		add("check, "+c.Severity, c.Name, fmt.Sprintf("%d rows", c.Rows))
	}
	if len(x.report.Checks) == 0 {
		add("check", "all", "nothing found")
	}
	for _, c := range x.report.Coverage {
		add("codes not known", c.Resource+", "+c.System, fmt.Sprintf("%s of %s codes, %s of %s uses, are in no value set that is loaded",
			count(c.UnknownCodes), count(c.Codes), count(c.UnknownUses), count(c.Uses)))
	}
	s.tableRows, s.tableCols = len(s.lines)-3, len(s.widths)
	return s
}

// inputLines lists what decided the rows of the run, as far as it does not stand elsewhere on the sheet.
func inputLines(inputs json.RawMessage) []reports.Named {
	var all map[string]json.RawMessage
	if json.Unmarshal(inputs, &all) != nil {
		return nil
	}
	for _, elsewhere := range []string{"as_of", "period", "zone", "known_to"} {
		delete(all, elsewhere)
	}
	var out []reports.Named
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := string(all[name])
		var plain string
		if json.Unmarshal(all[name], &plain) == nil {
			text = plain
		}
		out = append(out, reports.Named{Name: strings.ReplaceAll(name, "_", " "), Text: text})
	}
	return out
}

func (x *executive) runLines(add func(part, item string, value any)) {
	run := x.report.Run
	add("run", "id", string(run.ID))
	add("run", "as of", run.AsOf.String())
	add("run", "measurement period", run.Period.Start.String()+" to "+run.Period.End.String())
	add("run", "zone", run.Zone)
	add("run", "published", run.PublishedAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	for _, in := range inputLines(run.Inputs) {
		add("run input", in.Name, in.Text)
	}
	add("report", "made", x.opts.Generated.UTC().Format("2006-01-02 15:04:05 UTC"))
	add("report", "program", x.report.Provenance.Build)
	if x.opts.User != "" {
		add("report", "made for", x.opts.User)
	}
	through := "not known"
	if t := x.report.Provenance.DataThrough; t != nil {
		through = t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	add("data", "newest received", through)
	add("data", "living patients", int(x.report.Patients))
	add("data", "may be contacted", int(x.report.Contactable))
}
