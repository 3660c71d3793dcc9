package main

import (
	"context"
	"errors"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func valuesetCommand(c *cli) *cobra.Command {
	return noun("valueset", "The codes behind the names that rules use", valuesetLoadCommand(c), valuesetListCommand(c))
}

func valuesetLoadCommand(c *cli) *cobra.Command {
	cmd := command("load FILE...", "Load value sets from CSV (oid, system, code) or FHIR ValueSets; gzip is fine", cobra.MinimumNArgs(1), func(ctx context.Context, paths []string) (err error) {
		files, err := app.OpenPaths(paths, c.stdin)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files.Close()) }()
		return question[app.ValueSetResult]{verb: "valueset.load", args: app.None{}, files: files, total: files.Size(), print: func(p *page, r app.ValueSetResult) {
			p.line("%s with %s loaded; %s in force", many(r.Sets, "value set"), many(r.Codes, "code"), thousands(int64(r.InForce)))
			p.line("edition %s", short(r.Edition))
		}, tell: func(e env, _ app.ValueSetResult) {
			e.say("the next analyze uses them; published runs stay as they are")
		}}.ask(ctx, c)
	})
	cmd.Long = `Load value sets. A set that is loaded again replaces its codes; the others stay. A file that is cut short, or holds a
set that is not whole, is refused and changes nothing.`
	return cmd
}

func valuesetListCommand(c *cli) *cobra.Command {
	return command("list", "Value sets in force", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.ValueSetList]{verb: "valueset.list", args: app.None{}, print: func(p *page, l app.ValueSetList) {
			if l.Total == 0 {
				p.line("No value set is loaded. Rules use the free codes that come with the program; carereach valueset load brings a site's own.")
				return
			}
			t := newTable("oid", "version", "title", ">codes")
			for _, r := range l.Rows {
				t.row(r.OID, r.Version, r.Title, thousands(int64(r.Codes)))
			}
			p.table(t)
			p.line("edition %s", short(l.Edition))
			p.leftOut("value sets", int64(l.Shown), int64(l.Total), moreRows)
		}}.ask(ctx, c)
	})
}
