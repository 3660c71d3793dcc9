package main

import (
	"context"
	"strings"
	"time"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func auditCommand(c *cli) *cobra.Command {
	return noun("audit", "Who did and saw what, and that the trail is whole", auditSearchCommand(c), auditVerifyCommand(c))
}

func auditSearchCommand(c *cli) *cobra.Command {
	var args app.AuditArgs
	var from, to string
	cmd := command("search", "Rows of the audit trail, newest first; itself audited", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		cfg, err := app.LoadConfig(c.dir, c.environ)
		if err != nil {
			return err
		}
		zone, err := cfg.Location()
		if err != nil {
			return err
		}
		if args.From, err = moment(from, zone, 0); err != nil {
			return err
		}
		if args.To, err = moment(to, zone, 1); err != nil {
			return err
		}
		return question[app.AuditList]{verb: "audit.search", args: args, print: auditPage}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.Actor, "actor", "", "only this user")
	cmd.Flags().StringVar(&args.Purpose, "purpose", "", "only this purpose")
	cmd.Flags().StringVar(&args.Action, "action", "", "only this action; with a dot at the end, all that start with it: patient.")
	cmd.Flags().StringVar(&args.Token, "token", "", "only what concerned this patient")
	cmd.Flags().StringVar(&from, "from", "", "first day, or moment as 2026-06-30T12:00:00Z")
	cmd.Flags().StringVar(&to, "to", "", "last day, or moment before which")
	cmd.Flags().IntVar(&args.Limit, "limit", 100, "at most so many rows")
	cmd.Flags().IntVar(&args.Offset, "offset", 0, "leave out so many rows first")
	return cmd
}

// moment reads a day in the site's zone, or an instant. A day stands for its start, after more days: 1 for the end of it.
func moment(s string, zone *time.Location, days int) (*time.Time, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil
	}
	if day, err := models.ParseDate(s); err == nil {
		t := day.AddDays(days).In(zone)
		return &t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, usage("neither a day nor a moment", "write it as 2026-06-30 or 2026-06-30T12:00:00Z")
	}
	return &t, nil
}

func auditPage(p *page, l app.AuditList) {
	if l.Total == 0 {
		p.line("No row fits.")
		return
	}
	t := newTable(">row", "when", "who", "purpose", "action", ">patients", "detail")
	for _, r := range l.Rows {
		action := r.Action
		if r.Denied {
			action += " (refused)"
		}
		t.row(r.Seq, instant(r.At), r.Actor, r.Purpose, action, r.Subjects, r.Detail)
	}
	p.table(t)
	p.leftOut("rows", int64(l.Shown), int64(l.Total), "--limit and --offset show others")
}

func auditVerifyCommand(c *cli) *cobra.Command {
	return command("verify", "Read the whole trail and every row a person depends on", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.AuditChecked]{verb: "audit.verify", args: app.None{}, print: func(p *page, a app.AuditChecked) {
			if len(a.Scrub.Findings) == 0 {
				p.line("the trail is whole: %s rows, %s checkpoints compared", thousands(a.Rows), thousands(a.Checkpoints))
			}
			t := newTable("table", ">rows read")
			for _, name := range sortedKeys(a.Scrub.Rows) {
				t.row(name, thousands(a.Scrub.Rows[name]))
			}
			p.table(t)
			for _, f := range a.Scrub.Findings {
				p.line("damaged: %s: %s", f.Table, f.What)
			}
		}, even: func(a app.AuditChecked) bool { return len(a.Scrub.Findings) > 0 }}.ask(ctx, c)
	})
}
