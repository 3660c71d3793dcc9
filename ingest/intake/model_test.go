package intake

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

// model is a log as one thinks of it: a slice.
type model struct {
	records []Record
}

func genRecord(t *rapid.T) Record {
	r := Record{
		Source:     models.Source(rapid.SampledFrom([]string{"", "clinic-a", "claims"}).Draw(t, "source")),
		Format:     rapid.SampledFrom([]string{FormatFHIR, FormatEvent, FormatCSV + "0f0f", FormatMapping}).Draw(t, "format"),
		Name:       rapid.SampledFrom([]string{"", "a.ndjson", "ünï côde.csv"}).Draw(t, "name"),
		Line:       rapid.Int64().Draw(t, "line"),
		ReceivedAt: time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "sec"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC(),
		Body:       rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"),
		Redacted:   rapid.Bool().Draw(t, "redacted"),
	}
	if rapid.Bool().Draw(t, "rejected") {
		r.Reject = &models.Reject{Reason: models.QuarantineReason(rapid.String().Draw(t, "reason")), Detail: rapid.String().Draw(t, "detail")}
	}
	return r
}

// Any sequence of appends, fetches, reopenings and redactions reads like a slice to which the same was done.
func TestModel(t *testing.T) {
	sealer := newSealer(t, "k1")
	rapid.Check(t, func(t *rapid.T) {
		dir := tempDir(t)
		o := Options{SegmentBytes: rapid.Int64Range(1, 4000).Draw(t, "segment"), BlockBytes: rapid.IntRange(1, 1000).Draw(t, "block"), Now: clock}
		open := func() *Log {
			l, err := Open(t.Context(), dir, sealer, o)
			if err != nil {
				t.Fatal(err)
			}
			l.sync, l.syncDir = func(*os.File) error { return nil }, func(string) error { return nil } // other tests are about the disk
			return l
		}
		l := open()
		defer func() { _ = l.Close() }()
		m := &model{}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				add := rapid.SliceOfN(rapid.Custom(genRecord), 0, 8).Draw(t, "records")
				first, next, err := l.Append(t.Context(), add)
				if err != nil || first != int64(len(m.records)) || next != first+int64(len(add)) {
					t.Fatalf("append of %d to %d gave %d, %d, %v", len(add), len(m.records), first, next, err)
				}
				for i, r := range add {
					r.Offset = first + int64(i)
					m.records = append(m.records, r)
				}
			},
			"fetch": func(t *rapid.T) {
				from := rapid.IntRange(0, len(m.records)).Draw(t, "from")
				got, err := all(t.Context(), l, int64(from), rapid.IntRange(0, 2000).Draw(t, "max"))
				if d := same(m.records[from:], got, int64(from)); err != nil || d != "" {
					t.Fatalf("fetch from %d: %v\n%s", from, err, d)
				}
			},
			"reopen": func(t *rapid.T) {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if l = open(); l.Recovered() != nil {
					t.Fatalf("recovered %+v", l.Recovered())
				}
			},
			"redact": func(t *rapid.T) { m.redact(t, l) },
			"": func(t *rapid.T) {
				if l.End() != int64(len(m.records)) || l.Start() != 0 {
					t.Fatalf("log goes from %d to %d, want 0 to %d", l.Start(), l.End(), len(m.records))
				}
			},
		})
		rep, err := l.Verify(t.Context())
		if err != nil || rep.Records != int64(len(m.records)) {
			t.Fatalf("verify: %+v, %v", rep, err)
		}
	})
}

func (m *model) redact(t *rapid.T, l *Log) {
	offsets := rapid.SliceOfN(rapid.Int64Range(-2, int64(len(m.records)+2)), 0, 6).Draw(t, "offsets")
	if rapid.Bool().Draw(t, "all") {
		offsets = nil
	}
	mod := rapid.Int64Range(1, 5).Draw(t, "every")
	kept := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "keep")
	asked := map[int64]bool{}
	n, err := l.Redact(t.Context(), offsets, func(r Record) ([]byte, bool) {
		if asked[r.Offset] || offsets != nil && !slices.Contains(offsets, r.Offset) {
			t.Fatalf("asked about %d twice or unasked", r.Offset)
		}
		asked[r.Offset] = true
		return kept, r.Offset%mod == 0
	})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range m.records {
		r := &m.records[i]
		if (offsets == nil || slices.Contains(offsets, r.Offset)) && r.Offset%mod == 0 {
			r.Body, r.Name, r.Redacted = kept, "", true
			want++
		}
	}
	if n != want {
		t.Fatalf("redacted %d, want %d", n, want)
	}
}

// One writer and many readers at a time: a reader sees a prefix, whole records, and each redaction wholly.
func TestReadersBesideWriter(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	const total = 600
	done := make(chan error, 4)
	for range 3 {
		go func() { done <- readUntil(t, l, total) }()
	}
	go func() {
		for l.End() < total {
			if _, err := l.Verify(t.Context()); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for n := int64(0); n < total; n += 6 {
		mustAppend(t, l, recs(n, n+6))
		if n%60 == 0 {
			if _, err := l.Redact(t.Context(), []int64{n / 2, n}, func(Record) ([]byte, bool) { return nil, true }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// readUntil reads a growing log over and over until it has seen offset total-1.
func readUntil(t *testing.T, l *Log, total int64) error {
	for from := int64(0); from < total; {
		b, err := l.Fetch(t.Context(), from, 700)
		if err != nil {
			return err
		}
		for i, r := range b.Records {
			want := rec(r.Offset)
			if r.Offset != from+int64(i) || !r.Redacted && string(r.Body) != string(want.Body) || r.Redacted && len(r.Body) > 0 {
				return fmt.Errorf("record %d of a fetch from %d is not what was written", i, from)
			}
		}
		from = b.Next
		if len(b.Records) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}
