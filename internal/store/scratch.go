package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"carereach/models"
)

// Scratch is a database of its own beside the main one, for the intermediate tables of a run. It lives in a file under
// Options.ScratchDir (in memory for an in-memory store), is not durable and is bounded by Options.ScratchLimit. Every
// statement reads the main tables as committed when it starts and may write this database only; the engine refuses the
// rest. Unqualified names mean this database first, the main one second; a schema (staging.x) is one of this database,
// and pub of the main one is not reached from here. Calls take turns.
type Scratch struct {
	store *Store
	db    *engine
	name  string
	path  string // "" in memory
	conn  *sql.Conn
	life  context.Context // ends with the scratch database and closes rows left open
	end   context.CancelFunc

	mu     sync.Mutex // one call at a time
	closed bool
}

var scratchName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Scratch attaches a new, empty scratch database as catalog name: lower-case letters, digits and underscores. What other
// connections read from it ("name.table") is what its statements committed. Errors: KindUsage for a name that does not
// fit or is in use.
func (s *Store) Scratch(ctx context.Context, name string) (*Scratch, error) {
	db, done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	if !scratchName.MatchString(name) {
		return nil, &models.Error{Kind: models.KindUsage, Message: "name of a scratch database does not fit", Mend: "use lower-case letters, digits and underscores"}
	}
	c := &Scratch{store: s, db: db, name: name}
	c.life, c.end = context.WithCancel(context.Background())
	if s.opts.ScratchDir != "" {
		c.path = filepath.Join(s.opts.ScratchDir, name+".duckdb")
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.scratches[name] != nil || name == db.catalog {
		return nil, &models.Error{Kind: models.KindUsage, Message: "a database named " + name + " is open already", Mend: "close it, or choose another name"}
	}
	if err := c.attach(ctx); err != nil {
		return nil, fmt.Errorf("attach scratch database: %w", err)
	}
	db.scratches[name] = c
	return c, nil
}

func (c *Scratch) attach(ctx context.Context) (err error) {
	if err := c.removeFiles(); err != nil { // Keep may have left some
		return err
	}
	if c.conn, err = c.db.pool.Conn(ctx); err != nil {
		return c.db.note(err)
	}
	where := "':memory:'"
	if c.path != "" {
		where = literal(c.path)
	}
	for _, q := range []string{
		"ATTACH " + where + " AS " + identifier(c.name) + notDurable(c.path),
		"SET search_path = " + literal(c.name+".main,"+identifier(c.db.catalog)+".main"),
	} {
		if _, err := c.conn.ExecContext(ctx, q); err != nil {
			return errors.Join(c.db.note(err), c.conn.Close(), c.removeFiles())
		}
	}
	return nil
}

// notDurable spares a database that nobody will recover its write-ahead log.
func notDurable(path string) string {
	if path == "" {
		return ""
	}
	return " (RECOVERY_MODE no_wal_writes)"
}

// Name is the catalog name under which every connection of the store sees this database.
func (c *Scratch) Name() string { return c.name }

// Exec runs one statement in a transaction of its own and gives the number of rows it changed.
func (c *Scratch) Exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = c.Snapshot(ctx, func(tx *Tx) error {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

// Query runs a statement that reads; writing is refused. The caller closes the rows.
func (c *Scratch) Query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = c.enter(func() error {
		return c.db.transact(ctx, c.conn, beginRead, func(tx *Tx) error {
			// The rows outlive this transaction, which the engine allows: a result is complete when Query returns.
			tx.ctx = c.life
			rows, err = tx.Query(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's to read and close
			return err
		})
	})
	return rows, err
}

// Snapshot runs fn in one transaction: all it reads of the main tables is one snapshot, what it writes here is seen by
// others once Snapshot returned nil. The rules of Store.Ingest hold. Errors: KindUnavail when the database outgrows
// Options.ScratchLimit.
func (c *Scratch) Snapshot(ctx context.Context, fn func(*Tx) error) error {
	return c.enter(func() error {
		ctx, stop := c.watch(ctx)
		err := c.db.transact(ctx, c.conn, beginWrite, func(tx *Tx) error {
			if err := c.claim(ctx, tx); err != nil {
				return err
			}
			return fn(tx)
		})
		if outgrown := stop(); outgrown != nil {
			return outgrown
		}
		return err
	})
}

// claim fixes the snapshot of the main database and marks the scratch database as the one that the transaction writes:
// the engine lets a transaction write one database only, and refuses the main one from then on.
func (c *Scratch) claim(ctx context.Context, tx *Tx) error {
	if _, err := tx.Exec(ctx, "SELECT 1 FROM "+identifier(c.db.catalog)+".main.schema_version LIMIT 0"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+identifier(c.name)+".main")
	return err
}

// enter runs fn while the scratch database is open and nobody else uses it.
func (c *Scratch) enter(fn func() error) error {
	db, done, err := c.store.use()
	if err != nil {
		return err
	}
	defer done()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || db != c.db {
		return &models.Error{Kind: models.KindUnavail, Message: "scratch database is closed"}
	}
	return fn()
}

// watchEvery is how often a growing scratch database is measured.
const watchEvery = 50 * time.Millisecond

// watch cuts the context off when the file outgrows its bound. stop ends the watching and tells whether it did.
func (c *Scratch) watch(ctx context.Context) (_ context.Context, stop func() error) {
	if c.path == "" {
		return ctx, func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	done, watched := make(chan struct{}), make(chan bool, 1)
	tick := time.NewTicker(watchEvery)
	go func() {
		for {
			select {
			case <-done:
				watched <- false
				return
			case <-tick.C:
				if fileSize(c.path) > c.store.scratchBytes {
					cancel()
					watched <- true
					return
				}
			}
		}
	}()
	return ctx, func() error {
		close(done)
		outgrown := <-watched
		tick.Stop()
		cancel()
		if outgrown {
			return &models.Error{Kind: models.KindUnavail, Message: "scratch database outgrew its bound of " + c.store.opts.ScratchLimit, Mend: "raise store.scratch_limit, if the disk has room"}
		}
		return nil
	}
}

// Close detaches the database and deletes its file. A second Close does nothing.
func (c *Scratch) Close() error { return c.detach(true) }

// Keep detaches the database, leaves its file for inspection until the next Open or Scratch of that name, and gives its
// path ("" in memory). It is then closed.
func (c *Scratch) Keep() (string, error) { return c.path, c.detach(false) }

func (c *Scratch) detach(remove bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.end()
	var errs []error
	for _, q := range []string{"USE " + identifier(c.db.catalog), "DETACH " + identifier(c.name)} {
		if _, err := c.conn.ExecContext(context.Background(), q); err != nil {
			errs = append(errs, c.db.note(err))
		}
	}
	errs = append(errs, c.conn.Close())
	if remove {
		errs = append(errs, c.removeFiles())
	}
	c.db.mu.Lock()
	delete(c.db.scratches, c.name)
	c.db.mu.Unlock()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close scratch database: %w", err)
	}
	return nil
}

func (c *Scratch) removeFiles() error {
	if c.path == "" {
		return nil
	}
	return removeDatabase(c.path)
}
