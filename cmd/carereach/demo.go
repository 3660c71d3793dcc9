package main

import (
	"context"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func demoCommand(c *cli) *cobra.Command {
	var root string
	cmd := command("demo", "Take a made-up clinic through the whole line", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		bar := newProgress(c.env, 0)
		result, err := app.Demo(ctx, root, bar.Progress)
		bar.done()
		if err != nil {
			return err
		}
		cfg, err := app.LoadConfig(result.Dir, c.environ)
		if err != nil {
			return err
		}
		return showValue(c, result, func(p *page, d app.DemoResult) { demoPage(p, d, cfg.Currency) })
	})
	cmd.Long = `Take a made-up clinic through the whole line: load, analyse, workbook, lists. All data are synthetic, the keys are known to
everybody, and no network is needed. A folder that the demo made before is replaced; any other is left alone.`
	cmd.Flags().StringVar(&root, "dir", "demo-out", "folder for the demo")
	return cmd
}

func demoPage(p *page, d app.DemoResult, currency string) {
	p.line("Synthetic data: a made-up clinic, people who do not exist. %.1f s.", d.Seconds)
	p.heading("1. Taken in: %s of %s", many(sum(d.Ingest.Outcomes), "input"), many(d.Ingest.Files, "file"))
	p.outcomes(d.Ingest.Outcomes)
	p.quarantined(d.Ingest.Reasons)
	p.heading("2. Care gaps as of %s", d.Analyze.AsOf)
	p.gapCounts(d.Analyze.Gaps)
	p.heading("3. Measures")
	measureTable(p, d.Measures.Rows, false)
	p.heading("4. KPIs of the executive summary, twelve months to %s", d.KPIs.AsOf)
	kpiTable(p, executive(d.KPIs.Rows), currency)
	p.heading("5. Files")
	for _, f := range d.Files {
		p.line("  %s: %s", f.Path, f.What)
	}
	p.line("  %s: the data folder, on which every command works", d.Dir)
	p.heading("Try next")
	for _, line := range []string{"gaps list --measure colorectal_screening --limit 5", "targets list --contact yes --limit 5", "patient show TOKEN --purpose treatment", "ingest dlq list", "kpi list", "audit search"} {
		p.line("  carereach --dir %s %s", d.Dir, line)
	}
}

// executive keeps the KPIs of the executive summary.
func executive(kpis []app.KPI) []app.KPI {
	var out []app.KPI
	for _, k := range kpis {
		if def, ok := models.KPIByID(k.ID); ok && def.Executive {
			out = append(out, k)
		}
	}
	return out
}
