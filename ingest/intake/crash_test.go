package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"carereach/models"
)

// The crash tests start this test binary again as a child that appends and redacts until it kills itself, as kill -9 does,
// at the n-th time that it comes by a point. What it was told is durable it writes to standard output first.
const (
	childDir   = "INTAKE_TEST_DIR"
	childPoint = "INTAKE_TEST_POINT"
	childNth   = "INTAKE_TEST_NTH"
	childMode  = "INTAKE_TEST_MODE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, os.Getenv(childMode)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// perAppend is how many records the child appends at a time: several blocks.
const perAppend = 6

// gone reports whether the child redacts the record: every ninth, once the log is well behind it.
func gone(n int64) bool { return n%9 == 4 }

func child(dir, mode string) error {
	nth, err := strconv.Atoi(os.Getenv(childNth))
	if err != nil {
		return err
	}
	point, seen := os.Getenv(childPoint), 0
	block := sealerOf("k1")
	o := Options{SegmentBytes: 4000, BlockBytes: 700, Now: clock, Hooks: func(p string) {
		if p != point {
			return
		}
		if seen++; seen == nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	ctx := context.Background()
	l, err := Open(ctx, dir, block, o)
	if err != nil {
		return err
	}
	if mode == "forgetful" {
		l.sync, l.syncDir = func(*os.File) error { return nil }, func(string) error { return nil }
	}
	for rounds := 0; rounds < 400; rounds++ {
		n := l.End()
		if _, _, err := l.Append(ctx, recs(n, n+perAppend)); err != nil {
			return err
		}
		fmt.Printf("acked %d\n", n+perAppend)
		if rounds%8 != 7 {
			continue
		}
		if err := childRedact(ctx, l, mode, n); err != nil {
			return err
		}
		fmt.Printf("redacted %d\n", n)
	}
	return errors.New("the child was not killed")
}

func childRedact(ctx context.Context, l *Log, mode string, before int64) error {
	var offsets []int64
	for n := range before {
		if gone(n) {
			offsets = append(offsets, n)
		}
	}
	if mode == "careless" {
		return redactInPlace(l, offsets)
	}
	_, err := l.Redact(ctx, offsets, func(r Record) ([]byte, bool) { return nil, !r.Redacted })
	return err
}

// redactInPlace is what Redact must not do: it writes over the segment that readers depend on.
func redactInPlace(l *Log, _ []int64) error {
	path := l.segs[0].path
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b[:len(b)/2]); err != nil {
		return err
	}
	l.opts.Hooks("redact written")
	_, err = f.Write(b[len(b)/2:])
	return err
}

// promise is what children said before they were killed.
type promise struct {
	acked    int64 // records before this offset are durable
	redacted int64 // and those before this one that are gone are gone
}

// runChild runs one child until it is killed and takes over what it promised.
func (p *promise) runChild(t *testing.T, dir, mode, point string, nth int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childMode+"="+mode, childPoint+"="+point, childNth+"="+strconv.Itoa(nth))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s, time %d: the child ended by itself: %v\n%s", point, nth, err, stderr.String())
	}
	p.take(t, out)
}

func (p *promise) take(t *testing.T, out []byte) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		what, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch what {
		case "acked":
			p.acked = n
		case "redacted":
			p.redacted = n
		}
	}
}

// kept checks the promise: all acknowledged records are there, once, in order and unchanged; beyond them at most the one
// Append that was on its way, wholly; what was redacted stays so.
func (p *promise) kept(ctx context.Context, dir string) error {
	l, err := Open(ctx, dir, sealerOf("k1"), Options{Now: clock})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if end := l.End(); end < p.acked || end > p.acked+perAppend || end%perAppend != 0 {
		return fmt.Errorf("the log ends at %d, acknowledged were %d", end, p.acked)
	}
	if _, err := l.Verify(ctx); err != nil {
		return err
	}
	got, err := all(ctx, l, 0, 1<<20)
	if err != nil {
		return err
	}
	if int64(len(got)) != l.End() {
		return fmt.Errorf("%d records in a log that ends at %d", len(got), l.End())
	}
	for i, r := range got {
		n := int64(i)
		want := rec(n)
		if r.Redacted {
			if !gone(n) || len(r.Body) > 0 {
				return fmt.Errorf("record %d is redacted and should not be, or not wholly", n)
			}
			continue
		}
		if r.Offset != n || !bytes.Equal(r.Body, want.Body) || r.Name != want.Name || gone(n) && n < p.redacted {
			return fmt.Errorf("record %d is not what was written, or should be gone", n)
		}
	}
	p.acked = l.End()
	return nil
}

// Killed at any step of appending, changing segments and redacting, again and again on the same log: nothing acknowledged
// is lost, nothing is there twice, and the log goes on.
func TestKillAtEveryPoint(t *testing.T) {
	times := []int{1, 2, 3, 5, 9}
	if testing.Short() {
		times = []int{1, 4}
	}
	for _, point := range Points() {
		t.Run(strings.ReplaceAll(point, " ", "-"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var p promise
			for _, nth := range times {
				p.runChild(t, dir, "", point, nth)
				if err := p.kept(t.Context(), dir); err != nil {
					t.Fatalf("killed at %s, time %d: %v", point, nth, err)
				}
			}
			if point != "segment written" && p.acked == 0 {
				t.Fatal("nothing was ever acknowledged: the test proves nothing")
			}
		})
	}
}

// The control: a redaction that writes over the segment in place, killed half way, is found out by the same check.
func TestKillWithoutRename(t *testing.T) {
	dir := t.TempDir()
	var p promise
	p.runChild(t, dir, "careless", "redact written", 1)
	err := p.kept(t.Context(), dir)
	wantKind(t, err, models.KindCorruption, segmentName(0))
}
