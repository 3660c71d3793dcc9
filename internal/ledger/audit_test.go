package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

// acts appends n rows: about nobody, one patient and a list in turn.
func acts(t testing.TB, l *Ledger, n int) []AuditRef {
	t.Helper()
	from := int(must[Health](t)(l.Health(t.Context())).AuditSeq)
	var es []AuditEntry
	for i := from; i < from+n; i++ {
		e := AuditEntry{Actor: "ada", Purpose: "operations", Action: "gaps.list", Detail: fmt.Sprintf("rows=%d", i)}
		switch i % 3 {
		case 1:
			e.Subjects = []models.PatientID{token(byte(i))}
		case 2:
			e.Subjects = []models.PatientID{token(byte(i)), token(1), token(2)}
		}
		es = append(es, e)
	}
	refs, err := l.AppendAudits(t.Context(), es)
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

// Rows are numbered from 1 without holes, come back newest first, and the chain holds over a restart.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	refs := acts(t, l, 5)
	refs = append(refs, show(t, l, token(7)))
	for i, r := range refs {
		if r.Seq() != int64(i+1) {
			t.Errorf("row %d has number %d", i+1, r.Seq())
		}
	}
	h.close(t, l)
	l = h.open(t)
	check := must[AuditCheck](t)(l.VerifyAudit(t.Context()))
	if check.Rows != 6 || check.Head != hexText(refs[5].hash[:]) || check.Checkpoints != 3 {
		t.Errorf("check %+v", check)
	}
	page := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{}))
	if page.Total != 6 || len(page.Rows) != 6 || page.Rows[0].Seq != 6 || *page.Rows[0].Subject != token(7) || !page.Rows[0].At.Equal(noon) || page.Rows[0].Hash != check.Head {
		t.Errorf("page %+v", page)
	}
	if got := must[[]models.PatientID](t)(l.AuditSubjects(t.Context(), 3)); !slices.Equal(got, []models.PatientID{token(1), token(2)}) {
		t.Errorf("row 3 is about %v", got)
	}
	_, err := l.AuditSubjects(t.Context(), 99)
	wantKind(t, err, models.KindNotFound, "99")
}

// A row without an actor or an action is refused, one of a batch refuses all.
func TestAuditEntriesAreChecked(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	for _, e := range []AuditEntry{{Action: "x"}, {Actor: "ada"}, {Actor: "ada", Action: "x", Detail: strings.Repeat("x", 2001)}, {Actor: "ada", Action: "x", Detail: "\xff"}} {
		_, err := l.AppendAudits(t.Context(), []AuditEntry{{Actor: "ada", Action: "fine"}, e})
		wantKind(t, err, models.KindUsage)
	}
	if refs, err := l.AppendAudits(t.Context(), nil); err != nil || refs != nil {
		t.Errorf("no entries give %v, %v", refs, err)
	}
	if page := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{})); page.Total != 0 || page.Rows == nil {
		t.Errorf("page %+v", page)
	}
}

func TestSearchAudit(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	now := noon
	o := h.options(t)
	o.Now = func() time.Time { now = now.Add(time.Minute); return now }
	l := must[*Ledger](t)(Open(t.Context(), o))
	defer l.Close()
	begin := now
	for i, e := range []AuditEntry{
		{Actor: "ada", Purpose: "treatment", Action: "patient.show", Subjects: []models.PatientID{token(1)}},
		{Actor: "bob", Purpose: "care_gap", Action: "list.export", Subjects: []models.PatientID{token(1), token(2)}},
		{Actor: "bob", Purpose: "care_gap", Action: "list.show", Subjects: []models.PatientID{token(3), token(2)}},
		{Actor: "eve", Purpose: "treatment", Action: "patient.show", Denied: true, Subjects: []models.PatientID{token(2)}},
		{Actor: "system", Action: "run.publish"},
	} {
		if _, err := l.AppendAudit(t.Context(), e); err != nil {
			t.Fatal(i, err)
		}
	}
	one, two, nine := token(1), token(2), token(9)
	all := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{})).Rows
	for name, c := range map[string]struct {
		f    AuditFilter
		want []int64
	}{
		"all":             {AuditFilter{}, []int64{5, 4, 3, 2, 1}},
		"actor":           {AuditFilter{Actor: "bob"}, []int64{3, 2}},
		"purpose":         {AuditFilter{Purpose: "treatment"}, []int64{4, 1}},
		"action":          {AuditFilter{Action: "list.show"}, []int64{3}},
		"actions":         {AuditFilter{Action: "list."}, []int64{3, 2}},
		"no action":       {AuditFilter{Action: "list"}, nil},
		"subject":         {AuditFilter{Subject: &one}, []int64{2, 1}},
		"subject in list": {AuditFilter{Subject: &two}, []int64{4, 3, 2}},
		"nobody":          {AuditFilter{Subject: &nine}, nil},
		"both":            {AuditFilter{Subject: &two, Actor: "bob"}, []int64{3, 2}},
		"from":            {AuditFilter{From: all[1].At}, []int64{5, 4}},
		"to":              {AuditFilter{From: begin, To: all[3].At}, []int64{1}},
	} {
		page := must[AuditPage](t)(l.SearchAudit(t.Context(), c.f))
		var got []int64
		for _, r := range page.Rows {
			got = append(got, r.Seq)
		}
		if !slices.Equal(got, c.want) || page.Total != len(c.want) {
			t.Errorf("%s: rows %v of %d, want %v", name, got, page.Total, c.want)
		}
	}
	var paged []int64
	for off := 0; ; off += 2 {
		page := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{Offset: off, Limit: 2}))
		if page.Total != 5 {
			t.Errorf("total %d", page.Total)
		}
		if len(page.Rows) == 0 {
			break
		}
		for _, r := range page.Rows {
			paged = append(paged, r.Seq)
		}
	}
	if !slices.Equal(paged, []int64{5, 4, 3, 2, 1}) {
		t.Errorf("pages give %v", paged)
	}
	_, err := l.SearchAudit(t.Context(), AuditFilter{Limit: 10_001})
	wantKind(t, err, models.KindUsage)
}

