package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carereach/internal/app"
	"carereach/models"

	"github.com/spf13/cobra"
)

// repository gives the root of the module.
func repository(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

// do runs the command in this process with nothing of the real environment.
func do(t testing.TB, environ []string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	e := env{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, environ: environ, now: func() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }}
	code = run(context.Background(), e, args)
	return code, out.String(), errs.String()
}

// The table of face and issue: one code per kind, for whatever wraps it.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	want := map[models.Kind]int{models.KindInternal: 1, models.KindUsage: 2, models.KindConfig: 3, models.KindNotFound: 4, models.KindRefused: 5, models.KindPartial: 6, models.KindUnavail: 7,
		models.KindQuality: 8, models.KindInvalid: 1, models.KindCorruption: 1}
	for kind, code := range want {
		err := fmt.Errorf("analyze: %w", errors.Join(&models.Error{Kind: kind, Message: "no"}, errors.New("and the close")))
		if got := exitCode(failure{err}); got != code {
			t.Errorf("exit code of kind %s is %d, want %d", kind, got, code)
		}
	}
	if got := exitCode(failure{errors.New("plain")}); got != 1 {
		t.Errorf("exit code of an error without a kind is %d, want 1", got)
	}
	if got := exitCode(errors.New("unknown flag")); got != 2 {
		t.Errorf("exit code of a command that never ran is %d, want 2", got)
	}
}

// Whatever is wrong with the command line itself: code 2, nothing on standard output, one line that says how to go on.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"gapps"}, {"gaps", "lisst"}, {"gaps", "list", "--nope"}, {"gaps", "list", "extra"}, {"gaps", "list", "--as-of", "2026-02-30"}, {"gaps", "list", "--limit", "many"},
		{"gaps", "list", "--count", "--site", "North"}, {"gaps", "list", "--identified"}, {"gaps", "list", "--out", "x.pdf"}, {"analyze"}, {"patient", "show"}, {"patient", "show", "abc"},
		{"patient", "find", "--by", "name", "--purpose", "treatment"}, {"patient", "erase", "abc", "--reason", "asked"}, {"report", "build"}, {"report", "build", "executive"},
		{"kpi", "target", "set", "retention"}, {"kpi", "baseline", "set", "retenshun", "0.8", "--from", "2026-01-01"}, {"ingest", "file"}, {"ingest", "dlq", "show", "first"}, {"user", "add", "ann"},
		{"backup", "create"}, {"backup", "restore", "f"}, {"valueset", "load"}, {"consent", "revoke", "abc"}, {"version", "--json=perhaps"},
	} {
		code, stdout, stderr := do(t, nil, "", args...)
		if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "carereach: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "; ") {
			t.Errorf("carereach %s: code %d, stdout %q, stderr %q; want 2, nothing, and one line with its mend", strings.Join(args, " "), code, stdout, stderr)
		}
	}
}

func TestNounsAlonePrintHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"gaps"}, {"kpi", "target"}, {"ingest", "dlq"}, {"--help"}, {"gaps", "list", "--help"}} {
		code, stdout, stderr := do(t, nil, "", args...)
		if code != 0 || !strings.Contains(stdout, "Usage:") || stderr != "" {
			t.Errorf("carereach %s: code %d, stderr %q, want help", strings.Join(args, " "), code, stderr)
		}
	}
}

// every visits the whole command tree.
func every(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		every(sub, visit)
	}
}

// The list of commands in the issue is the contract. Each has a sentence, and every flag says what it is.
func TestCommandTree(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`demo init serve ingest.file ingest.status ingest.dlq.list ingest.dlq.show ingest.dlq.retry valueset.load valueset.list analyze runs measure.list gaps.list gaps.count
		targets.list patient.show patient.find patient.erase report.build kpi.list kpi.import kpi.baseline.set kpi.target.set consent.show consent.import consent.revoke user.add user.list user.token
		user.disable backup.create backup.verify backup.restore audit.search audit.verify doctor config.print config.validate version`)
	var got []string
	every(newRoot(env{}), func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the sentence %q", cmd.CommandPath(), cmd.Short)
		}
		if cmd.HasSubCommands() {
			return
		}
		got = append(got, strings.ReplaceAll(strings.TrimPrefix(cmd.CommandPath(), "carereach "), " ", "."))
	})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("commands\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// Every verb of the app is asked by some command.
func TestEveryVerbIsAsked(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	for _, verb := range app.Verbs() {
		if !strings.Contains(text.String(), `"`+verb+`"`) {
			t.Errorf("no command asks %s", verb)
		}
	}
}

func TestDirFromEnvironment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ, args []string
		want          string
	}{
		{nil, nil, "no carereach.yaml in .;"},
		{[]string{"CAREREACH_DIR=/nowhere/a"}, nil, "no carereach.yaml in /nowhere/a;"},
		{[]string{"CAREREACH_DIR=/nowhere/a", "CAREREACH_DIR=/nowhere/b"}, nil, "no carereach.yaml in /nowhere/b;"},
		{[]string{"CAREREACH_DIR=/nowhere/a"}, []string{"--dir", "/nowhere/c"}, "no carereach.yaml in /nowhere/c;"},
	} {
		code, _, stderr := do(t, c.environ, "", append(c.args, "config", "print")...)
		if code != 3 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v %v: code %d, stderr %q, want 3 and %q", c.environ, c.args, code, stderr, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if code, stdout, stderr := do(t, nil, "", "version"); code != 0 || !strings.HasPrefix(stdout, "carereach "+app.Version) || stderr != "" {
		t.Errorf("version: %d %q %q", code, stdout, stderr)
	}
	if code, stdout, _ := do(t, nil, "", "version", "--json"); code != 0 || !strings.HasPrefix(stdout, `{"version":"`+app.Version+`","commit":`) {
		t.Errorf("version --json: %d %q", code, stdout)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, _ := do(t, nil, "", "completion", shell); code != 0 || len(stdout) < 1000 {
			t.Errorf("completion %s: code %d, %d bytes", shell, code, len(stdout))
		}
	}
}

