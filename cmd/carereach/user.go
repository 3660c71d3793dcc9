package main

import (
	"context"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

func userCommand(c *cli) *cobra.Command {
	return noun("user", "Who may use this installation", userAddCommand(c), userListCommand(c), userTokenCommand(c), userDisableCommand(c))
}

func userAddCommand(c *cli) *cobra.Command {
	var args app.UserArgs
	var uid int
	cmd := command("add ID", "Add a user, known by a unix user id, a token or both", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		args.ID = models.UserID(argv[0])
		if uid >= 0 {
			args.UID = &uid
		}
		return c.changeUser(ctx, "user.add", args)
	})
	cmd.Flags().StringVar(&args.Name, "name", "", "name as shown on lists and in the audit trail")
	cmd.Flags().IntVar(&uid, "uid", -1, "unix user id that proves who it is (default none)")
	cmd.Flags().BoolVar(&args.Token, "token", false, "make a token; it is printed this once")
	cmd.Flags().StringVar(&args.Role, "role", "", "role, recorded for the rights to come (default user)")
	return required(cmd, "name")
}

// changeUser asks a verb that changes a user, and prints the user and, once, the token.
func (c *cli) changeUser(ctx context.Context, verb string, args app.UserArgs) error {
	return question[app.UserResult]{verb: verb, args: args, print: userPage, tell: func(e env, r app.UserResult) {
		if r.Token != "" {
			e.say("keep the token like a password: it is shown this once; its user sets it as CAREREACH_TOKEN")
		}
	}}.ask(ctx, c)
}

func userPage(p *page, r app.UserResult) {
	uid := ""
	if r.UID != nil {
		uid = thousands(int64(*r.UID))
	}
	disabled := ""
	if r.Disabled != nil {
		disabled = instant(*r.Disabled)
	}
	p.line("user %s", r.ID)
	p.pairs("name", r.Name, "role", r.Role, "unix user id", uid, "disabled", disabled, "token", r.Token)
}

func userListCommand(c *cli) *cobra.Command {
	return command("list", "All users, disabled ones too", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return question[app.UserList]{verb: "user.list", args: app.None{}, print: func(p *page, l app.UserList) {
			t := newTable("user", "name", "role", ">uid", "token", "since", "disabled")
			for _, u := range l.Rows {
				uid, token, disabled := "", "", ""
				if u.UID != nil {
					uid = thousands(int64(*u.UID))
				}
				if u.HasToken {
					token = "yes"
				}
				if u.Disabled != nil {
					disabled = instant(*u.Disabled)
				}
				t.row(u.ID, u.Name, u.Role, uid, token, instant(u.Created), disabled)
			}
			p.table(t)
			p.leftOut("users", int64(l.Shown), int64(l.Total), moreRows)
		}}.ask(ctx, c)
	})
}

func userTokenCommand(c *cli) *cobra.Command {
	return command("token ID", "Give a user a new token; the one before ends", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		return c.changeUser(ctx, "user.token", app.UserArgs{ID: models.UserID(argv[0])})
	})
}

func userDisableCommand(c *cli) *cobra.Command {
	return command("disable ID", "End a user's access for good", cobra.ExactArgs(1), func(ctx context.Context, argv []string) error {
		return c.changeUser(ctx, "user.disable", app.UserArgs{ID: models.UserID(argv[0])})
	})
}
