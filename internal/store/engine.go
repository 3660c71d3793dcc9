package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"carereach/models"
)

// engine is one opening of the file: DuckDB, its two writers and its readers.
type engine struct {
	opts             Options
	pool             *sql.DB
	catalog          string // name of the main database in SQL
	version          int64  // schema version
	ingest, pipeline *writer
	invalid          atomic.Pointer[string] // why the engine refuses all further work

	mu        sync.Mutex // guards scratches
	scratches map[string]*Scratch
	copying   sync.Mutex // one copy at a time
}

// writer is one write connection. Who holds the turn uses it.
type writer struct {
	turn chan struct{}
	conn *sql.Conn
}

// atOpen are settings that hold while the engine opens the file, before lockDown: it must fetch and load nothing for it.
const atOpen = "autoinstall_known_extensions=false&autoload_known_extensions=false&allow_community_extensions=false"

// connect opens the file, locks the engine down and brings the schema up to date.
func connect(ctx context.Context, s *Store) (*engine, error) {
	connector, err := duckdb.NewConnector(s.opts.Path+"?"+atOpen, nil)
	if err != nil {
		return nil, holder(err)
	}
	db := &engine{opts: s.opts, pool: sql.OpenDB(connector), scratches: map[string]*Scratch{}}
	db.pool.SetMaxIdleConns(8)
	if err := db.prepare(ctx, s); err != nil {
		return nil, errors.Join(err, db.close()) //nolint:contextcheck // closing is never cut short
	}
	return db, nil
}

func (d *engine) prepare(ctx context.Context, s *Store) (err error) {
	for _, w := range []**writer{&d.ingest, &d.pipeline} {
		conn, err := d.pool.Conn(ctx)
		if err != nil {
			return explain(err)
		}
		*w = &writer{turn: make(chan struct{}, 1), conn: conn}
	}
	if err := lockDown(ctx, d.ingest.conn, d.opts); err != nil {
		return fmt.Errorf("lock down: %w", err)
	}
	if err := d.tidyFolders(); err != nil {
		return err
	}
	if err := d.ingest.conn.QueryRowContext(ctx, "SELECT current_database()").Scan(&d.catalog); err != nil {
		return explain(err)
	}
	if d.version, err = migrate(ctx, d.pool, s.migrations); err != nil {
		return err
	}
	if err := reconcile(ctx, d, s.tables); err != nil {
		return fmt.Errorf("bring tables up to date: %w", err)
	}
	return nil
}

// tidyFolders makes the file private and removes what a crash left in the scratch folder. It is called with the lock on
// the file held, so that it cannot be another process that still uses them.
func (d *engine) tidyFolders() error {
	if d.opts.Path == "" {
		return nil
	}
	if err := os.Chmod(d.opts.Path, 0o600); err != nil {
		return &models.Error{Kind: models.KindConfig, Message: "analytics store cannot be made private", Mend: "it must belong to the user that runs carereach", Cause: err}
	}
	left, err := filepath.Glob(filepath.Join(globQuote(d.opts.ScratchDir), "*.duckdb*"))
	if err != nil {
		return fmt.Errorf("list scratch folder: %w", err)
	}
	for _, path := range append(left, spillDir(d.opts)) {
		if err := os.RemoveAll(path); err != nil {
			return &models.Error{Kind: models.KindConfig, Message: "scratch folder cannot be emptied", Mend: "it must belong to the user that runs carereach", Cause: err}
		}
	}
	return nil
}

// globQuote makes a path mean itself in a file pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// close ends every connection; the engine then writes its log into the file and lets go of it.
func (d *engine) close() error {
	var errs []error
	d.mu.Lock()
	open := make([]*Scratch, 0, len(d.scratches))
	for _, c := range d.scratches {
		open = append(open, c)
	}
	d.mu.Unlock()
	for _, c := range open {
		errs = append(errs, c.detach(true))
	}
	for _, w := range []*writer{d.ingest, d.pipeline} {
		if w != nil {
			errs = append(errs, w.conn.Close())
		}
	}
	return errors.Join(append(errs, d.pool.Close())...)
}

var holderPattern = regexp.MustCompile(`PID ([0-9]+)`)

// holder explains why the file cannot be opened; when another process holds it, which one.
func holder(err error) error {
	explained := explain(err)
	var known *models.Error
	if !errors.As(explained, &known) || !strings.Contains(err.Error(), "Could not set lock on file") {
		return explained
	}
	who := "another process"
	if m := holderPattern.FindStringSubmatch(err.Error()); m != nil {
		who = "process " + m[1]
	}
	return &models.Error{Kind: models.KindUnavail, Message: "analytics store is in use by " + who, Mend: "ask the running daemon over its socket, or stop that process"}
}

// note remembers that the engine refuses all further work, if err says so, and explains err.
func (d *engine) note(err error) error {
	explained := explain(err)
	if fatal(err) {
		text := explained.Error()
		d.invalid.CompareAndSwap(nil, &text)
	}
	return explained
}
