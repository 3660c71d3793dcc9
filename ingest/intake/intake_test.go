package intake

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// gcm is a Sealer as the ledger's keys are one.
type gcm struct {
	id   string
	aead cipher.AEAD
}

func newSealer(t testing.TB, id string) Sealer {
	t.Helper()
	return sealerOf(id)
}

func sealerOf(id string) Sealer {
	key := sha256.Sum256([]byte(id))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm{id: id, aead: aead}
}

func (g gcm) Seal(aad, plain []byte) []byte           { return g.aead.Seal(nil, nil, plain, aad) }
func (g gcm) Open(aad, sealed []byte) ([]byte, error) { return g.aead.Open(nil, nil, sealed, aad) }
func (g gcm) KeyID() string                           { return g.id }

// ring seals with its first key and opens with any, as keys do after a rotation.
type ring []Sealer

func (r ring) Seal(aad, plain []byte) []byte { return r[0].Seal(aad, plain) }
func (r ring) KeyID() string                 { return r[0].KeyID() }
func (r ring) Open(aad, sealed []byte) ([]byte, error) {
	var err error
	for _, s := range r {
		var plain []byte
		if plain, err = s.Open(aad, sealed); err == nil {
			return plain, nil
		}
	}
	return nil, err
}

var noon = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// small makes segments and blocks so small that a few records make many of them.
var small = Options{SegmentBytes: 2000, BlockBytes: 600, Now: clock}

