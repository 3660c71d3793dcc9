package ledger

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// TestMain lets the test binary stand in for a second process: see child_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv("CAREREACH_LEDGER_CHILD"); role != "" {
		os.Exit(runChild(role))
	}
	os.Exit(m.Run())
}

// noon is when tests begin; clocks that a test needs to move are its own.
var noon = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// home is a ledger's surroundings: data, keys and sink in folders of their own.
type home struct{ data, keys, sink string }

func newHome(t testing.TB) home {
	t.Helper()
	dir := t.TempDir()
	h := home{data: filepath.Join(dir, "data"), keys: filepath.Join(dir, "keys"), sink: filepath.Join(dir, "far", "audit.sink")}
	for _, d := range []string{h.data, filepath.Dir(h.sink)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := CreateDemoKeys(h.keys, "test"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h home) loadKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := LoadKeys(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (h home) options(t testing.TB) Options {
	t.Helper()
	return Options{Dir: h.data, Sink: h.sink, Keys: h.loadKeys(t), Now: func() time.Time { return noon }}
}

// open opens the ledger; the test closes it itself or leaves it to its end.
func (h home) open(t testing.TB) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), h.options(t))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (h home) close(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func openLedger(t testing.TB) *Ledger {
	t.Helper()
	return newHome(t).open(t)
}

// raw changes the ledger behind its back, as damage or a hand with sqlite3 would.
func raw(t testing.TB, l *Ledger, query string, args ...any) {
	t.Helper()
	rawFile(t, l.path, query, args...)
}

func rawFile(t testing.TB, path, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=0&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.Exec(query, args...)
	if err != nil {
		t.Fatalf("raw %s: %v", query, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("raw %s: changed %d rows, %v", query, n, err)
	}
}

// wantKind fails unless err has the kind and its text mentions every word.
func wantKind(t testing.TB, err error, kind models.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %s", kind)
	}
	if got := models.KindOf(err); got != kind {
		t.Fatalf("error %q has kind %s, want %s", err, got, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Fatalf("error %q does not mention %q", err, w)
		}
	}
}

// must takes a value out of a call that may not fail.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func token(n byte) models.PatientID { return models.PatientID{0: n, 15: n} }
func entity(n byte) models.EntityID { return models.EntityID{0: 0xe0, 15: n} }
func eventID(n byte) models.Key128  { return models.Key128{0: 0xef, 15: n} }
func order(version int64) Order {
	return Order{Version: version, KnownAt: noon, Pos: models.Position{Log: "files"}}
}
func at(h time.Duration) models.Micros { return models.Micros(noon.Add(h * time.Hour).UnixMicro()) }
func point(h time.Duration) models.TimeRange {
	return models.TimeRange{Lo: at(h), Hi: at(h), Zoned: true}
}

func person(family, phone, email, mrn string) models.Identity {
	return models.Identity{
		Names:       []models.HumanName{{Family: family}},
		Telecom:     []models.ContactPoint{{System: "phone", Value: phone}, {System: "email", Value: email}},
		Identifiers: []models.Identifier{{Type: "MR", Value: mrn}},
	}
}

// show appends the audit row of a look at patients.
func show(t testing.TB, l *Ledger, ids ...models.PatientID) AuditRef {
	t.Helper()
	ref, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Purpose: "treatment", Action: "patient.show", Subjects: ids})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
