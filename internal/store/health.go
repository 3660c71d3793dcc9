package store

import (
	"context"
	"os"
	"strings"
	"time"

	"carereach/models"
)

// Health is the state of an open store.
type Health struct {
	Path          string    // "" in memory
	At            time.Time // when it was asked
	Engine        string    // version of DuckDB
	SchemaVersion int64     // last migration applied
	Locked        bool      // the engine's configuration is locked
	Invalid       string    // why the engine refuses all work until Reopen; "" when it works
	RebuildNeeded []string  // "ver_encounter.class": columns that were added to stored rows and are empty in them until a rebuild
	FileBytes     int64
	WALBytes      int64
	FreeBytes     int64 // free on the file system of Path; -1 when not known
}

// Health tells the state of the store without waiting for writers. An engine that refuses all work is no error here: it is
// what Invalid says. Errors: KindUnavail when the store is closed.
func (s *Store) Health(ctx context.Context) (Health, error) {
	db, done, err := s.use()
	if err != nil {
		return Health{}, err
	}
	defer done()
	h := Health{Path: s.opts.Path, At: s.opts.Now(), SchemaVersion: db.version, FreeBytes: -1}
	if h.Path != "" {
		h.FileBytes, h.WALBytes, h.FreeBytes = fileSize(h.Path), fileSize(h.Path+".wal"), freeBytes(h.Path)
	}
	err = db.read(ctx, func(tx *Tx) error {
		if err := tx.QueryRow(ctx, "SELECT version(), CAST(current_setting('lock_configuration') AS BOOLEAN)").Scan(&h.Engine, &h.Locked); err != nil {
			return err
		}
		h.RebuildNeeded, err = rebuildNeeded(ctx, tx)
		return err
	})
	if why := db.invalid.Load(); why != nil {
		h.Invalid = *why
		return h, nil
	}
	return h, err
}

// Stats are sizes of an open store.
type Stats struct {
	FileBytes int64
	WALBytes  int64
	Rows      map[string]int64 // rows per table, "ver_encounter", "pub.gap"
}

// Stats counts the rows of every table in one snapshot.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := s.Read(ctx, func(tx *Tx) (err error) {
		st.Rows, err = countRows(ctx, tx, tx.db.catalog)
		return err
	})
	if s.opts.Path != "" {
		st.FileBytes, st.WALBytes = fileSize(s.opts.Path), fileSize(s.opts.Path+".wal")
	}
	return st, err
}

// countRows counts every table of one attached database.
func countRows(ctx context.Context, tx *Tx, catalog string) (map[string]int64, error) {
	titles, err := texts(tx.Query(ctx, "SELECT CASE WHEN schema_name = 'main' THEN '' ELSE schema_name || '.' END || table_name FROM duckdb_tables() WHERE database_name = $1 AND NOT internal ORDER BY 1", catalog))
	if err != nil || len(titles) == 0 {
		return map[string]int64{}, err
	}
	var q strings.Builder
	for i, title := range titles {
		if i > 0 {
			q.WriteString(" UNION ALL ")
		}
		schema, name, found := strings.Cut(title, ".")
		if !found {
			schema, name = "main", title
		}
		q.WriteString("SELECT " + literal(title) + ", count(*) FROM " + identifier(catalog) + "." + identifier(schema) + "." + identifier(name))
	}
	rows, err := tx.Query(ctx, q.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[string]int64, len(titles))
	for rows.Next() {
		var title string
		var n int64
		if err := rows.Scan(&title, &n); err != nil {
			return nil, err
		}
		out[title] = n
	}
	return out, rows.Err()
}

// identifier writes a name as an SQL identifier.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Checkpoint writes the log of the database into its file. It waits for both writers, holds them up for as long as it
// takes and belongs off the commit path. Waiting ends with ctx.
func (s *Store) Checkpoint(ctx context.Context) error {
	db, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	for _, w := range []*writer{db.ingest, db.pipeline} { // the only place that holds both, always in this order
		leave, err := w.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
	}
	if _, err := db.ingest.conn.ExecContext(ctx, "CHECKPOINT "+identifier(db.catalog)); err != nil {
		return db.note(err)
	}
	return nil
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func timeOf(m models.Micros) time.Time { return time.UnixMicro(int64(m)).UTC() }
