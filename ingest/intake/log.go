package intake

import (
	"context"
	"time"
)

// Sealer encrypts and authenticates. It must be safe for concurrent use; Open must refuse what was sealed with another key
// or other aad. KeyID names the key that Seal uses, at most 64 bytes.
type Sealer interface {
	Seal(aad, plain []byte) []byte
	Open(aad, sealed []byte) ([]byte, error)
	KeyID() string
}

// Options tune a log. The zero value is the default.
type Options struct {
	SegmentBytes int64              // a segment that has grown to this many bytes on disk gets a successor; 64 MiB
	BlockBytes   int                // records are sealed together up to this many bytes; 1 MiB
	Now          func() time.Time   // fills ReceivedAt where the caller left it zero; time.Now
	Hooks        func(point string) // called at every step of Points, for crash tests; nil: nothing
}

// Log is an open log. Append and Redact take turns; Fetch, Verify, Start and End may run beside them and each other.
type Log struct{}

// Open opens the log in dir, making dir (mode 0700) and an empty log when there is none. An Append that a crash cut short is
// taken back (see Recovered). Errors: KindUnavail when another process holds the log, KindConfig when it was sealed with
// another key, KindCorruption naming segment and block.
func Open(ctx context.Context, dir string, s Sealer, o Options) (*Log, error) { return nil, nil }

// Close gives the log back to other processes. Calls after it are errors of KindUsage.
func (l *Log) Close() error { return nil }

// Start is the offset of the oldest record.
func (l *Log) Start() int64 { return 0 }

// End is the offset that the next record will get. Everything before it is durable.
func (l *Log) End() int64 { return 0 }

// Append writes records in order and returns the offset of the first and the one after the last, once they are durable.
// It is all or nothing: on an error no record is in the log and Append may be called again, for example when there is space
// on the disk again. Memory: the records once more, compressed.
func (l *Log) Append(ctx context.Context, records []Record) (first, next int64, err error) {
	return 0, 0, nil
}

// Fetch gives records from offset from on: at least one when there is one, then as many as have bodies of together at most
// maxBytes. From End on it gives none and no error, at once. A position behind the end, or before Start, is KindCorruption: records
// that someone has read are gone. Memory: maxBytes and two blocks. The records belong to the caller.
func (l *Log) Fetch(ctx context.Context, from int64, maxBytes int) (Batch, error) {
	return Batch{}, nil
}

// Redact rewrites the segments that hold the given offsets (nil: any record) and asks edit about each of these records: keep
// is the new body, empty to keep nothing. Offsets, formats and sources stay; the name of the file goes when nothing is kept.
// It returns how many records were changed. Each segment is replaced at once; after a crash a segment is old or new, so
// that Redact has to be asked again. Nothing of the old bodies is left in the log's files when it returns; what the disk
// underneath remembers is for the disk's own encryption.
func (l *Log) Redact(ctx context.Context, offsets []int64, edit func(Record) (keep []byte, redact bool)) (int, error) {
	return 0, nil
}

// Report is what Verify found sound.
type Report struct {
	Segments int   `json:"segments"`
	Blocks   int64 `json:"blocks"`
	Records  int64 `json:"records"`
	Redacted int64 `json:"redacted"`
	Bytes    int64 `json:"bytes"` // on disk
	Start    int64 `json:"start"`
	End      int64 `json:"end"`
}

// Verify reads the whole log and checks every checksum, every seal and that offsets are contiguous. The first damage is an
// error of KindCorruption naming segment and block, with the Report of what was sound before it.
func (l *Log) Verify(ctx context.Context) (Report, error) { return Report{}, nil }

// Recovery tells of an Append that a crash had cut short and Open took back.
type Recovery struct {
	Segment string // file
	Block   int    // first block taken back
	Bytes   int64  // cut off
}

// Recovered gives what Open took back; nil when nothing.
func (l *Log) Recovered() *Recovery { return nil }