func mustOpen(t testing.TB, dir string, s Sealer, o Options) *Log {
	t.Helper()
	l, err := Open(t.Context(), dir, s, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// rec makes the record that always stands at offset n, so that a reader knows what to find there.
func rec(n int64) Record {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	body := make([]byte, r.IntN(400))
	for i := range body {
		body[i] = byte('a' + r.IntN(26))
	}
	out := Record{Source: "clinic-a", Format: FormatFHIR, Name: fmt.Sprintf("file-%d.ndjson", n/10), Line: n%10 + 1,
		ReceivedAt: noon.Add(time.Duration(n) * time.Second), Body: fmt.Appendf(nil, "%d:%s", n, body)}
	if n%7 == 3 {
		out.Reject = &models.Reject{Reason: models.ReasonBadJSON, Where: "byte 7", Detail: "cut short", Mend: "send it whole"}
	}
	return out
}

func recs(from, to int64) []Record {
	out := make([]Record, 0, to-from)
	for n := from; n < to; n++ {
		out = append(out, rec(n))
	}
	return out
}

func mustAppend(t testing.TB, l *Log, records []Record) {
	t.Helper()
	before := l.End()
	first, next, err := l.Append(t.Context(), records)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	if first != before || next != before+int64(len(records)) || l.End() != next {
		t.Fatalf("append to %d gave %d to %d, end %d", before, first, next, l.End())
	}
}

// all reads a log from offset from to its end in pieces of maxBytes.
func all(ctx context.Context, l *Log, from int64, maxBytes int) ([]Record, error) {
	var out []Record
	for {
		b, err := l.Fetch(ctx, from, maxBytes)
		if err != nil || len(b.Records) == 0 {
			return out, err
		}
		if b.Next != from+int64(len(b.Records)) {
			return out, fmt.Errorf("fetch from %d gave %d records and next %d", from, len(b.Records), b.Next)
		}
		out = append(out, b.Records...)
		from = b.Next
	}
}

// same compares what was read with what should stand there, in offset order from first on.
func same(want, got []Record, first int64) string {
	want = append([]Record{}, want...)
	for i := range want {
		want[i].Offset = first + int64(i)
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterValues(func(a, b []byte) bool { return len(a)+len(b) > 0 }, cmp.Comparer(bytes.Equal)))
}

func check(t testing.TB, l *Log, want []Record) {
	t.Helper()
	got, err := all(t.Context(), l, 0, 1<<20)
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	if d := same(want, got, 0); d != "" {
		t.Fatalf("log differs (-want +got):\n%s", d)
	}
	rep, err := l.Verify(t.Context())
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if rep.Records != int64(len(want)) || rep.End != int64(len(want)) || rep.Start != 0 {
		t.Fatalf("verify counted %+v, want %d records", rep, len(want))
	}
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantKind(t testing.TB, err error, kind models.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if models.KindOf(err) != kind {
		t.Fatalf("kind %s, want %s: %v", models.KindOf(err), kind, err)
	}
	var e *models.Error
	if !asModels(err, &e) || e.Mend == "" {
		t.Fatalf("error does not say how to mend it: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not say %q: %v", w, err)
		}
	}
}

// What was appended is read back in order, in one piece or in many, after a reopening too.
func TestAppendFetch(t *testing.T) {
	dir, s := t.TempDir(), newSealer(t, "k1")
	l := mustOpen(t, dir, s, small)
	if l.Start() != 0 || l.End() != 0 {
		t.Fatalf("a new log goes from %d to %d", l.Start(), l.End())
	}
	check(t, l, nil)
	for n := int64(0); n < 100; n += 10 {
		mustAppend(t, l, recs(n, n+10))
	}
	check(t, l, recs(0, 100))
	if n := len(segments(t, dir)); n < 5 {
		t.Fatalf("%d segments; the test needs many", n)
	}
	for _, maxBytes := range []int{0, 1, 500, 5000} {
		got, err := all(t.Context(), l, 37, maxBytes)
		if d := same(recs(37, 100), got, 37); err != nil || d != "" {
			t.Fatalf("from 37 in pieces of %d: %v\n%s", maxBytes, err, d)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, s, small)
	if l.Recovered() != nil {
		t.Fatalf("recovered %+v from a log that was closed", l.Recovered())
	}
	check(t, l, recs(0, 100))
	mustAppend(t, l, recs(100, 101))
	check(t, l, recs(0, 101))
}

// A Fetch holds to its bound: never more bodies than asked for, unless the first alone is longer.
func TestFetchBound(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	mustAppend(t, l, recs(0, 60))
	for from := int64(0); from < 60; from++ {
		b, err := l.Fetch(t.Context(), from, 900)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, r := range b.Records {
			sum += len(r.Body)
		}
		if len(b.Records) == 0 || sum > 900 && len(b.Records) > 1 {
			t.Fatalf("from %d: %d records of %d bytes", from, len(b.Records), sum)
		}
		if b.Next < 60 && sum+len(rec(b.Next).Body) <= 900 {
			t.Fatalf("from %d: stopped at %d bytes though the next record fits", from, sum)
		}
	}
}

// A position behind the end means that records are gone; reading on from somewhere else would hide it.
func TestFetchOutside(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	mustAppend(t, l, recs(0, 5))
	b, err := l.Fetch(t.Context(), 5, 100)
	if err != nil || len(b.Records) != 0 || b.Next != 5 {
		t.Fatalf("at the end: %+v, %v", b, err)
	}
	_, err = l.Fetch(t.Context(), 6, 100)
	wantKind(t, err, models.KindCorruption, "offset 6", "0 to 5")
	_, err = l.Fetch(t.Context(), -1, 100)
	wantKind(t, err, models.KindCorruption)
}

func TestAppendEdges(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	mustAppend(t, l, nil)
	_, _, err := l.Append(t.Context(), []Record{rec(0), {Format: FormatFHIR, Body: make([]byte, MaxBody+1)}})
	wantKind(t, err, models.KindInvalid, "record 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Append(ctx, recs(0, 3)); err == nil {
		t.Fatal("append under a cancelled context")
	}
	if l.End() != 0 {
		t.Fatalf("a refused append left %d records", l.End())
	}
	want := []Record{{}, {Format: FormatFile, Line: -1, ReceivedAt: time.Unix(0, 1).UTC(), Reject: &models.Reject{}, Redacted: true}}
	mustAppend(t, l, want)
	want[0].ReceivedAt = noon // given by the log
	check(t, l, want)
}

// The longest body goes in and comes out; small blocks do not cut it.
func TestLongBody(t *testing.T) {
	l := mustOpen(t, t.TempDir(), newSealer(t, "k1"), small)
	long := Record{Source: "clinic-a", Format: FormatFHIR, ReceivedAt: noon, Body: bytes.Repeat([]byte("carereach "), MaxBody/10)}
	want := []Record{rec(0), long, rec(2)}
	mustAppend(t, l, want)
	check(t, l, want)
}

func TestOneProcess(t *testing.T) {
	dir, s := t.TempDir(), newSealer(t, "k1")
	l := mustOpen(t, dir, s, small)
	_, err := Open(t.Context(), dir, s, small)
	wantKind(t, err, models.KindUnavail, "another process")
	mustAppend(t, l, recs(0, 5)) // the refused opening did no harm
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err = l.Append(t.Context(), recs(5, 6))
	wantKind(t, err, models.KindUsage)
	_, err = l.Fetch(t.Context(), 0, 10)
	wantKind(t, err, models.KindUsage)
	_, err = l.Verify(t.Context())
	wantKind(t, err, models.KindUsage)
	_, err = l.Redact(t.Context(), nil, func(Record) ([]byte, bool) { return nil, true })
	wantKind(t, err, models.KindUsage)
	check(t, mustOpen(t, dir, s, small), recs(0, 5))
}

// The files are for their owner only.
func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "intake")
	l := mustOpen(t, dir, newSealer(t, "k1"), small)
	mustAppend(t, l, recs(0, 40))
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", d.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// No word of a body, of a file's name or of a reason can be read from the disk.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, newSealer(t, "k1"), small)
	const canary = "Zanzibar-Quetzalcoatl"
	for n := range 30 {
		mustAppend(t, l, []Record{{Source: "clinic-" + canary, Format: FormatFHIR, Name: canary + ".json", ReceivedAt: noon,
			Reject: &models.Reject{Detail: canary}, Body: fmt.Appendf(nil, "%s %d", canary, n)}})
	}
	if _, err := l.Redact(t.Context(), []int64{3}, func(Record) ([]byte, bool) { return []byte(canary), true }); err != nil {
		t.Fatal(err)
	}
	for _, name := range segments(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+6 <= len(canary); i++ {
			if bytes.Contains(b, []byte(canary[i:i+6])) {
				t.Fatalf("%s holds %q", filepath.Base(name), canary[i:i+6])
			}
		}
	}
}

// After a change of key new records are sealed with the new one, and old ones stay readable as long as the old key is there.
func TestKeyChange(t *testing.T) {
	dir, k1, k2 := t.TempDir(), newSealer(t, "k1"), newSealer(t, "k2")
	l := mustOpen(t, dir, k1, Options{})
	mustAppend(t, l, recs(0, 10))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, ring{k2, k1}, Options{})
	mustAppend(t, l, recs(10, 20))
	mustAppend(t, l, recs(20, 30))
	check(t, l, recs(0, 30))
	if n := len(segments(t, dir)); n != 2 {
		t.Fatalf("%d segments, want one for each key", n)
	}
	// Rewriting the old segment brings it to the new key; the old key is not needed any more.
	if _, err := l.Redact(t.Context(), []int64{0}, func(Record) ([]byte, bool) { return nil, true }); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := recs(0, 30)
	want[0].Body, want[0].Name, want[0].Redacted = nil, "", true
	check(t, mustOpen(t, dir, k2, Options{}), want)
}

// A log that holds nothing yet takes a new key, too.
func TestKeyChangeEmpty(t *testing.T) {
	dir, k1, k2 := t.TempDir(), newSealer(t, "k1"), newSealer(t, "k2")
	if err := mustOpen(t, dir, k1, small).Close(); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, ring{k2, k1}, small)
	mustAppend(t, l, recs(0, 10))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, mustOpen(t, dir, k2, small), recs(0, 10))
}
