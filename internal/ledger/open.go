package ledger

import (
	"context"
	"errors"
	"time"
)

var errMissing = errors.New("not there yet")

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
type Ledger struct{}

// Open opens or makes the ledger in o.Dir, takes its lock, migrates it and checks it against keys and sink. Errors:
// models.KindUnavail when another process holds it (naming its pid) or the disk refuses, models.KindConfig for a wrong key set
// or a ledger of a newer version, models.KindCorruption when the audit trail is broken or older than the sink.
func Open(ctx context.Context, o Options) (*Ledger, error) { return nil, errMissing }

// OpenForVerify opens a copy of a ledger, such as a backup, for reading only, without lock and sink.
func OpenForVerify(ctx context.Context, path string, keys *Keys) (*Ledger, error) {
	return nil, errMissing
}

// Close waits for running transactions and gives the lock back.
func (l *Ledger) Close() error { return nil }

// Keys gives the keys that the ledger was opened with.
func (l *Ledger) Keys() *Keys { return nil }

// Seq gives the number of the last committed write transaction. It grows by one with each, so that a store which notes it can
// tell when it meets an older ledger.
func (l *Ledger) Seq(ctx context.Context) (int64, error) { return 0, errMissing }

// SetSetting stores a small durable fact. Values hold no identifiers.
func (l *Ledger) SetSetting(ctx context.Context, key, value string) error { return errMissing }

// Setting gives a stored fact; ok is false when it was never set.
func (l *Ledger) Setting(ctx context.Context, key string) (value string, ok bool, err error) {
	return "", false, errMissing
}

// Health is the state of the ledger for doctor.
type Health struct {
	Path        string `json:"path"`
	Bytes       int64  `json:"bytes"`
	WALBytes    int64  `json:"wal_bytes"`
	Schema      int64  `json:"schema"`
	Journal     string `json:"journal"`     // wal
	Synchronous string `json:"synchronous"` // full
	Seq         int64  `json:"seq"`
	AuditSeq    int64  `json:"audit_seq"`
	SinkSeq     int64  `json:"sink_seq"`
	KEK         int    `json:"kek"` // version of the key that wraps data keys
}

// Health reads the state of the ledger.
func (l *Ledger) Health(ctx context.Context) (Health, error) { return Health{}, errMissing }
