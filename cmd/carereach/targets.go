package main

import (
	"context"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func targetsCommand(c *cli) *cobra.Command {
	return noun("targets", "Patients to reach: who, why and how, or why not", targetsListCommand(c))
}

func targetsListCommand(c *cli) *cobra.Command {
	var f listFlags
	var args app.TargetsArgs
	var cmd *cobra.Command
	cmd = command("list", "Patients to reach, the most urgent of each programme first", cobra.NoArgs, func(ctx context.Context, _ []string) (err error) {
		if args.ListArgs, err = f.args(cmd); err != nil {
			return err
		}
		args.Limit, args.Offset = f.limit, f.offset
		if f.out != "" {
			return f.export(ctx, c, "targets.list", args)
		}
		return question[app.TargetPage]{verb: "targets.list", args: args, print: func(p *page, l app.TargetPage) { targetsPage(p, l, args.Words()) }}.ask(ctx, c)
	})
	f.add(cmd)
	cmd.Flags().StringVar(&args.Programme, "programme", "", "only this programme: a measure, or overdue_visit")
	cmd.Flags().StringVar(&args.Site, "site", "", "only this site; (none): patients without one")
	cmd.Flags().StringVar(&args.Contact, "contact", "", "yes: may be contacted; no: a reason not to is recorded")
	return cmd
}

func targetsPage(p *page, l app.TargetPage, filter string) {
	if l.Total == 0 {
		p.line("Nobody to reach here (%s).", filter)
		return
	}
	t := newTable("patient", "programme", ">priority", "why", "due on", "channels", "do not contact because", "language", "next visit", "site")
	for _, r := range l.Rows {
		t.row(r.Patient, r.Programme, r.Priority, r.Why, day(r.DueOn), r.Channels, r.NotContact, r.Language, day(r.NextVisitOn), r.Site)
	}
	p.table(t)
	p.line("run %s; %s", short(l.Run), filter)
	p.leftOut("targets", l.Shown, l.Total, moreRows)
}
