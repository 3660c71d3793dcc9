package intake

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Sealer encrypts and authenticates. It must be safe for concurrent use; Open must refuse what was sealed with another key
// or other aad, and Seal must add the same number of bytes to every text. KeyID names the key that Seal uses, at most 64 bytes.
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

func (o Options) withDefaults() Options {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.BlockBytes <= 0 {
		o.BlockBytes = 1 << 20
	}
	o.BlockBytes = min(o.BlockBytes, MaxBody)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hooks == nil {
		o.Hooks = func(string) {}
	}
	return o
}

// Points lists the steps that Options.Hooks hears of, in the order in which they happen: what is named has just been done.
func Points() []string {
	return []string{"append sealed", "append frame", "append written", "append synced",
		"segment written", "segment synced", "segment renamed", "segment dirsynced", "close written", "close synced",
		"redact sealed", "redact written", "redact synced", "redact renamed", "redact dirsynced"}
}

// Log is an open log. Append and Redact take turns; Fetch, Verify, Start and End may run beside them and each other.
type Log struct {
	dir     string
	sealer  Sealer
	opts    Options
	zip     *zstd.Encoder
	unzip   *zstd.Decoder
	lock    *os.File
	torn    *Recovery
	sync    func(*os.File) error // of files; a field so that tests can make a disk that forgets
	syncDir func(dir string) error

	write sync.Mutex // held by Append, Redact and Close
	file  *os.File   // the newest segment; owned by the holder of write
	dirty bool       // the newest segment may hold bytes of an Append that failed, or its folder may not know its name

	mu     sync.RWMutex // guards what follows, the newest segment's index included
	segs   []*segment
	end    int64
	closed bool
}

// Start is the offset of the oldest record.
func (l *Log) Start() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.segs[0].head.first
}

// End is the offset that the next record will get. Everything before it is durable.
func (l *Log) End() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.end
}

// Recovery tells of an Append that a crash had cut short and Open took back.
type Recovery struct {
	Segment string // file
	Block   int    // first block taken back
	Bytes   int64  // cut off
}

// Recovered gives what Open took back; nil when nothing.
func (l *Log) Recovered() *Recovery { return l.torn }

// Close gives the log back to other processes. Calls after it are errors of KindUsage, a second Close is not.
func (l *Log) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.file.Close()
	if lerr := l.lock.Close(); err == nil {
		err = lerr
	}
	return err
}

// newest is the segment that is appended to.
func (l *Log) newest() *segment { return l.segs[len(l.segs)-1] }

// Open opens the log in dir, making dir (mode 0700) and an empty log when there is none. An Append that a crash cut short is
// taken back (see Recovered). Errors: KindUnavail when another process holds the log, KindConfig when it was sealed with
// another key, KindCorruption naming segment and block.
func Open(ctx context.Context, dir string, s Sealer, o Options) (*Log, error) {
	l := &Log{dir: dir, sealer: s, opts: o.withDefaults(), sync: (*os.File).Sync, syncDir: syncDir}
	if err := l.open(ctx); err != nil {
		if l.file != nil {
			_ = l.file.Close() // nothing was written through it that counts
		}
		if l.lock != nil {
			_ = l.lock.Close() // frees the lock; the error of open says more
		}
		return nil, err
	}
	return l, nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (l *Log) path(first int64) string { return filepath.Join(l.dir, segmentName(first)) }
