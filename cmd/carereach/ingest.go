package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func ingestCommand(c *cli) *cobra.Command {
	return noun("ingest", "Take files in, and see what became of them", ingestFileCommand(c), ingestStatusCommand(c), dlqCommand(c))
}

func ingestFileCommand(c *cli) *cobra.Command {
	var args app.IngestArgs
	var source, mapping string
	cmd := command("file PATH...", "Take in FHIR, events and CSV from files and folders; - is standard input", cobra.ArbitraryArgs,
		func(ctx context.Context, paths []string) error {
			if len(paths) == 0 && !args.AcceptQuarantine {
				return usage("no file to take in", "name files or folders, or - for standard input; with --accept-quarantine alone a load that stopped goes on")
			}
			args.Source = models.Source(source)
			return c.takeIn(ctx, args, mapping, paths)
		})
	cmd.Long = `Take in FHIR R4 (resources, Bundles, NDJSON), CloudEvents JSON and CSV, plain or gzip, from files and folders.
Every input has exactly one outcome: stored, duplicate, ignored or quarantined. Loading a file twice changes nothing.
CSV is read by a mapping: those that come with the program are recognised by their headers; --mapping names another.
A load stops when too many inputs of a batch are quarantined; look at them (ingest dlq list), then go on with
--accept-quarantine and no path.`
	cmd.Flags().StringVar(&source, "source", "", "where the files come from (default: source in carereach.yaml)")
	cmd.Flags().StringVar(&mapping, "mapping", "", "mapping file for CSV (default: those that come with the program)")
	cmd.Flags().BoolVar(&args.AcceptQuarantine, "accept-quarantine", false, "go on although many inputs are quarantined")
	return cmd
}

// takeIn loads paths. The mapping file, if any, is read here, because it lies where the caller is.
func (c *cli) takeIn(ctx context.Context, args app.IngestArgs, mapping string, paths []string) (err error) {
	if mapping != "" {
		text, err := os.ReadFile(mapping)
		if err != nil {
			return &models.Error{Kind: models.KindConfig, Message: "the mapping file cannot be read", Mend: "check the path given with --mapping", Cause: err}
		}
		args.MappingName, args.Mapping = filepath.Base(mapping), string(text)
	}
	files, err := app.OpenPaths(paths, c.stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	q := question[app.IngestResult]{verb: "ingest.file", args: args, files: files, total: files.Size(), print: ingestPage,
		even: func(r app.IngestResult) bool { return r.Files > 0 || sum(r.Outcomes)+sum(r.Pending) > 0 },
		tell: func(e env, r app.IngestResult) {
			if skipped := files.Skipped(); len(skipped) > 0 {
				e.say("left out because of their extension: %s: %s", many(len(skipped), "file"), strings.Join(skipped, ", "))
			}
			if len(r.Reasons) > 0 {
				e.say("some inputs are quarantined: carereach ingest dlq list says why, each with how to mend it")
			}
		}}
	return q.ask(ctx, c)
}

func sum(o models.Outcomes) int64 { return o.Stored + o.Duplicate + o.Ignored + o.Quarantined }

// outcomes writes the four outcomes and their sum.
func (p *page) outcomes(o models.Outcomes) {
	t := table{columns: columns("", ">"), bare: true, indent: "  "}
	t.row("stored", thousands(o.Stored))
	t.row("duplicate", thousands(o.Duplicate))
	t.row("ignored", thousands(o.Ignored))
	t.row("quarantined", thousands(o.Quarantined))
	t.row("sum", thousands(sum(o)))
	p.table(&t)
}

func ingestPage(p *page, r app.IngestResult) {
	if n := sum(r.Pending); n > 0 {
		p.line("%s of an earlier load that had stopped", many(n, "input"))
		p.outcomes(r.Pending)
	}
	if r.Files > 0 || sum(r.Pending) == 0 {
		p.line("%s of %s, %s in %.1f s", many(sum(r.Outcomes), "input"), many(r.Files, "file"), megabytes(r.Bytes), r.Seconds)
		p.outcomes(r.Outcomes)
	}
	p.quarantined(r.Reasons)
}

// quarantined writes the open quarantine by reason.
func (p *page) quarantined(reasons []app.ReasonStatus) {
	if len(reasons) == 0 {
		return
	}
	p.heading("In quarantine, all loads together")
	t := newTable("reason", "type", ">inputs")
	for _, r := range reasons {
		t.row(r.Reason, or(r.Resource, "unknown"), thousands(r.N))
	}
	p.table(t)
}

func ingestStatusCommand(c *cli) *cobra.Command {
	return command("status", "What was taken in so far", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.IngestStatus]{verb: "ingest.status", args: app.None{}, print: statusPage}.ask(ctx, c)
	})
}

func statusPage(p *page, s app.IngestStatus) {
	p.line("%s taken in", many(sum(s.Outcomes), "input"))
	p.outcomes(s.Outcomes)
	p.line("%s, %s of them named by facts only, until their Patient record arrives", many(s.Patients, "patient"), thousands(s.Stubs))
	if waiting := s.End - s.Read; waiting > 0 {
		p.line("not taken in yet: %s of the log", many(waiting, "record"))
	}
	if len(s.Types) > 0 {
		p.heading("By source and type")
		t := newTable("source", "type", ">stored", ">duplicate", ">ignored", ">quarantined")
		for _, r := range s.Types {
			t.row(r.Source, or(r.Resource, "unknown"), thousands(r.Stored), thousands(r.Duplicate), thousands(r.Ignored), thousands(r.Quarantined))
		}
		p.table(t)
	}
	p.quarantined(s.Reasons)
}
