package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"carereach/models"
)

// The flags of a record in a block.
const (
	flagRedacted = 1 << iota
	flagReject
)

// maxRaw bounds a block's bytes before compression: the longest body and its record, or a full block.
const maxRaw = MaxBody + 1<<20

// errMalformed says that a block's bytes are no records. It cannot come from damage, which the seal finds first.
var errMalformed = errors.New("not a sequence of records")

// appendRecord adds r to a block's bytes.
func appendRecord(b []byte, r *Record) []byte {
	var flags byte
	if r.Redacted {
		flags |= flagRedacted
	}
	if r.Reject != nil {
		flags |= flagReject
	}
	b = append(b, flags)
	b = appendText(b, string(r.Source))
	b = appendText(b, r.Format)
	b = appendText(b, r.Name)
	b = binary.AppendVarint(b, r.Line)
	b = binary.AppendVarint(b, r.ReceivedAt.Unix())
	b = binary.AppendUvarint(b, uint64(r.ReceivedAt.Nanosecond()))
	if r.Reject != nil {
		b = appendText(b, string(r.Reject.Reason))
		b = appendText(b, r.Reject.Where)
		b = appendText(b, r.Reject.Detail)
		b = appendText(b, r.Reject.Mend)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Body)))
	return append(b, r.Body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// sizeOf bounds what appendRecord adds.
func sizeOf(r *Record) int {
	n := 64 + len(r.Source) + len(r.Format) + len(r.Name) + len(r.Body)
	if r.Reject != nil {
		n += 40 + len(r.Reject.Reason) + len(r.Reject.Where) + len(r.Reject.Detail) + len(r.Reject.Mend)
	}
	return n
}

// decodeRecords reads count records that start at offset first. The bodies share plain's memory.
func decodeRecords(plain []byte, count int, first int64) ([]Record, error) {
	if count > len(plain)/8 { // a record takes at least 8 bytes
		return nil, errMalformed
	}
	c := scanner{b: plain}
	out := make([]Record, count)
	for i := range out {
		r := &out[i]
		r.Offset = first + int64(i)
		flags := c.byte()
		var last Record // texts repeat from record to record
		if i > 0 {
			last = out[i-1]
		}
		r.Redacted = flags&flagRedacted != 0
		r.Source = models.Source(c.text(string(last.Source)))
		r.Format = c.text(last.Format)
		r.Name = c.text(last.Name)
		r.Line = c.varint()
		sec := c.varint()
		r.ReceivedAt = time.Unix(sec, int64(c.uvarint(1e9))).UTC()
		if flags&flagReject != 0 {
			r.Reject = &models.Reject{Reason: models.QuarantineReason(c.text("")), Where: c.text(""), Detail: c.text(""), Mend: c.text("")}
		}
		r.Body = c.bytes()
		if c.bad || flags&^(flagRedacted|flagReject) != 0 {
			return nil, fmt.Errorf("record %d of %d: %w", i+1, count, errMalformed)
		}
	}
	if len(c.b) != 0 {
		return nil, fmt.Errorf("%d bytes behind the last record: %w", len(c.b), errMalformed)
	}
	return out, nil
}

// scanner takes a block's bytes apart; bad stays set once something did not fit.
type scanner struct {
	b   []byte
	bad bool
}

func (c *scanner) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *scanner) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// uvarint reads a number below limit.
func (c *scanner) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v >= limit {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *scanner) bytes() []byte {
	n := c.uvarint(uint64(len(c.b)) + 1)
	if n > uint64(len(c.b)) {
		c.bad = true
		n = 0
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// text reads a string and gives same when it is equal, so that equal strings share memory.
func (c *scanner) text(same string) string {
	if v := c.bytes(); string(v) != same {
		return string(v)
	}
	return same
}
