package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"carereach/models"

	"github.com/klauspost/compress/zstd"
)

// open does the work of Open.
func (l *Log) open(ctx context.Context) error {
	var err error
	if l.zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false)); err != nil {
		return fmt.Errorf("intake log: %w", err)
	}
	if l.unzip, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxRaw), zstd.WithDecoderConcurrency(0)); err != nil {
		return fmt.Errorf("intake log: %w", err)
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return unwritten("make its folder", err)
	}
	if err := l.takeLock(); err != nil {
		return err
	}
	names, err := l.list()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return l.create()
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.openSegment(name); err != nil {
			return err
		}
	}
	if err := l.openTail(); err != nil {
		return err
	}
	if err := l.contiguous(); err != nil {
		return err
	}
	l.end = l.newest().next
	return l.openForAppend()
}

// takeLock keeps other processes out; the kernel frees the lock when this one ends, however it ends.
func (l *Log) takeLock() error {
	f, err := os.OpenFile(filepath.Join(l.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return unwritten("open its lock file", err)
	}
	l.lock = f
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return &models.Error{Kind: models.KindUnavail, Message: "intake log: another process holds it", Mend: "ask the daemon that runs, or stop it first", Cause: err}
	}
	return nil
}

// list gives the names of the segment files in order, and removes what a crash left half made.
func (l *Log) list() ([]string, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, unwritten("list its folder", err)
	}
	var names []string
	for _, e := range entries {
		switch {
		case strings.HasSuffix(e.Name(), segmentSuffix+tmpSuffix):
			if err := os.Remove(filepath.Join(l.dir, e.Name())); err != nil {
				return nil, unwritten("remove a half-made segment", err)
			}
		case strings.HasSuffix(e.Name(), segmentSuffix):
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// create starts a new log.
func (l *Log) create() error {
	h := segmentHeader{key: l.sealer.KeyID()}
	if _, err := rand.Read(h.log[:]); err != nil {
		return fmt.Errorf("intake log: %w", err)
	}
	g, f, err := l.makeSegment(h)
	if err != nil {
		return err
	}
	if err := l.syncDir(filepath.Dir(l.dir)); err != nil {
		return errors.Join(unwritten("make its folder durable", err), f.Close())
	}
	l.segs, l.file = []*segment{g}, f
	return nil
}

// makeSegment makes an empty segment file, durable under its name when it returns. It replaces an empty one of that name.
func (l *Log) makeSegment(h segmentHeader) (*segment, *os.File, error) {
	path := l.path(h.first)
	f, err := os.OpenFile(path+tmpSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, unwritten("make a segment", err)
	}
	_, err = f.Write(h.encode(l.sealer))
	l.opts.Hooks("segment written")
	if err == nil {
		err = l.sync(f)
	}
	l.opts.Hooks("segment synced")
	if err == nil {
		err = os.Rename(path+tmpSuffix, path)
	}
	l.opts.Hooks("segment renamed")
	if err == nil {
		err = l.syncDir(l.dir)
	}
	l.opts.Hooks("segment dirsynced")
	if err != nil {
		_ = os.Remove(path + tmpSuffix) // gives its space back; may be renamed already
		return nil, nil, errors.Join(unwritten("make a segment", err), f.Close())
	}
	return &segment{path: path, head: h, next: h.first, size: h.size}, f, nil
}

// openSegment reads a segment's header and how it ends.
func (l *Log) openSegment(name string) error {
	f, err := os.Open(filepath.Join(l.dir, name))
	if err != nil {
		return unwritten("open segment "+name, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return unwritten("open segment "+name, err)
	}
	h, err := openHeader(f, st.Size(), name, l.sealer)
	if err != nil {
		return err
	}
	g := &segment{path: f.Name(), head: h, next: h.first, size: st.Size()}
	if len(l.segs) > 0 && l.segs[0].head.log != h.log {
		return damagedSegment(name, "it belongs to another log")
	}
	if c, ok := l.readClose(f, st.Size()); ok {
		g.closed, g.next = true, c.first
	}
	l.segs = append(l.segs, g)
	return nil
}

// readClose looks for a close frame at the end of a segment file.
func (l *Log) readClose(f *os.File, size int64) (frame, bool) {
	length := frameSize + padded(int64(len(l.sealer.Seal(nil, nil))))
	b := make([]byte, frameSize)
	if _, err := f.ReadAt(b, size-length); err != nil {
		return frame{}, false
	}
	c, ok := parseFrame(b, size-length)
	return c, ok && c.kind == kindClose && c.end() == size && bodySound(f, &c)
}

// openTail brings the newest segment in order: it finds its end, taking back an Append that was cut short, and finishes a
// change of segments that was cut short.
func (l *Log) openTail() error {
	last := len(l.segs) - 1
	if last > 0 && !l.segs[last-1].closed && l.segs[last].size == l.segs[last].head.size {
		// The successor was made, but the predecessor not closed.
		old := l.segs[last-1]
		if err := l.recoverTail(old); err != nil {
			return err
		}
		if old.next != l.segs[last].head.first {
			return damagedSegment(old.name(), fmt.Sprintf("it ends at offset %d, the next starts at %d: it was cut short", old.next, l.segs[last].head.first))
		}
		f, err := os.OpenFile(old.path, os.O_RDWR, 0)
		if err != nil {
			return unwritten("open segment "+old.name(), err)
		}
		if err := errors.Join(l.closeSegment(old, f), f.Close()); err != nil {
			return err
		}
	}
	if g := l.segs[last]; g.closed {
		return damagedSegment(segmentName(g.next), "it is missing, and with it all records from offset "+fmt.Sprint(g.next)+" on")
	}
	return l.recoverTail(l.segs[last])
}

// contiguous checks that every segment but the newest is closed and that none is missing.
func (l *Log) contiguous() error {
	if first := l.segs[0].head.first; first != 0 {
		return damagedSegment(segmentName(0), fmt.Sprintf("it is missing, and with it the records up to offset %d", first-1))
	}
	for i, g := range l.segs[:len(l.segs)-1] {
		if !g.closed {
			return l.unclosed(g)
		}
		if next := l.segs[i+1].head.first; g.next != next {
			return damagedSegment(segmentName(g.next), fmt.Sprintf("it is missing, and with it the records from offset %d to %d", g.next, next-1))
		}
	}
	return nil
}

// unclosed finds out what is wrong with a segment that has a successor and no end.
func (l *Log) unclosed(g *segment) error {
	f, err := os.Open(g.path)
	if err != nil {
		return unwritten("open segment "+g.name(), err)
	}
	defer f.Close()
	w := walk{r: f, size: g.size, head: &g.head}
	if at := w.run(true); at != nil {
		return damaged(g.name(), at.block, at.what, nil)
	}
	return damaged(g.name(), len(w.blocks), "it is missing: the segment was cut short", nil)
}

// openForAppend opens the newest segment for writing.
func (l *Log) openForAppend() error {
	f, err := os.OpenFile(l.newest().path, os.O_RDWR, 0)
	if err != nil {
		return unwritten("open segment "+l.newest().name(), err)
	}
	l.file = f
	return nil
}
