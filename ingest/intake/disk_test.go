package intake

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"carereach/models"
)

// A disk that refuses to sync: the Append fails, leaves nothing, and works again when the disk does.
func TestSyncFails(t *testing.T) {
	dir, s := t.TempDir(), newSealer(t, "k1")
	l := mustOpen(t, dir, s, small)
	mustAppend(t, l, recs(0, 5))
	var broken bool
	l.sync = func(f *os.File) error {
		if broken {
			return syscall.EIO
		}
		return f.Sync()
	}
	for n := int64(5); n < 40; n += 5 {
		broken = true
		_, _, err := l.Append(t.Context(), recs(n, n+5))
		wantKind(t, err, models.KindUnavail, "input/output error")
		_, _, err = l.Append(t.Context(), recs(n, n+5)) // cannot even take back the first
		wantKind(t, err, models.KindUnavail)
		check(t, l, recs(0, n))
		broken = false
		mustAppend(t, l, recs(n, n+5))
	}
	check(t, l, recs(0, 40))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, mustOpen(t, dir, s, small), recs(0, 40))
}

// What a failed Append left behind a shorter one that came after it does not stay in the file.
func TestShorterAfterFailure(t *testing.T) {
	dir, s := t.TempDir(), newSealer(t, "k1")
	l := mustOpen(t, dir, s, Options{BlockBytes: 600, Now: clock})
	mustAppend(t, l, recs(0, 2))
	broken := true
	l.sync = func(f *os.File) error {
		if broken {
			return syscall.EIO
		}
		return f.Sync()
	}
	if _, _, err := l.Append(t.Context(), recs(2, 40)); err == nil {
		t.Fatal("append on a broken disk")
	}
	broken = false
	mustAppend(t, l, recs(2, 3))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, s, small)
	if l.Recovered() != nil {
		t.Errorf("recovered %+v: the rest of a failed append was still there", l.Recovered())
	}
	check(t, l, recs(0, 3))
}

// Names are made durable before anything that depends on them is acknowledged: the steps in their order.
func TestOrderOfSyncs(t *testing.T) {
	var steps []string
	o := small
	o.Hooks = func(p string) { steps = append(steps, p) }
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), o)
	dirBroken := false
	l.sync = func(f *os.File) error { steps = append(steps, "sync"); return f.Sync() }
	l.syncDir = func(dir string) error {
		if steps = append(steps, "dirsync"); dirBroken {
			return syscall.EIO
		}
		return syncDir(dir)
	}
	one := []Record{{Format: FormatFHIR, Body: make([]byte, 10)}}
	next := func(do func()) string {
		steps = nil
		do()
		return strings.Join(steps, ", ")
	}
	appendOne := func() { mustAppend(t, l, one) }
	const appended = "append sealed, append frame, append written, sync, append synced"
	if got := next(appendOne); got != appended {
		t.Errorf("an append: %s", got)
	}
	l.opts.SegmentBytes = 1
	const rotated = "segment written, sync, segment synced, segment renamed, dirsync, segment dirsynced, close written, sync, close synced, "
	if got := next(appendOne); got != rotated+appended {
		t.Errorf("a change of segments: %s", got)
	}
	l.opts.SegmentBytes = 1 << 20
	redact := func() { _, _ = l.Redact(t.Context(), []int64{1}, func(Record) ([]byte, bool) { return nil, true }) }
	if got := next(redact); got != "redact sealed, redact written, sync, redact synced, redact renamed, dirsync, redact dirsynced" {
		t.Errorf("a redaction: %s", got)
	}
	dirBroken = true
	if got := next(redact); got != "redact sealed, redact written, sync, redact synced, redact renamed, dirsync" {
		t.Errorf("a redaction whose name is not durable: %s", got)
	}
	if _, _, err := l.Append(t.Context(), one); err == nil {
		t.Error("an append to a file whose name is not durable was acknowledged")
	}
	dirBroken = false
	if got := next(appendOne); got != "sync, dirsync, "+appended {
		t.Errorf("an append after that: %s", got)
	}
}

