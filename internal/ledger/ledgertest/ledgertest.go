// Package ledgertest makes ledgers for the tests of other packages.
package ledgertest

import (
	"path/filepath"
	"testing"
	"time"

	"carereach/internal/ledger"
)

// Open makes an empty ledger with fixed keys in a temporary folder and closes it when the test ends. The same ids have the same
// tokens in every test.
func Open(t testing.TB) *ledger.Ledger {
	t.Helper()
	return OpenAt(t, t.TempDir(), time.Now)
}

// OpenAt opens or makes the ledger in dir, with keys in dir/keys and the sink at dir/audit.sink. now may be nil.
func OpenAt(t testing.TB, dir string, now func() time.Time) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Sink: filepath.Join(dir, "audit.sink"), Keys: Keys(t, filepath.Join(dir, "keys")), Now: now})
	if err != nil {
		t.Fatalf("open ledger: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close ledger: %v", err)
		}
	})
	return l
}

// Keys makes fixed keys in dir, unless it has some, and loads them.
func Keys(t testing.TB, dir string) *ledger.Keys {
	t.Helper()
	if _, err := ledger.LoadKeys(dir); err != nil {
		if err := ledger.CreateDemoKeys(dir, "ledgertest"); err != nil {
			t.Fatalf("make keys: %v", err)
		}
	}
	k, err := ledger.LoadKeys(dir)
	if err != nil {
		t.Fatalf("load keys: %v", err)
	}
	return k
}
