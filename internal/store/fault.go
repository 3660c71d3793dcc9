package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"carereach/models"
)

// mendRebuild is the advice for a file that cannot be used: nothing in it is lost for good.
const mendRebuild = "move analytics.duckdb and analytics.duckdb.wal away and start again: the store is rebuilt from the logs"

// statementError is an error of the engine whose text is fit for logs: what the engine quotes from stored values or
// parameters is masked. The engine's own error stays reachable for errors.As only.
type statementError struct {
	text  string
	cause error
}

func (e *statementError) Error() string { return e.text }

func (e *statementError) Unwrap() error { return e.cause }

// explain turns an error of the engine into one that an operator can act on and a log may hold. Other errors, and errors
// explained before, come back as they are; so does nil.
func explain(err error) error {
	var fault *duckdb.Error
	var masked *statementError
	if !errors.As(err, &fault) || errors.As(err, &masked) {
		return err
	}
	for _, why := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, why) {
			return fmt.Errorf("statement interrupted: %w", why)
		}
	}
	safe := &statementError{text: mask(fault), cause: err}
	for _, f := range faults {
		if strings.Contains(fault.Msg, f.sign) {
			return &models.Error{Kind: f.kind, Message: f.message, Mend: f.mend, Cause: safe}
		}
	}
	return safe
}

// faults are the troubles of machine and file, by a sign in the engine's message; the first that fits is taken.
var faults = []struct {
	sign          string
	kind          models.Kind
	message, mend string
}{
	{"has been invalidated", models.KindUnavail, "analytics store stopped after a failed write", "free some space or mend the disk, then reopen the store; nothing that was committed is lost"},
	{"No space left on device", models.KindUnavail, "disk of the analytics store is full", "free some space; nothing that was committed is lost"},
	{"failed to offload data block", models.KindUnavail, "statement needs more scratch space than it may use", "raise store.scratch_limit or free some space"},
	{"Out of Memory Error", models.KindUnavail, "statement needs more memory than it may use", "raise store.memory_limit"},
	{"Could not set lock on file", models.KindUnavail, "analytics store is in use by another process", "stop that process, or let the running daemon answer over its socket"},
	{"not a valid DuckDB database file", models.KindCorruption, "file is not an analytics store", mendRebuild},
	{"database file with version number", models.KindCorruption, "analytics store was written by another version of the engine", mendRebuild},
	{"newer version of DuckDB", models.KindCorruption, "analytics store was written by a newer version of the engine", mendRebuild},
	{"storage version", models.KindCorruption, "analytics store was written by another version of the engine", mendRebuild},
	{"Corrupt", models.KindCorruption, "analytics store is damaged", mendRebuild},
	{"corrupt", models.KindCorruption, "analytics store is damaged", mendRebuild},
	{"Serialization Error", models.KindCorruption, "analytics store is damaged", mendRebuild}, //nolint:misspell // the engine's own word
	{"replaying WAL", models.KindCorruption, "log of the analytics store is damaged", mendRebuild},
	{"IO Error", models.KindUnavail, "analytics store cannot be read or written", "check the disk and the rights on the data folder"},
}

// fatal reports whether err means that the engine refuses all further work until the file is opened anew.
func fatal(err error) bool {
	var fault *duckdb.Error
	return errors.As(err, &fault) && (fault.Type == duckdb.ErrorTypeFatal || strings.Contains(fault.Msg, "has been invalidated"))
}

var numbers = regexp.MustCompile(`\b[0-9][0-9.,:\-]*`)

// mask gives the engine's message without what it may quote from values. (What a statement hands to SQL's error function is
// its own words, and shown.) Errors about the text of a statement (parser,
// binder, catalog), about transactions and about files quote no values and keep their words.
func mask(e *duckdb.Error) string {
	switch e.Type {
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax, duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog, duckdb.ErrorTypeTransaction, duckdb.ErrorTypePermission,
		duckdb.ErrorTypeIO, duckdb.ErrorTypeFatal, duckdb.ErrorTypeOutOfMemory, duckdb.ErrorTypeDependency, duckdb.ErrorTypeNotImplemented, duckdb.ErrorTypeInvalidConfiguration:
		return strings.TrimSpace(e.Msg)
	}
	text, _, _ := strings.Cut(e.Msg, "\n")
	if first := strings.IndexAny(text, `'"`); first >= 0 {
		last := strings.LastIndexAny(text, `'"`)
		rest := ""
		if last > first {
			rest = text[last+1:]
		}
		text = text[:first] + "'…'" + rest
	}
	return numbers.ReplaceAllString(text, "#")
}
