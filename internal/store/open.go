package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"carereach/models"
)

// Options say where the store lives and what it may use.
type Options struct {
	Path         string           // the database file; its folder must exist
	ScratchDir   string           // the store's own folder for scratch databases, spill and copies, made when absent; what is left of them is removed at Open
	MemoryLimit  string           // memory of the engine, "4GB"; "" is the engine's default, 80 % of the machine
	Threads      int              // threads of the engine; 0 is one per core
	ScratchLimit string           // bound of the spill and, apart from it, of each scratch database; "" is 20GB
	Now          func() time.Time // wall clock; nil is time.Now
}

// Store is an open analytics store. Its methods may be called from any goroutine.
type Store struct {
	opts         Options
	scratchBytes int64
	migrations   fs.FS
	tables       []table

	mu      sync.Mutex // guards what follows; never held while the engine works
	idle    *sync.Cond // users fell to zero
	db      *engine    // nil when closed
	users   int        // calls that use db
	closing bool       // Close or Reopen waits for users; new calls are refused
}

// Open opens the store, or creates it, locks it down, brings the fixed tables up to date by migrations and the fact and
// published tables by what models says. Errors: KindConfig for folders and sizes that do not fit, KindUnavail when
// another process or another Store of this one holds the file or the disk is full, KindCorruption when the file is no
// database of ours, was written by a newer version, or is damaged.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts, err := checkOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("open analytics store: %w", err)
	}
	return open(ctx, opts)
}

// OpenMemory opens an in-memory store with the full schema and the same lock-down, for tests. Its scratch databases are in
// memory too; CopyTo and Reopen are refused.
func OpenMemory(ctx context.Context) (*Store, error) {
	return open(ctx, Options{ScratchLimit: defaultScratchLimit, Now: time.Now})
}

func open(ctx context.Context, opts Options) (*Store, error) {
	fixed, err := migrations()
	if err != nil {
		return nil, fmt.Errorf("open analytics store: %w", err)
	}
	return openWith(ctx, opts, fixed, generatedTables(models.FactTypes, models.Published))
}

// openWith opens a store whose fixed tables come from the migrations in fixed.
func openWith(ctx context.Context, opts Options, fixed fs.FS, tables []table) (*Store, error) {
	limit, err := parseSize("store.scratch_limit", opts.ScratchLimit)
	if err != nil {
		return nil, fmt.Errorf("open analytics store: %w", err)
	}
	s := &Store{opts: opts, scratchBytes: limit, migrations: fixed, tables: tables}
	s.idle = sync.NewCond(&s.mu)
	if s.db, err = connect(ctx, s); err != nil {
		return nil, fmt.Errorf("open analytics store: %w", err)
	}
	return s, nil
}

// Close waits for running transactions, closes every connection and the file. A second Close does nothing.
func (s *Store) Close() error {
	db, err := s.takeDatabase()
	if err != nil {
		return err
	}
	if db != nil {
		err = db.close()
	}
	s.putDatabase(nil)
	if err != nil {
		return fmt.Errorf("close analytics store: %w", explain(err))
	}
	return nil
}

// Reopen closes the file and opens it anew. It is the way back after the engine refused all further work (a failed write
// to a full disk, see Health.Invalid): what was committed is there again, what was not is not. It waits for running
// transactions and refuses new ones meanwhile; scratch databases of before are gone. When the file cannot be opened the
// store stays closed and Reopen may be tried again.
func (s *Store) Reopen(ctx context.Context) error {
	if s.opts.Path == "" {
		return &models.Error{Kind: models.KindUsage, Message: "a store in memory cannot be reopened"}
	}
	db, err := s.takeDatabase()
	if err != nil {
		return err
	}
	if db != nil {
		// A database that refuses all work may refuse to close well; what counts is how it opens.
		_ = db.close() //nolint:contextcheck // closing is never cut short
	}
	db, err = connect(ctx, s)
	s.putDatabase(db)
	if err != nil {
		return fmt.Errorf("reopen analytics store: %w", err)
	}
	return nil
}

