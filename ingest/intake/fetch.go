package intake

import (
	"context"
	"errors"
	"fmt"
	"os"

	"carereach/models"
)

// Fetch gives records from offset from on: at least one when there is one, then as many as have bodies of together at most
// maxBytes. From End on it gives none and no error, at once. A position behind the end, or before Start, is KindCorruption:
// records that someone has read are gone. Memory: maxBytes and two blocks. The records belong to the caller.
func (l *Log) Fetch(ctx context.Context, from int64, maxBytes int) (Batch, error) {
	out := Batch{Next: from}
	if start, end := l.Start(), l.End(); from < start || from > end {
		return out, &models.Error{Kind: models.KindCorruption, Mend: mendRestore,
			Message: fmt.Sprintf("intake log: asked for offset %d, but it holds %d to %d: records were lost or the position is of another log", from, start, end)}
	}
	c := cursor{log: l, at: from}
	defer c.close()
	used := 0
	for {
		records, err := c.next(ctx)
		if err != nil || len(records) == 0 {
			return out, err
		}
		for i := range records {
			n := len(records[i].Body)
			if len(out.Records) > 0 && used+n > maxBytes {
				return out, nil
			}
			out.Records = append(out.Records, records[i])
			out.Next++
			used += n
		}
		if used >= maxBytes {
			return out, nil
		}
	}
}

// cursor reads a log block by block from offset at on, to the end that the log has at each step.
type cursor struct {
	log    *Log
	at     int64
	seg    *segment
	file   *os.File
	blocks []frame // of seg, those at or behind at
}

func (c *cursor) close() {
	if c.file != nil {
		_ = c.file.Close() // only read from
		c.file = nil
	}
}

// next gives the records of the block that holds offset at, from at on, and moves behind them; none at the log's end.
func (c *cursor) next(ctx context.Context) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the intake log: %w", err)
	}
	if len(c.blocks) == 0 {
		if err := c.seek(); err != nil || len(c.blocks) == 0 {
			return nil, err
		}
	}
	f := c.blocks[0]
	records, err := c.log.readBlock(c.file, c.seg, &f)
	if err != nil {
		return nil, err
	}
	records = records[c.at-f.first:]
	c.blocks = c.blocks[1:]
	c.at = f.first + int64(f.count)
	return records, nil
}

// seek opens the segment that holds offset at.
func (c *cursor) seek() error {
	l := c.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return closedLog()
	}
	if c.at >= l.end {
		return nil
	}
	i := len(l.segs) - 1
	for l.segs[i].head.first > c.at {
		i--
	}
	// Opened under the lock: a segment's file and the places of its blocks are replaced together.
	c.close()
	c.seg = l.segs[i]
	var err error
	if c.file, err = os.Open(c.seg.path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return damagedSegment(c.seg.name(), "it is missing")
		}
		return unwritten("open segment "+c.seg.name(), err)
	}
	if c.blocks, err = c.seg.blocks(c.file); err != nil {
		return err
	}
	for len(c.blocks) > 0 && c.blocks[0].first+int64(c.blocks[0].count) <= c.at {
		c.blocks = c.blocks[1:]
	}
	if len(c.blocks) == 0 {
		return damagedSegment(c.seg.name(), fmt.Sprintf("it does not hold offset %d", c.at))
	}
	return nil
}

// readBlock reads, checks, opens and decodes one block.
func (l *Log) readBlock(file *os.File, g *segment, f *frame) ([]Record, error) {
	bad := func(what string, cause error) error {
		return damaged(g.name(), int(f.block), fmt.Sprintf("records %d to %d: %s", f.first, f.first+int64(f.count)-1, what), cause)
	}
	header := make([]byte, frameSize)
	if _, err := file.ReadAt(header, f.pos); err != nil {
		return nil, bad("cannot be read", err)
	}
	if now, ok := parseFrame(header, f.pos); !ok || now != *f {
		return nil, bad("its header is damaged", nil)
	}
	sealed, wrong := readBody(file, f)
	if wrong != "" {
		return nil, bad(wrong, nil)
	}
	packed, err := l.sealer.Open(g.head.aad(f), sealed)
	if err != nil {
		return nil, bad("its seal does not fit: it was changed, or moved from another place", err)
	}
	plain, err := l.unzip.DecodeAll(packed, make([]byte, 0, f.raw))
	if err == nil && len(plain) != int(f.raw) {
		err = errMalformed
	}
	if err != nil {
		return nil, bad("cannot be unpacked", err)
	}
	records, err := decodeRecords(plain, int(f.count), f.first)
	if err != nil {
		return nil, bad("cannot be decoded", err)
	}
	return records, nil
}
