package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"carereach/models"

	"github.com/pressly/goose/v3"
)

// A fresh ledger is private, durable and empty; what is written is there after a restart.
func TestOpen(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	for _, name := range []string{FileName, FileName + "-wal", lockName} {
		info, err := os.Stat(filepath.Join(h.data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	state := must[Health](t)(l.Health(t.Context()))
	if state.Journal != "wal" || state.Synchronous != "full" || state.Schema != must[int64](t)(newestSchema()) || state.KEK != 1 || state.Path != l.path || state.Bytes == 0 {
		t.Errorf("health %+v", state)
	}
	for i := range 3 {
		before := must[int64](t)(l.Seq(t.Context()))
		if err := l.SetSetting(t.Context(), "duckdb.seq", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
		if after := must[int64](t)(l.Seq(t.Context())); after != before+1 {
			t.Errorf("a write takes the sequence from %d to %d", before, after)
		}
	}
	seq := must[int64](t)(l.Seq(t.Context()))
	h.close(t, l)
	h.close(t, l)
	l = h.open(t)
	if got := must[int64](t)(l.Seq(t.Context())); got != seq {
		t.Errorf("sequence %d after a restart, want %d", got, seq)
	}
	value, ok, err := l.Setting(t.Context(), "duckdb.seq")
	if err != nil || !ok || value != "2" {
		t.Errorf("setting %q, %v, %v", value, ok, err)
	}
	if _, ok, err := l.Setting(t.Context(), "nothing"); ok || err != nil {
		t.Errorf("a setting that was never set: %v, %v", ok, err)
	}
	for _, key := range []string{"", "ledger.sink"} {
		wantKind(t, l.SetSetting(t.Context(), key, "x"), models.KindUsage)
	}
	raw(t, l, "UPDATE setting SET value = '9' WHERE key = 'duckdb.seq'")
	_, _, err = l.Setting(t.Context(), "duckdb.seq")
	wantKind(t, err, models.KindCorruption, "table setting", "duckdb.seq")
	raw(t, l, "UPDATE tally SET n = n - 1 WHERE name = 'ledger'")
	_, err = l.Seq(t.Context())
	wantKind(t, err, models.KindCorruption, "table tally")
	wantKind(t, l.SetSetting(t.Context(), "x", "y"), models.KindCorruption, "table tally")
}

// What is missing or wrong about the place is said before anything is made.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(h home, o *Options)
		kind  models.Kind
		word  string
	}{
		"no keys":     {func(_ home, o *Options) { o.Keys = nil }, models.KindConfig, "no keys"},
		"no sink":     {func(_ home, o *Options) { o.Sink = "" }, models.KindConfig, "second sink"},
		"no folder":   {func(h home, o *Options) { o.Dir = h.data + "/none" }, models.KindConfig, "not a folder"},
		"a file":      {func(h home, o *Options) { o.Dir = h.keys + "/" + tenantFile }, models.KindConfig, "not a folder"},
		"no country":  {func(_ home, o *Options) { o.PhoneRegion = "XX" }, models.KindConfig, "phone region"},
		"sink folder": {func(h home, o *Options) { o.Sink = h.data + "/none/sink" }, models.KindInternal, "audit sink"},
		"not SQLite": {func(h home, _ *Options) {
			_ = os.WriteFile(h.data+"/"+FileName, bytes.Repeat([]byte("no"), 4096), 0o600)
		}, models.KindCorruption, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			o := h.options(t)
			c.spoil(h, &o)
			_, err := Open(t.Context(), o)
			wantKind(t, err, c.kind, c.word)
			if c.kind != models.KindCorruption {
				h.open(t) // nothing stays locked
			}
		})
	}
}

// A ledger opened with another installation's keys, all or only one of them, is refused by the name of the file.
func TestOpenRefusesWrongKeys(t *testing.T) {
	t.Parallel()
	for _, name := range append(singleFiles[:], kekFile(1)) {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			l := h.open(t)
			must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1"))}))
			h.close(t, l)
			if err := os.Remove(filepath.Join(h.keys, name)); err != nil {
				t.Fatal(err)
			}
			if err := writeKey(filepath.Join(h.keys, name), freshKey()); err != nil {
				t.Fatal(err)
			}
			before := must[[]byte](t)(os.ReadFile(l.path))
			_, err := Open(t.Context(), h.options(t))
			wantKind(t, err, models.KindConfig, name, "not the key")
			if after := must[[]byte](t)(os.ReadFile(l.path)); !bytes.Equal(before, after) {
				t.Error("the ledger was changed")
			}
			_, err = OpenForVerify(t.Context(), l.path, h.loadKeys(t))
			wantKind(t, err, models.KindConfig, name)
		})
	}
}

