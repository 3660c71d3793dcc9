package ledger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

// keep copies the ledger as it is, closed, so that a test can bring it back later.
func (h home) keep(t testing.TB) []byte {
	t.Helper()
	return must[[]byte](t)(os.ReadFile(filepath.Join(h.data, FileName)))
}

func (h home) bringBack(t testing.TB, b []byte) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(h.data, FileName+suffix))
	}
	if err := os.WriteFile(filepath.Join(h.data, FileName), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// An older ledger in the place of the newer one is refused at start, until an operator says that it is meant. Then both trail
// and sink say so, work goes on, and a person who was erased meanwhile is erased again.
func TestOlderLedgerIsRefused(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 3)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1")), row(2, 2, 1, person("Roe", "", "", "M2"))}))
	h.close(t, l)
	old := h.keep(t)
	l = h.open(t)
	acts(t, l, 4)
	if err := l.Erase(t.Context(), token(1), "request 7", noon); err != nil {
		t.Fatal(err)
	}
	h.close(t, l)
	h.bringBack(t, old)
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindCorruption, "older than its second sink", "row 3", "row 7", "restore")
	o := h.options(t)
	o.AcceptOlder = "ada"
	l = must[*Ledger](t)(Open(t.Context(), o))
	page := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{Action: "ledger.restored"}))
	if page.Total != 1 || page.Rows[0].Actor != "ada" || page.Rows[0].Seq != 4 || !strings.Contains(page.Rows[0].Detail, "last row of the sink 7") {
		t.Errorf("the trail says %+v", page.Rows)
	}
	gone := must[map[models.PatientID]Tombstone](t)(l.Erased(t.Context()))
	if got := gone[token(1)]; got.Reason != "request 7" || !got.At.Equal(noon) {
		t.Errorf("tombstones %v", gone)
	}
	for n, want := range map[byte]int{1: 0, 2: 1} {
		if got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(n)), token(n))); len(got) != want {
			t.Errorf("patient %d has %d records, want %d", n, len(got), want)
		}
	}
	acts(t, l, 5)
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
	h.close(t, l)
	l = h.open(t) // no flag is needed any more
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
	raw(t, l, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
	_, err = l.VerifyAudit(t.Context())
	wantKind(t, err, models.KindCorruption, "missing")
}

// The flag accepts an older ledger, not a doctored one.
func TestAcceptOlderStillVerifies(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 6)
	h.close(t, l)
	rawFile(t, l.path, "DELETE FROM audit WHERE seq > 4")
	rawFile(t, l.path, "UPDATE audit SET actor = 'x' WHERE seq = 2")
	o := h.options(t)
	o.AcceptOlder = "ada"
	_, err := Open(t.Context(), o)
	wantKind(t, err, models.KindCorruption, "row 2", "changed")
}

// A ledger deleted beside a used sink, and a used ledger without its sink, are refused: one of them is not what it was.
func TestLedgerAndSinkBelongTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose func(h home) string
		word string
	}{
		"ledger lost": {func(h home) string { return filepath.Join(h.data, FileName) }, "older than its second sink"},
		"sink lost":   {func(h home) string { return h.sink }, "empty or missing"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			l := h.open(t)
			acts(t, l, 3)
			h.close(t, l)
			if err := os.Remove(c.lose(h)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), h.options(t))
			wantKind(t, err, models.KindCorruption, c.word)
			o := h.options(t)
			o.AcceptOlder = "ada"
			l = must[*Ledger](t)(Open(t.Context(), o))
			acts(t, l, 1)
			h.close(t, l)
			l = h.open(t)
			must[AuditCheck](t)(l.VerifyAudit(t.Context()))
		})
	}
	a, b := newHome(t), newHome(t)
	la, lb := a.open(t), b.open(t)
	acts(t, la, 2)
	show(t, lb, token(9))
	show(t, lb, token(9))
	a.close(t, la)
	b.close(t, lb)
	o := a.options(t)
	o.Sink = b.sink
	_, err := Open(t.Context(), o)
	wantKind(t, err, models.KindCorruption, "not the one that the second sink has")
}

// A crash between table and sink leaves the sink behind: the next start brings it up and nothing is lost.
func TestSinkCatchesUp(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 3)
	sinkBefore := must[[]byte](t)(os.ReadFile(h.sink))
	acts(t, l, 4)
	h.close(t, l)
	if err := os.WriteFile(h.sink, sinkBefore, 0o600); err != nil {
		t.Fatal(err)
	}
	l = h.open(t)
	if state := must[Health](t)(l.Health(t.Context())); state.SinkSeq != 7 || state.AuditSeq != 7 {
		t.Errorf("health %+v", state)
	}
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
	h.close(t, l)
	if err := os.WriteFile(h.sink, sinkBefore, 0o600); err != nil {
		t.Fatal(err)
	}
	rawFile(t, l.path, "UPDATE audit SET detail = 'x' WHERE seq = 6") // what the sink does not know yet is checked too
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindCorruption, "row 6")
}

