package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"carereach/models"

	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"
)

// Each kind of trouble below us comes out with the kind that a caller can act on, the words to act by, and none of the text that
// may quote a value.
func TestFaultKinds(t *testing.T) {
	t.Parallel()
	own := &models.Error{Kind: models.KindRefused, Message: "no"}
	for name, c := range map[string]struct {
		err  error
		kind models.Kind
		word string
	}{
		"busy":       {sqlite3.Error{Code: sqlite3.ErrBusy}, models.KindUnavail, "locked"},
		"locked":     {sqlite3.Error{Code: sqlite3.ErrLocked}, models.KindUnavail, "locked"},
		"full":       {sqlite3.Error{Code: sqlite3.ErrFull}, models.KindUnavail, "disk is full"},
		"read-only":  {sqlite3.Error{Code: sqlite3.ErrReadonly}, models.KindUnavail, "disk refuses"},
		"I/O":        {sqlite3.Error{Code: sqlite3.ErrIoErr}, models.KindUnavail, "disk refuses"},
		"cannot":     {sqlite3.Error{Code: sqlite3.ErrCantOpen}, models.KindUnavail, "disk refuses"},
		"corrupt":    {sqlite3.Error{Code: sqlite3.ErrCorrupt}, models.KindCorruption, "restore"},
		"no ledger":  {sqlite3.Error{Code: sqlite3.ErrNotADB}, models.KindCorruption, "restore"},
		"stopped":    {sqlite3.Error{Code: sqlite3.ErrInterrupt}, models.KindUnavail, "interrupted"},
		"constraint": {sqlite3.Error{Code: sqlite3.ErrConstraint}, models.KindInternal, "sqlite code 19"},
		"no space":   {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, models.KindUnavail, "disk is full"},
		"quota":      {syscall.EDQUOT, models.KindUnavail, "disk is full"},
		"closed":     {sql.ErrConnDone, models.KindUnavail, "closed"},
		"other type": {errors.New(`sql: Scan error on column index 0, name "x": converting "secret"`), models.KindCorruption, "another type"},
		"ours":       {fmt.Errorf("wrapped: %w", own), models.KindRefused, "no"},
		"unknown":    {errors.New("odd"), models.KindInternal, "odd"},
		"cancelled":  {context.Canceled, models.KindInternal, "canceled"},
	} {
		err := fault("count the days", c.err)
		wantKind(t, err, c.kind, c.word, "count the days")
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error quotes a value: %v", name, err)
		}
	}
	if !errors.Is(fault("x", context.Canceled), context.Canceled) || !errors.Is(fault("x", own), own) || fault("x", nil) != nil {
		t.Error("an error is not found through its wrapping")
	}
}

// A migration that fails leaves schema, version and content as they were, and says which kind of trouble it was; the version
// before it goes on working.
func TestFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	fill(t, l)
	before := must[ScrubReport](t)(l.Scrub(t.Context()))
	files := fstest.MapFS{}
	for _, name := range must[[]string](t)(fs.Glob(migrations(), "*.sql")) {
		files[name] = &fstest.MapFile{Data: must[[]byte](t)(fs.ReadFile(migrations(), name))}
	}
	for name, text := range map[string]string{
		"fails at once":   "SELECT nonsense FROM nowhere;",
		"fails half-way":  "ALTER TABLE user ADD COLUMN half TEXT; DELETE FROM consent; SELECT nonsense FROM nowhere;",
		"breaks a rule":   "INSERT INTO vault (ent, token, kind, ord, sealed) VALUES (x'01', x'02', 'patient', x'', x'');",
		"is not even SQL": "hello;",
	} {
		files["09999_next.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + strings.ReplaceAll(text, "; ", ";\n"))}
		if err := l.migrate(t.Context(), files); err == nil {
			t.Errorf("%s: no error", name)
		}
		after := must[ScrubReport](t)(l.Scrub(t.Context()))
		for table, n := range before.Rows {
			if after.Rows[table] != n {
				t.Errorf("%s: %d rows of %s, had %d", name, after.Rows[table], table, n)
			}
		}
		if state := must[Health](t)(l.Health(t.Context())); state.Schema != must[int64](t)(newestSchema()) {
			t.Errorf("%s: schema %d", name, state.Schema)
		}
	}
	if got := columnsNamed(t, l.path, "half"); got != 0 {
		t.Error("a column of a failed migration is there")
	}
	h.close(t, l)
	must[ScrubReport](t)(h.open(t).Scrub(t.Context()))
}

func columnsNamed(t testing.TB, path, name string) (n int) {
	t.Helper()
	for _, c := range columns(t, path) {
		if c.name == name {
			n++
		}
	}
	return n
}

