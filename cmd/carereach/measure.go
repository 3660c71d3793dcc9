package main

import (
	"context"
	"fmt"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func measureCommand(c *cli) *cobra.Command {
	return noun("measure", "Quality measures with their rates", measureListCommand(c))
}

func measureListCommand(c *cli) *cobra.Command {
	var asOf dateFlag
	var bySite bool
	cmd := command("list", "Measures of a run: rate, target, patients missing to it", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.MeasureList]{verb: "measure.list", args: app.AsOfArgs{AsOf: asOf.day}, print: func(p *page, l app.MeasureList) {
			p.runLine(l.Run, l.AsOf)
			measureTable(p, l.Rows, bySite)
		}}.ask(ctx, c)
	})
	asOfFlag(cmd, &asOf)
	cmd.Flags().BoolVar(&bySite, "by-site", false, "a line for every site as well")
	return cmd
}

// measureTable writes a line per measure and group, and under the table what has to be known to read the rates.
func measureTable(p *page, measures []app.Measure, bySite bool) {
	t := newTable("measure", "site", ">eligible", ">excluded", ">numerator", ">rate", ">target", "status", ">to goal", ">open", "better")
	var notes []string
	for _, m := range measures {
		if m.Reason != "" {
			notes = append(notes, fmt.Sprintf("%s was not judged: %s", m.ID, m.Reason))
		}
		if m.SupplyNote != "" {
			notes = append(notes, fmt.Sprintf("%s: %s", m.ID, m.SupplyNote))
		}
		for _, r := range m.Rows {
			if r.Site != "" && !bySite {
				continue
			}
			name, rate, target, missing := string(m.ID), "no data", "", ""
			if r.Group != "1" { // our own rules have one group, of that name
				name += " group " + r.Group
			}
			if r.Rate != nil {
				rate = app.Show(models.UnitRate, "", *r.Rate)
			}
			if r.Target != nil {
				target = app.Show(models.UnitRate, "", r.Target.Value)
			}
			if r.ToGoal != nil {
				missing = thousands(*r.ToGoal)
			}
			t.row(name, or(r.Site, "all"), thousands(r.Eligible), thousands(r.Excluded), thousands(r.Numerator), rate, target, r.Status, missing, thousands(r.Open), m.Direction)
		}
	}
	if len(t.rows) > 0 {
		p.table(t)
	}
	for _, n := range notes {
		p.line("%s", n)
	}
}
