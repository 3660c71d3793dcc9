package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"carereach/ingest/intake"
	"carereach/internal/store"
	"carereach/pipeline"
)

// ingestPoints are the named points of taking a batch.
var ingestPoints = []string{"fetched", "decoded", "ledger committed", "facts inserted", "position moved", "committed"}

// TestKillChild is the process that the kill tests start: it loads the clinic and publishes a run, and kills itself with
// SIGKILL when it comes to a point for the n-th time.
func TestKillChild(t *testing.T) {
	dir, point := os.Getenv("CAREREACH_KILL_DIR"), os.Getenv("CAREREACH_KILL_POINT")
	if dir == "" {
		t.Skip("only as a child of the kill tests")
	}
	s := &site{t: t, dir: dir, now: demoClock, hook: func(p string) {
		if p == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	s.analyze()
	s.close()
}

// killAt runs the child until point; false when it came through without meeting it.
func killAt(t *testing.T, dir, point string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKillChild$", "-test.v")
	cmd.Env = append(os.Environ(), "CAREREACH_KILL_DIR="+dir, "CAREREACH_KILL_POINT="+point)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil {
		return false
	}
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the child ended by itself: %v\n%s", point, err, out)
	}
	return true
}

// finish does after a crash what an operator does: the same load and the same run again.
func finish(s *site) (map[string]string, int64, string) {
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(s.t)...)
	run := s.analyze()
	st, err := s.open().Ingester.Status(context.Background())
	must(s.t, err)
	reasons := fmt.Sprint(st.Reasons)
	return s.sums(run.Run), st.Stored, reasons
}

// A kill -9 at any named point of loading and publishing loses nothing, doubles nothing and leaves nothing half done: the same
// load and run afterwards end in the same facts, outcomes and published rows.
func TestKillAtEveryPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("long: one process per point")
	}
	whole := newSite(t)
	want, stored, reasons := finish(whole)
	points := slices.Concat(ingestPoints, intake.Points(), pipeline.HookPoints())
	met := 0
	for _, point := range points {
		s := newSite(t)
		if !killAt(t, s.dir, point) {
			continue
		}
		met++
		got, n, why := finish(s)
		if n != stored || why != reasons {
			t.Errorf("killed at %q: %d stored (want %d), quarantine %s (want %s)", point, n, stored, why, reasons)
		}
		for table, sum := range want {
			if got[table] != sum {
				t.Errorf("killed at %q: pub.%s differs", point, table)
			}
		}
		s.close()
	}
	t.Logf("%d of %d named points met and survived: %s", met, len(points), strings.Join(points, ", "))
	if met < len(ingestPoints)+4 {
		t.Errorf("only %d points were met", met)
	}
}

// The control: with one fact lost, or one stored twice, the comparison of the kill test fails.
func TestKillComparisonHasTeeth(t *testing.T) {
	whole := newSite(t)
	want, _, _ := finish(whole)
	for name, harm := range map[string]string{
		"one lost":   "DELETE FROM ver_procedure WHERE k = (SELECT min(p.k) FROM ver_procedure AS p JOIN codes AS c ON c.k = p.k)",
		"one stolen": "DELETE FROM ver_appointment WHERE k = (SELECT min(k) FROM ver_appointment WHERE status = 'noshow')",
	} {
		s := newSite(t)
		s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
		a := s.open()
		must(t, a.Store.Ingest(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec(context.Background(), harm)
			return err
		}))
		_, err := a.Pipeline.Refold(context.Background())
		must(t, err)
		got := s.sums(s.analyze().Run)
		same := true
		for table, sum := range want {
			same = same && got[table] == sum
		}
		if same {
			t.Errorf("%s: the published rows look the same", name)
		}
		s.close()
	}
}
