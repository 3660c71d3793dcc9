package main

import (
	"context"
	"errors"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func patientCommand(c *cli) *cobra.Command {
	cmd := noun("patient", "One patient, by token", patientShowCommand(c), patientFindCommand(c), patientEraseCommand(c))
	cmd.Long = `One patient, by token. A token is no identifier of the real world and may be an argument; names, numbers and addresses are
never arguments, because arguments are seen by every user of the machine.`
	return cmd
}

func patientShowCommand(c *cli) *cobra.Command {
	var args app.PatientArgs
	var asOf dateFlag
	cmd := command("show TOKEN", "The one page about a patient; audited", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		cfg, err := app.LoadConfig(c.dir, c.environ)
		if err != nil {
			return err
		}
		zone, err := cfg.Location()
		if err != nil {
			return err
		}
		args.Token, args.AsOf = argv[0], asOf.day
		return question[app.PatientShown]{verb: "patient.show", args: args, print: func(p *page, s app.PatientShown) { patientPage(p, s, c.now(), zone) }}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.Purpose, "purpose", "", purposeHelp)
	asOfFlag(cmd, &asOf)
	cmd.Flags().Int64Var(&args.Limit, "limit", 50, "at most so many rows of the history")
	return required(cmd, "purpose")
}

func patientFindCommand(c *cli) *cobra.Command {
	var by, purpose string
	cmd := command("find", "Tokens of the patients with an identifier, which is read from standard input; audited", cobra.NoArgs, func(ctx context.Context, _ []string) (err error) {
		switch by {
		case "mrn", "phone", "email":
		default:
			return usage("a patient is found by mrn, phone or email", "say which with --by, and write the value to standard input")
		}
		files, err := app.OpenPaths([]string{app.Stdin}, c.stdin)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files.Close()) }()
		return question[app.Found]{verb: "patient.find", args: app.FindArgs{By: app.IdentifierKind(by), Purpose: purpose}, files: files, print: func(p *page, f app.Found) {
			if f.Total == 0 {
				p.line("No patient has it.")
			}
			for _, token := range f.Rows {
				p.line("%s", token)
			}
		}}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&by, "by", "", "mrn, phone or email")
	cmd.Flags().StringVar(&purpose, "purpose", "", purposeHelp)
	return required(cmd, "by", "purpose")
}

func patientEraseCommand(c *cli) *cobra.Command {
	var args app.PatientArgs
	var yes bool
	cmd := command("erase TOKEN", "Make a patient unreadable for good", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		if !yes {
			return usage("an erasure cannot be undone", "add --yes when it is meant; keys, facts, rows of published runs and the bytes they came in are destroyed")
		}
		args.Token = argv[0]
		return question[app.Erased]{verb: "patient.erase", args: args, print: func(p *page, e app.Erased) {
			p.line("erased: %s of one person", many(len(e.Tokens), "record"))
			p.pairs("facts", thousands(e.Facts), "rows of published runs", thousands(e.Published), "inputs emptied in the log", thousands(int64(e.Records)))
		}, tell: func(e env, _ app.Erased) {
			e.say("backups made before still hold the sealed bytes and, with their keys, can be read: let them expire; a restore repeats this erasure")
		}}.ask(ctx, c)
	})
	cmd.Flags().StringVar(&args.Reason, "reason", "", "why, without names")
	cmd.Flags().BoolVar(&yes, "yes", false, "it is meant")
	return required(cmd, "reason")
}