// A line that a crash cut short is dropped at the next start, wherever it was cut.
func TestTornSinkLine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 2)
	whole := len(must[[]byte](t)(os.ReadFile(h.sink)))
	acts(t, l, 1)
	h.close(t, l)
	all := must[[]byte](t)(os.ReadFile(h.sink))
	for _, n := range []int{whole + 1, whole + 50, len(all) - 1} {
		if err := os.WriteFile(h.sink, all[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		l = h.open(t)
		if check := must[AuditCheck](t)(l.VerifyAudit(t.Context())); check.Rows != 3 {
			t.Errorf("check %+v", check)
		}
		h.close(t, l)
	}
}

// Any change inside the sink is found: at the start when it concerns the last line, by verification wherever it is.
func TestSinkDamageIsNoticed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	for range 3 {
		acts(t, l, 2)
	}
	h.close(t, l)
	whole := must[[]byte](t)(os.ReadFile(h.sink))
	verify := func() error {
		l, err := Open(t.Context(), h.options(t))
		if err != nil {
			return err
		}
		defer l.Close()
		_, err = l.VerifyAudit(t.Context())
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err) // the control
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, b := range map[string][]byte{
		"a line left out":    bytes.Join([][]byte{lines[0], lines[2], lines[3]}, nil),
		"lines exchanged":    bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3]}, nil),
		"a line twice":       bytes.Join([][]byte{lines[0], lines[1], lines[1], lines[2], lines[3]}, nil),
		"first line lost":    bytes.Join(lines[1:], nil),
		"a foreign line":     append(bytes.Clone(whole), "{}\n"...),
		"no line at all":     append(bytes.Clone(whole), "hello\n"...),
		"an unknown field":   bytes.Replace(whole, []byte(`"kind"`), []byte(`"more":1,"kind"`), 1),
		"a very long line":   append(bytes.Clone(whole), strings.Repeat("x", 3*maxSinkLine)+"\n"...),
		"a line break added": append(bytes.Clone(whole), '\n'),
	} {
		if err := os.WriteFile(h.sink, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := verify(); models.KindOf(err) != models.KindCorruption {
			t.Errorf("%s: %v", name, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := bytes.Clone(whole)
		i := rapid.IntRange(0, len(b)-2).Draw(rt, "byte") // without the last line break the last line counts as torn
		b[i] ^= 1 << rapid.IntRange(0, 6).Draw(rt, "bit")
		if err := os.WriteFile(h.sink, b, 0o600); err != nil {
			rt.Fatal(err)
		}
		if err := verify(); models.KindOf(err) != models.KindCorruption && !sameJSON(whole, b) {
			rt.Errorf("byte %d of %d: %v", i, len(b), err)
		}
	})
}

// sameJSON tells whether only the case of a field's name differs, which the reader of JSON does not mind.
func sameJSON(a, b []byte) bool { return bytes.EqualFold(a, b) }

func FuzzParseSinkLine(f *testing.F) {
	f.Add([]byte(`{"kind":"checkpoint","at":1,"seq":2,"hash":"00","prev":"","sig":""}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseSinkLine(b)
		if err != nil {
			wantKind(t, err, models.KindCorruption)
			return
		}
		st := sinkState{erased: map[models.PatientID]Tombstone{}}
		_ = st.take(l)
	})
}

// A ledger restored again and again stays verifiable: each time the sink forgets what the ledger has lost.
func TestRestoredManyTimes(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 2)
	h.close(t, l)
	old := h.keep(t)
	for i := range 3 {
		o := h.options(t)
		o.AcceptOlder = fmt.Sprintf("operator%d", i)
		o.Now = func() time.Time { return noon.Add(time.Duration(i+1) * time.Hour) }
		h.bringBack(t, old)
		l = must[*Ledger](t)(Open(t.Context(), o))
		if i > 0 {
			acts(t, l, 3)
		}
		must[AuditCheck](t)(l.VerifyAudit(t.Context()))
		h.close(t, l)
		if i == 0 { // the sink fitted: nothing to accept yet
			l = h.open(t)
			acts(t, l, 6)
			h.close(t, l)
		}
	}
}
