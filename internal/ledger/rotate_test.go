package ledger

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"carereach/models"
)

// kekVersions counts data keys by the version that wraps them.
func kekVersions(t testing.TB, l *Ledger) map[int]int {
	t.Helper()
	rows, err := l.reader.Query("SELECT kek, count(*) FROM vault_key GROUP BY kek")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[int]int{}
	for rows.Next() {
		var v, n int
		if err := rows.Scan(&v, &n); err != nil {
			t.Fatal(err)
		}
		out[v] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func people(from, to byte) []IdentityRow {
	var rows []IdentityRow
	for n := from; n < to; n++ {
		rows = append(rows, row(n, n, 1, person("P", "", "", "")))
	}
	return rows
}

// After a rotation every identity opens under the new key alone; backups made before still open, until the old key is retired.
func TestRotateKEK(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), people(1, 60)))
	backup := filepath.Join(t.TempDir(), "before.db")
	if err := l.BackupTo(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	_, sealed := secrets(t, l, token(1))
	report := must[RotateReport](t)(l.RotateKEK(t.Context(), h.keys))
	if report != (RotateReport{KEK: 2, Rewrapped: 59}) {
		t.Errorf("report %+v", report)
	}
	if _, after := secrets(t, l, token(1)); !slices.Equal(sealed, after) {
		t.Error("identities were sealed anew; only their keys should be")
	}
	must[PutCount](t)(l.PutIdentities(t.Context(), people(60, 70)))
	if got := kekVersions(t, l); got[2] != 69 || len(got) != 1 {
		t.Errorf("data keys by version: %v", got)
	}
	must[BackupInfo](t)(VerifyBackupFile(t.Context(), backup, h.loadKeys(t)))
	h.close(t, l)
	l = h.open(t)
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if gone := must[[]int](t)(l.RetireKEKs(t.Context(), h.keys)); !slices.Equal(gone, []int{1}) {
		t.Errorf("retired %v", gone)
	}
	if gone := must[[]int](t)(l.RetireKEKs(t.Context(), h.keys)); gone != nil {
		t.Errorf("retired %v again", gone)
	}
	if _, err := os.Stat(filepath.Join(h.keys, kekFile(1))); !os.IsNotExist(err) {
		t.Errorf("the old key file: %v", err)
	}
	h.close(t, l)
	l = h.open(t)
	if got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(1)), token(1))); len(got) != 1 {
		t.Errorf("identity %v", got)
	}
	_, err := VerifyBackupFile(t.Context(), backup, h.loadKeys(t))
	wantKind(t, err, models.KindConfig, kekFile(1), "missing")
	if again := must[RotateReport](t)(l.RotateKEK(t.Context(), h.keys)); again != (RotateReport{KEK: 3, Rewrapped: 69}) {
		t.Errorf("second rotation %+v", again)
	}
}

// A rotation stopped half-way is finished, not begun again, and no key that is still needed goes.
func TestRotationStoppedHalfWay(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), people(1, 40)))
	must[*kekRing](t)(l.addKEK(h.keys)) // a crash right after the new file
	h.close(t, l)
	l = h.open(t)
	if ring := l.keys.keks.Load(); ring.current != 2 {
		t.Fatalf("current key %d", ring.current)
	}
	must[PutCount](t)(l.PutIdentities(t.Context(), people(40, 50))) // sealed under the new key already
	if gone := must[[]int](t)(l.RetireKEKs(t.Context(), h.keys)); gone != nil {
		t.Errorf("retired %v, still needed", gone)
	}
	if report := must[RotateReport](t)(l.RotateKEK(t.Context(), h.keys)); report != (RotateReport{KEK: 2, Rewrapped: 39}) {
		t.Errorf("report %+v", report)
	}
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

// The folder must be the one that the keys came from: a key written elsewhere would be lost.
func TestRotateKEKIntoAnotherFolder(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	other := filepath.Join(t.TempDir(), "keys")
	if err := CreateKeys(other); err != nil {
		t.Fatal(err)
	}
	_, err := l.RotateKEK(t.Context(), other)
	wantKind(t, err, models.KindConfig, "not the one")
	_, err = l.RotateKEK(t.Context(), filepath.Join(other, "none"))
	wantKind(t, err, models.KindConfig)
}

// A missing key file that identities are sealed under is named at the start.
func TestMissingKEK(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), people(1, 5)))
	must[*kekRing](t)(l.addKEK(h.keys))
	h.close(t, l)
	if err := os.Remove(filepath.Join(h.keys, kekFile(1))); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindConfig, kekFile(1), "missing")
}
