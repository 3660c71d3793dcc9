package ledger

import (
	"context"
	"io"
)

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Schema   int64            `json:"schema"`
	Seq      int64            `json:"seq"`
	AuditSeq int64            `json:"audit_seq"`
	Rows     map[string]int64 `json:"rows"` // rows per table
	Bytes    int64            `json:"bytes"`
}

// BackupTo writes a consistent copy of the ledger to a new file at path, mode 0600, synced. Writers go on meanwhile. Identities
// in it stay sealed; the keys are not part of it.
func (l *Ledger) BackupTo(ctx context.Context, path string) error { return errMissing }

// Backup streams a consistent copy of the ledger to w, by way of a temporary file in the ledger's folder.
func (l *Ledger) Backup(ctx context.Context, w io.Writer) error { return errMissing }

// VerifyBackupFile opens a copy of a ledger with keys and checks every row and the audit chain in it.
func VerifyBackupFile(ctx context.Context, path string, keys *Keys) (BackupInfo, error) {
	return BackupInfo{}, errMissing
}

// Restore puts the verified copy at path in the place of the ledger in dir. The ledger there is kept beside it, under the name
// that is returned ("" when there was none). An older ledger is then opened with Options.AcceptOlder.
func Restore(ctx context.Context, path, dir string, keys *Keys) (kept string, err error) {
	return "", errMissing
}
