package intake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// Append writes records in order and returns the offset of the first and the one after the last, once they are durable.
// It is all or nothing: on an error no record is in the log and Append may be called again, for example when there is space
// on the disk again. The Offset of records is not read. Memory: the records once more, compressed.
func (l *Log) Append(ctx context.Context, records []Record) (first, next int64, err error) {
	for i := range records {
		if len(records[i].Body) > MaxBody || sizeOf(&records[i]) > maxRaw {
			return 0, 0, tooLong(int64(i), len(records[i].Body))
		}
	}
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed {
		return 0, 0, closedLog()
	}
	if len(records) == 0 {
		return l.end, l.end, ctx.Err()
	}
	if err := l.mend(); err != nil {
		return 0, 0, err
	}
	if err := l.rotate(); err != nil {
		return 0, 0, err
	}
	frames, bodies, err := l.seal(ctx, records)
	if err != nil {
		return 0, 0, err
	}
	l.opts.Hooks("append sealed")
	if err := l.writeFrames(frames, bodies); err != nil {
		l.dirty = true
		return 0, 0, errors.Join(unwritten("append to segment "+l.newest().name(), err), l.mend())
	}
	first, next = l.end, l.end+int64(len(records))
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.newest()
	g.index = append(g.index, frames...)
	g.next, g.size, l.end = next, frames[len(frames)-1].end(), next
	return first, next, nil
}

// mend takes back what a failed Append may have left, and makes durable what a failed rename may have left.
func (l *Log) mend() error {
	if !l.dirty {
		return nil
	}
	if err := errors.Join(l.file.Truncate(l.newest().size), l.sync(l.file), l.syncDir(l.dir)); err != nil {
		return unwritten("take back a failed append", err)
	}
	l.dirty = false
	return nil
}

// seal makes the frames of records, as many at a time as there are processors.
func (l *Log) seal(ctx context.Context, records []Record) ([]frame, [][]byte, error) {
	g := l.newest()
	parts := l.blocks(records)
	frames, bodies := make([]frame, len(parts)), make([][]byte, len(parts))
	at := l.end
	for i, part := range parts {
		frames[i] = frame{kind: kindBlock, block: uint32(len(g.index) + i), count: uint32(len(part)), first: at,
			group: g.size, last: uint32(len(g.index) + len(parts) - 1)}
		at += int64(len(part))
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range parts {
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			bodies[i] = l.sealBlock(&g.head, &frames[i], parts[i])
			<-turns
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("append to the intake log: %w", err)
	}
	pos := g.size
	for i := range frames {
		frames[i].pos = pos
		pos = frames[i].end()
	}
	return frames, bodies, nil
}

// blocks divides records into blocks of about BlockBytes.
func (l *Log) blocks(records []Record) [][]Record {
	var parts [][]Record
	from, size := 0, 0
	for i := range records {
		n := sizeOf(&records[i])
		if i > from && size+n > l.opts.BlockBytes {
			parts = append(parts, records[from:i])
			from, size = i, 0
		}
		size += n
	}
	return append(parts, records[from:])
}

// sealBlock encodes, compresses and seals one block and gives its whole frame.
func (l *Log) sealBlock(h *segmentHeader, f *frame, records []Record) []byte {
	size := 0
	for i := range records {
		size += sizeOf(&records[i])
	}
	plain := make([]byte, 0, size)
	for i := range records {
		r := records[i]
		if r.ReceivedAt.IsZero() {
			r.ReceivedAt = l.opts.Now()
		}
		plain = appendRecord(plain, &r)
	}
	f.raw = uint32(len(plain))
	return f.encode(l.sealer.Seal(h.aad(f), l.zip.EncodeAll(plain, nil)))
}

// writeFrames writes frames to the newest segment and makes them durable.
func (l *Log) writeFrames(frames []frame, bodies [][]byte) error {
	for i := range frames {
		if _, err := l.file.WriteAt(bodies[i], frames[i].pos); err != nil {
			return err
		}
		l.opts.Hooks("append frame")
	}
	l.opts.Hooks("append written")
	if err := l.sync(l.file); err != nil {
		return err
	}
	l.opts.Hooks("append synced")
	return nil
}

// rotate goes on to a new segment when the newest is full or sealed with another key. The successor is made first and the
// close of the old segment written then, so that a closed segment without a successor proves one was lost.
func (l *Log) rotate() error {
	g := l.newest()
	if rekeyed := g.head.key != l.sealer.KeyID(); !rekeyed && (g.size < l.opts.SegmentBytes || len(g.index) == 0) {
		return nil
	}
	made, f, err := l.makeSegment(segmentHeader{log: g.head.log, first: l.end, key: l.sealer.KeyID()})
	if err != nil {
		return err
	}
	empty := len(g.index) == 0 // its file was replaced
	if !empty {
		if err := l.closeSegment(g, l.file); err != nil {
			l.dirty = true
			return errors.Join(err, f.Close(), l.mend())
		}
	}
	old := l.file
	l.mu.Lock()
	if empty {
		l.segs = l.segs[:len(l.segs)-1]
	}
	l.segs, l.file = append(l.segs, made), f
	l.mu.Unlock()
	if err := old.Close(); err != nil {
		return unwritten("close segment "+g.name(), err)
	}
	return nil
}

// closeSegment ends a segment that has a successor.
func (l *Log) closeSegment(g *segment, f *os.File) error {
	n := uint32(len(g.index))
	c := frame{kind: kindClose, block: n, last: n, first: g.next, group: g.size, pos: g.size}
	_, err := f.WriteAt(c.encode(l.sealer.Seal(g.head.aad(&c), nil)), c.pos)
	l.opts.Hooks("close written")
	if err == nil {
		err = l.sync(f)
	}
	l.opts.Hooks("close synced")
	if err != nil {
		return unwritten("close segment "+g.name(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g.closed, g.size = true, c.end()
	return nil
}
