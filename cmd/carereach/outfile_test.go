package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "r.xlsx")
	for _, content := range []string{"first", "second, in its place"} {
		err := writeFile(path, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != content {
			t.Fatalf("content %q, %v, want %q", b, err, content)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600: a list holds patients' data", info.Mode(), err)
	}
	if have := names(t, dir); len(have) != 1 {
		t.Errorf("left in the folder: %q", have)
	}
}

// However much was written before a verb fails: what was there stays, and nothing is left beside it.
func TestWriteFileFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "list.csv")
	if err := os.WriteFile(path, []byte("the list of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the store broke")
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 1<<19), 0, 4).Draw(rt, "writes")
		err := writeFile(path, func(w io.Writer) error {
			for _, n := range sizes {
				if _, err := w.Write(make([]byte, n)); err != nil {
					return err
				}
			}
			return broken
		})
		if !errors.Is(err, broken) {
			rt.Fatalf("error %v, want the verb's", err)
		}
		if b, _ := os.ReadFile(path); string(b) != "the list of yesterday" {
			rt.Fatal("the old file was touched")
		}
		if have := names(t, dir); len(have) != 1 {
			rt.Fatalf("left in the folder: %q", have)
		}
	})
}

func TestWriteFileWhereItCannot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		path string
		kind models.Kind
	}{{dir, models.KindUsage}, {filepath.Join(dir, "no", "such", "r.csv"), models.KindNotFound}} {
		called := false
		err := writeFile(c.path, func(io.Writer) error { called = true; return nil })
		if models.KindOf(err) != c.kind || err == nil || called {
			t.Errorf("%s: %v, verb asked %t; want kind %s before anything is asked", c.path, err, called, c.kind)
		}
	}
}

// full is a disk without room.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	if n < len(b) {
		return n, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return n, nil
}

func TestOutFileRemembersTheFirstFault(t *testing.T) {
	t.Parallel()
	o := &outFile{path: "r.xlsx", to: &full{room: 3}}
	_, _ = o.Write([]byte("abcdef"))
	_, _ = o.Write([]byte("g"))
	if models.KindOf(o.fault) != models.KindUnavail || !strings.Contains(o.fault.Error(), "disk is full") || !strings.Contains(o.fault.Error(), "--out") {
		t.Errorf("fault %v, want a full disk and what to do", o.fault)
	}
}

// A real file system without room, under the list and under the workbook.
func TestDiskFullUnderTheFile(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("needs root on linux to mount a small tmpfs")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	path := filepath.Join(dir, "r.csv")
	err := writeFile(path, func(w io.Writer) error {
		for range 100 {
			if _, err := w.Write(make([]byte, 16<<10)); err != nil {
				return errors.New("the writer above says something else")
			}
		}
		return nil
	})
	if models.KindOf(err) != models.KindUnavail || err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("error %v, want a full disk", err)
	}
	if have := names(t, dir); len(have) != 0 {
		t.Errorf("left on the full disk: %q", have)
	}
	ready := prepared(t)
	for _, args := range [][]string{{"report", "build", "executive", "--out", filepath.Join(dir, "r.xlsx")}, {"gaps", "list", "--status", "all", "--out", filepath.Join(dir, "g.csv")}} {
		// The workbook and the list of the made-up clinic fit into 64 kB or not; with 60 kB of it taken they do not.
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 60<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := do(t, nil, "", append([]string{"--dir", ready}, args...)...)
		if code != 7 || stdout != "" || !strings.Contains(stderr, "disk is full") {
			t.Errorf("%v: code %d, stdout %q, stderr %q; want 7 and how to mend it", args, code, stdout, stderr)
		}
		if have := names(t, dir); len(have) != 1 {
			t.Errorf("%v: left on the full disk: %q", args, have)
		}
	}
}
