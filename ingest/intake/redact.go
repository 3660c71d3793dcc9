package intake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Redact rewrites the segments that hold the given offsets (nil: any record) and asks edit, once, about each of these
// records: keep is the new body, empty to keep nothing. Offsets, formats, sources and rejects stay; the name of the file, which
// may name a person, goes. It returns how many records were changed. Each segment is replaced at once; after an error or a crash a
// segment is old or new, and Redact has to be asked again. Nothing of the old bodies is left in the log's files when it returns;
// what the disk underneath remembers is for the disk's own encryption. Memory: one block and what is kept of a segment. Disk:
// one segment more while it works. edit must not call the log's Append or Redact.
func (l *Log) Redact(ctx context.Context, offsets []int64, edit func(Record) (keep []byte, redact bool)) (int, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed {
		return 0, closedLog()
	}
	if err := l.mend(); err != nil {
		return 0, err
	}
	wanted := wanted{all: offsets == nil, offsets: slices.Sorted(slices.Values(offsets))}
	changed := 0
	for i, g := range l.segs {
		if !wanted.within(g.head.first, g.next) {
			continue
		}
		edits, err := l.edits(ctx, g, wanted, edit)
		if err != nil {
			return changed, fmt.Errorf("redact: %w", err)
		}
		if len(edits) == 0 {
			continue
		}
		if err := l.replace(ctx, i, edits); err != nil {
			return changed, fmt.Errorf("redact: %w", err)
		}
		changed += len(edits)
	}
	return changed, nil
}

// wanted is a set of offsets.
type wanted struct {
	all     bool
	offsets []int64 // sorted
}

// within reports whether any of the offsets lies in [from, to).
func (w wanted) within(from, to int64) bool {
	i, _ := slices.BinarySearch(w.offsets, from)
	return w.all || i < len(w.offsets) && w.offsets[i] < to
}

// edits asks about the records of one segment.
func (l *Log) edits(ctx context.Context, g *segment, w wanted, edit func(Record) ([]byte, bool)) (map[int64][]byte, error) {
	f, err := os.Open(g.path)
	if err != nil {
		return nil, unwritten("open segment "+g.name(), err)
	}
	defer f.Close()
	blocks, err := g.blocks(f)
	if err != nil {
		return nil, err
	}
	out := map[int64][]byte{}
	for i := range blocks {
		b := &blocks[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !w.within(b.first, b.first+int64(b.count)) {
			continue
		}
		records, err := l.readBlock(f, g, b)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if !w.within(r.Offset, r.Offset+1) {
				continue
			}
			if keep, redact := edit(r); redact {
				if len(keep) > MaxBody {
					return nil, tooLong(r.Offset, len(keep))
				}
				out[r.Offset] = slices.Clone(keep)
			}
		}
	}
	return out, nil
}

// replace writes segment i anew with edits and puts it in the old one's place.
func (l *Log) replace(ctx context.Context, i int, edits map[int64][]byte) (err error) {
	old := l.segs[i]
	tmp := old.path + tmpSuffix
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return unwritten("rewrite segment "+old.name(), err)
	}
	renamed := false
	defer func() {
		if !renamed {
			_ = os.Remove(tmp) // Open would remove it, too
			err = errors.Join(err, f.Close())
		}
	}()
	made, err := l.rewrite(ctx, old, f, edits)
	if err != nil {
		return err
	}
	l.opts.Hooks("redact written")
	if err := l.sync(f); err != nil {
		return unwritten("rewrite segment "+old.name(), err)
	}
	l.opts.Hooks("redact synced")
	l.mu.Lock()
	if err = os.Rename(tmp, old.path); err == nil {
		renamed = true
		l.segs[i] = made
	}
	l.mu.Unlock()
	if err != nil {
		return unwritten("rewrite segment "+old.name(), err)
	}
	l.opts.Hooks("redact renamed")
	spent := f
	if i == len(l.segs)-1 {
		spent, l.file = l.file, f
	}
	err = spent.Close()
	if derr := l.syncDir(l.dir); derr != nil {
		l.dirty = true // the new name must be durable before anything more is
		return unwritten("rewrite segment "+old.name(), errors.Join(err, derr))
	}
	l.opts.Hooks("redact dirsynced")
	return err
}

// rewrite writes old's blocks with edits to f, sealed with the current key.
func (l *Log) rewrite(ctx context.Context, old *segment, f *os.File, edits map[int64][]byte) (*segment, error) {
	in, err := os.Open(old.path)
	if err != nil {
		return nil, unwritten("open segment "+old.name(), err)
	}
	defer in.Close()
	made := &segment{path: old.path, closed: old.closed, next: old.next,
		head: segmentHeader{log: old.head.log, first: old.head.first, key: l.sealer.KeyID()}}
	if _, err := f.Write(made.head.encode(l.sealer)); err != nil {
		return nil, unwritten("rewrite segment "+old.name(), err)
	}
	made.size = made.head.size
	for i := range old.index {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		records, err := l.readBlock(in, old, &old.index[i])
		if err != nil {
			return nil, err
		}
		for j := range records {
			redacted(&records[j], edits)
		}
		b := frame{kind: kindBlock, block: uint32(i), count: uint32(len(records)), first: old.index[i].first,
			group: made.size, last: uint32(i), pos: made.size}
		body := l.sealBlock(&made.head, &b, records)
		l.opts.Hooks("redact sealed")
		if b.raw > maxRaw {
			return nil, tooLong(b.first, int(b.raw))
		}
		if _, err := f.Write(body); err != nil {
			return nil, unwritten("rewrite segment "+old.name(), err)
		}
		made.index = append(made.index, b)
		made.size = b.end()
	}
	if old.closed {
		n := uint32(len(made.index))
		c := frame{kind: kindClose, block: n, last: n, first: made.next, group: made.size, pos: made.size}
		if _, err := f.Write(c.encode(l.sealer.Seal(made.head.aad(&c), nil))); err != nil {
			return nil, unwritten("rewrite segment "+old.name(), err)
		}
		made.size = c.end()
	}
	return made, nil
}

// redacted applies the edit of r, if there is one.
func redacted(r *Record, edits map[int64][]byte) {
	if keep, ok := edits[r.Offset]; ok {
		r.Body, r.Name, r.Redacted = keep, "", true
	}
}
