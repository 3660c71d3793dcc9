package main

import (
	"context"
	"strconv"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func dlqCommand(c *cli) *cobra.Command {
	return noun("dlq", "The quarantine: inputs that were set aside, and why", dlqListCommand(c), dlqShowCommand(c), dlqRetryCommand(c))
}

func dlqListCommand(c *cli) *cobra.Command {
	var args app.DLQArgs
	var reason string
	cmd := command("list", "Inputs that were set aside", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		args.Reason = models.QuarantineReason(reason)
		return question[app.Quarantine]{verb: "ingest.dlq.list", args: args, print: dlqPage}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.State, "state", "open", "open, released or dropped; empty: all")
	cmd.Flags().StringVar(&reason, "reason", "", "only this reason")
	cmd.Flags().IntVar(&args.Limit, "limit", 100, "at most so many rows")
	cmd.Flags().IntVar(&args.Offset, "offset", 0, "leave out so many rows first")
	return cmd
}

func dlqPage(p *page, q app.Quarantine) {
	if q.Total == 0 {
		p.line("Nothing is in quarantine.")
		return
	}
	t := newTable(">id", "reason", "type", "source", "where", "what", "how to mend")
	for _, r := range q.Rows {
		t.row(r.ID, r.Reason, or(r.Resource, "unknown"), r.Source, or(r.Place, r.Position), r.Detail, r.Mend)
	}
	p.table(t)
	p.leftOut("inputs", int64(q.Shown), q.Total, "--limit and --offset show others")
}

func dlqShowCommand(c *cli) *cobra.Command {
	var args app.DLQArgs
	cmd := command("show ID", "One input that was set aside", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		id, err := strconv.ParseInt(argv[0], 10, 64)
		if err != nil || id < 1 {
			return usage("an id of the quarantine is a whole number", "take it from carereach ingest dlq list")
		}
		args.ID = id
		return question[app.DLQShown]{verb: "ingest.dlq.show", args: args, print: dlqShownPage}.ask(ctx, c)
	})
	cmd.Flags().BoolVar(&args.Content, "content", false, "show the bytes as well; they may identify a patient, so this needs --purpose and is audited")
	cmd.Flags().StringVar(&args.Purpose, "purpose", "", purposeHelp)
	return cmd
}

const purposeHelp = "why: treatment, payment, operations, public_health or patient_request"

func dlqShownPage(p *page, r app.DLQShown) {
	p.line("quarantine row %d, %s", r.ID, r.State)
	p.pairs("reason", string(r.Reason), "type", r.Resource, "source", string(r.Source), "where", r.Place, "what", r.Detail, "how to mend", r.Mend, "position", r.Position,
		"known since", instant(r.KnownAt))
	if r.Content != "" {
		p.heading("Content")
		p.line("%s", r.Content)
	}
}

func dlqRetryCommand(c *cli) *cobra.Command {
	var args app.DLQArgs
	var reason string
	cmd := command("retry", "Read inputs that were set aside again, after a mapping or the program was mended", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		args.Reason = models.QuarantineReason(reason)
		return question[app.Retried]{verb: "ingest.dlq.retry", args: args, print: retriedPage, even: func(r app.Retried) bool { return r.Tried > 0 }}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&reason, "reason", "", "only this reason")
	cmd.Flags().Int64Var(&args.ID, "id", 0, "only this row")
	return cmd
}

func retriedPage(p *page, r app.Retried) {
	p.line("%s tried again: %s released, %s kept", many(r.Tried, "input"), thousands(r.Released), thousands(r.Kept))
	for _, reason := range sortedKeys(r.Reasons) {
		p.line("  kept, %s: %s", reason, thousands(r.Reasons[reason]))
	}
}
