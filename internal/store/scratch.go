package store

import (
	"context"
	"database/sql"
)

// Scratch is a database of its own beside the main one, for the intermediate tables of a run. It lives in a file under
// Options.ScratchDir (in memory for an in-memory store), is not durable and is bounded by Options.ScratchLimit. Every
// statement reads the main tables as committed when it starts and may write this database only; the engine refuses the
// rest. Unqualified names mean this database first, the main one second. One goroutine uses a Scratch at a time.
type Scratch struct{}

// Scratch attaches a new, empty scratch database as catalog name: lower-case letters, digits and underscores. What other
// connections read from it ("name.table") is what its statements committed. Errors: KindUsage for a name that does not
// fit or is in use.
func (s *Store) Scratch(ctx context.Context, name string) (*Scratch, error) { return &Scratch{}, nil }

// Name is the catalog name under which every connection of the store sees this database.
func (c *Scratch) Name() string { return "" }

// Exec runs one statement in a transaction of its own and gives the number of rows it changed.
func (c *Scratch) Exec(ctx context.Context, query string, args ...any) (int64, error) { return 0, nil }

// Query runs a statement that reads. The caller closes the rows.
func (c *Scratch) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return nil, nil
}

// Snapshot runs fn in one transaction: all it reads of the main tables is one snapshot, what it writes here is seen by
// others when it returns nil. Errors and panics undo it.
func (c *Scratch) Snapshot(ctx context.Context, fn func(*Tx) error) error { return nil }

// Close detaches the database and deletes its file. A second Close does nothing.
func (c *Scratch) Close() error { return nil }

// Keep detaches the database, leaves its file for inspection until the next Open and gives its path ("" in memory).
func (c *Scratch) Keep() (string, error) { return "", nil }
