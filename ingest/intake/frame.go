package intake

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A frame on disk is a header of frameSize bytes, the sealed body, and padding to a multiple of 8 bytes. All numbers are
// little endian:
//
//	 0 magic "CRB1"          4 kind, 3 zero bytes
//	 8 sealed: body length  12 raw: bytes before compression
//	16 block: number in the segment, from 0    20 count of records
//	24 first: offset of the first record (of a close: of the next segment's)
//	32 group: place in the file where the Append of this block begins
//	40 last: number of the last block of that Append
//	44 CRC32C of the body and its padding   48 CRC32C of the 48 bytes before   52 magic "1BRC"
//
// Frames start at multiples of 8 so that a disk sector which a power cut left unwritten shows as at least 8 zero bytes.
const (
	frameSize  = 56
	frameMagic = "CRB1"
	frameTail  = "1BRC"

	kindBlock = 1 // holds records
	kindClose = 2 // ends a segment that has a successor; its body is the seal of nothing
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is one frame's header and place.
type frame struct {
	kind         byte
	sealed, raw  uint32
	block, count uint32
	first        int64
	group        int64
	last         uint32
	crc          uint32
	pos          int64 // in the file; not stored
}

func padded(n int64) int64 { return (n + 7) &^ 7 }

// size is the frame's length on disk.
func (f *frame) size() int64 { return frameSize + padded(int64(f.sealed)) }

// end is where the next frame starts.
func (f *frame) end() int64 { return f.pos + f.size() }

// header gives the frame's first frameSize bytes.
func (f *frame) header() []byte {
	b := make([]byte, 0, frameSize)
	b = append(b, frameMagic...)
	b = append(b, f.kind, 0, 0, 0)
	le := binary.LittleEndian
	b = le.AppendUint32(b, f.sealed)
	b = le.AppendUint32(b, f.raw)
	b = le.AppendUint32(b, f.block)
	b = le.AppendUint32(b, f.count)
	b = le.AppendUint64(b, uint64(f.first))
	b = le.AppendUint64(b, uint64(f.group))
	b = le.AppendUint32(b, f.last)
	b = le.AppendUint32(b, f.crc)
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, frameTail...)
}

// encode gives the whole frame around a sealed body.
func (f *frame) encode(sealed []byte) []byte {
	f.sealed = uint32(len(sealed))
	b := append(make([]byte, frameSize, f.size()), sealed...)
	for int64(len(b)) < f.size() {
		b = append(b, 0xFF)
	}
	f.crc = crc32.Checksum(b[frameSize:], castagnoli)
	copy(b, f.header())
	return b
}

// parseFrame reads a header; ok is false when it is not one, whole and unchanged.
func parseFrame(b []byte, pos int64) (f frame, ok bool) {
	le := binary.LittleEndian
	if len(b) < frameSize || string(b[:4]) != frameMagic || string(b[52:56]) != frameTail || le.Uint32(b[48:]) != crc32.Checksum(b[:48], castagnoli) {
		return f, false
	}
	f = frame{kind: b[4], sealed: le.Uint32(b[8:]), raw: le.Uint32(b[12:]), block: le.Uint32(b[16:]), count: le.Uint32(b[20:]),
		first: int64(le.Uint64(b[24:])), group: int64(le.Uint64(b[32:])), last: le.Uint32(b[40:]), crc: le.Uint32(b[44:]), pos: pos}
	switch {
	case f.raw > maxRaw || f.sealed > maxRaw+1<<20, !bytes.Equal(b[5:8], []byte{0, 0, 0}), f.first < 0, f.group < 0, f.last < f.block:
		return f, false
	case f.kind == kindBlock && f.count == 0, f.kind == kindClose && f.count+f.raw != 0, f.kind != kindBlock && f.kind != kindClose:
		return f, false
	}
	return f, true
}

// aad is what the seal of a frame's body binds: the log, the segment and the frame's place and form in it. The group is left
// out: it changes when a segment is rewritten, and serves recovery only.
func (h *segmentHeader) aad(f *frame) []byte {
	b := make([]byte, 0, 80)
	b = append(b, "carereach intake frame 1\x00"...)
	b = append(b, h.log[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.first))
	b = append(b, f.kind)
	for _, n := range []uint32{f.raw, f.block, f.count} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return binary.LittleEndian.AppendUint64(b, uint64(f.first))
}
