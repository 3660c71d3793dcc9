package main

import (
	"context"
	"errors"
	"fmt"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func kpiCommand(c *cli) *cobra.Command {
	return noun("kpi", "KPIs with baseline, target and change", kpiListCommand(c), kpiImportCommand(c),
		noun("baseline", "Values to compare with", kpiGoalCommand(c, app.GoalArgs{Kind: "baseline"}, "Enter what a KPI was before")),
		noun("target", "Values to reach", kpiGoalCommand(c, app.GoalArgs{Kind: "target"}, "Enter what a KPI, or the rate of a measure, shall reach")))
}

func kpiListCommand(c *cli) *cobra.Command {
	var asOf dateFlag
	var args app.KPIArgs
	cmd := command("list", "KPIs of a run, for the twelve months ending on its as-of date", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		args.AsOf = asOf.day
		cfg, err := app.LoadConfig(c.dir, c.environ)
		if err != nil {
			return err
		}
		return question[app.KPIList]{verb: "kpi.list", args: args, print: func(p *page, l app.KPIList) {
			p.runLine(l.Run, l.AsOf)
			kpiTable(p, l.Rows, cfg.Currency)
		}, tell: func(e env, l app.KPIList) {
			if l.Outdated {
				e.say("values were entered after this run: carereach analyze --as-of %s takes them up", l.AsOf)
			}
		}}.ask(ctx, c)
	})
	asOfFlag(cmd, &asOf)
	cmd.Flags().StringVar(&args.Site, "site", "", "one site (default the whole organisation)")
	return cmd
}

// kpiTable writes a line per KPI: its value as every other surface writes it, or "no data: reason".
func kpiTable(p *page, kpis []app.KPI, currency string) {
	t := newTable("kpi", "baseline", "target", "now", "status", "change", "from")
	for _, k := range kpis {
		baseline, target, change := "", "", ""
		if k.Baseline != nil {
			baseline = app.Show(k.Unit, currency, k.Baseline.Value)
		}
		if k.Target != nil {
			target = app.Show(k.Unit, currency, k.Target.Value)
		}
		if k.Change != nil {
			change = app.ShowChange(k.Unit, currency, k.Change.Value) + " against " + k.Change.Against
		}
		t.row(k.ID, baseline, target, k.Show(currency), k.Status, change, k.State.Word())
	}
	p.table(t)
}

func kpiImportCommand(c *cli) *cobra.Command {
	cmd := command("import FILE", "Enter monthly values that no source sends, from CSV", cobra.ExactArgs(1), func(ctx context.Context, argv []string) (err error) {
		files, err := app.OpenPaths(argv, c.stdin)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files.Close()) }()
		return question[app.KPIEntered]{verb: "kpi.import", args: app.None{}, files: files, print: enteredPage, tell: tellEntered}.ask(ctx, c)
	})
	cmd.Long = `Enter monthly values from a CSV file with the columns kpi, month (2026-05), site (empty: all), value, source and owner.
They are shown as imported. A file with a mistake is refused as a whole, naming the line.`
	return cmd
}

func enteredPage(p *page, r app.KPIEntered) {
	p.line("%s read, %d of them new", many(r.Read, "value"), r.New)
}

func tellEntered(e env, r app.KPIEntered) {
	if r.New > 0 {
		e.say("the next analyze takes them up")
	}
}

func kpiGoalCommand(c *cli, args app.GoalArgs, short string) *cobra.Command {
	var from dateFlag
	cmd := command("set KPI VALUE", short, cobra.ExactArgs(2), func(ctx context.Context, argv []string) error {
		if args.Kind == "baseline" {
			if _, ok := models.KPIByID(models.KPIID(argv[0])); !ok {
				return usage(fmt.Sprintf("no KPI %q", argv[0]), "carereach kpi list shows the ids")
			}
		}
		args.KPI, args.Value, args.From = models.KPIID(argv[0]), argv[1], *from.day
		return question[app.KPIEntered]{verb: "kpi.goal", args: args, print: enteredPage, tell: tellEntered}.ask(ctx, c)
	})
	cmd.Long = short + `. A rate is between 0 and 1: 0.15 for 15 %. The newest value from a day up to
the as-of date counts; an empty value ("") takes an earlier one of that day back.`
	cmd.Flags().Var(&from, "from", "first day on which it holds")
	cmd.Flags().StringVar(&args.Site, "site", "", "one site (default the whole organisation)")
	cmd.Flags().StringVar(&args.Note, "note", "", "where the value comes from")
	return required(cmd, "from")
}
