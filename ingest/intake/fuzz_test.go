package intake

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"carereach/models"
)

// Whatever bytes stand in a segment file: Open, Verify and Fetch end with records that were really sealed, or with an error
// that says what an operator can do. They never panic and never make records up.
func FuzzSegment(f *testing.F) {
	s := sealerOf("k1")
	im, want := built(f, s, 2)
	name := im.names()[0]
	f.Add(im[name])
	f.Add(im[name][:len(im[name])/2])
	f.Add([]byte(segmentMagic))
	f.Add(append(bytes.Clone(im[name]), make([]byte, 1024)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := tempDir(t)
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), dir, s, small)
		if err != nil {
			if k := models.KindOf(err); k != models.KindCorruption && k != models.KindConfig {
				t.Fatalf("kind %s: %v", k, err)
			}
			return
		}
		defer func() { _ = l.Close() }()
		if _, err := l.Verify(t.Context()); err != nil {
			wantKind(t, err, models.KindCorruption)
			return
		}
		got, err := all(t.Context(), l, 0, 1<<20)
		if err != nil {
			t.Fatalf("verified, but: %v", err)
		}
		if d := same(want[:min(len(got), len(want))], got, 0); d != "" {
			t.Fatal(d)
		}
	})
}

// Records decode to what was encoded; any other bytes are refused without a panic and without much memory.
func FuzzRecords(f *testing.F) {
	var b []byte
	for _, r := range recs(0, 4) {
		b = appendRecord(b, &r)
	}
	f.Add(b, 4)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		if count < 1 {
			return
		}
		got, err := decodeRecords(b, count, 0)
		if err != nil {
			return
		}
		var again []byte
		for i := range got {
			again = appendRecord(again, &got[i])
		}
		back, err := decodeRecords(again, count, 0)
		if d := same(got, back, 0); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}
