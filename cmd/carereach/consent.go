package main

import (
	"context"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func consentCommand(c *cli) *cobra.Command {
	return noun("consent", "What patients allowed and refused", consentShowCommand(c), consentImportCommand(c), consentRevokeCommand(c))
}

func consentShowCommand(c *cli) *cobra.Command {
	var args app.ConsentArgs
	cmd := command("show TOKEN", "What a person said, and what it amounts to; audited", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		args.Token = argv[0]
		return question[app.ConsentShown]{verb: "consent.show", args: args, print: consentPage}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.Purpose, "purpose", "", purposeHelp)
	return required(cmd, "purpose")
}

func consentPage(p *page, s app.ConsentShown) {
	if s.Total == 0 {
		p.line("Nothing was ever said.")
		return
	}
	p.line("What holds now")
	p.standing(s.Standing)
	p.heading("What was said")
	t := newTable("known since", "said", "channel", "about", "how", "source", "")
	t.indent = "  "
	for _, r := range s.Rows {
		note := ""
		if r.Retracted {
			note = "taken back as an error"
		}
		t.row(r.KnownAt, r.Action, r.Channel, r.Purpose, r.Basis, r.Source, note)
	}
	p.table(t)
	p.leftOut("statements", int64(s.Shown), int64(s.Total), moreRows)
}

func consentImportCommand(c *cli) *cobra.Command {
	var source, mapping string
	cmd := command("import FILE", "Take in a list of consents, as ingest file does", cobra.ExactArgs(1), func(ctx context.Context, paths []string) error {
		return c.takeIn(ctx, app.IngestArgs{Source: models.Source(source)}, mapping, paths)
	})
	cmd.Flags().StringVar(&source, "source", "", "where the list comes from; patients are named by that source's ids")
	cmd.Flags().StringVar(&mapping, "mapping", "", "mapping file for the list (default: those that come with the program)")
	return cmd
}

func consentRevokeCommand(c *cli) *cobra.Command {
	var args app.ConsentArgs
	cmd := command("revoke TOKEN", "Record that a patient refuses a channel from now on", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		args.Token = argv[0]
		return question[app.Revoked]{verb: "consent.revoke", args: args, print: func(p *page, r app.Revoked) {
			p.line("in force now, statement %s", r.ID)
			p.standing(r.Standing)
		}, tell: func(e env, _ app.Revoked) {
			e.say("lists of runs published before still show the old state: carereach analyze makes new ones")
		}}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.Channel, "channel", "", "sms, voice, email, mail, portal, push or any")
	cmd.Flags().StringVar(&args.About, "about", "any", "treatment, care_gap, marketing, survey or any")
	cmd.Flags().StringVar(&args.Basis, "basis", "", "how it was said, in a word: telephone, letter, visit")
	return required(cmd, "channel")
}