// A second process, or the same one twice, is told who has the ledger; when the first is gone the lock is free.
func TestOpenTwice(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindUnavail, "in use by process "+strconv.Itoa(os.Getpid()))
	h.close(t, l)
	h.open(t)
}

// Another program that holds the file locked is waited for, then named as what it is; nothing is lost.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	other := openPool(l.path, "mode=rw&_txlock=immediate", 1)
	defer other.Close()
	tx := must[*sql.Tx](t)(other.Begin())
	if _, err := l.writer.Exec("PRAGMA busy_timeout = 50"); err != nil {
		t.Fatal(err)
	}
	err := l.SetSetting(t.Context(), "x", "1")
	wantKind(t, err, models.KindUnavail, "locked", "nothing was changed")
	if _, _, err := l.Setting(t.Context(), "x"); err != nil {
		t.Errorf("readers are held up: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := l.SetSetting(t.Context(), "x", "1"); err != nil {
		t.Error(err)
	}
}

// A full disk refuses the write as a whole, says so, and the next write after space is there works.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1"))}))
	limit := func(pages int) {
		t.Helper()
		if _, err := l.writer.Exec("PRAGMA max_page_count = " + strconv.Itoa(pages)); err != nil {
			t.Fatal(err)
		}
	}
	seq := must[int64](t)(l.Seq(t.Context()))
	limit(1) // no more pages than there are
	big := person(strings.Repeat("x", 200_000), "", "", "M2")
	_, err := l.PutIdentities(t.Context(), []IdentityRow{row(2, 2, 1, person("Roe", "", "", "M3")), row(3, 3, 1, big)})
	wantKind(t, err, models.KindUnavail, "disk is full", "nothing was changed")
	if got := must[int64](t)(l.Seq(t.Context())); got != seq {
		t.Errorf("sequence %d, want %d", got, seq)
	}
	if got := must[map[models.PatientID][]IdentityRecord](t)(l.Identities(t.Context(), show(t, l, token(1), token(2)), []models.PatientID{token(1), token(2)})); len(got) != 1 {
		t.Errorf("%d identities, want the old one", len(got))
	}
	limit(1 << 30)
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(3, 3, 1, big)})); n.Stored != 1 {
		t.Errorf("count %+v", n)
	}
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

// A cancelled call changes nothing and says that it was cancelled.
func TestCancelled(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.PutConsents(ctx, []ConsentRow{consent(1, 1, "granted", "sms", "any", 0)}); err == nil || ctx.Err() == nil {
		t.Error("a cancelled write succeeds")
	}
	if _, err := l.Users(ctx); err == nil {
		t.Error("a cancelled read succeeds")
	}
	if got := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(1)})); len(got) != 0 {
		t.Errorf("%d statements", len(got))
	}
}

// A ledger of a newer version is left alone.
func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	raw(t, l, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	h.close(t, l)
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindConfig, "9999", "newer")
	_, err = OpenForVerify(t.Context(), l.path, h.loadKeys(t))
	wantKind(t, err, models.KindConfig, "9999")
}

