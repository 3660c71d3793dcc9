package main

import (
	"context"
	"time"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func analyzeCommand(c *cli) *cobra.Command {
	var asOf dateFlag
	cmd := command("analyze", "Find gaps, targets and KPIs as of one day, and publish them as a run", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.AnalyzeResult]{verb: "analyze", args: app.AnalyzeArgs{AsOf: *asOf.day}, print: analyzePage, even: func(r app.AnalyzeResult) bool { return len(r.Checks) > 0 || r.Run != "" },
			tell: tellAnalyze}.ask(ctx, c)
	})
	cmd.Long = `Find care gaps, patients to reach and KPIs as of the end of one day in the site's zone, from everything that is taken in.
The same data, value sets, KPI inputs and configuration give the same run; it is published once and never changes.`
	cmd.Flags().Var(&asOf, "as-of", "the day on which everything is judged")
	return required(cmd, "as-of")
}

func analyzePage(p *page, r app.AnalyzeResult) {
	if r.Existing {
		p.line("run %s as of %s is there already: nothing has changed since it was published", short(r.Run), r.AsOf)
	} else {
		p.line("run %s as of %s, in %.1f s", short(r.Run), r.AsOf, r.Seconds)
	}
	if n, ok := r.Rows["patient"]; ok {
		p.line("%s", many(n, "patient"))
	}
	if len(r.Gaps) > 0 {
		p.heading("Care gaps")
		p.gapCounts(r.Gaps)
	}
	for _, m := range r.Measures {
		if m.Reason != "" {
			p.line("%s was not judged: %s", m.ID, m.Reason)
		}
	}
	if len(r.Checks) > 0 {
		p.heading("Checks that found something")
		t := newTable("check", "severity", ">rows", "example")
		for _, f := range r.Checks {
			t.row(f.Name, f.Severity, thousands(f.Rows), example(f.Columns, f.Sample))
		}
		p.table(t)
	}
}

// example writes the first offending row of a check.
func example(names []string, sample [][]string) string {
	if len(sample) == 0 {
		return ""
	}
	text := ""
	for i, v := range sample[0] {
		if i > 0 {
			text += ", "
		}
		if i < len(names) {
			text += names[i] + " "
		}
		text += v
	}
	return text
}

func tellAnalyze(e env, r app.AnalyzeResult) {
	if r.Stubs > 0 {
		e.say("left out until their Patient record arrives: %s", many(r.Stubs, "patient"))
	}
	if r.Rings > 0 {
		e.say("merged in a ring, so that none of those merges is applied: %s", many(r.Rings, "patient"))
	}
	if r.Replay != "" {
		e.say("earlier runs could not be made again: %s", r.Replay)
	}
}

func runsCommand(c *cli) *cobra.Command {
	return command("runs", "Runs that were published", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.RunList]{verb: "run.list", args: app.None{}, print: func(p *page, l app.RunList) {
			if l.Total == 0 {
				p.line("No run yet: carereach analyze --as-of YYYY-MM-DD makes one.")
				return
			}
			t := newTable("run", "as of", "state", "published", "reason")
			for _, r := range l.Rows {
				t.row(short(r.Run), r.AsOf, r.State, r.Published, r.Reason)
			}
			p.table(t)
			p.leftOut("runs", int64(l.Shown), int64(l.Total), moreRows)
		}}.ask(ctx, c)
	})
}

// instant writes a moment for people; "" for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// runLine says which run a list comes from.
func (p *page) runLine(run models.RunID, asOf models.Date) {
	p.line("run %s as of %s", short(run), asOf)
}
