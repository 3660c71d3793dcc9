package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"

	"github.com/apache/arrow-go/v18/arrow/array"
	duckdb "github.com/duckdb/duckdb-go/v2"

	"carereach/models"
)

var viewName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// WithArrow makes the record batches of r readable as view for the duration of fn, in a transaction that may write.
//
// The view is a stream: it can be scanned once. A second scan, even by a subquery of the same statement, would see
// nothing, silently; WithArrow fails the transaction when that happened. So write one INSERT ... SELECT from it, with no
// LIMIT, and check its count, as InsertFacts does. r is released by the caller.
func (t *Tx) WithArrow(ctx context.Context, view string, r array.RecordReader, fn func() error) (err error) {
	if !viewName.MatchString(view) {
		return &models.Error{Kind: models.KindUsage, Message: "name of an arrow view does not fit", Mend: "use lower-case letters, digits and underscores"}
	}
	stream := &onceReader{RecordReader: r}
	release, err := t.register(view, stream)
	if err != nil {
		return t.fail(fmt.Errorf("register arrow view %s: %w", view, err))
	}
	defer release()
	defer func() {
		// In a failed transaction the view goes with the rollback and nothing can read it before.
		if t.failed != nil {
			err = errors.Join(err, r.Err())
			return
		}
		if _, dropErr := t.Exec(context.WithoutCancel(ctx), "DROP VIEW "+view); dropErr != nil && err == nil {
			err = dropErr
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := r.Err(); err != nil {
		return t.fail(fmt.Errorf("read record batches of %s: %w", view, err))
	}
	if stream.ends > 1 {
		return t.fail(&models.Error{Kind: models.KindInternal, Message: "arrow view " + view + " was scanned twice: the second scan saw nothing"})
	}
	return nil
}

// register hands the stream to the engine under the name of a view.
func (t *Tx) register(view string, r array.RecordReader) (release func(), err error) {
	err = t.conn.Raw(func(driverConn any) error {
		conn, ok := driverConn.(driver.Conn)
		if !ok {
			return errors.New("connection is not the engine's")
		}
		arrow, err := duckdb.NewArrowFromConn(conn)
		if err != nil {
			return err
		}
		release, err = arrow.RegisterView(r, view)
		return err
	})
	return release, err
}

// onceReader counts how often its end was met: once per scan.
type onceReader struct {
	array.RecordReader
	ends int
}

func (r *onceReader) Next() bool {
	if r.RecordReader.Next() {
		return true
	}
	r.ends++
	return false
}

// InsertFacts stores the rows of b in the version table of its type and gives their number. It fails, and with it the
// transaction, unless the engine took every row. b is empty afterwards, whatever the outcome, and can be filled again.
func (t *Tx) InsertFacts(ctx context.Context, b *FactBatch) (int64, error) {
	want := int64(b.Len())
	if want == 0 {
		return 0, nil
	}
	r, err := b.Reader()
	if err != nil {
		return 0, t.fail(err)
	}
	defer r.Release()
	var n int64
	err = t.WithArrow(ctx, b.view, r, func() error {
		n, err = t.Exec(ctx, b.insert)
		return err
	})
	if err == nil && n != want {
		err = t.fail(&models.Error{Kind: models.KindInternal, Message: fmt.Sprintf("engine stored %d of %d rows", n, want)})
	}
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", b.kind.Name, err)
	}
	return n, nil
}