// Every schema that was ever released is brought to the newest one, and to the same tables that a fresh ledger has.
func TestMigrateFromEverySchema(t *testing.T) {
	t.Parallel()
	tables := func(path string) string {
		db := openPool(path, "mode=rw", 1)
		defer db.Close()
		rows, err := db.Query("SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, "\n")
	}
	fresh := newHome(t)
	want := tables(fresh.open(t).path)
	names := must[[]string](t)(fs.Glob(migrations(), "*.sql"))
	for i, name := range names {
		h := newHome(t)
		path := filepath.Join(h.data, FileName)
		db := openPool(path, "mode=rwc", 1)
		p := must[*goose.Provider](t)(goose.NewProvider(goose.DialectSQLite3, db, migrations()))
		if _, err := p.UpTo(t.Context(), must[int64](t)(goose.NumericComponent(name))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		l := h.open(t)
		if got := tables(l.path); got != want {
			t.Errorf("from schema %d of %d: tables\n%s\nwant\n%s", i+1, len(names), got, want)
		}
		acts(t, l, 3)
		if _, err := l.Scrub(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A ledger written by the first release opens, and everything in it is still readable. The file is never made anew.
func TestFirstReleaseOpens(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for from, to := range map[string]string{"testdata/first/ledger.db": filepath.Join(h.data, FileName), "testdata/first/audit.sink": h.sink} {
		b, err := os.ReadFile(from)
		if os.IsNotExist(err) && os.Getenv("CAREREACH_MAKE_FIRST") != "" {
			makeFirst(t)
			b, err = os.ReadFile(from)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := h.open(t)
	report := must[ScrubReport](t)(l.Scrub(t.Context()))
	for table, n := range map[string]int64{"vault": 2, "consent": 2, "audit": 2, "run": 1, "user": 1, "kpi_value": 1, "tombstone": 1, "valueset": 1} {
		if report.Rows[table] != n {
			t.Errorf("%d rows of %s, want %d", report.Rows[table], table, n)
		}
	}
	if got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(1)), token(1))); len(got) != 1 || got[0].Identity.Names[0].Family != "First" {
		t.Errorf("identity %+v", got)
	}
	if got := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByPhone, "+12125550101")); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	if u := must[User](t)(l.UserByUID(t.Context(), 1000)); u.ID != "ada" {
		t.Errorf("user %+v", u)
	}
	if got := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), []models.PatientID{token(1)}, "sms", "care_gap", noon.Add(time.Hour*2))); got.State != ConsentRefused {
		t.Errorf("standing %+v", got)
	}
}

// makeFirst writes testdata/first, once in the life of the project.
func makeFirst(t *testing.T) {
	h := newHome(t)
	l := h.open(t)
	uid := 1000
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("First", "212-555-0101", "first@example.org", "M1")), row(2, 2, 1, person("Second", "", "", "M2")), row(3, 3, 1, person("Erased", "", "", "M3"))}))
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 1, "revoked", "sms", "any", 1)}))
	show(t, l, token(1), token(2))
	show(t, l, token(1))
	if err := l.AddUser(t.Context(), User{ID: "ada", Name: "Ada", UID: &uid, Role: "quality"}); err != nil {
		t.Fatal(err)
	}
	if err := l.PutRun(t.Context(), published("r1")); err != nil {
		t.Fatal(err)
	}
	must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{{OID: "1.2.3", Version: "1", Title: "Test", Codes: []Coding{{"http://snomed.info/sct", "1"}}}}))
	if _, _, err := l.PutKPIValues(t.Context(), []KPIValue{{Kind: KPITarget, KPI: "retention", Value: "0.8"}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase(t.Context(), token(3), "request 1", noon); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata/first", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := l.BackupTo(t.Context(), "testdata/first/ledger.db"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/first/audit.sink", must[[]byte](t)(os.ReadFile(h.sink)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Errors of the ledger never quote what is stored.
func TestErrorsQuoteNoValues(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "granted", "sms", "any", 0)}))
	err := l.read(t.Context(), "read", func(tx *sql.Tx) error {
		var n int64
		return tx.QueryRowContext(t.Context(), "SELECT 'secret value'").Scan(&n)
	})
	wantKind(t, err, models.KindCorruption, "another type")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error quotes a value: %v", err)
	}
}
