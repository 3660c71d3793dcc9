package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"carereach/models"
)

// fill puts something into every table.
func fill(t testing.TB, l *Ledger) {
	t.Helper()
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "212-555-0101", "a@example.org", "M1")), row(2, 2, 1, person("Roe", "212-555-0102", "b@example.org", "M2"))}))
	a, b := until(consent(1, 1, "granted", "sms", "any", 0), 9), consent(2, 1, "revoked", "sms", "any", 1)
	a.Consent.Evidence, b.Consent.Evidence = "signed", "text message"
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{a, b}))
	acts(t, l, 6)
	for i, r := range []Run{published("r1"), started("r2")} {
		r.Seq = int64(i)
		if err := l.PutRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "1", "a", "b"), set("1.2", "1", "c")}))
	must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2", "a")}))
	put(t, l, entered(KPIImport, "satisfaction", june, "55"), entered(KPITarget, "satisfaction", june, "60"))
	for i, id := range []models.UserID{"ada", "bob"} {
		if err := l.AddUser(t.Context(), User{ID: id, Name: "N", UID: ptr(1000 + i), Role: "quality"}); err != nil {
			t.Fatal(err)
		}
		must[string](t)(l.IssueToken(t.Context(), id))
	}
	if err := l.DisableUser(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	for n := byte(8); n < 10; n++ {
		if err := l.Erase(t.Context(), token(n), "request", noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.SetSetting(t.Context(), "duckdb.seq", "1"); err != nil {
		t.Fatal(err)
	}
}

// column is one column of the schema.
type column struct{ table, name, kind string }

// columns lists the columns of every table of ours, from the schema itself: a table added later is tried too.
func columns(t testing.TB, path string) []column {
	t.Helper()
	db := openPool(path, "mode=rw", 1)
	defer db.Close()
	rows, err := db.Query(`SELECT m.name, c.name, c.type FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version' ORDER BY m.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.kind); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever column of whatever table somebody changes, in one row, the scrub finds it; the same for a row that goes. The control
// changes nothing and must pass. Nothing is left out but the bookkeeping of the migrations.
func TestEveryColumnIsProtected(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	fill(t, l)
	must[ScrubReport](t)(l.Scrub(t.Context())) // the control
	h.close(t, l)
	whole, sink := h.keep(t), must[[]byte](t)(os.ReadFile(h.sink))
	tables := map[string]bool{}
	try := func(name, query string) {
		t.Helper()
		h.bringBack(t, whole)
		if err := os.WriteFile(h.sink, sink, 0o600); err != nil {
			t.Fatal(err)
		}
		rawFile(t, l.path, query)
		again, err := Open(t.Context(), h.options(t))
		if err == nil {
			_, err = again.Scrub(t.Context())
			h.close(t, again)
		}
		if err == nil {
			t.Errorf("%s: nobody notices", name)
		} else if kind := models.KindOf(err); kind != models.KindCorruption && kind != models.KindConfig { // key checks read as another key
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range columns(t, l.path) {
		change := map[string]string{
			"INTEGER": "coalesce(%[1]s, 0) + 1", "TEXT": "coalesce(%[1]s, '') || 'x'", "BLOB": "CAST(coalesce(%[1]s, x'00') || x'00' AS BLOB)",
		}[c.kind]
		first := fmt.Sprintf("(SELECT %[1]s FROM %[2]s WHERE %[1]s IS NOT NULL ORDER BY 1 DESC LIMIT 1)", c.name, c.table)
		query := fmt.Sprintf("PRAGMA ignore_check_constraints = ON; UPDATE %[1]s SET %[2]s = %[3]s WHERE %[2]s IS %[4]s", c.table, c.name, fmt.Sprintf(change, c.name), first)
		try(c.table+"."+c.name, query)
		if !tables[c.table] {
			tables[c.table] = true
			try("a row of "+c.table, fmt.Sprintf("DELETE FROM %s WHERE %s = (SELECT max(%[2]s) FROM %[1]s)", c.table, c.name))
		}
	}
	if len(tables) != 16 {
		t.Errorf("tried %d tables, want 16", len(tables))
	}
}

// logged is a ledger as a crash leaves it: the file with its write-ahead log beside it.
type logged struct {
	h              home
	main, log, sim []byte
	seq            int64
}

// crashed makes a ledger whose newest commits lie in the write-ahead log; the last of them is an audit row.
func crashed(t testing.TB) logged {
	t.Helper()
	h := newHome(t)
	l := h.open(t)
	for n := byte(1); n < 12; n++ {
		must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(n, n, 1, person("P", "", "", ""))}))
		must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(n, n, "revoked", "sms", "any", 0)}))
		show(t, l, token(n))
	}
	out := logged{h: h, main: h.keep(t), log: must[[]byte](t)(os.ReadFile(l.path + "-wal")), sim: must[[]byte](t)(os.ReadFile(h.sink)), seq: must[int64](t)(l.Seq(t.Context()))}
	h.close(t, l)
	return out
}

// reopen opens the ledger with this log beside it.
func (c logged) reopen(t testing.TB, log []byte) (*Ledger, error) {
	t.Helper()
	c.h.bringBack(t, c.main)
	for path, b := range map[string][]byte{filepath.Join(c.h.data, FileName+"-wal"): log, c.h.sink: c.sim} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Open(t.Context(), c.h.options(t))
}

// SQLite opens a damaged or shortened write-ahead log without a word and drops what follows the damage. The second sink notices:
// an opt-out that was acknowledged is there, or the ledger does not open.
func TestDamagedLogIsNoticed(t *testing.T) {
	t.Parallel()
	c := crashed(t)
	l, err := c.reopen(t, c.log)
	if err != nil {
		t.Fatal(err) // the control: the whole log gives everything
	}
	if got := must[int64](t)(l.Seq(t.Context())); got != c.seq {
		t.Fatalf("sequence %d, want %d", got, c.seq)
	}
	c.h.close(t, l)
	rng := rand.New(rand.NewPCG(3, 4))
	refused, whole := 0, 0
	for i := range 80 {
		log := bytes.Clone(c.log)
		if i%2 == 0 {
			log = log[:rng.IntN(len(log))]
		} else {
			log[rng.IntN(len(log))] ^= 1 << rng.IntN(8)
		}
		l, err := c.reopen(t, log)
		if err != nil {
			if kind := models.KindOf(err); kind != models.KindCorruption {
				t.Errorf("damage %d: %v", i, err)
			}
			refused++
			continue
		}
		whole++
		if got := must[int64](t)(l.Seq(t.Context())); got != c.seq {
			t.Errorf("damage %d: opens with sequence %d of %d", i, got, c.seq)
		}
		for n := byte(1); n < 12; n++ {
			if got := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), []models.PatientID{token(n)}, "sms", "any", noon.Add(time.Hour))); got.State != ConsentRefused {
				t.Errorf("damage %d: opt-out %d is lost", i, n)
			}
		}
		c.h.close(t, l)
	}
	t.Logf("%d of 80 damaged logs refused, %d lost nothing", refused, whole)
	if refused < 40 {
		t.Errorf("only %d damaged logs were refused", refused)
	}
}

// A bit flipped in the file while nobody looks: what is read afterwards is right or an error, never another person or state.
func TestFlippedBitsGiveNoWrongAnswer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	fill(t, l)
	h.close(t, l)
	whole, sink := h.keep(t), must[[]byte](t)(os.ReadFile(h.sink))
	rng := rand.New(rand.NewPCG(5, 6))
	errs := 0
	for i := range 150 {
		b := bytes.Clone(whole)
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		h.bringBack(t, b)
		if err := os.WriteFile(h.sink, sink, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), h.options(t))
		if err != nil {
			errs++
			continue
		}
		errs += wrongAnswers(t, l, i)
		_ = l.Close()
	}
	t.Logf("150 flipped bits gave %d errors", errs)
}

// wrongAnswers asks what fill stored and counts the errors; an answer that is not what was stored fails the test.
func wrongAnswers(t *testing.T, l *Ledger, flip int) (errs int) {
	t.Helper()
	check := func(what string, right bool, err error) {
		t.Helper()
		if err != nil {
			errs++
		} else if !right {
			t.Errorf("flip %d: wrong answer about %s", flip, what)
		}
	}
	standing, err := l.ConsentInForce(t.Context(), []models.PatientID{token(1)}, "sms", "any", noon.Add(2*time.Hour))
	check("consent", standing.State == ConsentRefused, err)
	ref, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "patient.show", Subjects: []models.PatientID{token(1)}})
	if err == nil {
		var records []IdentityRecord
		records, err = l.Identity(t.Context(), ref, token(1))
		check("identity", len(records) == 0 || records[0].Identity.Names[0].Family == "Doe", err)
	}
	found, err := l.FindByIdentifier(t.Context(), ByRecordNumber, "M1")
	check("record number", len(found) == 0 || len(found) == 1 && found[0] == token(1), err)
	u, err := l.UserByUID(t.Context(), 1000)
	check("user", u.ID == "ada" && u.Role == "quality", err)
	r, err := l.Run(t.Context(), "r1")
	check("run", r.Checksums == published("r1").Checksums, err)
	gone, err := l.Erased(t.Context())
	check("tombstones", len(gone) == 2, err)
	values, err := l.KPIValues(t.Context(), -1)
	check("KPI values", len(values) == 2 && values[0].Value == "55", err)
	n := 0
	err = l.EachCode(t.Context(), "", func(string, Coding) error { n++; return nil })
	check("value sets", n == 2, err)
	return errs
}
