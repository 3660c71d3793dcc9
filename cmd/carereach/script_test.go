package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"carereach/internal/app"

	"github.com/rogpeppe/go-internal/testscript"
)

// readyVar names the folder that is prepared once for all tests of this process.
const readyVar = "READY_FOR_CAREREACH_TESTS"

func TestMain(m *testing.M) {
	testscript.Main(withReady{m}, map[string]func(){"carereach": main})
}

// withReady gives the tests a folder of their own and takes it away after them.
type withReady struct{ m *testing.M }

// Run runs the tests.
func (w withReady) Run() int {
	dir, err := os.MkdirTemp("", "carereach-ready-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(readyVar, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := w.m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// prepared gives a carereach folder with the made-up clinic loaded and analysed as of 2026-06-30. Whoever changes it takes a
// copy. Tests that open it are not parallel: one process may have it open at a time, and parallel ones copy it.
func prepared(t testing.TB) string {
	t.Helper()
	dir, err := prepare()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var prepare = sync.OnceValues(func() (string, error) {
	base := os.Getenv(readyVar)
	dir := filepath.Join(base, "data")
	clinic, err := filepath.Abs("../../internal/app/clinic")
	if err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"init", dir, "--tenant", "riverton", "--zone", "America/New_York", "--keys", filepath.Join(base, "keys"), "--user-name", "ann"},
		{"--dir", dir, "ingest", "file", "--source", "demo", clinic},
		{"--dir", dir, "analyze", "--as-of", "2026-06-30"},
	} {
		var errs strings.Builder
		e := env{stdin: strings.NewReader(""), stdout: &strings.Builder{}, stderr: &errs, now: time.Now}
		if code := run(context.Background(), e, args); code != 0 {
			return "", fmt.Errorf("carereach %s: code %d: %s", strings.Join(args, " "), code, errs.String())
		}
	}
	return dir, nil
})

func TestScripts(t *testing.T) {
	t.Parallel()
	clinic, err := filepath.Abs("../../internal/app/clinic")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CLINIC", clinic)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": readyCmd, "exits": exitsCmd, "field": fieldCmd, "let": letCmd, "keys": keysCmd, "sums": sumsCmd, "hold": holdCmd, "listening": listeningCmd, "mode": modeCmd, "same": sameCmd,
		},
	})
}

// readyCmd copies the prepared folder and points CAREREACH_DIR at the copy: ready NAME
func readyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready NAME")
	}
	from, err := prepare()
	ts.Check(err)
	to := ts.MkAbs(args[0])
	ts.Check(copyFolder(from, to))
	ts.Setenv("CAREREACH_DIR", to)
}

// copyFolder copies a folder that no process has open.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}

// exitsCmd runs carereach and holds its exit code: exits CODE ARGS...
func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("carereach", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("carereach %s: %v", strings.Join(args[1:], " "), err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("carereach %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// lookUp finds a value in the JSON of a file by a path of names and numbers: rows.0.patient. "len" is the length of a list.
func lookUp(ts *testscript.TestScript, file, path string) any {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				ts.Fatalf("%s: no %q on the way to %s; there are %s", file, step, path, strings.Join(slices.Sorted(maps.Keys(at)), ", "))
			}
			v = next
		case []any:
			if step == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				ts.Fatalf("%s: no row %q of %d on the way to %s", file, step, len(at), path)
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %v has no %q on the way to %s", file, v, step, path)
		}
	}
	return v
}

func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// fieldCmd compares one value in JSON: field FILE PATH WANT. With ! it must differ.
func fieldCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] field FILE PATH WANT")
	}
	if got := text(lookUp(ts, args[0], args[1])); (got == args[2]) == neg {
		ts.Fatalf("%s %s is %q, want %t of %q", args[0], args[1], got, !neg, args[2])
	}
}

// letCmd puts a value of JSON into a variable of the script: let NAME FILE PATH
func letCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: let NAME FILE PATH")
	}
	ts.Setenv(args[0], text(lookUp(ts, args[1], args[2])))
}

// keysCmd compares the names of a JSON object: keys FILE NAME...
func keysCmd(ts *testscript.TestScript, neg bool, args []string) {
	var v map[string]json.RawMessage
	if neg || len(args) < 2 || json.Unmarshal([]byte(ts.ReadFile(args[0])), &v) != nil {
		ts.Fatalf("usage: keys FILE NAME..., of a JSON object")
	}
	want := slices.Sorted(slices.Values(args[1:]))
	if got := slices.Sorted(maps.Keys(v)); !slices.Equal(got, want) {
		ts.Fatalf("%s has %q, want %q", args[0], got, want)
	}
}

// sumsCmd adds numbers of a JSON object up: sums FILE TOTAL PATH...
func sumsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: sums FILE TOTAL PATH...")
	}
	sum := 0.0
	for _, path := range args[2:] {
		f, ok := lookUp(ts, args[0], path).(float64)
		if !ok {
			ts.Fatalf("%s %s is no number", args[0], path)
		}
		sum += f
	}
	if text(sum) != args[1] {
		ts.Fatalf("%s: %s add up to %s, want %s", args[0], strings.Join(args[2:], ", "), text(sum), args[1])
	}
}

// sameCmd compares the JSON of two files, leaving out names that may differ, such as how long something took:
// same FILE FILE [NAME...]
func sameCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] same FILE FILE [NAME...]")
	}
	var texts [2]string
	for i, file := range args[:2] {
		var v any
		if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
			ts.Fatalf("%s: %v", file, err)
		}
		b, err := json.MarshalIndent(without(v, args[2:]), "", " ")
		ts.Check(err)
		texts[i] = string(b)
	}
	if (texts[0] == texts[1]) == neg {
		ts.Fatalf("%s and %s: same %t\n%s\n%s", args[0], args[1], neg, texts[0], texts[1])
	}
}

func without(v any, names []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if slices.Contains(names, name) {
				delete(v, name)
				continue
			}
			v[name] = without(v[name], names)
		}
	case []any:
		for i := range v {
			v[i] = without(v[i], names)
		}
	}
	return v
}

// holdCmd owns the folder DIR until the script ends, as another process would that is no daemon: hold DIR
func holdCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	dir := ts.MkAbs(args[0])
	cfg, err := app.LoadConfig(dir, nil)
	ts.Check(err)
	a, err := app.Open(context.Background(), dir, cfg, app.Options{})
	ts.Check(err)
	ts.Defer(func() {
		if err := a.Close(); err != nil {
			ts.Logf("close: %v", err)
		}
	})
}

// listeningCmd waits until a daemon answers on the socket of DIR: listening DIR. With ! nobody answers there.
func listeningCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] listening DIR")
	}
	path := filepath.Join(ts.MkAbs(args[0]), "carereach.sock")
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			ts.Check(conn.Close())
		}
		if (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: listening %t after 30 s", path, err == nil)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// modeCmd compares the mode of a file: mode FILE 600
func modeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}
