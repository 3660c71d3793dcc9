package ledger

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"carereach/models"
)

// A backup holds everything of one moment, opens with the keys alone, and verifies; the original goes on meanwhile.
func TestBackup(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 3)
	must[PutCount](t)(l.PutIdentities(t.Context(), people(1, 20)))
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "revoked", "any", "any", 0)}))
	path := filepath.Join(t.TempDir(), "a backup?#%.db")
	if err := l.BackupTo(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	wantKind(t, l.BackupTo(t.Context(), path), models.KindUsage, "exists")
	info := must[BackupInfo](t)(VerifyBackupFile(t.Context(), path, h.loadKeys(t)))
	if info.Seq != must[int64](t)(l.Seq(t.Context())) || info.AuditSeq != 3 || info.Rows["vault"] != 19 || info.Rows["consent"] != 1 || info.Bytes == 0 || info.Schema != must[int64](t)(newestSchema()) {
		t.Errorf("info %+v", info)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(h.data)); len(left) != 4 {
		t.Errorf("files left in the data folder: %v", left)
	}
	copied := must[*Ledger](t)(OpenForVerify(t.Context(), path, h.loadKeys(t)))
	defer copied.Close()
	wantKind(t, copied.SetSetting(t.Context(), "x", "y"), models.KindRefused, "verification")
	_, err := copied.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "x"})
	wantKind(t, err, models.KindRefused)
	if got := must[ConsentStanding](t)(copied.ConsentInForce(t.Context(), []models.PatientID{token(1)}, "sms", "any", noon)); got.State != ConsentRefused {
		t.Errorf("standing %+v", got)
	}
	_, err = VerifyBackupFile(t.Context(), path, newKeysOf(t))
	wantKind(t, err, models.KindConfig, "not the key")
	_, err = VerifyBackupFile(t.Context(), path+".none", h.loadKeys(t))
	wantKind(t, err, models.KindUsage)
}

func newKeysOf(t testing.TB) *Keys {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := CreateKeys(dir); err != nil {
		t.Fatal(err)
	}
	return must[*Keys](t)(LoadKeys(dir))
}

// A backup taken while writers write is a state that was: the trail is whole up to its end.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := byte(1); ; n++ {
			select {
			case <-stop:
				return
			default:
				if _, err := l.PutIdentities(t.Context(), []IdentityRow{row(n, n, 1, person("P", "", "", ""))}); err != nil {
					t.Error(err)
				}
				if _, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "x"}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 5 {
		path := filepath.Join(t.TempDir(), "b.db")
		if err := l.BackupTo(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyBackupFile(t.Context(), path, h.loadKeys(t)); err != nil {
			t.Errorf("backup %d: %v", i, err)
		}
	}
	close(stop)
	wg.Wait()
}

// Damage anywhere in a backup that matters is reported, and never crashes the reader. Bytes in unused space may differ.
func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 9)
	must[PutCount](t)(l.PutIdentities(t.Context(), people(1, 40)))
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "revoked", "any", "any", 0), consent(2, 2, "granted", "sms", "any", 0)}))
	must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "1", "a", "b")}))
	path := filepath.Join(t.TempDir(), "b.db")
	if err := l.BackupTo(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	whole, keys := must[[]byte](t)(os.ReadFile(path)), h.loadKeys(t)
	before := must[ScrubReport](t)(must[*Ledger](t)(OpenForVerify(t.Context(), path, keys)).Scrub(t.Context()))
	rng := rand.New(rand.NewPCG(1, 2))
	found, unused := 0, 0
	for range 150 {
		b := bytes.Clone(whole)
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := VerifyBackupFile(t.Context(), path, keys)
		if err != nil {
			found++
			continue
		}
		unused++
		for table, n := range before.Rows {
			if info.Rows[table] != n {
				t.Errorf("a damaged backup verifies with %d rows of %s, want %d", info.Rows[table], table, n)
			}
		}
	}
	t.Logf("%d of 150 flipped bits reported, %d in unused space", found, unused)
	if found < 15 {
		t.Errorf("only %d flips were reported", found)
	}
	for _, n := range []int{0, 100, 4096, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyBackupFile(t.Context(), path, keys); err == nil {
			t.Errorf("a backup cut to %d of %d bytes verifies", n, len(whole))
		}
	}
}