// The n-th operation on the disk fails, for every n until all passes: what was acknowledged is there, each time, and the log
// goes on, whether the same process does or the next.
func TestEveryOperationFails(t *testing.T) {
	for n := 0; ; n++ {
		dir, s := t.TempDir(), newSealer(t, "k1")
		l := mustOpen(t, dir, s, Options{SegmentBytes: 1500, BlockBytes: 600, Now: clock})
		left, failed := n, false
		fail := func() bool {
			left--
			failed = failed || left == -1
			return left == -1
		}
		l.sync = func(f *os.File) error {
			if fail() {
				return syscall.EIO
			}
			return f.Sync()
		}
		l.syncDir = func(dir string) error {
			if fail() {
				return syscall.EIO
			}
			return syncDir(dir)
		}
		want := exercise(t, l)
		check(t, l, want)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = mustOpen(t, dir, s, small)
		check(t, l, want)
		mustAppend(t, l, recs(100, 105))
		if !failed {
			if n < 10 {
				t.Fatalf("only %d operations; the test proves little", n)
			}
			return
		}
	}
}

// exercise appends and redacts, asking again once after an error, and gives what should be there.
func exercise(t *testing.T, l *Log) []Record {
	t.Helper()
	var want []Record
	for n := int64(0); n < 30; n += 5 {
		if _, _, err := l.Append(t.Context(), recs(n, n+5)); err != nil {
			mustAppend(t, l, recs(n, n+5))
		}
		want = append(want, recs(n, n+5)...)
		if n != 10 && n != 20 {
			continue
		}
		edit := func(Record) ([]byte, bool) { return []byte("kept"), true }
		if _, err := l.Redact(t.Context(), []int64{1, n}, edit); err != nil {
			if _, err := l.Redact(t.Context(), []int64{1, n}, edit); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range []int64{1, n} {
			want[i].Body, want[i].Name, want[i].Redacted = []byte("kept"), "", true
		}
	}
	return want
}

// A full disk: the Append says so, nothing acknowledged is lost, and after space has returned the same log goes on.
func TestDiskFull(t *testing.T) {
	dir := mountTmpfs(t, "2m")
	s := newSealer(t, "k1")
	o := Options{SegmentBytes: 200 << 10, BlockBytes: 20 << 10, Now: clock}
	l := mustOpen(t, dir, s, o)
	filler := dir + "/filler"
	if err := os.WriteFile(filler, make([]byte, 1200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		full := fillUp(t, l)
		wantKind(t, full, models.KindUnavail, "disk is full")
		if !errors.Is(full, syscall.ENOSPC) {
			t.Fatalf("round %d: %v", round, full)
		}
		have := l.End()
		check(t, l, recs(0, have))
		_, err := l.Redact(t.Context(), []int64{2}, func(Record) ([]byte, bool) { return nil, true })
		if err == nil {
			t.Fatal("a redaction had room on a full disk; the test proves nothing")
		}
		wantKind(t, err, models.KindUnavail, "disk is full")
		check(t, l, recs(0, have))
		if round == 1 { // a restart while the disk is full
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = mustOpen(t, dir, s, o)
			check(t, l, recs(0, have))
		}
		if err := os.Truncate(filler, int64(1200-300*(round+1))<<10); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, recs(have, have+20))
		check(t, l, recs(0, have+20))
	}
}

// fillUp appends until the log cannot any more, with ever smaller appends.
func fillUp(t *testing.T, l *Log) error {
	t.Helper()
	var last error
	for size := int64(400); size > 0; size /= 4 {
		for {
			n := l.End()
			if _, _, err := l.Append(t.Context(), recs(n, n+size)); err != nil {
				if l.End() != n {
					t.Fatalf("a failed append moved the end from %d to %d", n, l.End())
				}
				last = err
				break
			}
		}
	}
	return last
}

func mountTmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("a small tmpfs cannot be mounted (needs root on Linux): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// No words of a record get into an error.
func TestErrorsAreDiscreet(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	const canary = "Quetzalcoatl"
	long := Record{Name: canary, Source: canary, Body: []byte(strings.Repeat(canary, MaxBody/8))}
	_, _, err := l.Append(t.Context(), []Record{long})
	if err == nil || strings.Contains(fmt.Sprintf("%+v", err), canary) {
		t.Fatalf("the error quotes the record: %v", err)
	}
}
