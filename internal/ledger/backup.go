package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"carereach/models"

	"github.com/pressly/goose/v3"
)

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Schema   int64            `json:"schema"`
	Seq      int64            `json:"seq"`
	AuditSeq int64            `json:"audit_seq"`
	Rows     map[string]int64 `json:"rows"` // rows checked per table
	Bytes    int64            `json:"bytes"`
}

// BackupTo writes a consistent copy of the ledger to a new file at path, mode 0600, synced. Writers go on meanwhile. Identities
// in it stay sealed; the keys are not part of it. An existing file is left alone and is an error of models.KindUsage.
func (l *Ledger) BackupTo(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &models.Error{Kind: models.KindUsage, Message: "ledger: the backup file exists", Mend: "name a new file"}
	}
	if err != nil {
		return fault("make the backup file", err)
	}
	if err = l.copyInto(ctx, path); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(fault("back up", err), os.Remove(path))
	}
	return nil
}

// copyInto copies one state of the ledger on a connection of its own: the write connection stays free.
func (l *Ledger) copyInto(ctx context.Context, path string) error {
	db := openPool(l.path, "mode=rw", 1)
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", path)
	return errors.Join(err, db.Close())
}

// OpenForVerify opens a copy of a ledger, such as a backup, for reading only, without lock and sink. The file must not be in
// use.
func OpenForVerify(ctx context.Context, path string, keys *Keys) (*Ledger, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, &models.Error{Kind: models.KindUsage, Message: "ledger: there is no backup file", Mend: "name the file that was unpacked from a backup", Cause: err}
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro&immutable=1&_query_only=1&_foreign_keys=1"
	db, err := sql.Open("sqlite3", name)
	if err != nil {
		return nil, fault("open a backup", err)
	}
	l := &Ledger{path: path, keys: keys, region: "US", reader: db, now: time.Now}
	if err := l.recognise(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// recognise makes sure that a copy is a ledger of this version and these keys.
func (l *Ledger) recognise(ctx context.Context) error {
	var have int64
	if err := l.reader.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&have); err != nil {
		return errors.Join(&models.Error{Kind: models.KindCorruption, Message: "ledger: the backup is damaged or is no ledger", Mend: "take an older backup"}, fault("read the schema version", err))
	}
	want, err := newestSchema()
	if err != nil {
		return err
	}
	if have != want {
		return &models.Error{Kind: models.KindConfig, Message: fmt.Sprintf("ledger: the backup has schema %d, this carereach %d", have, want), Mend: "verify or restore it with the version that made it; upgrade afterwards"}
	}
	if err := compareKeys(ctx, l.reader, l.keys); err != nil {
		return err
	}
	noted, ok, err := l.Setting(ctx, settingIndex)
	if err == nil && ok && len(noted) > len(indexVersion) {
		l.region = noted[len(indexVersion)+1:]
	}
	return err
}

// newestSchema gives the version of the last migration.
func newestSchema() (int64, error) {
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(errors.New("ledger: no migrations"), err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

// VerifyBackupFile opens a copy of a ledger with keys and checks every row and the audit chain in it.
func VerifyBackupFile(ctx context.Context, path string, keys *Keys) (BackupInfo, error) {
	l, err := OpenForVerify(ctx, path, keys)
	if err != nil {
		return BackupInfo{}, err
	}
	report, err := l.Scrub(ctx)
	if err == nil {
		var h Health
		h, err = l.Health(ctx)
		return BackupInfo{Schema: h.Schema, Seq: h.Seq, AuditSeq: h.AuditSeq, Rows: report.Rows, Bytes: h.Bytes}, errors.Join(err, l.Close())
	}
	return BackupInfo{}, errors.Join(err, l.Close())
}
