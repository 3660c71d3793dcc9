package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// runChild is what a second process of this test binary does. It works until it is killed and prints a line for everything
// that was acknowledged.
func runChild(role string) int {
	h := home{data: os.Getenv("CAREREACH_LEDGER_DATA"), keys: os.Getenv("CAREREACH_LEDGER_KEYS"), sink: os.Getenv("CAREREACH_LEDGER_SINK")}
	from, err := strconv.Atoi(os.Getenv("CAREREACH_LEDGER_FROM"))
	if err == nil {
		err = childWork(role, h, from)
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	return 1
}

func childWork(role string, h home, from int) error {
	ctx := context.Background()
	keys, err := LoadKeys(h.keys)
	if err != nil {
		return err
	}
	l, err := Open(ctx, Options{Dir: h.data, Sink: h.sink, Keys: keys})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := from; ; i++ {
		switch role {
		case "write":
			err = childWrite(ctx, l, i)
		case "liar": // the control: says so before it is true
			fmt.Println("ack", i)
			time.Sleep(2 * time.Millisecond)
			err = childWrite(ctx, l, i)
			continue
		case "rotate":
			if _, err = l.RotateKEK(ctx, h.keys); err == nil {
				_, err = l.RetireKEKs(ctx, h.keys)
			}
		case "erase":
			err = l.Erase(ctx, person2(i), "request", noon)
		case "hold":
			time.Sleep(time.Hour)
		}
		if err != nil {
			return err
		}
		fmt.Println("ack", i)
	}
}

// person2 makes more tokens than a byte holds.
func person2(i int) models.PatientID {
	return models.PatientID{1, byte(i >> 16), byte(i >> 8), byte(i), 15: 2}
}

// childWrite stores one identity, one consent and one audit row about person i, in this order.
func childWrite(ctx context.Context, l *Ledger, i int) error {
	id := person2(i)
	ent := models.EntityID(id)
	_, err := l.PutIdentities(ctx, []IdentityRow{{Patient: id, Ent: ent, Kind: OfPatient, Order: order(1), Identity: person("P", "", "", strconv.Itoa(i))}})
	if err == nil {
		_, err = l.PutConsents(ctx, []ConsentRow{{Event: models.Key128(id), Patient: id, Ent: ent, Order: order(1),
			Consent: models.ConsentEvent{Action: "revoked", Channel: "any", Purpose: "any", Evidence: "stop", Effective: point(0)}}})
	}
	if err == nil {
		_, err = l.AppendAudit(ctx, AuditEntry{Actor: "child", Action: "write", Subjects: []models.PatientID{id}})
	}
	return err
}

// child starts a second process in a role; lines gives what it prints.
func (h home) child(t testing.TB, role string, from int) (cmd *osexec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	cmd = osexec.Command(must[string](t)(os.Executable()))
	cmd.Env = append(os.Environ(), "CAREREACH_LEDGER_CHILD="+role, "CAREREACH_LEDGER_DATA="+h.data, "CAREREACH_LEDGER_KEYS="+h.keys, "CAREREACH_LEDGER_SINK="+h.sink,
		"CAREREACH_LEDGER_FROM="+strconv.Itoa(from))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines = bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the child says %q", lines.Text())
	}
	return cmd, lines
}

// killed runs a child for a random while, kills it with SIGKILL, and gives the last number that it acknowledged.
func (h home) killed(t testing.TB, role string, from int, longest time.Duration) int {
	t.Helper()
	cmd, lines := h.child(t, role, from)
	timer := time.AfterFunc(rand.N(longest), func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	last := from - 1
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "ack "))
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		last = n
	}
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}

func cycles(n int) int {
	if testing.Short() {
		return 2
	}
	return n
}

// missing counts the people up to last of whom not everything is in the ledger.
func missing(t testing.TB, l *Ledger, last int) (n int) {
	t.Helper()
	for i := range last + 1 {
		id := person2(i)
		state := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), []models.PatientID{id}, "sms", "any", noon))
		page := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{Subject: &id}))
		found := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByRecordNumber, strconv.Itoa(i)))
		if state.State != ConsentRefused || page.Total != 1 || len(found) != 1 {
			n++
		}
	}
	return n
}

