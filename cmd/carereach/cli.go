package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

// cli is what all commands share: the world outside and the global flags.
type cli struct {
	env
	dir  string
	json bool
}

// runner is the work of one command.
type runner func(ctx context.Context, args []string) error

// command makes a command that does something.
func command(use, short string, args cobra.PositionalArgs, run runner) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if err := run(cmd.Context(), args); err != nil {
			return failure{err}
		}
		return nil
	}}
}

// noun makes a command that only groups others. Alone it prints its help; a verb that it has not is an error of usage.
func noun(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		mend := "see: " + cmd.CommandPath() + " --help"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			mend = "did you mean " + near[0] + "? " + mend
		}
		return usage(fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0]), mend)
	}}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(verbs...)
	return cmd
}

// required marks flags that a command cannot do without.
func required(cmd *cobra.Command, names ...string) *cobra.Command {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("carereach: " + err.Error()) // the flag is not defined: found by any test that builds the tree
		}
	}
	return cmd
}

// question is one verb asked of the app, and how its answer is shown.
type question[R any] struct {
	verb  string
	args  any
	files app.FileSource         // handed over to the verb; nil: none
	total int64                  // bytes of files, for the progress bar; 0 unknown
	out   io.Writer              // where the verb's own file goes; nil: it writes none
	print func(p *page, r R)     // the answer for people
	even  func(r R) bool         // the answer is worth showing although the verb failed; nil: never
	tell  func(e env, answers R) // what is said beside the answer, with --json too; nil: nothing
}

// ask runs the verb and shows its answer.
func (q question[R]) ask(ctx context.Context, c *cli) error {
	raw, err := q.raw(ctx, c)
	if raw == nil || (err != nil && q.even == nil) {
		return err
	}
	var answer R
	if derr := json.Unmarshal(raw, &answer); derr != nil {
		return errors.Join(err, fmt.Errorf("read the answer of %s: %w", q.verb, derr))
	}
	if err != nil && !q.even(answer) {
		return err
	}
	if serr := show(c, raw, answer, q.print); serr != nil {
		return errors.Join(err, serr)
	}
	if q.tell != nil {
		q.tell(c.env, answer)
	}
	return err
}

// raw runs the verb and gives its answer as JSON.
func (q question[R]) raw(ctx context.Context, c *cli) (json.RawMessage, error) {
	files, out := q.files, q.out
	if files == nil {
		files = app.NoFiles{}
	}
	if out == nil {
		out = unwanted{}
	}
	bar := newProgress(c.env, q.total)
	defer bar.done()
	return app.Client{Dir: c.dir, Token: c.get("CAREREACH_TOKEN")}.Do(ctx, q.verb, q.args, files, sink{out, bar})
}

// unwanted refuses a file that the command did not ask for.
type unwanted struct{}

func (unwanted) Write([]byte) (int, error) {
	return 0, &models.Error{Kind: models.KindInternal, Message: "the verb wrote a file that nobody asked for", Mend: "use a client and a daemon of the same version"}
}

// show prints an answer: as it came with --json, else as a page for people.
func show[R any](c *cli, raw []byte, answer R, print func(*page, R)) error {
	var b bytes.Buffer
	if c.json {
		b.Write(bytes.TrimSpace(raw))
		b.WriteByte('\n')
	} else if print != nil {
		print(&page{b: &b}, answer)
	}
	if _, err := c.stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// showValue prints an answer that was made in this process.
func showValue[R any](c *cli, answer R, print func(*page, R)) error {
	raw, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return show(c, raw, answer, print)
}

// dateFlag is a flag that holds a calendar day.
type dateFlag struct{ day *models.Date }

func (d *dateFlag) String() string {
	if d.day == nil {
		return ""
	}
	return d.day.String()
}

// Set reads YYYY-MM-DD.
func (d *dateFlag) Set(s string) error {
	day, err := models.ParseDate(strings.TrimSpace(s))
	if err != nil {
		return err
	}
	d.day = &day
	return nil
}

// Type names the flag's value in the help.
func (d *dateFlag) Type() string { return "YYYY-MM-DD" }

// asOfFlag adds --as-of to a command that reads a run.
func asOfFlag(cmd *cobra.Command, d *dateFlag) {
	cmd.Flags().Var(d, "as-of", "as-of date of the run (default the newest)")
}
