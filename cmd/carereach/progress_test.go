package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"carereach/internal/app"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what a command writes to tty comes out of the function read, which ends it.
func terminal(t *testing.T) (tty *os.File, read func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	out := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = b.ReadFrom(master) // ends with an error when the last writer has closed
		out <- b.String()
	}()
	return tty, func() string {
		if err := tty.Close(); err != nil {
			t.Error(err)
		}
		return <-out
	}
}

// A bar is drawn on a terminal, uncoloured, and is taken away again; anywhere else there is none. Standard output never has
// anything of it.
func TestProgressOnATerminalOnly(t *testing.T) {
	tty, read := terminal(t)
	var stdout, stderr bytes.Buffer
	for _, e := range []env{
		{stdin: strings.NewReader(""), stdout: &stdout, stderr: tty, now: time.Now},
		{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now},
	} {
		dir := t.TempDir()
		if code := run(context.Background(), e, []string{"init", dir + "/data", "--keys", dir + "/keys"}); code != 0 {
			t.Fatalf("init: code %d", code)
		}
		stdout.Reset()
		if code := run(context.Background(), e, []string{"--dir", dir + "/data", "--json", "ingest", "file", "../../internal/app/clinic"}); code != 0 {
			t.Fatalf("ingest: code %d", code)
		}
		if s := stdout.String(); !strings.HasPrefix(s, "{") || strings.Count(s, "\n") != 1 {
			t.Errorf("standard output is not one line of JSON: %q", s)
		}
	}
	drawn := read()
	if !strings.Contains(drawn, "read") || !strings.Contains(drawn, "\r") || strings.Contains(drawn, "\x1b[3") {
		t.Errorf("on the terminal: %q; want an uncoloured bar", drawn)
	}
	if strings.Contains(stderr.String(), "\r") {
		t.Errorf("off a terminal: %q; want no bar", stderr.String())
	}
}

func TestProgressChangesStage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &progress{err: &b, total: 100}
	for _, at := range []app.Progress{{Stage: "read", Done: 50, Unit: "bytes"}, {Stage: "load", Done: 1, Total: 2, Unit: "records"}, {Stage: "load", Done: 5, Total: 9, Unit: "records"}} {
		p.Progress(at)
	}
	p.done()
	p.done()
	if s := b.String(); !strings.Contains(s, "read") || !strings.Contains(s, "load") {
		t.Errorf("drawn %q, want both stages", s)
	}
}
