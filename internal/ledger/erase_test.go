package ledger

import (
	"bytes"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"carereach/models"
)

// filesHolding counts the files under dir that hold b.
func filesHolding(t testing.TB, dir string, b []byte) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, b) {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// secrets reads the wrapped data key and the sealed identity of a patient.
func secrets(t testing.TB, l *Ledger, id models.PatientID) (wrapped, sealed []byte) {
	t.Helper()
	err := l.read(t.Context(), "read", func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT k.wrapped, v.sealed FROM vault_key k JOIN vault v USING (token) WHERE token = ?", id[:]).Scan(&wrapped, &sealed)
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(wrapped), bytes.Clone(sealed)
}

// An erased person is gone from every file, cannot be opened or found, and does not come back by a replay; others stay.
func TestErase(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	rows := []IdentityRow{row(1, 1, 1, person("Doe", "212-555-0101", "", "M1")), row(2, 2, 1, person("Roe", "212-555-0101", "", "M2"))}
	for n := byte(10); n < 200; n++ { // so that keys lie on many pages
		rows = append(rows, row(n, n, 1, person("Other", "", "", "")))
	}
	must[PutCount](t)(l.PutIdentities(t.Context(), rows))
	consents := []ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 1, "revoked", "sms", "any", 1), consent(3, 2, "granted", "sms", "any", 0)}
	consents[0].Consent.Evidence, consents[2].Consent.Evidence = "signed by the daughter", "signed"
	must[PutCount](t)(l.PutConsents(t.Context(), consents))
	wrapped, sealed := secrets(t, l, token(1))
	if len(filesHolding(t, h.data, wrapped)) == 0 || len(filesHolding(t, h.data, sealed)) == 0 {
		t.Fatal("the search cannot find what is there") // the control
	}
	for range 2 {
		if err := l.Erase(t.Context(), token(1), "request 7", noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for name, secret := range map[string][]byte{"data key": wrapped, "identity": sealed} {
		if names := filesHolding(t, h.data, secret); len(names) > 0 {
			t.Errorf("%s is still in %v", name, names)
		}
	}
	gone := must[map[models.PatientID]Tombstone](t)(l.Erased(t.Context()))
	if len(gone) != 1 || gone[token(1)] != (Tombstone{token(1), "request 7", noon.Add(time.Hour)}) {
		t.Errorf("tombstones %v", gone)
	}
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), rows)); n.Erased != 1 || n.Stored != 0 {
		t.Errorf("a replay counts %+v", n)
	}
	newer := row(1, 1, 9, person("Doe", "", "", "M1"))
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{newer})); n != (PutCount{Erased: 1}) {
		t.Errorf("a newer version counts %+v", n)
	}
	if n := must[PutCount](t)(l.PutConsents(t.Context(), append(consents, consent(4, 1, "granted", "any", "any", 5)))); n != (PutCount{Known: 3, Erased: 1}) {
		t.Errorf("consents replayed count %+v", n)
	}
	ref := show(t, l, token(1), token(2))
	if got := must[map[models.PatientID][]IdentityRecord](t)(l.Identities(t.Context(), ref, []models.PatientID{token(1), token(2)})); len(got) != 1 || len(got[token(2)]) != 1 {
		t.Errorf("identities %v", got)
	}
	if found := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByPhone, "212-555-0101")); len(found) != 1 || found[0] != token(2) {
		t.Errorf("found %v", found)
	}
	history := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(1)}))
	if len(history) != 2 {
		t.Errorf("%d statements are left, want both", len(history))
	}
	evidence := must[map[int64]models.ConsentEvent](t)(l.ConsentEvidence(t.Context(), ref, token(1)))
	if evidence[1].Evidence != "" {
		t.Error("evidence is left")
	}
	if got := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), []models.PatientID{token(1)}, "sms", "any", noon.Add(2*time.Hour))); got.State != ConsentRefused {
		t.Errorf("standing %+v", got)
	}
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	h.close(t, l)
	if names := filesHolding(t, h.data, wrapped); len(names) > 0 {
		t.Errorf("the data key is in %v after closing", names)
	}
	wantKind(t, h.open(t).Erase(t.Context(), token(2), "", noon), models.KindUsage, "reason")
}

// A person of whom nothing has arrived yet can be erased: what arrives later is held back.
func TestEraseBeforeArrival(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	if err := l.Erase(t.Context(), token(1), "request 8", noon); err != nil {
		t.Fatal(err)
	}
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", ""))})); n != (PutCount{Erased: 1}) {
		t.Errorf("count %+v", n)
	}
}

// A reader that still looks at an older state keeps old pages alive: the caller is told, and repeating it finishes. The person
// cannot be opened in the meantime.
func TestEraseWithAReader(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1"))}))
	wrapped, _ := secrets(t, l, token(1))
	if _, err := l.writer.Exec("PRAGMA busy_timeout = 50"); err != nil {
		t.Fatal(err)
	}
	tx := must[*sql.Tx](t)(l.reader.BeginTx(t.Context(), nil))
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM vault").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	err := l.Erase(t.Context(), token(1), "request 9", noon)
	wantKind(t, err, models.KindPartial, "is erased", "again")
	if got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(1)), token(1))); len(got) != 0 {
		t.Errorf("identity %v", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase(t.Context(), token(1), "request 9", noon); err != nil {
		t.Fatal(err)
	}
	if names := filesHolding(t, h.data, wrapped); len(names) > 0 {
		t.Errorf("the data key is in %v", names)
	}
}

// An erasure that a crash cut off after its commit is finished by the next start.
func TestEraseIsFinishedAtTheNextStart(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1"))}))
	err := l.write(t.Context(), "erase", func(tx *sql.Tx) error { return l.shred(t.Context(), tx, Tombstone{token(1), "request 10", noon}) })
	if err != nil {
		t.Fatal(err)
	}
	h.close(t, l)
	before := must[[]byte](t)(os.ReadFile(h.sink))
	l = h.open(t)
	if after := must[[]byte](t)(os.ReadFile(h.sink)); bytes.Equal(before, after) || !bytes.Contains(after, []byte(token(1).String())) {
		t.Error("the sink was not told")
	}
	if _, ok, err := l.Setting(t.Context(), settingErasing+token(1).String()); ok || err != nil {
		t.Errorf("the erasure is still noted: %v", err)
	}
	must[AuditCheck](t)(l.VerifyAudit(t.Context()))
}

func TestTombstoneDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"UPDATE tombstone SET reason = 'x'", "UPDATE tombstone SET at = 0", "UPDATE tombstone SET token = x'000102030405060708090a0b0c0d0e0f'", "DELETE FROM tombstone"} {
		l := openLedger(t)
		if err := l.Erase(t.Context(), token(1), "request 11", noon); err != nil {
			t.Fatal(err)
		}
		raw(t, l, query)
		_, err := l.Erased(t.Context())
		wantKind(t, err, models.KindCorruption, "table tombstone")
		_, err = l.Scrub(t.Context())
		wantKind(t, err, models.KindCorruption, "table tombstone")
	}
}