// takeDatabase waits until nobody uses the database and takes it out of the store; nil when it is closed already. New
// calls are refused until putDatabase.
func (s *Store) takeDatabase() (*engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, &models.Error{Kind: models.KindUnavail, Message: "analytics store is being closed", Mend: "try again"}
	}
	s.closing = true
	for s.users > 0 {
		s.idle.Wait()
	}
	db := s.db
	s.db = nil
	return db, nil
}

func (s *Store) putDatabase(db *engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.closing = db, false
}

// use gives the database for one call; done must be called after it.
func (s *Store) use() (db *engine, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.db == nil {
		return nil, nil, &models.Error{Kind: models.KindUnavail, Message: "analytics store is closed", Mend: "open it, or try again when it was reopened"}
	}
	s.users++
	return s.db, s.release, nil
}

func (s *Store) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.idle.Broadcast()
	}
}

// checkOptions completes the options and checks the folders.
func checkOptions(opts Options) (Options, error) {
	bad := func(message, mend string) (Options, error) {
		return opts, &models.Error{Kind: models.KindConfig, Message: message, Mend: mend}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.ScratchLimit == "" {
		opts.ScratchLimit = defaultScratchLimit
	}
	if opts.MemoryLimit != "" {
		if _, err := parseSize("store.memory_limit", opts.MemoryLimit); err != nil {
			return opts, err
		}
	}
	if opts.Path == "" || opts.ScratchDir == "" {
		return bad("analytics store needs a file and a scratch folder", "set both")
	}
	folder, err := realFolder(filepath.Dir(opts.Path))
	if err != nil {
		return bad("folder of the analytics store is not there or is no folder: "+filepath.Dir(opts.Path), "make it with carereach init")
	}
	opts.Path = filepath.Join(folder, filepath.Base(opts.Path))
	if info, err := os.Stat(opts.Path); err == nil && !info.Mode().IsRegular() {
		return bad("analytics store is not a file: "+opts.Path, "move it away")
	}
	if _, err := url.Parse(opts.Path); err != nil || strings.ContainsAny(opts.Path, "?#") {
		return bad("path of the analytics store holds a question mark, a number sign or a percent sign", "choose a folder with a plain name")
	}
	if err := checkMagic(opts.Path); err != nil {
		return opts, err
	}
	if err := os.MkdirAll(opts.ScratchDir, 0o700); err != nil {
		return opts, &models.Error{Kind: models.KindConfig, Message: "scratch folder cannot be made", Mend: "check the rights on the folder above it", Cause: err}
	}
	if opts.ScratchDir, err = realFolder(opts.ScratchDir); err != nil {
		return bad("scratch folder is no folder: "+opts.ScratchDir, "move it away")
	}
	if folder == opts.ScratchDir || strings.HasPrefix(folder, opts.ScratchDir+string(filepath.Separator)) {
		return bad("analytics store lies in its own scratch folder", "keep the scratch folder apart: what is left in it is removed")
	}
	if err := os.Chmod(opts.ScratchDir, 0o700); err != nil { //nolint:gosec // a folder without its execute bit cannot be entered
		return opts, &models.Error{Kind: models.KindConfig, Message: "scratch folder cannot be made private", Mend: "it must belong to the user that runs carereach", Cause: err}
	}
	return opts, nil
}

// checkMagic refuses a file that is no database of the engine before the engine sees it: it would look for an extension that
// can read it. A missing or empty file is about to become one.
func checkMagic(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &models.Error{Kind: models.KindConfig, Message: "analytics store cannot be read", Mend: "it must belong to the user that runs carereach", Cause: err}
	}
	defer f.Close()
	const magic = "DUCK"
	var head [8 + len(magic)]byte // a checksum, then the magic
	n, err := io.ReadFull(f, head[:])
	if err == io.EOF || err == nil && string(head[8:]) == magic { //nolint:errorlint // ReadFull gives io.EOF itself
		return nil
	}
	if n < len(head) || err == nil {
		return &models.Error{Kind: models.KindCorruption, Message: "file is not an analytics store", Mend: mendRebuild}
	}
	return &models.Error{Kind: models.KindUnavail, Message: "analytics store cannot be read", Mend: "check the disk", Cause: err}
}

// realFolder gives the absolute path of a folder without symbolic links, as the engine compares it.
func realFolder(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return path, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return path, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fs.ErrInvalid
	}
	return path, err
}
