package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"carereach/models"
)

const (
	beginWrite = "BEGIN TRANSACTION"
	beginRead  = "BEGIN TRANSACTION READ ONLY"
)

// Ingest runs fn in a transaction of the ingest write connection. Callers take turns; waiting ends with ctx. The
// transaction is committed when fn returns nil, no statement failed and ctx still stands, and rolled back otherwise: the
// error of a statement that fn swallowed is returned all the same. Do not call Ingest, Checkpoint, Close or Reopen
// inside fn.
func (s *Store) Ingest(ctx context.Context, fn func(*Tx) error) error {
	return s.write(ctx, func(db *engine) *writer { return db.ingest }, fn)
}

// Pipeline is Ingest on the pipeline write connection.
func (s *Store) Pipeline(ctx context.Context, fn func(*Tx) error) error {
	return s.write(ctx, func(db *engine) *writer { return db.pipeline }, fn)
}

func (s *Store) write(ctx context.Context, which func(*engine) *writer, fn func(*Tx) error) error {
	db, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	w := which(db)
	leave, err := w.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return db.transact(ctx, w.conn, beginWrite, fn)
}

// enter waits for the writer's turn; leave gives it back.
func (w *writer) enter(ctx context.Context) (leave func(), err error) {
	select {
	case w.turn <- struct{}{}:
		return func() { <-w.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the write connection: %w", ctx.Err())
	}
}

// Read runs fn over one snapshot of the last commit, on a pooled connection. Writing is refused by the engine.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	db, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	return db.read(ctx, fn)
}

func (d *engine) read(ctx context.Context, fn func(*Tx) error) (err error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return d.note(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return d.transact(ctx, conn, beginRead, fn)
}

// Tx is a transaction, valid inside the function it was given to and used by one goroutine at a time. As parameters its
// statements take, besides what database/sql takes, models.EntityID, PatientID, Key128 (UUID), Date (DATE), Micros
// (TIMESTAMP) and Money (DECIMAL), nil pointers to any of them as NULL, and []string.
type Tx struct {
	db     *engine
	conn   *sql.Conn
	ctx    context.Context // ends with the transaction: stops its statements and closes rows left open
	id     int64           // the engine's id of the transaction
	failed error           // first statement that failed
}

// transact runs fn between begin and COMMIT or ROLLBACK on conn.
//
// The engine's COMMIT is not to be trusted: after a failed statement it returns nil and keeps nothing. So a transaction in
// which any statement failed is never committed, and before COMMIT the engine is asked whether this very transaction
// still stands.
func (d *engine) transact(ctx context.Context, conn *sql.Conn, begin string, fn func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	life, end := context.WithCancel(ctx)
	t := &Tx{db: d, conn: conn, ctx: life}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		end()
		return d.note(err)
	}
	committed := false
	defer func() {
		end()
		if committed {
			return
		}
		// A transaction that the engine ended by itself cannot be rolled back, and need not be.
		if _, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil && fatal(undo) {
			err = errors.Join(err, d.note(undo))
		}
	}()
	if t.id, err = t.engineID(ctx); err != nil {
		return err
	}
	if err := t.verdict(ctx, fn(t)); err != nil {
		return err
	}
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", d.note(err))
	}
	committed = true
	return nil
}

// verdict tells whether the transaction may be committed after fn returned err.
func (t *Tx) verdict(ctx context.Context, err error) error {
	if err != nil {
		return t.answer(err)
	}
	if t.failed != nil {
		return t.failed
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("before commit: %w", err)
	}
	id, err := t.engineID(ctx)
	if err != nil {
		return err
	}
	if id != t.id {
		return &models.Error{Kind: models.KindInternal, Message: "a statement ended the transaction it was part of"}
	}
	return nil
}

// answer is fn's own error, without words of the engine that fn got around Exec and Query by way of a Row.
func (t *Tx) answer(err error) error {
	explained := t.explain(err)
	if explained != err { //nolint:errorlint // asks whether it is the very same value, not whether it wraps it
		return explained
	}
	return err
}

// engineID asks the engine for the id of the running transaction. Asking also fixes the snapshot of the main database.
func (t *Tx) engineID(ctx context.Context) (int64, error) {
	var id int64
	err := t.conn.QueryRowContext(ctx, "SELECT txid_current()").Scan(&id)
	return id, t.fail(err)
}

// fail remembers the first error of a statement and gives err explained.
func (t *Tx) fail(err error) error {
	if err == nil {
		return nil
	}
	err = t.explain(err)
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// explain tells an interrupted statement why: a statement stopped by the end of the transaction's own time says only that
// it was cancelled.
func (t *Tx) explain(err error) error {
	explained := t.db.note(err)
	if why := t.ctx.Err(); errors.Is(why, context.DeadlineExceeded) && errors.Is(explained, context.Canceled) {
		return fmt.Errorf("statement interrupted: %w", why)
	}
	return explained
}

// Exec runs a statement and gives the number of rows it changed; of several statements in one text, the last one's.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := t.admit(query); err != nil {
		return 0, err
	}
	inner, stop := t.within(ctx)
	defer stop()
	result, err := t.conn.ExecContext(inner, query, parameters(args)...)
	if err != nil {
		return 0, t.fail(err)
	}
	n, err := result.RowsAffected()
	return n, t.fail(err)
}

// Query runs a statement that gives rows. The caller closes them; what is left open is closed with the transaction.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.admit(query); err != nil {
		return nil, err
	}
	inner, stop := t.within(ctx)
	rows, err := t.conn.QueryContext(inner, query, parameters(args)...)
	if err != nil {
		stop()
		return nil, t.fail(err)
	}
	return rows, nil
}

// QueryRow runs a statement that gives at most one row; its error comes with Scan.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	inner, _ := t.within(ctx) // ends with the transaction: the row is read later
	row := t.conn.QueryRowContext(inner, query, parameters(args)...)
	_ = t.fail(row.Err())
	return row
}

// within gives ctx an end no later than the transaction's. stop ends it at once.
func (t *Tx) within(ctx context.Context) (_ context.Context, stop func()) {
	inner, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(t.ctx, cancel)
	return inner, func() {
		forget()
		cancel()
	}
}

// parameters turns words of the domain into what the driver binds.
func parameters(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = parameter(a)
	}
	return out
}

func parameter(a any) any {
	switch v := a.(type) {
	case models.EntityID:
		return uuidText(models.Key128(v))
	case models.PatientID:
		return uuidText(models.Key128(v))
	case models.Key128:
		return uuidText(v)
	case models.Date:
		return v.Time()
	case models.Micros:
		return timeOf(v)
	case models.Money:
		return v.String()
	case *models.EntityID:
		return orNull(v)
	case *models.PatientID:
		return orNull(v)
	case *models.Key128:
		return orNull(v)
	case *models.Date:
		return orNull(v)
	case *models.Micros:
		return orNull(v)
	case *models.Money:
		return orNull(v)
	}
	return a
}

func orNull[T any](v *T) any {
	if v == nil {
		return nil
	}
	return parameter(*v)
}

// uuidText writes a key the way the engine prints a UUID.
func uuidText(k models.Key128) string {
	s := k.String()
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}