// Each way to doctor the trail is found and names the first row concerned; most are refused at the next start too.
func TestAuditTamperingIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		words []string
	}{
		"actor":          {"UPDATE audit SET actor = 'bob' WHERE seq = 4", []string{"row 4 of table audit was changed"}},
		"purpose":        {"UPDATE audit SET purpose = '' WHERE seq = 4", []string{"row 4", "changed"}},
		"action":         {"UPDATE audit SET action = 'gaps.list ' WHERE seq = 4", []string{"row 4", "changed"}},
		"time":           {"UPDATE audit SET at = at + 1 WHERE seq = 4", []string{"row 4", "changed"}},
		"denied":         {"UPDATE audit SET denied = 1 WHERE seq = 4", []string{"row 4", "changed"}},
		"detail":         {"UPDATE audit SET detail = '' WHERE seq = 4", []string{"row 4", "changed"}},
		"subject":        {"UPDATE audit SET subject = x'00000000000000000000000000000000' WHERE seq = 5", []string{"row 5", "changed"}},
		"subject erased": {"UPDATE audit SET subject = NULL, subjects = 0 WHERE seq = 5", []string{"row 5", "changed"}},
		"list":           {"UPDATE audit SET list = (SELECT list FROM audit WHERE seq = 3) WHERE seq = 6", []string{"row 6", "changed"}},
		"list content":   {"UPDATE audit_list SET tokens = CAST(tokens || tokens AS BLOB)", []string{"audit_list", "changed"}},
		"list lost":      {"DELETE FROM audit_list WHERE hash = (SELECT list FROM audit WHERE seq = 6)", []string{"row 6", "missing"}},
		"hash":           {"UPDATE audit SET hash = prev WHERE seq = 4", []string{"row 4", "changed"}},
		"tag":            {"UPDATE audit SET tag = x'00' WHERE seq = 4", []string{"row 4", "changed"}},
		"deleted":        {"DELETE FROM audit WHERE seq = 4", []string{"row 4", "missing"}},
		"first deleted":  {"DELETE FROM audit WHERE seq = 1", []string{"row 1", "missing"}},
		"cut off":        {"DELETE FROM audit WHERE seq > 7", []string{"row 9", "missing", "second sink"}},
		"all cut off":    {"DELETE FROM audit", []string{"row 3", "missing", "second sink"}},
		"exchanged":      {"UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE seq IN (4, 5); UPDATE audit SET seq = -seq WHERE seq < 0", []string{"row 4", "changed"}},
		"renumbered":     {"DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4", []string{"row 4", "changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			l := h.open(t)
			for range 3 {
				acts(t, l, 3)
			}
			h.close(t, l)
			rawFile(t, l.path, c.query)
			l, err := Open(t.Context(), h.options(t))
			if err != nil {
				wantKind(t, err, models.KindCorruption)
				copied := must[*Ledger](t)(OpenForVerify(t.Context(), filepath.Join(h.data, FileName), h.loadKeys(t)))
				defer copied.Close()
				if _, err := copied.VerifyAudit(t.Context()); err == nil && !strings.Contains(name, "cut off") {
					t.Error("a copy verifies")
				}
				return
			}
			defer l.Close()
			_, err = l.VerifyAudit(t.Context())
			wantKind(t, err, models.KindCorruption, c.words...)
			_, err = l.Scrub(t.Context())
			wantKind(t, err, models.KindCorruption, c.words...)
		})
	}
}

