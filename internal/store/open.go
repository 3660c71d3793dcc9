package store

import (
	"context"
	"time"
)

// Options say where the store lives and what it may use.
type Options struct {
	Path         string           // the database file; its folder must exist. "" is an in-memory database
	ScratchDir   string           // the store's own folder for scratch databases, spill and copies; made when absent. Nothing else may be kept in it: it is emptied at Open
	MemoryLimit  string           // memory of the database engine, "4GB"; "" is the engine's default, 80 % of the machine
	Threads      int              // threads of the engine; 0 is one per core
	ScratchLimit string           // bound of the spill and, apart from it, of each scratch database, "20GB"; "" is 20GB
	Now          func() time.Time // wall clock; nil is time.Now
}

// Store is an open analytics store. Its methods may be called from any goroutine.
type Store struct{}

// Open opens the store, or creates it, locks it down, brings the fixed tables up to date by migrations and the fact and
// published tables by what models says. Errors: KindConfig for folders that do not fit, KindUnavail when another process
// or another Store of this one holds the file or the disk is full, KindCorruption when the file is no database of ours,
// was written by a newer version, or is damaged.
func Open(ctx context.Context, opts Options) (*Store, error) { return &Store{}, nil }

// OpenMemory opens an in-memory store with the full schema and the same lock-down, for tests.
func OpenMemory(ctx context.Context) (*Store, error) { return &Store{}, nil }

// Close waits for running transactions, closes every connection and the file. A second Close does nothing.
func (s *Store) Close() error { return nil }

// Reopen closes and opens the file anew. It is the way back after the engine declared the database invalid (a failed write
// to a full disk): see Health.Invalid. It waits for running transactions; scratch databases of before are gone.
func (s *Store) Reopen(ctx context.Context) error { return nil }

// Ingest runs fn in a transaction of the ingest write connection. Callers take turns; waiting ends with ctx. The
// transaction is committed when fn returns nil, no statement failed and ctx still stands, and rolled back otherwise: an
// error of a statement that fn swallowed is returned all the same. Do not call Ingest, Checkpoint or Close inside fn.
func (s *Store) Ingest(ctx context.Context, fn func(*Tx) error) error { return nil }

// Pipeline is Ingest on the pipeline write connection.
func (s *Store) Pipeline(ctx context.Context, fn func(*Tx) error) error { return nil }

// Read runs fn over one snapshot of the last commit, on a pooled connection. Writing is refused by the engine.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error { return nil }

// Checkpoint writes the log of the database into its file. It waits for both writers and belongs off the commit path.
func (s *Store) Checkpoint(ctx context.Context) error { return nil }

// Health tells the state of the store without waiting for writers.
func (s *Store) Health(ctx context.Context) (Health, error) { return Health{}, nil }

// Health is the state of an open store.
type Health struct {
	Path          string   // "" in memory
	Engine        string   // version of DuckDB
	SchemaVersion int64    // last migration applied
	Locked        bool     // the engine's configuration is locked
	Invalid       string   // why the engine refuses all work until Reopen; "" when it works
	RebuildNeeded []string // "ver_encounter.class": columns that were added to stored rows and are empty in them until a rebuild
	FileBytes     int64
	WALBytes      int64
	FreeBytes     int64 // free on the file system of Path; -1 when not known
}

// Stats are sizes of an open store.
type Stats struct {
	FileBytes int64
	WALBytes  int64
	Rows      map[string]int64 // rows per table, "ver_encounter", "pub.gap"
}

// Stats counts the rows of every table in one snapshot.
func (s *Store) Stats(ctx context.Context) (Stats, error) { return Stats{}, nil }
