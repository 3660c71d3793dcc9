package intake

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Report is what Verify found sound.
type Report struct {
	Segments int   `json:"segments"`
	Blocks   int64 `json:"blocks"`
	Records  int64 `json:"records"`
	Redacted int64 `json:"redacted"`
	Bytes    int64 `json:"bytes"` // on disk
	Start    int64 `json:"start"`
	End      int64 `json:"end"`
}

// Verify reads the whole log and checks every checksum, every seal and that offsets are contiguous. The first damage is an
// error of KindCorruption naming segment and block, with the Report of what was sound before it. Records appended meanwhile
// may or may not be looked at. Memory: one block.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	rep := Report{Start: l.Start(), End: l.Start()}
	for {
		g, f, err := l.openAt(rep.End)
		if err != nil || g == nil {
			return rep, err
		}
		next, err := l.verifySegment(ctx, g, f, &rep)
		if err = errors.Join(err, f.Close()); err != nil {
			return rep, err
		}
		rep.Segments++
		if next == nil {
			return rep, nil
		}
		if *next != rep.End {
			return rep, damagedSegment(g.name(), fmt.Sprintf("it ends at offset %d and says that it ends at %d", rep.End, *next))
		}
	}
}

// openAt opens the segment that starts at offset first, with its size; nil when the log has none.
func (l *Log) openAt(first int64) (*segmentView, *os.File, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil, nil, closedLog()
	}
	for _, g := range l.segs {
		if g.head.first == first {
			f, err := os.Open(g.path)
			if err != nil {
				return nil, nil, damagedSegment(g.name(), "it cannot be opened: "+err.Error())
			}
			return &segmentView{segment: g, size: g.size, closed: g.closed}, f, nil
		}
	}
	return nil, nil, nil
}

// segmentView is a segment as it was when its file was opened.
type segmentView struct {
	*segment
	size   int64
	closed bool
}

// verifySegment checks one segment from its header on. It gives the offset that the next segment must start at; nil when
// this is the newest.
func (l *Log) verifySegment(ctx context.Context, g *segmentView, f *os.File, rep *Report) (*int64, error) {
	if _, err := openHeader(f, g.size, g.name(), l.sealer); err != nil {
		return nil, err
	}
	w := walk{r: f, size: g.size, head: &g.head}
	at := w.run(false)
	for i := range w.blocks {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("verify the intake log: %w", err)
		}
		records, err := l.readBlock(f, g.segment, &w.blocks[i])
		if err != nil {
			return nil, err
		}
		rep.Blocks++
		rep.Records += int64(len(records))
		rep.End += int64(len(records))
		for j := range records {
			if records[j].Redacted {
				rep.Redacted++
			}
		}
	}
	if at != nil {
		return nil, damaged(g.name(), at.block, at.what, nil)
	}
	rep.Bytes += g.size
	if !g.closed {
		return nil, nil
	}
	if w.close == nil {
		return nil, damaged(g.name(), len(w.blocks), "it is missing: the segment was cut short", nil)
	}
	sealed, wrong := readBody(f, w.close)
	if wrong != "" {
		return nil, damaged(g.name(), len(w.blocks), wrong, nil)
	}
	if _, err := l.sealer.Open(g.head.aad(w.close), sealed); err != nil {
		return nil, damaged(g.name(), len(w.blocks), "its seal does not fit", err)
	}
	return &w.close.first, nil
}
