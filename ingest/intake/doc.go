// Package intake is the sealed, append-only log of what came in by file or HTTP, so that every fact has a position to be
// replayed from, as a Kafka record has.
//
// A log is a folder of segments, one file each, named by the offset of its first record. A segment is a header and frames;
// a frame holds a block of records, compressed and then sealed (the seal binds log, segment, block number, first offset
// and count), with a CRC32C over what is on disk. One process writes a log, the operating system's file lock sees to it;
// readers of that process may read while it writes.
//
// What a caller may rely on:
//   - Append returns after fsync. It is all or nothing: after a crash the records of one Append are all there or none is.
//   - Offsets are contiguous from 0 and never change, redaction included.
//   - Damage is never skipped: it is a *models.Error of KindCorruption that names segment and block. Only an Append cut short
//     by a crash is taken back at Open, and Recovered tells of it.
//   - Bodies and names of files lie on disk sealed only.
//
// What it cannot know: that a whole log, or all of its newest segments and the close of the one before, was replaced by an
// older copy. Who reads it keeps a position, and Fetch refuses a position behind the end.
package intake
