package main

import (
	"context"
	"io"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func reportCommand(c *cli) *cobra.Command {
	return noun("report", "Reports", reportBuildCommand(c))
}

func reportBuildCommand(c *cli) *cobra.Command {
	var args app.ReportArgs
	var asOf dateFlag
	var out string
	cmd := command("build executive", "Build the executive workbook from a run", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		args.Name, args.AsOf, args.JSON = argv[0], asOf.day, c.json
		q := question[app.ReportResult]{verb: "report.build", args: args, tell: tellReport}
		if out == "" {
			if !c.json {
				return usage("no file for the workbook", "name one with --out, ending in .xlsx; --json prints the same values")
			}
			return q.ask(ctx, c)
		}
		if c.json {
			// The values go to standard output after the workbook, which is made first: what fails leaves no half answer.
			if err := buildWorkbook(ctx, c, args, out); err != nil {
				return err
			}
			return q.ask(ctx, c)
		}
		return buildWorkbook(ctx, c, args, out)
	})
	cmd.Long = `Build the executive workbook: summary, KPIs, measures, gaps to goal, retention, ROI model, definitions and provenance.
It holds aggregates only. --json prints the same values as JSON.`
	asOfFlag(cmd, &asOf)
	cmd.Flags().StringVar(&out, "out", "", "file of the workbook, .xlsx")
	return cmd
}

// buildWorkbook writes the workbook to a file and says so.
func buildWorkbook(ctx context.Context, c *cli, args app.ReportArgs, path string) error {
	args.JSON = false
	quiet := *c
	quiet.json = false // the file is the answer
	return writeFile(path, func(w io.Writer) error {
		return question[app.ReportResult]{verb: "report.build", args: args, out: w, tell: func(e env, r app.ReportResult) {
			e.say("workbook of run %s as of %s written to %s", short(r.Run), r.AsOf, path)
			tellReport(e, r)
		}}.ask(ctx, &quiet)
	})
}

func tellReport(e env, r app.ReportResult) {
	if r.Outdated {
		e.say("KPI values were entered after this run: carereach analyze --as-of %s takes them up", r.AsOf)
	}
}
