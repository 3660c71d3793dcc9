// Command carereach is the one command of the product: it loads a hospital's files, analyses them for one as-of date and
// gives lists of care gaps, KPIs and workbooks. Standard output carries data only, as tables and pages for people or, with
// --json, as the verb's JSON; messages, progress and errors go to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"carereach/models"

	"github.com/spf13/cobra"
)

func main() {
	syscall.Umask(0o077) // whatever a store or a library writes is for this user only
	e := env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), now: time.Now}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, e, os.Args[1:])
	stop()
	os.Exit(code)
}

// env is everything that the command takes from the world outside its arguments.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	now            func() time.Time
}

// get gives an environment variable; "" when it is not set.
func (e env) get(name string) string {
	value := ""
	for _, v := range e.environ {
		if n, rest, ok := strings.Cut(v, "="); ok && n == name {
			value = rest
		}
	}
	return value
}

// say writes a message for the person at the terminal. It is never data.
func (e env) say(format string, args ...any) {
	fmt.Fprintf(e.stderr, format+"\n", args...) // nobody can be told that standard error is gone
}

// run does what args say and gives the exit code. An error is printed once, with how to mend it.
func run(ctx context.Context, e env, args []string) int {
	root := newRoot(e) //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	message := strings.Join(strings.Fields(err.Error()), " ")
	if ctx.Err() != nil {
		message = "stopped by a signal (" + message + "); what was done before it is durable, run the command again to go on"
	}
	if !ran(err) && !strings.Contains(message, "; ") {
		message += "; see: " + cmd.CommandPath() + " --help"
	}
	e.say("carereach: %s", message)
	return exitCode(err)
}

// failure is an error of a command that was well-formed and ran. Every other error of the command tree is one of usage.
type failure struct{ error }

// Unwrap gives the error itself.
func (f failure) Unwrap() error { return f.error }

func ran(err error) bool {
	var f failure
	return errors.As(err, &f)
}

// exitCode is the one table from kinds of error to exit codes.
func exitCode(err error) int {
	if !ran(err) {
		return 2
	}
	switch models.KindOf(err) {
	case models.KindUsage:
		return 2
	case models.KindConfig:
		return 3
	case models.KindNotFound:
		return 4
	case models.KindRefused:
		return 5
	case models.KindPartial:
		return 6
	case models.KindUnavail:
		return 7
	case models.KindQuality:
		return 8
	}
	return 1 // internal, invalid input, corruption
}

// usage makes an error of a command that cannot be meant this way.
func usage(message, mend string) error {
	return &models.Error{Kind: models.KindUsage, Message: message, Mend: mend}
}

// newRoot builds the command tree.
func newRoot(e env) *cobra.Command {
	c := &cli{env: e}
	root := noun("carereach", "Population outreach: from a hospital's files to care gaps, KPIs and a workbook",
		demoCommand(c), initCommand(c), serveCommand(c), ingestCommand(c), valuesetCommand(c), analyzeCommand(c), runsCommand(c), measureCommand(c), gapsCommand(c), targetsCommand(c),
		patientCommand(c), reportCommand(c), kpiCommand(c), consentCommand(c), userCommand(c), backupCommand(c), auditCommand(c), doctorCommand(c), configCommand(c), versionCommand(c))
	root.Long = rootHelp
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	dir := e.get("CAREREACH_DIR")
	if dir == "" {
		dir = "."
	}
	root.PersistentFlags().StringVar(&c.dir, "dir", dir, "data folder, which holds carereach.yaml; also by CAREREACH_DIR")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print the result as JSON")
	return root
}

const rootHelp = `Carereach takes visit and clinical facts from a hospital's files, finds care gaps, patients to reach and KPIs for one
as-of date, and gives them as lists, as a workbook and as JSON.

  carereach demo                                  a made-up clinic through the whole line
  carereach init DIR && export CAREREACH_DIR=DIR  a folder for your own data
  carereach valueset load FILE...                 the codes that the rules name
  carereach ingest file PATH...                   FHIR, events, CSV
  carereach analyze --as-of 2026-06-30            gaps, targets, KPIs
  carereach gaps list                             who needs what
  carereach report build executive --out r.xlsx   the workbook

Standard output is data only. Exit codes: 0 done, 1 failure, 2 usage, 3 configuration, 4 not found, 5 refused,
6 partly done, 7 unavailable, 8 data quality. A user is known by the operating system, or by CAREREACH_TOKEN.`