// The same, on a ledger that is running: no restart hides or shows anything.
func TestAuditTamperingIsFoundWhileRunning(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	acts(t, l, 9)
	check := func(kind models.Kind, words ...string) {
		t.Helper()
		_, err := l.VerifyAudit(t.Context())
		wantKind(t, err, kind, words...)
	}
	raw(t, l, "DELETE FROM audit WHERE seq = 9")
	check(models.KindCorruption, "row 9", "missing")
	page, err := l.SearchAudit(t.Context(), AuditFilter{})
	if err != nil || page.Total != 8 {
		t.Errorf("%+v, %v", page, err)
	}
	raw(t, l, "UPDATE audit SET actor = 'x' WHERE seq = 8")
	_, err = l.SearchAudit(t.Context(), AuditFilter{})
	wantKind(t, err, models.KindCorruption, "row 8")
	_, err = l.AuditSubjects(t.Context(), 8)
	wantKind(t, err, models.KindCorruption, "row 8")
	check(models.KindCorruption, "row 8", "changed")
}

// Someone who can write the file and compute the public hashes still lacks the key of the tags.
func TestAuditChainRebuiltWithoutTheKeyIsFound(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 3)
	var r auditRecord
	err := l.read(t.Context(), "read", func(tx *sql.Tx) error {
		return r.scan(tx.QueryRowContext(t.Context(), "SELECT "+auditColumns+" FROM audit WHERE seq = 3"))
	})
	if err != nil {
		t.Fatal(err)
	}
	r.actor = "nobody"
	forged := r.link(nil)
	raw(t, l, "UPDATE audit SET actor = 'nobody', hash = ? WHERE seq = 3", forged[:])
	_, err = l.VerifyAudit(t.Context())
	wantKind(t, err, models.KindCorruption, "row 3")
}

// Any single change of one value of any row is found. The control changes nothing and must pass.
func TestAuditRandomTampering(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	acts(t, l, 12)
	must[AuditCheck](t)(l.VerifyAudit(t.Context())) // the control
	columns := strings.Split(auditColumns, ", ")
	rapid.Check(t, func(rt *rapid.T) {
		seq := rapid.IntRange(1, 12).Draw(rt, "row")
		column := rapid.SampledFrom(columns[1:]).Draw(rt, "column")
		old := must[string](t)(quoted(t, l, column, seq))
		change := map[bool]string{true: column + " + 1", false: "coalesce(" + column + ", x'') || 'x'"}[slices.Contains([]string{"at", "denied", "subjects"}, column)]
		if slices.Contains([]string{"subject", "list", "prev", "hash", "tag"}, column) {
			change = "CAST(" + change + " AS BLOB)"
		}
		raw(t, l, fmt.Sprintf("UPDATE audit SET %s = %s WHERE seq = %d", column, change, seq))
		_, err := l.VerifyAudit(t.Context())
		if models.KindOf(err) != models.KindCorruption || !strings.Contains(err.Error(), fmt.Sprintf("row %d ", seq)) {
			rt.Errorf("changed %s of row %d: %v", column, seq, err)
		}
		raw(t, l, fmt.Sprintf("UPDATE audit SET %s = %s WHERE seq = %d", column, old, seq))
	})
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
}

func quoted(t testing.TB, l *Ledger, column string, seq int) (string, error) {
	var text string
	err := l.read(t.Context(), "read", func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT quote("+column+") FROM audit WHERE seq = ?", seq).Scan(&text)
	})
	return text, err
}

// When the second sink cannot take a checkpoint the act must not happen: no reference is handed out. Once it can again, work
// goes on and the trail is whole.
func TestAuditFailsClosedWithoutItsSink(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 1)
	broken := must[*os.File](t)(os.Open(h.sink)) // for reading only: writes fail, as on a disk gone read-only
	good := l.sink.file
	l.sink.file = broken
	ref, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "patient.show", Subjects: []models.PatientID{token(1)}})
	wantKind(t, err, models.KindUnavail, "second sink", "nothing that needs an audit row is done")
	if ref != (AuditRef{}) {
		t.Error("a reference is handed out")
	}
	_, err = l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "again"})
	wantKind(t, err, models.KindUnavail)
	l.sink.file = good
	h.close(t, l)
	l = h.open(t)
	acts(t, l, 2)
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
}

// Appends from many goroutines make one chain, and the sink agrees with each of its checkpoints.
func TestAuditConcurrentAppends(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if _, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if check := must[AuditCheck](t)(l.VerifyAudit(t.Context())); check.Rows != 80 || check.Checkpoints != 81 {
		t.Errorf("check %+v", check)
	}
}

// A cancelled append leaves either nothing or a whole row, never a broken chain.
func TestAuditCancelled(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.AppendAudit(ctx, AuditEntry{Actor: "ada", Action: "x"}); err == nil {
		t.Error("a cancelled append succeeds")
	}
	acts(t, l, 1)
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
}

func TestListOfTokensIsStoredOnce(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	a := show(t, l, token(1), token(2))
	b := show(t, l, token(2), token(1), token(2))
	rows := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{})).Rows
	if rows[0].List == "" || rows[0].List != rows[1].List || rows[0].Subjects != 2 || rows[0].Subject != nil {
		t.Errorf("rows %+v", rows)
	}
	if bytes.Equal(a.hash[:], b.hash[:]) {
		t.Error("two acts have the same link")
	}
}
