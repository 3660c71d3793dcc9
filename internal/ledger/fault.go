package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"carereach/models"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const damageMend = "ledger.db is damaged: stop, keep a copy of it, and restore the newest backup"

// fault gives an error of SQLite, or of the file system, its Kind. Errors that have one, and those of a cancelled context,
// pass as they are. SQLite's own text stays out: it may quote a value.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *models.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	out := &models.Error{Kind: models.KindInternal, Message: "ledger: " + doing}
	var se sqlite3.Error
	switch {
	case errors.As(err, &se):
		sqliteFault(out, se)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		out.Kind, out.Mend = models.KindUnavail, "the disk is full: free some space; nothing was changed"
	case errors.Is(err, sql.ErrConnDone):
		out.Kind, out.Mend = models.KindUnavail, "the ledger is closed"
	case strings.HasPrefix(err.Error(), "sql: Scan error"): // its text quotes the value
		out.Kind, out.Message, out.Mend = models.KindCorruption, out.Message+": a row holds a value of another type", damageMend
	default:
		out.Cause = err
	}
	return out
}

func sqliteFault(out *models.Error, se sqlite3.Error) {
	out.Cause = fmt.Errorf("sqlite code %d/%d", int(se.Code), int(se.ExtendedCode))
	switch se.Code { //nolint:exhaustive // the others are faults of ours
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		out.Kind, out.Mend = models.KindUnavail, "another program holds ledger.db locked: close it and try again; nothing was changed"
	case sqlite3.ErrFull:
		out.Kind, out.Mend = models.KindUnavail, "the disk is full: free some space; nothing was changed"
	case sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrPerm:
		out.Kind, out.Mend = models.KindUnavail, "the disk refuses ledger.db: check mount, owner and mode; nothing was changed"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		out.Kind, out.Mend = models.KindCorruption, damageMend
	case sqlite3.ErrInterrupt:
		out.Kind, out.Mend = models.KindUnavail, "it was interrupted; nothing was changed"
	}
}

// damaged is the error for a row that fails its check. row is its id, never its content.
func damaged(table string, row any, what string) error {
	return &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("ledger: row %v of table %s %s", row, table, what),
		Mend: damageMend}
}
