package intake

import (
	"errors"
	"io"
	"os"
)

// recoverTail walks the newest segment and cuts off an Append that a crash left incomplete. What was damaged later than
// that is an error.
func (l *Log) recoverTail(g *segment) error {
	f, err := os.OpenFile(g.path, os.O_RDWR, 0)
	if err != nil {
		return unwritten("open segment "+g.name(), err)
	}
	defer f.Close()
	w := walk{r: f, size: g.size, head: &g.head}
	at := w.run(true)
	cut := w.pos
	if at != nil {
		if !torn(f, w.size, at) {
			return damaged(g.name(), at.block, at.what, nil)
		}
		cut = at.pos
	}
	// An Append whose last block is missing was not acknowledged: its other blocks go, too.
	if n := len(w.blocks); n > 0 && int(w.blocks[n-1].last) >= n {
		for cut = w.blocks[n-1].group; n > 0 && w.blocks[n-1].pos >= cut; n-- {
			w.next = w.blocks[n-1].first
		}
		w.blocks = w.blocks[:n]
	}
	if cut < g.size {
		l.torn = &Recovery{Segment: g.name(), Block: len(w.blocks), Bytes: g.size - cut}
		if err := errors.Join(f.Truncate(cut), l.sync(f)); err != nil {
			return unwritten("take back an incomplete append in segment "+g.name(), err)
		}
	}
	g.index, g.next, g.size = w.blocks, w.next, cut
	return nil
}

// torn tells an Append that a crash cut short from damage to what was durable. An Append starts only after the one before
// is durable, so that an intact frame of a later Append proves the bad place was durable once. Without one, the bad place
// is torn when the file ends inside it, or when a sector of it was never written and reads as zeros; sealed bytes do not.
func torn(r io.ReaderAt, size int64, at *fault) bool {
	if at.whole {
		return false
	}
	missing, later := at.short, false
	const window = 1 << 20
	buf := make([]byte, window+frameSize)
	for pos := at.pos; pos < size && !later; pos += window {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-pos)], pos)
		if err != nil && !errors.Is(err, io.EOF) {
			return false
		}
		here := buf[:n]
		missing = missing || hasZeroSector(here[:min(n, window)], pos)
		for i := int64(0); i+frameSize <= int64(n) && i < window; i += 8 {
			if f, ok := parseFrame(here[i:], pos+i); ok && f.group > at.pos && f.group <= f.pos && f.end() <= size && bodySound(r, &f) {
				later = true
				break
			}
		}
	}
	return missing && !later
}

// sector is the smallest unit that a disk writes.
const sector = 512

// hasZeroSector reports whether the part of any sector that lies in b, which starts at pos in the file, is all zeros.
func hasZeroSector(b []byte, pos int64) bool {
	for len(b) > 0 {
		n := min(int64(len(b)), sector-pos%sector)
		zero := true
		for _, c := range b[:n] {
			if c != 0 {
				zero = false
				break
			}
		}
		if zero {
			return true
		}
		b, pos = b[n:], pos+n
	}
	return false
}
