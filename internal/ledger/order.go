package ledger

import (
	"bytes"
	"encoding/binary"
	"time"

	"carereach/models"
)

// Order decides between versions of one record: the greatest (Version, KnownAt, Pos) wins.
type Order struct {
	Version int64
	KnownAt time.Time
	Pos     models.Position
}

// bytes writes o so that bytes compare like the values: signed numbers with their sign turned, the log's name ended by a
// zero. Names of logs hold no zero byte.
func (o Order) bytes() []byte {
	b := make([]byte, 0, 40+len(o.Pos.Log))
	b = appendSigned(b, o.Version)
	b = appendSigned(b, micros(o.KnownAt))
	b = append(append(b, o.Pos.Log...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(o.Pos.Partition)^1<<31)
	b = appendSigned(b, o.Pos.Offset)
	return binary.BigEndian.AppendUint32(b, uint32(o.Pos.Entry)^1<<31)
}

// parseOrder reads what bytes wrote.
func parseOrder(b []byte) (Order, bool) {
	const tail = 1 + 4 + 8 + 4
	if len(b) < 16+tail {
		return Order{}, false
	}
	name, rest := b[16:len(b)-tail], b[len(b)-tail:]
	if rest[0] != 0 || bytes.IndexByte(name, 0) >= 0 {
		return Order{}, false
	}
	return Order{
		Version: signed(b), KnownAt: instant(signed(b[8:])),
		Pos: models.Position{Log: string(name), Partition: int32(binary.BigEndian.Uint32(rest[1:]) ^ 1<<31), Offset: signed(rest[5:]), Entry: int32(binary.BigEndian.Uint32(rest[13:]) ^ 1<<31)},
	}, true
}

func appendSigned(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)^1<<63)
}

func signed(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }
