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
	"runtime"
	"sync"
	"time"

	"carereach/models"
	statements "carereach/sql"

	_ "github.com/mattn/go-sqlite3" // the driver named below; it registers itself, there is no other way
	"github.com/nyaruka/phonenumbers"
	"github.com/pressly/goose/v3"
)

// FileName is the name of the ledger inside its folder.
const FileName = "ledger.db"

// Options says which ledger to open and with what.
type Options struct {
	Dir         string           // data folder; ledger.db and ledger.lock lie in it
	Sink        string           // append-only file of signed audit checkpoints, best on another volume
	Keys        *Keys            // must be those the ledger was made with
	PhoneRegion string           // ISO 3166 region of telephone numbers without a country code; "" is US
	Now         func() time.Time // nil is time.Now
	// AcceptOlder names the user who restored an older ledger. Open then accepts a ledger whose audit trail ends before the
	// sink's newest checkpoint, records that in the audit trail and in the sink, and repeats erasures that the sink knows.
	AcceptOlder string
}

// Ledger is an open ledger.
type Ledger struct {
	path   string
	keys   *Keys
	region string
	now    func() time.Time
	lock   *os.File
	writer *sql.DB // one connection; nil when opened for verification
	reader *sql.DB
	sink   *sink
	closed sync.Once
	audits sync.Mutex // held while an audit row is on its way to table and sink, so that both have one order
}

// Open opens or makes the ledger in o.Dir, takes its lock, migrates it and checks it against keys and sink. Errors:
// models.KindUnavail when another process holds it (naming its pid) or the disk refuses, models.KindConfig for a wrong key set
// or a ledger of a newer version, models.KindCorruption when the audit trail is broken or older than the sink.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	l := &Ledger{path: filepath.Join(o.Dir, FileName), keys: o.Keys, region: o.PhoneRegion, now: o.Now}
	var err error
	if l.lock, err = takeLock(o.Dir); err != nil {
		return nil, err
	}
	if err := l.start(ctx, o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// check fills in what was left out.
func (o *Options) check() error {
	if o.Keys == nil {
		return &models.Error{Kind: models.KindConfig, Message: "ledger: no keys given", Mend: "run: carereach init"}
	}
	if o.Sink == "" {
		return &models.Error{Kind: models.KindConfig, Message: "ledger: no second sink of the audit trail given", Mend: "name a file, best on another volume"}
	}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return &models.Error{Kind: models.KindConfig, Message: "ledger: " + o.Dir + " is not a folder", Mend: "run: carereach init", Cause: err}
	}
	if o.PhoneRegion == "" {
		o.PhoneRegion = "US"
	}
	if phonenumbers.GetCountryCodeForRegion(o.PhoneRegion) == 0 {
		return &models.Error{Kind: models.KindConfig, Message: "ledger: phone region is not a country", Mend: "give its two letters, for example US"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func (l *Ledger) start(ctx context.Context, o Options) error {
	if err := makeFile(l.path); err != nil {
		return err
	}
	l.writer = openPool(l.path, "_txlock=immediate&mode=rw", 1)
	l.reader = openPool(l.path, "_query_only=1&mode=rw", max(4, runtime.GOMAXPROCS(0)))
	if err := checkPragmas(ctx, l.writer); err != nil {
		return err
	}
	if err := l.migrate(ctx, migrations()); err != nil {
		return err
	}
	if err := l.checkKeys(ctx); err != nil {
		return err
	}
	if err := l.checkIndex(ctx); err != nil {
		return err
	}
	if err := l.openSink(ctx, o); err != nil {
		return err
	}
	return l.finishErasures(ctx)
}

// makeFile makes an empty ledger file with a mode that SQLite's other files take over.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault("make "+FileName, err)
	}
	return fault("make "+FileName, f.Close())
}

func openPool(path, extra string, conns int) *sql.DB {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + extra +
		"&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_secure_delete=1&_busy_timeout=5000"
	db, err := sql.Open("sqlite3", name)
	if err != nil {
		panic("ledger: driver sqlite3 is not linked: " + err.Error())
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// checkPragmas makes sure that the settings which keep what was acknowledged are in force, whatever driver or build this is.
func checkPragmas(ctx context.Context, db *sql.DB) error {
	for _, p := range [...]struct{ name, want string }{{"journal_mode", "wal"}, {"synchronous", "2"}, {"foreign_keys", "1"}, {"secure_delete", "1"}} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			return fault("open "+FileName, err)
		}
		if got != p.want {
			return &models.Error{Kind: models.KindUnavail, Message: "ledger: " + p.name + " is not in force", Mend: "put the ledger on a local disk; network file systems do not hold a write-ahead log"}
		}
	}
	return nil
}

// migrations are the files of sql/ledger; sub is known at build time.
func migrations() fs.FS {
	sub, err := fs.Sub(statements.Files, "ledger")
	if err != nil {
		panic("ledger: no migrations: " + err.Error())
	}
	return sub
}

// migrate brings the schema to the newest version in files. A migration that fails leaves the schema as it found it.
func (l *Ledger) migrate(ctx context.Context, files fs.FS) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, l.writer, files)
	if err != nil {
		return fault("read migrations", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fault("read the schema version", err)
	}
	if have > want {
		return &models.Error{Kind: models.KindConfig, Message: fmt.Sprintf("ledger: schema %d is of a newer carereach; this one knows %d", have, want), Mend: "install the newer version; a ledger is never taken back"}
	}
	if _, err := p.Up(ctx); err != nil {
		return fault("migrate", migrationCause(err))
	}
	return nil
}

// migrationCause digs out the error of the statement that failed.
func migrationCause(err error) error {
	var part *goose.PartialError
	if errors.As(err, &part) {
		return part.Err
	}
	return err
}

// Close waits for running transactions and gives the lock back. Only the first call does anything.
func (l *Ledger) Close() error {
	var errs []error
	l.closed.Do(func() {
		for _, db := range []*sql.DB{l.reader, l.writer} { // the last one to close empties the write-ahead log
			if db != nil {
				errs = append(errs, db.Close())
			}
		}
		if l.sink != nil {
			errs = append(errs, l.sink.close())
		}
		if l.lock != nil {
			errs = append(errs, giveBack(l.lock))
		}
	})
	return errors.Join(errs...)
}

// Keys gives the keys that the ledger was opened with.
func (l *Ledger) Keys() *Keys { return l.keys }

// fileSize gives the size of a file, 0 when it is not there.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// write runs fn in a transaction of the write connection and counts it. The transaction is rolled back when fn fails.
func (l *Ledger) write(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	if l.writer == nil {
		return &models.Error{Kind: models.KindRefused, Message: "ledger: " + doing + ": opened for verification only", Mend: "open the ledger itself"}
	}
	tx, err := l.writer.BeginTx(ctx, nil)
	if err != nil {
		return fault(doing, err)
	}
	if err = fn(tx); err == nil {
		err = l.count(ctx, tx, ledgerTally, 1)
	}
	if err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, back)
		}
		return fault(doing, err)
	}
	return fault(doing, tx.Commit())
}

// read runs fn in a read transaction: all its statements see one state.
func (l *Ledger) read(ctx context.Context, doing string, fn func(*sql.Tx) error) error {
	tx, err := l.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fault(doing, err)
	}
	err = fn(tx)
	if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
		err = errors.Join(err, back)
	}
	return fault(doing, err)
}

// ask reads rows and hands each to scan. The rows are closed before it returns.
func ask(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// prepare prepares a statement that ends with its transaction.
func prepare(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	return tx.PrepareContext(ctx, query)
}

// exec runs a statement that returns nothing.
func exec(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// micros writes an instant the way the ledger keeps it.
func micros(t time.Time) int64 { return t.UnixMicro() }

// instant reads it.
func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// flag writes a bool the way the ledger keeps it.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
