package files

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
)

// endless gives lines made one by one until size bytes are out.
type endless struct {
	size, n int64
	line    func(i int64) string
	buf     []byte
}

func (e *endless) Read(b []byte) (int, error) {
	for len(e.buf) == 0 {
		if e.size <= 0 {
			return 0, io.EOF
		}
		e.buf = []byte(e.line(e.n))
		e.size -= int64(len(e.buf))
		e.n++
	}
	n := copy(b, e.buf)
	e.buf = e.buf[n:]
	return n, nil
}

// peak is an Appender that keeps nothing and notes how much memory is in use.
type peak struct {
	mu      sync.Mutex
	heap    uint64
	records int64
	batch   int // most bytes of bodies in one append
}

func (p *peak) Append(_ context.Context, records []intake.Record) (first, next int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := 0
	for i := range records {
		size += len(records[i].Body)
	}
	p.batch = max(p.batch, size)
	runtime.GC() // only what is in use counts, not what waits for collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.heap = max(p.heap, m.HeapAlloc)
	first = p.records
	p.records += int64(len(records))
	return first, p.records, nil
}

// A stream of 200 MB is read in the memory that Load promises, whether it is lines, rows or one array on one line.
func TestBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 600 MB; not in short mode")
	}
	const size, bound = 200 << 20, 64 << 20
	filler := strings.Repeat("x", 1000)
	for name, line := range map[string]func(int64) string{
		"a.ndjson": func(i int64) string {
			return fmt.Sprintf(`{"resourceType":"Observation","id":"%d","x":%q}`+"\n", i, filler)
		},
		"a.csv": func(i int64) string {
			if i == 0 {
				return "patient_id,visit_on,visit_id,note\n"
			}
			return fmt.Sprintf("p%d,2026-03-01,v%d,%s\n", i%1000, i, filler)
		},
		"a.json": func(i int64) string {
			return "[,"[min(i, 1):min(i, 1)+1] + fmt.Sprintf(`{"specversion":"1.0","id":"%d","x":%q}`, i, filler)
		},
	} {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		in := &endless{size: size, line: line}
		p := &peak{}
		got, err := Load(t.Context(), p, Stream(name, in), Options{Source: "clinic-a", Mappings: []*csvmap.Mapping{visitMapping(t)}, Received: received})
		if err != nil {
			t.Fatal(err)
		}
		if got.Bytes < size || got.Records < size/1200 {
			t.Fatalf("%s: %+v", name, got)
		}
		used := int64(p.heap) - int64(before.HeapAlloc)
		t.Logf("%s: %d records of %d MB with %d MB in use", name, got.Records, got.Bytes>>20, used>>20)
		if used > bound || p.batch > batchBytes+4<<20 {
			t.Errorf("%s: %d MB in use, up to %d MB in one append", name, used>>20, p.batch>>20)
		}
	}
}

// A value that no record can hold, and a line that never ends, take no more memory than the longest body.
func TestBoundedMemoryOneValue(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 200 MB; not in short mode")
	}
	in := &endless{size: 200 << 20, line: func(i int64) string { return `{"a":"`[:6*(1-min(i, 1))] + strings.Repeat("x", 4096) }}
	p := &peak{}
	got, err := Load(t.Context(), p, Stream("a.json", in), Options{})
	if err != nil || got.Rejected != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if p.heap > 4*intake.MaxBody {
		t.Errorf("%d MB in use", p.heap>>20)
	}
}

func BenchmarkLoad(b *testing.B) {
	var in bytes.Buffer
	for i := range 8000 {
		fmt.Fprintf(&in, `{"resourceType":"Observation","id":"%d","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}]},"subject":{"reference":"Patient/%d"},"effectiveDateTime":"2020-03-01T09:15:22-05:00","valueQuantity":{"value":%d,"unit":"mm[Hg]"}}`+"\n", i, i%100, i%200)
	}
	b.SetBytes(int64(in.Len()))
	for b.Loop() {
		if _, err := Load(b.Context(), discard{}, Stream("a.ndjson", bytes.NewReader(in.Bytes())), Options{Source: "clinic-a"}); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is an Appender that keeps nothing.
type discard struct{}

func (discard) Append(_ context.Context, r []intake.Record) (first, next int64, err error) {
	return 0, int64(len(r)), nil
}
