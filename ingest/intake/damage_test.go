package intake

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"carereach/models"
)

// image is a log's folder in memory: what the disk holds.
type image map[string][]byte

func snapshot(t testing.TB, dir string) image {
	t.Helper()
	im := image{}
	for _, path := range segments(t, dir) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		im[filepath.Base(path)] = b
	}
	return im
}

// at lays the image down in a fresh folder.
func (im image) lay(t testing.TB) string {
	t.Helper()
	dir := tempDir(t)
	for name, b := range im {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (im image) names() []string {
	var out []string
	for n := range im {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// with gives a copy in which name holds b; nil takes it away.
func (im image) with(name string, b []byte) image {
	out := image{}
	for n, old := range im {
		out[n] = old
	}
	if out[name] = b; b == nil {
		delete(out, name)
	}
	return out
}

// read opens and verifies the log of an image and gives its records.
func (im image) read(t testing.TB, s Sealer) ([]Record, *Recovery, error) {
	t.Helper()
	l, err := Open(t.Context(), im.lay(t), s, small)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	if _, err := l.Verify(t.Context()); err != nil {
		if _, ferr := all(t.Context(), l, 0, 1<<20); ferr == nil {
			t.Fatalf("verify says %v and a reader sees nothing", err)
		}
		return nil, l.Recovered(), err
	}
	got, err := all(t.Context(), l, 0, 1<<20)
	return got, l.Recovered(), err
}

// built is a log of n appends of five records in several segments.
func built(t testing.TB, s Sealer, appends int64) (image, []Record) {
	t.Helper()
	dir := tempDir(t)
	l := mustOpen(t, dir, s, small)
	for n := range appends {
		mustAppend(t, l, recs(5*n, 5*n+5))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return snapshot(t, dir), recs(0, 5*appends)
}

// A changed byte anywhere in any file is noticed, as damage of the segment that it is in, and never as other records.
func TestEveryByteCounts(t *testing.T) {
	s := newSealer(t, "k1")
	im, _ := built(t, s, 6)
	if len(im) < 3 {
		t.Fatalf("%d segments", len(im))
	}
	step := 7
	if testing.Short() {
		step = 29
	}
	for _, name := range im.names() {
		for i := 0; i < len(im[name]); i += step {
			b := bytes.Clone(im[name])
			b[i] ^= 1 << (i % 8)
			_, rec, err := im.with(name, b).read(t, s)
			if err == nil {
				t.Fatalf("byte %d of %s: not noticed, recovered %+v", i, name, rec)
			}
			wantKind(t, err, models.KindCorruption, "segment")
			if !strings.Contains(err.Error(), name) {
				t.Fatalf("byte %d of %s: %v", i, name, err)
			}
		}
	}
}

// A log cut anywhere in an Append that never returned opens without it; all before is there. That holds for an Append of
// many blocks too: none of them stays.
func TestTornTail(t *testing.T) {
	s := newSealer(t, "k1")
	dir := tempDir(t)
	l := mustOpen(t, dir, s, Options{BlockBytes: 600, Now: clock})
	ends := map[int64]int64{l.newest().size: 0} // size of the file -> records
	for n := int64(0); n < 20; n += 10 {
		mustAppend(t, l, recs(n, n+10))
		ends[l.newest().size] = n + 10
	}
	if n := len(l.newest().index); n < 6 {
		t.Fatalf("%d blocks; the test needs several for each append", n)
	}
	im := snapshot(t, dir)
	name := im.names()[0]
	var cuts []int64
	for cut := l.newest().head.size; cut <= int64(len(im[name])); cut += 31 {
		cuts = append(cuts, cut)
	}
	for _, f := range l.newest().index {
		cuts = append(cuts, f.pos, f.pos+1, f.pos+frameSize, f.pos+frameSize+1, f.end()-1)
	}
	cuts = append(cuts, int64(len(im[name])))
	slices.Sort(cuts)
	have := int64(0)
	for _, cut := range cuts {
		n, clean := ends[cut]
		if clean {
			have = n
		}
		got, rec, err := im.with(name, im[name][:cut]).read(t, s)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if d := same(recs(0, have), got, 0); d != "" {
			t.Fatalf("cut at %d:\n%s", cut, d)
		}
		if (rec == nil) != clean || rec != nil && (rec.Segment != name || rec.Bytes <= 0) {
			t.Fatalf("cut at %d: recovered %+v", cut, rec)
		}
	}
}

// A power cut may leave any of the sectors of the last Append unwritten, in any order. It is taken back; a sector missing in
// an Append before it is damage, since that one was durable.
func TestTornSectors(t *testing.T) {
	s := newSealer(t, "k1")
	dir := tempDir(t)
	l := mustOpen(t, dir, s, Options{BlockBytes: 600, Now: clock})
	mustAppend(t, l, recs(0, 20))
	durable := l.newest().size
	mustAppend(t, l, recs(20, 40))
	im := snapshot(t, dir)
	name := im.names()[0]
	whole := im[name]
	for at := int64(0); at < int64(len(whole)); at += sector {
		from, to := max(at, l.newest().head.size), min(at+sector, int64(len(whole)))
		if at < durable && to > durable {
			from = durable // the sector that both share was written once already, with zeros where the second begins
		}
		b := bytes.Clone(whole)
		clear(b[from:to])
		got, rec, err := im.with(name, b).read(t, s)
		if from < durable {
			wantKind(t, err, models.KindCorruption, name, "block")
			continue
		}
		if err != nil || rec == nil {
			t.Fatalf("sector at %d: %v, recovered %+v", at, err, rec)
		}
		if d := same(recs(0, 20), got, 0); d != "" {
			t.Fatalf("sector at %d:\n%s", at, d)
		}
	}
	longer := append(bytes.Clone(whole), make([]byte, 3000)...) // the file has grown, the bytes never came
	got, rec, err := im.with(name, longer).read(t, s)
	if d := same(recs(0, 40), got, 0); err != nil || d != "" || rec == nil || rec.Bytes != 3000 {
		t.Fatalf("zeros at the end: %v, recovered %+v\n%s", err, rec, d)
	}
}

// A segment that has a successor was durable to its end: a cut anywhere in it is damage.
func TestTruncatedMiddle(t *testing.T) {
	s := newSealer(t, "k1")
	im, _ := built(t, s, 8)
	name := im.names()[1]
	for cut := 0; cut < len(im[name]); cut += 7 {
		_, _, err := im.with(name, im[name][:cut]).read(t, s)
		wantKind(t, err, models.KindCorruption, "segment "+name)
	}
	// The same one before an empty successor, which is how a crash between two steps of a change of segments looks like.
	last := im.names()[len(im)-1]
	before := im.names()[len(im)-2]
	h, _, ok := parseHeader(bytes.NewReader(im[last]), int64(len(im[last])))
	if !ok {
		t.Fatal("no header")
	}
	empty := im.with(last, im[last][:h.size])
	_, _, err := empty.with(before, im[before][:len(im[before])/2]).read(t, s)
	wantKind(t, err, models.KindCorruption, "segment "+before)
	got, _, err := empty.read(t, s)
	if err != nil || len(got) != int(h.first) {
		t.Fatalf("an empty successor: %d records, %v", len(got), err)
	}
}

// A missing segment is named, whichever it is; only all of them missing is a new log.
func TestMissingSegment(t *testing.T) {
	s := newSealer(t, "k1")
	im, _ := built(t, s, 8)
	for i, name := range im.names() {
		_, _, err := im.with(name, nil).read(t, s)
		wantKind(t, err, models.KindCorruption, name, "missing")
		if i == 0 {
			continue
		}
		_, _, err = im.with(name, nil).with(im.names()[i-1], nil).read(t, s)
		wantKind(t, err, models.KindCorruption, im.names()[i-1], "missing")
	}
}

func TestSwappedSegments(t *testing.T) {
	s := newSealer(t, "k1")
	im, _ := built(t, s, 8)
	a, b := im.names()[1], im.names()[2]
	_, _, err := im.with(a, im[b]).with(b, im[a]).read(t, s)
	wantKind(t, err, models.KindCorruption, a, "swapped")

	// Of another log with the same key: as well formed as its own, yet not its own.
	other, _ := built(t, s, 8)
	_, _, err = im.with(a, other[a]).read(t, s)
	wantKind(t, err, models.KindCorruption, a, "another log")
}

// Blocks moved about with all checksums made right again are still found: the seal binds them to their place.
func TestSwappedBlocks(t *testing.T) {
	s := newSealer(t, "k1")
	dir := tempDir(t)
	l := mustOpen(t, dir, s, Options{Now: clock})
	for n := range int64(3) { // blocks of equal length
		mustAppend(t, l, []Record{{Format: FormatFHIR, ReceivedAt: noon, Body: fmt.Appendf(nil, "body %d", n)}})
	}
	im := snapshot(t, dir)
	name := im.names()[0]
	index := l.newest().index
	a, b := index[0], index[1]
	if a.size() != b.size() {
		t.Fatal("blocks differ in length")
	}
	swapped := bytes.Clone(im[name])
	copy(swapped[a.pos:a.end()], im[name][b.pos:b.end()])
	copy(swapped[b.pos:b.end()], im[name][a.pos:a.end()])
	_, _, err := im.with(name, swapped).read(t, s)
	wantKind(t, err, models.KindCorruption, name, "block 0", "swapped")

	forged := bytes.Clone(im[name])
	for _, pair := range [][2]frame{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		body := im[name][from.pos+frameSize : from.pos+frameSize+int64(from.sealed)]
		copy(forged[to.pos:], to.encode(body))
	}
	_, _, err = im.with(name, forged).read(t, s)
	wantKind(t, err, models.KindCorruption, name, "block 0", "seal")
}

// A block written twice, or an older copy of the file with new blocks behind it, does not count as records.
func TestRepeatedBlock(t *testing.T) {
	s := newSealer(t, "k1")
	dir := tempDir(t)
	l := mustOpen(t, dir, s, Options{Now: clock})
	mustAppend(t, l, recs(0, 3))
	im := snapshot(t, dir)
	name := im.names()[0]
	f := l.newest().index[0]
	_, _, err := im.with(name, append(bytes.Clone(im[name]), im[name][f.pos:f.end()]...)).read(t, s)
	wantKind(t, err, models.KindCorruption, name, "block 1")
}

func TestWrongKey(t *testing.T) {
	im, _ := built(t, newSealer(t, "k1"), 2)
	_, _, err := im.read(t, newSealer(t, "k2"))
	wantKind(t, err, models.KindConfig, "sealed with key k1", "given is k2")
	_, _, err = im.read(t, gcm{id: "k1", aead: newSealer(t, "other").(gcm).aead})
	wantKind(t, err, models.KindConfig, "does not open with key k1")
}

func TestNoSegment(t *testing.T) {
	s := newSealer(t, "k1")
	im, _ := built(t, s, 8)
	for _, b := range [][]byte{{}, []byte("CRINTAK1"), bytes.Repeat([]byte{0}, 4096), []byte("an e-mail saved in the wrong place")} {
		_, _, err := im.with(im.names()[1], b).read(t, s)
		wantKind(t, err, models.KindCorruption, im.names()[1], "header")
	}
}

// Other files in the folder are none of the log's business; half-made segments of a crash go.
func TestLeftovers(t *testing.T) {
	s := newSealer(t, "k1")
	im, want := built(t, s, 3)
	dir := im.lay(t)
	for _, name := range []string{"README", segmentName(0) + tmpSuffix} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check(t, mustOpen(t, dir, s, small), want)
	if _, err := os.Stat(filepath.Join(dir, segmentName(0)+tmpSuffix)); !os.IsNotExist(err) {
		t.Errorf("a half-made segment is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "README")); err != nil {
		t.Error(err)
	}
}

// What is damaged after the opening is found by whoever reads it, and the log goes on for the rest.
func TestDamageWhileOpen(t *testing.T) {
	dir, s := t.TempDir(), newSealer(t, "k1")
	l := mustOpen(t, dir, s, small)
	for n := range int64(8) {
		mustAppend(t, l, recs(5*n, 5*n+5))
	}
	path := segments(t, dir)[1]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = l.Verify(t.Context())
	wantKind(t, err, models.KindCorruption, filepath.Base(path), "block")
	_, err = all(t.Context(), l, 0, 100)
	wantKind(t, err, models.KindCorruption, filepath.Base(path), "block")
	mustAppend(t, l, recs(40, 45))
	got, err := all(t.Context(), l, 38, 1<<20)
	if d := same(recs(38, 45), got, 38); err != nil || d != "" {
		t.Fatalf("behind the damage: %v\n%s", err, d)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = all(t.Context(), l, 0, 100)
	wantKind(t, err, models.KindCorruption, filepath.Base(path), "missing")
}
