package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func gapsCommand(c *cli) *cobra.Command {
	return noun("gaps", "Care gaps: who needs which care", gapsListCommand(c), gapsCountCommand(c))
}

// listFlags are the flags that every list of patients has.
type listFlags struct {
	asOf          dateFlag
	limit, offset int64
	out           string
	identified    bool
	purpose       string
}

func (f *listFlags) add(cmd *cobra.Command) {
	asOfFlag(cmd, &f.asOf)
	cmd.Flags().Int64Var(&f.limit, "limit", 50, "at most so many rows; 0: all (the default with --out)")
	cmd.Flags().Int64Var(&f.offset, "offset", 0, "leave out so many rows first")
	cmd.Flags().StringVar(&f.out, "out", "", "write the list to a file, .csv or .xlsx")
	cmd.Flags().BoolVar(&f.identified, "identified", false, "with names and ways to reach the patient; needs --out and --purpose, and is audited")
	cmd.Flags().StringVar(&f.purpose, "purpose", "", purposeHelp)
}

// args turns the flags into those of the verb.
func (f *listFlags) args(cmd *cobra.Command) (app.ListArgs, error) {
	a := app.ListArgs{AsOf: f.asOf.day, Identified: f.identified, Purpose: f.purpose}
	if f.out == "" {
		if f.identified {
			return a, usage("identified lists are written to files only", "add --out with a name ending in .csv or .xlsx")
		}
		return a, nil
	}
	switch ext := strings.ToLower(filepath.Ext(f.out)); ext {
	case ".csv", ".xlsx":
		a.Format = ext[1:]
	default:
		return a, usage("a list is written as .csv or .xlsx", "give --out a name with one of these endings")
	}
	if !cmd.Flags().Changed("limit") {
		f.limit = 0
	}
	return a, nil
}

// export asks for a list as a file.
func (f *listFlags) export(ctx context.Context, c *cli, verb string, args any) error {
	return writeFile(f.out, func(w io.Writer) error {
		return question[app.Exported]{verb: verb, args: args, out: w, tell: func(e env, x app.Exported) {
			e.say("%s of %s rows written to %s", thousands(x.Shown), thousands(x.Total), f.out)
		}}.ask(ctx, c)
	})
}

func gapsListCommand(c *cli) *cobra.Command {
	var f listFlags
	var args app.GapsArgs
	var measure, status, due string
	var cmd *cobra.Command
	cmd = command("list", "Care gaps of a run, the most urgent first", cobra.NoArgs, func(ctx context.Context, _ []string) (err error) {
		if args.Count {
			return c.countGaps(ctx, f.asOf.day)
		}
		if args.ListArgs, err = f.args(cmd); err != nil {
			return err
		}
		if status == "all" {
			status = ""
		}
		args.Measure, args.Status, args.Due = models.MeasureID(measure), models.GapStatus(status), models.DueStatus(due)
		args.Limit, args.Offset = f.limit, f.offset
		if f.out != "" {
			return f.export(ctx, c, "gaps.list", args)
		}
		return question[app.GapPage]{verb: "gaps.list", args: args, print: func(p *page, l app.GapPage) { gapsPage(p, l, args.Words()) }}.ask(ctx, c)
	})
	f.add(cmd)
	cmd.Flags().StringVar(&measure, "measure", "", "only this measure")
	cmd.Flags().StringVar(&status, "status", string(models.GapOpen), "open, closed, not-applicable or all")
	cmd.Flags().StringVar(&due, "due", "", "overdue, due or not-yet-due")
	cmd.Flags().StringVar(&args.Site, "site", "", "only this site; (none): patients without one")
	cmd.Flags().StringVar(&args.Payer, "payer", "", "only this payer class; (none): patients without one")
	cmd.Flags().BoolVar(&args.Count, "count", false, "numbers only, as gaps count does")
	for _, other := range []string{"measure", "status", "due", "site", "payer", "limit", "offset", "out", "identified"} {
		cmd.MarkFlagsMutuallyExclusive("count", other) // a count of everything must not look like a count of what was asked for
	}
	return cmd
}

func gapsPage(p *page, l app.GapPage, filter string) {
	if l.Total == 0 {
		p.line("No gaps here (%s).", filter)
		return
	}
	t := newTable("patient", "measure", "status", "due", "due on", "reason", "evidence", "on", "value", "site", "clinician", "payer")
	for _, g := range l.Rows {
		t.row(g.Patient, g.Measure, g.Status, g.Due, day(g.DueOn), g.Reason, g.EvidenceType, day(g.EvidenceOn), g.EvidenceValue, g.Site, g.PCP, g.Payer)
	}
	p.table(t)
	p.line("run %s; %s", short(l.Run), filter)
	p.leftOut("gaps", l.Shown, l.Total, moreRows)
}

func gapsCountCommand(c *cli) *cobra.Command {
	var asOf dateFlag
	cmd := command("count", "Care gaps of a run by measure and status", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.countGaps(ctx, asOf.day)
	})
	asOfFlag(cmd, &asOf)
	return cmd
}

func (c *cli) countGaps(ctx context.Context, asOf *models.Date) error {
	args := app.GapsArgs{ListArgs: app.ListArgs{AsOf: asOf}, Count: true}
	return question[app.GapCounts]{verb: "gaps.list", args: args, print: func(p *page, g app.GapCounts) {
		if g.Total == 0 {
			p.line("No gaps: no measure applies to anybody in run %s.", short(g.Run))
			return
		}
		p.gapCounts(g.Rows)
		p.line("run %s", short(g.Run))
	}}.ask(ctx, c)
}

// gapCounts writes one line per measure, a column per status, and the sum.
func (p *page) gapCounts(counts []app.GapCount) {
	statuses := []models.GapStatus{models.GapOpen, models.GapClosed, models.GapNotApplicable}
	by := map[string]map[string]int64{}
	for _, g := range counts {
		if by[g.Measure] == nil {
			by[g.Measure] = map[string]int64{}
		}
		by[g.Measure][g.Status] += g.N
	}
	t := newTable("measure", ">open", ">closed", ">not applicable", ">all")
	total := map[string]int64{}
	write := func(name string, n map[string]int64) {
		cells, all := []any{name}, int64(0)
		for _, s := range statuses {
			cells, all = append(cells, thousands(n[string(s)])), all+n[string(s)]
		}
		t.row(append(cells, thousands(all))...)
	}
	for _, m := range sortedKeys(by) {
		write(m, by[m])
		for s, n := range by[m] {
			total[s] += n
		}
	}
	write(fmt.Sprintf("sum of %d", len(by)), total)
	p.table(t)
}