func TestTenantOf(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{"/srv/Riverton Family Health": "riverton-family-health", "/srv/x_1": "x-1", "/srv/---": "clinic", "/": "clinic", "/srv/" + strings.Repeat("a", 62) + "-b": strings.Repeat("a", 62)} {
		if got := tenantOf(dir); got != want {
			t.Errorf("tenantOf(%q) = %q, want %q", dir, got, want)
		}
	}
}

// A signal stops a command between two commits; the message says that running it again goes on.
func TestStoppedBySignal(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, env{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, now: time.Now}, []string{"--dir", prepared(t), "analyze", "--as-of", "2026-05-31"})
	if code != 1 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "carereach: stopped by a signal (") || !strings.Contains(errs.String(), "run the command again") {
		t.Errorf("code %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
}

// With --json a command prints the verb's answer as it is, and nothing else.
func TestJSONIsTheAnswer(t *testing.T) {
	dir := prepared(t)
	for _, c := range []struct {
		verb string
		args any
		line []string
	}{
		{"gaps.list", map[string]any{"status": "open", "limit": 7}, []string{"gaps", "list", "--limit", "7"}},
		{"gaps.list", map[string]any{"count": true}, []string{"gaps", "count"}},
		{"measure.list", app.AsOfArgs{}, []string{"measure", "list"}},
		{"kpi.list", app.KPIArgs{}, []string{"kpi", "list"}},
		{"run.list", app.None{}, []string{"runs"}},
		{"ingest.status", app.None{}, []string{"ingest", "status"}},
		{"targets.list", map[string]any{"contact": "no", "programme": "bp_control"}, []string{"targets", "list", "--contact", "no", "--programme", "bp_control", "--limit", "0"}},
	} {
		want, err := app.Client{Dir: dir}.Do(context.Background(), c.verb, c.args, app.NoFiles{}, sink{unwanted{}, &progress{}})
		if err != nil {
			t.Fatalf("%s: %v", c.verb, err)
		}
		code, stdout, stderr := do(t, nil, "", append([]string{"--dir", dir, "--json"}, c.line...)...)
		if code != 0 || stderr != "" || stdout != string(want)+"\n" {
			t.Errorf("carereach %v: code %d, stderr %q, stdout differs from the answer of %s: %t", c.line, code, stderr, c.verb, stdout != string(want)+"\n")
		}
	}
}

// Arguments are seen by every user of the machine: nothing that names a patient in the real world can be one.
func TestNoIdentifierIsAnArgument(t *testing.T) {
	t.Parallel()
	every(newRoot(env{}), func(cmd *cobra.Command) {
		for _, word := range []string{"mrn", "phone", "email", "birth", "address", "patient", "record"} {
			if cmd.Flags().Lookup(word) != nil {
				t.Errorf("%s has a flag --%s", cmd.CommandPath(), word)
			}
		}
		if strings.HasPrefix(cmd.CommandPath(), "carereach patient ") && cmd.Name() == "find" && cmd.Args(cmd, []string{"MRN-0001"}) == nil {
			t.Errorf("%s takes the identifier as an argument", cmd.CommandPath())
		}
	})
}

func TestMoment(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		give string
		days int
		want string
	}{
		{"2026-06-30", 0, "2026-06-30T04:00:00Z"}, {"2026-06-30", 1, "2026-07-01T04:00:00Z"}, {"2026-11-01", 1, "2026-11-02T05:00:00Z"}, // the day that the clocks go back
		{"2026-06-30T12:00:00Z", 1, "2026-06-30T12:00:00Z"}, {" 2026-06-30T12:00:00+02:00", 0, "2026-06-30T10:00:00Z"},
	} {
		got, err := moment(c.give, zone, c.days)
		if err != nil || got.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("moment(%q, %d) = %v, %v, want %s", c.give, c.days, got, err, c.want)
		}
	}
	if got, err := moment("", zone, 1); got != nil || err != nil {
		t.Errorf("no moment gives %v, %v", got, err)
	}
}
