package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

// made is the answer of init.
type made struct {
	Dir          string `json:"dir"`
	Tenant       string `json:"tenant"`
	Organisation string `json:"organisation"`
	Zone         string `json:"zone"`
	Currency     string `json:"currency"`
	Keys         string `json:"keys"`
	User         string `json:"user"`
}

func initCommand(c *cli) *cobra.Command {
	var in app.InitArgs
	cmd := command("init DIR", "Make a data folder: configuration, keys outside it, an empty ledger, the first user", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		dir := argv[0]
		if in.Tenant == "" {
			in.Tenant = tenantOf(dir)
		}
		if in.User == "" {
			in.User = userName()
		}
		in.UID = os.Getuid()
		if in.Keys != "" {
			var err error
			if in.Keys, err = filepath.Abs(in.Keys); err != nil {
				return fmt.Errorf("key folder: %w", err)
			}
		}
		cfg, err := app.Init(ctx, dir, in)
		if err != nil {
			return err
		}
		answer := made{Dir: dir, Tenant: cfg.Tenant, Organisation: cfg.Organisation, Zone: cfg.Zone, Currency: cfg.Currency, Keys: cfg.Keys, User: in.User}
		err = showValue(c, answer, func(p *page, m made) {
			p.line("%s is a carereach folder now", m.Dir)
			p.pairs("tenant", m.Tenant+" (part of every patient token; it can never be changed)", "organisation", m.Organisation, "zone", m.Zone, "currency", m.Currency, "keys", m.Keys, "first user", m.User)
		})
		c.say("keep a copy of the keys apart from the data and its backups: without them nobody can be told apart or named again")
		c.say("next: carereach --dir %s ingest file PATH", dir)
		return err
	})
	cmd.Flags().StringVar(&in.Tenant, "tenant", "", "lower-case name of this installation, for good (default the folder's name)")
	cmd.Flags().StringVar(&in.Organisation, "organisation", "", "name on reports")
	cmd.Flags().StringVar(&in.Zone, "zone", "", "IANA zone of the site, such as America/New_York (default UTC)")
	cmd.Flags().StringVar(&in.Currency, "currency", "", "ISO 4217 code (default USD)")
	cmd.Flags().StringVar(&in.Keys, "keys", "", "folder for the keys, outside the data folder (default in your configuration folder)")
	cmd.Flags().StringVar(&in.User, "user-name", "", "name of the first user, you (default your login name)")
	return cmd
}

var notTenant = regexp.MustCompile(`[^a-z0-9]+`)

// tenantOf makes a tenant's name of a folder's.
func tenantOf(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	name := strings.Trim(notTenant.ReplaceAllString(strings.ToLower(filepath.Base(abs)), "-"), "-")
	if len(name) > 63 {
		name = strings.Trim(name[:63], "-")
	}
	return or(name, "clinic")
}

// userName gives the login name of who runs this process, else the number of the user.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid-%d", os.Getuid())
}

func serveCommand(c *cli) *cobra.Command {
	cmd := command("serve", "Own the data folder and answer every other command over its socket", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		cfg, err := app.LoadConfig(c.dir, c.environ)
		if err != nil {
			return err
		}
		return app.Serve(ctx, c.dir, cfg, slog.New(slog.NewJSONHandler(c.stderr, nil)))
	})
	cmd.Long = `Own the data folder and answer every other command over its unix socket until SIGINT or SIGTERM; running commands are
waited for. The log goes to standard error as JSON and names no patient.`
	return cmd
}
