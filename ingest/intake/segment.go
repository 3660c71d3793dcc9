package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"carereach/models"
)

const (
	segmentMagic  = "CRINTAK1"
	segmentSuffix = ".seg"
	tmpSuffix     = ".tmp"
	maxHeader     = 4 << 10
)

func segmentName(first int64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// segmentHeader starts a segment file: magic, length and CRC32C of the rest, log, first offset, key id, and a seal of
// nothing that tells a wrong key at once; padded to a multiple of 8 bytes.
type segmentHeader struct {
	log   [16]byte // random, the same in all segments of a log
	first int64    // offset of the first record
	key   string   // id of the key it was sealed with
	size  int64    // on disk
}

func (h *segmentHeader) aadHeader() []byte {
	b := append([]byte("carereach intake segment 1\x00"), h.log[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.first))
	return append(b, h.key...)
}

// encode gives the header's bytes and sets its size.
func (h *segmentHeader) encode(s Sealer) []byte {
	check := s.Seal(h.aadHeader(), nil)
	rest := append([]byte{}, h.log[:]...)
	rest = binary.LittleEndian.AppendUint64(rest, uint64(h.first))
	for _, part := range [][]byte{[]byte(h.key), check} {
		rest = binary.LittleEndian.AppendUint16(rest, uint16(len(part)))
		rest = append(rest, part...)
	}
	for len(rest)%8 != 0 {
		rest = append(rest, 0xFF)
	}
	b := binary.LittleEndian.AppendUint32([]byte(segmentMagic), uint32(len(rest)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(rest, castagnoli))
	b = append(b, rest...)
	h.size = int64(len(b))
	return b
}

// parseHeader reads a header; check is the seal of nothing.
func parseHeader(r io.ReaderAt, fileSize int64) (h segmentHeader, check []byte, ok bool) {
	b := make([]byte, min(max(fileSize, 0), maxHeader))
	if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) || len(b) < 16 || string(b[:8]) != segmentMagic {
		return h, nil, false
	}
	n := int64(binary.LittleEndian.Uint32(b[8:]))
	if n%8 != 0 || 16+n > int64(len(b)) {
		return h, nil, false
	}
	rest := b[16 : 16+n]
	if crc32.Checksum(rest, castagnoli) != binary.LittleEndian.Uint32(b[12:]) || len(rest) < 24 {
		return h, nil, false
	}
	copy(h.log[:], rest)
	h.first, h.size = int64(binary.LittleEndian.Uint64(rest[16:])), 16+n
	rest = rest[24:]
	var parts [2][]byte
	for i := range parts {
		if len(rest) < 2 {
			return h, nil, false
		}
		n := int(binary.LittleEndian.Uint16(rest))
		if rest = rest[2:]; len(rest) < n {
			return h, nil, false
		}
		parts[i], rest = rest[:n], rest[n:]
	}
	h.key = string(parts[0])
	return h, parts[1], h.first >= 0
}

// openHeader reads the header of the segment file at path and proves that s opens it.
func openHeader(r io.ReaderAt, fileSize int64, name string, s Sealer) (segmentHeader, error) {
	h, check, ok := parseHeader(r, fileSize)
	if !ok {
		return h, damagedSegment(name, "its header is damaged or it is no segment")
	}
	if segmentName(h.first) != name {
		return h, damagedSegment(name, "it holds what belongs to "+segmentName(h.first)+": segments were swapped or renamed")
	}
	if _, err := s.Open(h.aadHeader(), check); err != nil {
		e := &models.Error{Kind: models.KindConfig, Message: "intake log: segment " + name + " does not open with key " + s.KeyID(), Mend: mendKey, Cause: err}
		if h.key != s.KeyID() {
			e.Message = "intake log: segment " + name + " was sealed with key " + h.key + ", the key given is " + s.KeyID()
		}
		return h, e
	}
	return h, nil
}

// segment is one file of the log. Path and head never change; a rewritten segment is a new value.
type segment struct {
	path string
	head segmentHeader

	mu     sync.Mutex // guards what follows while it is read lazily; the newest segment is guarded by Log.mu
	index  []frame    // its blocks; nil until they are needed
	closed bool       // has a successor
	next   int64      // offset after its last record
	size   int64      // bytes of the file that count
}

func (g *segment) name() string { return filepath.Base(g.path) }

// blocks gives the places of the segment's blocks; the caller holds Log.mu for reading.
func (g *segment) blocks(f *os.File) ([]frame, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.index != nil || !g.closed {
		return g.index, nil
	}
	w := walk{r: f, size: g.size, head: &g.head}
	if fault := w.run(false); fault != nil {
		return nil, damaged(g.name(), fault.block, fault.what, nil)
	}
	g.index = w.blocks
	return g.index, nil
}

// walk steps through the frames of a segment.
type walk struct {
	r      io.ReaderAt
	size   int64 // of the file
	head   *segmentHeader
	blocks []frame
	close  *frame
	pos    int64 // after the last sound frame
	next   int64 // offset after the last sound block
}

// fault is the place where a walk ended too early.
type fault struct {
	block int
	pos   int64
	short bool // the file ends inside the frame
	whole bool // what stands there is whole, but does not belong there
	what  string
}

// run walks to the end of the file; bodies says whether to check what the frames hold, too.
func (w *walk) run(bodies bool) *fault {
	w.pos, w.next = w.head.size, w.head.first
	buf := make([]byte, frameSize)
	for w.pos < w.size {
		at := &fault{block: len(w.blocks), pos: w.pos}
		if w.close != nil {
			at.whole, at.what = true, "there is more behind the end of the segment"
			return at
		}
		if w.size-w.pos < frameSize {
			at.short, at.what = true, "cut short"
			return at
		}
		if _, err := w.r.ReadAt(buf, w.pos); err != nil {
			at.what = "cannot be read: " + err.Error()
			return at
		}
		f, ok := parseFrame(buf, w.pos)
		switch {
		case !ok:
			at.what = "its header is damaged"
			return at
		case f.end() > w.size:
			at.short, at.what = true, "cut short"
			return at
		case int(f.block) != len(w.blocks) || f.first != w.next || f.group > f.pos:
			at.whole, at.what = true, fmt.Sprintf("it is block %d from offset %d, expected was offset %d: blocks were swapped or lost", f.block, f.first, w.next)
			return at
		case bodies && !bodySound(w.r, &f):
			at.what = "its checksum does not match"
			return at
		}
		w.add(f)
	}
	return nil
}

func (w *walk) add(f frame) {
	w.pos = f.end()
	if f.kind == kindClose {
		w.close = &f
		return
	}
	w.blocks = append(w.blocks, f)
	w.next = f.first + int64(f.count)
}

// bodySound compares a frame's body with its checksum.
func bodySound(r io.ReaderAt, f *frame) bool {
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, io.NewSectionReader(r, f.pos+frameSize, padded(int64(f.sealed))))
	return err == nil && n == padded(int64(f.sealed)) && sum.Sum32() == f.crc
}

// readBody gives a frame's sealed body, checked; what is wrong with it otherwise.
func readBody(r io.ReaderAt, f *frame) (sealed []byte, wrong string) {
	b := make([]byte, padded(int64(f.sealed)))
	if _, err := r.ReadAt(b, f.pos+frameSize); err != nil {
		return nil, "cannot be read: " + err.Error()
	}
	if crc32.Checksum(b, castagnoli) != f.crc {
		return nil, "its checksum does not match"
	}
	return b[:f.sealed], ""
}