// Whatever was acknowledged before a kill -9 is there after it, once, and everything that is there verifies.
func TestKillWriter(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	last := -1
	for range cycles(8) {
		last = max(last, h.killed(t, "write", last+1, 400*time.Millisecond))
		l := h.open(t)
		report := must[ScrubReport](t)(l.Scrub(t.Context()))
		if n := missing(t, l, last); n > 0 {
			t.Errorf("%d of %d acknowledged writes are lost", n, last+1)
		}
		if got := int(report.Rows["audit"]); got < last+1 || got > last+2 {
			t.Errorf("%d audit rows for %d acknowledged writes", got, last+1)
		}
		last = int(report.Rows["audit"]) - 1 // one more may be there, its acknowledgement lost
		if err := childRest(t, l, last+1); err != nil {
			t.Fatal(err)
		}
		last++
		h.close(t, l)
	}
	t.Logf("%d writes over %d kills, none lost", last+1, cycles(8))
}

// childRest completes the person whose write was cut off: repeating it is safe.
func childRest(t testing.TB, l *Ledger, i int) error { return childWrite(t.Context(), l, i) }

// The control: a writer that acknowledges before it commits must be caught by the same search.
func TestKillControl(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	last, lost := -1, 0
	for i := 0; i < 20 && lost == 0; i++ {
		last = max(last, h.killed(t, "liar", last+1, 200*time.Millisecond))
		l := h.open(t)
		lost = missing(t, l, last)
		h.close(t, l)
	}
	if lost == 0 {
		t.Error("a writer that lies about its writes is not caught")
	}
}

// A kill at any moment of a key rotation loses nobody, and the next rotation finishes the work.
func TestKillRotation(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	for i := range 300 {
		if err := childWrite(t.Context(), l, i); err != nil {
			t.Fatal(err)
		}
	}
	h.close(t, l)
	for range cycles(6) {
		h.killed(t, "rotate", 0, 300*time.Millisecond)
		l = h.open(t)
		if report := must[ScrubReport](t)(l.Scrub(t.Context())); report.Rows["vault"] != 300 {
			t.Errorf("%d identities, want 300", report.Rows["vault"])
		}
		h.close(t, l)
	}
	l = h.open(t)
	must[RotateReport](t)(l.RotateKEK(t.Context(), h.keys))
	must[[]int](t)(l.RetireKEKs(t.Context(), h.keys))
	if versions := kekVersions(t, l); len(versions) != 1 {
		t.Errorf("data keys by version: %v", versions)
	}
	if files := must[[]string](t)(filepath.Glob(filepath.Join(h.keys, "kek-*.key"))); len(files) != 1 {
		t.Errorf("key files %v", files)
	}
}

// A kill at any moment of an erasure leaves the person either there or gone, and after the next start nothing of those erased is
// in any file.
func TestKillErasure(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	const everybody = 200
	var wrapped [everybody][]byte
	for i := range everybody {
		if err := childWrite(t.Context(), l, i); err != nil {
			t.Fatal(err)
		}
		wrapped[i], _ = secrets(t, l, person2(i))
	}
	h.close(t, l)
	last := -1
	for range cycles(6) {
		last = max(last, h.killed(t, "erase", last+1, 250*time.Millisecond))
		l = h.open(t)
		gone := must[map[models.PatientID]Tombstone](t)(l.Erased(t.Context()))
		must[ScrubReport](t)(l.Scrub(t.Context()))
		for i := range everybody {
			_, erased := gone[person2(i)]
			if i <= last && !erased {
				t.Errorf("person %d is back", i)
			}
			if names := filesHolding(t, h.data, wrapped[i]); (len(names) == 0) != erased {
				t.Errorf("person %d erased: %v, yet the key is in %v", i, erased, names)
			}
		}
		last = max(last, len(gone)-1)
		h.close(t, l)
	}
	t.Logf("%d of %d erased over the kills", last+1, everybody)
}

// Another process that has the ledger open is named by its id.
func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cmd, _ := h.child(t, "hold", 0)
	defer cmd.Wait()
	defer cmd.Process.Kill()
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindUnavail, "process "+strconv.Itoa(cmd.Process.Pid))
}
