package store

import (
	"context"
	"database/sql"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// Tx is a transaction, valid inside the function it was given to and used by one goroutine at a time.
type Tx struct{}

// Exec runs a statement and gives the number of rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) { return 0, nil }

// Query runs a statement that gives rows. The caller closes them; what is left open is closed with the transaction.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) { return nil, nil }

// QueryRow runs a statement that gives at most one row.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row { return nil }

// WithArrow makes the record batches of r readable as view for the duration of fn. The view is a stream that can be
// scanned once: a second scan, even inside the same statement, sees nothing. Write one INSERT ... SELECT from it and check
// its count, as InsertFacts does. r is released by the caller.
func (t *Tx) WithArrow(ctx context.Context, view string, r array.RecordReader, fn func() error) error {
	return nil
}

// InsertFacts stores the rows of b in the version table of its type and gives their number. It fails, and with it the
// transaction, unless the engine took every row. b is empty afterwards and can be filled again.
func (t *Tx) InsertFacts(ctx context.Context, b *FactBatch) (int64, error) { return 0, nil }
