// Package ingest turns the records of a log into facts, each input with exactly one outcome: stored, duplicate, ignored or
// quarantined. A batch is decoded, its identifiers go to the ledger in one commit, and then facts, quarantine, counts and
// the position in the log go to the analytics store in one transaction; a crash in between is healed by reading again.
package ingest
