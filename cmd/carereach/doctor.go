package main

import (
	"context"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func doctorCommand(c *cli) *cobra.Command {
	cmd := command("doctor", "Look at keys, folder, stores, audit trail and data, and say how to mend what is wrong", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.Diagnosis]{verb: "doctor", args: app.None{}, print: doctorPage, even: func(d app.Diagnosis) bool { return len(d.Rows) > 0 }}.ask(ctx, c)
	})
	cmd.Long = "Look at everything that can be wrong with an installation. Failed checks make the command fail; warnings do not."
	return cmd
}

func doctorPage(p *page, d app.Diagnosis) {
	t := newTable("state", "check", "says")
	for _, r := range d.Rows {
		says := r.Says
		if r.Mend != "" {
			says += "; " + r.Mend
		}
		t.row(r.State, r.Check, says)
	}
	p.table(t)
	p.line("%d failed, %d warnings, %d fine", d.Failed, d.Warnings, len(d.Rows)-d.Failed-d.Warnings)
}
