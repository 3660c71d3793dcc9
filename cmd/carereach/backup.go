package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func backupCommand(c *cli) *cobra.Command {
	cmd := noun("backup", "Encrypted backups of ledger, log and configuration", backupCreateCommand(c), backupVerifyCommand(c), backupRestoreCommand(c))
	cmd.Long = `Encrypted backups. A backup holds configuration, ledger and intake log; analytics.duckdb is made again from the log. It does
not hold the keys: without a copy of the key folder, kept elsewhere, no backup can be read.`
	return cmd
}

func backupCreateCommand(c *cli) *cobra.Command {
	var out string
	cmd := command("create", "Write a backup, also while a daemon runs", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return writeFile(out, func(w io.Writer) error {
			return question[app.BackupResult]{verb: "backup.create", args: app.None{}, out: w, tell: func(e env, r app.BackupResult) {
				e.say("%s, %s, written to %s; carereach backup verify reads it back. It does not hold the keys: keep them, and a copy, elsewhere", many(len(r.Files), "file"), megabytes(r.Bytes), out)
			}}.ask(ctx, c)
		})
	})
	cmd.Flags().StringVar(&out, "out", "", "file of the backup")
	return required(cmd, "out")
}

// openBackup opens the backup that a command is about.
func openBackup(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &models.Error{Kind: models.KindNotFound, Message: path + " does not exist", Mend: "name the file of a backup"}
	}
	if err != nil {
		return nil, fmt.Errorf("open backup: %w", err)
	}
	return f, nil
}

// keyFolder gives the folder of the keys: the one named, else that of the configuration.
func (c *cli) keyFolder(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	cfg, err := app.LoadConfig(c.dir, c.environ)
	if err != nil {
		return "", usage("no key folder", "name it with --keys, or the data folder with --dir")
	}
	return cfg.Keys, nil
}

func backupVerifyCommand(c *cli) *cobra.Command {
	var keys, work string
	cmd := command("verify FILE", "Unpack a backup and read every row and record of it", cobra.ExactArgs(1), func(ctx context.Context, argv []string) (err error) {
		f, err := openBackup(argv[0])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		folder, err := c.keyFolder(keys)
		if err != nil {
			return err
		}
		checked, err := app.VerifyBackup(ctx, f, folder, work)
		if err != nil {
			return err
		}
		return showValue(c, checked, func(p *page, b app.BackupChecked) { backupPage(p, "whole and readable", b) })
	})
	cmd.Flags().StringVar(&keys, "keys", "", "key folder (default that of the data folder)")
	cmd.Flags().StringVar(&work, "work", "", "folder with room for the unpacked backup, which is removed again (default the system's)")
	return cmd
}

func backupPage(p *page, what string, b app.BackupChecked) {
	p.line("%s: backup of %s, made %s by version %s", what, b.Manifest.Tenant, instant(b.Manifest.Made), b.Manifest.Version)
	rows := int64(0)
	for _, n := range b.Ledger.Rows {
		rows += n
	}
	p.pairs("ledger rows read", thousands(rows), "audit rows", thousands(b.Ledger.AuditSeq), "log records read", thousands(b.Intake.Records), "of them emptied by erasures", thousands(b.Intake.Redacted))
}

func backupRestoreCommand(c *cli) *cobra.Command {
	var to, keys string
	cmd := command("restore FILE", "Make a data folder from a backup and the keys", cobra.ExactArgs(1), func(ctx context.Context, argv []string) (err error) {
		f, err := openBackup(argv[0])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		bar := newProgress(c.env, 0)
		checked, err := app.RestoreBackup(ctx, f, keys, to, userName(), bar.Progress)
		bar.done()
		if err != nil {
			return err
		}
		err = showValue(c, checked, func(p *page, b app.BackupChecked) { backupPage(p, "restored to "+to, b) })
		c.say("erasures and opt-outs since the backup was made are not in it: carereach --dir %s doctor, then load what came since", to)
		return err
	})
	cmd.Flags().StringVar(&to, "to", "", "new data folder")
	cmd.Flags().StringVar(&keys, "keys", "", "key folder of the installation that made the backup")
	return required(cmd, "to", "keys")
}