// A migration that works raises the schema, keeps the content, and the version before it then refuses the ledger.
func TestNextMigration(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	fill(t, l)
	files := fstest.MapFS{"09999_next.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE later (x INTEGER) STRICT;")}}
	for _, name := range must[[]string](t)(fs.Glob(migrations(), "*.sql")) {
		files[name] = &fstest.MapFile{Data: must[[]byte](t)(fs.ReadFile(migrations(), name))}
	}
	for range 2 {
		if err := l.migrate(t.Context(), files); err != nil {
			t.Fatal(err)
		}
	}
	must[ScrubReport](t)(l.Scrub(t.Context()))
	h.close(t, l)
	_, err := Open(t.Context(), h.options(t))
	wantKind(t, err, models.KindConfig, "schema 9999", "newer")
}

// smallDisk mounts a file system of so many bytes, which needs root.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("a small disk needs the right to mount one: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// On a disk that really runs full, writes are refused with the reason, everything acknowledged stays readable, and when there is
// space again work goes on with nothing lost.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.data = smallDisk(t, "3m")
	l := h.open(t)
	stored, block := 0, strings.Repeat("x", 4000)
	var full error
	for i := 0; full == nil && i < 2000; i++ {
		id := person2(i)
		_, full = l.PutIdentities(t.Context(), []IdentityRow{{Patient: id, Ent: models.EntityID(id), Kind: OfPatient, Order: order(1), Identity: person(block, "", "", fmt.Sprint("M", i))}})
		if full == nil {
			stored++
		}
	}
	wantKind(t, full, models.KindUnavail)
	if stored < 30 {
		t.Fatalf("only %d identities fit", stored)
	}
	for range 5 { // it stays refused, and readers are not held up
		_, err := l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person(strings.Repeat(block, 100), "", "", ""))})
		wantKind(t, err, models.KindUnavail)
		if got := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByRecordNumber, fmt.Sprint("M", stored-1))); len(got) != 1 {
			t.Errorf("the newest identity finds %v", got)
		}
	}
	if err := unix.Mount("tmpfs", h.data, "tmpfs", unix.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person(block, "", "", ""))}))
	if report := must[ScrubReport](t)(l.Scrub(t.Context())); report.Rows["vault"] != int64(stored)+1 {
		t.Errorf("%d identities, want %d", report.Rows["vault"], stored+1)
	}
	h.close(t, l)
	if report := must[ScrubReport](t)(h.open(t).Scrub(t.Context())); report.Rows["vault"] != int64(stored)+1 {
		t.Errorf("%d identities after a restart, want %d", report.Rows["vault"], stored+1)
	}
}

// When the disk of the second sink is full nothing that needs an audit row happens; no torn line stays behind.
func TestSinkDiskFull(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	disk := smallDisk(t, "64k")
	h.sink = filepath.Join(disk, "audit.sink")
	l := h.open(t)
	if err := os.WriteFile(filepath.Join(disk, "ballast"), make([]byte, 56<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	var full error
	rows := 0
	for full == nil && rows < 500 {
		if _, full = l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "x"}); full == nil {
			rows++
		}
	}
	wantKind(t, full, models.KindUnavail, "second sink", "nothing that needs an audit row is done")
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	show(t, l, token(1))
	check := must[AuditCheck](t)(l.VerifyAudit(t.Context()))
	if check.Rows != int64(rows)+2 { // the refused one is in the table: it was recorded, and did not happen
		t.Errorf("%d rows, want %d", check.Rows, rows+2)
	}
	h.close(t, l)
	must[AuditCheck](t)(h.open(t).VerifyAudit(t.Context()))
}

// A backup that does not fit leaves no file behind, and a key rotation that cannot write its key changes nothing.
func TestBackupAndRotationOnAFullDisk(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	rows, _ := manyPeople(500)
	must[PutCount](t)(l.PutIdentities(t.Context(), rows))
	path := filepath.Join(smallDisk(t, "32k"), "b.db")
	wantKind(t, l.BackupTo(t.Context(), path), models.KindUnavail)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a part of a backup stays: %v", err)
	}
	disk := smallDisk(t, "4k")
	keys := filepath.Join(disk, "none", "keys")
	if _, err := l.RotateKEK(t.Context(), keys); models.KindOf(err) != models.KindConfig {
		t.Errorf("rotation into nowhere: %v", err)
	}
	if versions := kekVersions(t, l); versions[1] != 500 || l.keys.keks.Load().current != 1 {
		t.Errorf("data keys by version: %v", versions)
	}
	wantKind(t, CreateKeys(filepath.Join(disk, "full", "keys")), models.KindConfig)
}
