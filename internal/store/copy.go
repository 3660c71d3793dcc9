package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"carereach/models"
)

// CopyReport tells what CopyTo wrote.
type CopyReport struct {
	Bytes int64
	Rows  map[string]int64 // rows per table, equal in the store and in the copy
}

// copyCatalog is the name under which a copy is attached while it is written.
const copyCatalog = "copy_of_the_store"

// CopyTo writes a copy of the store as of one snapshot to path, which must be a new file named *.duckdb directly inside
// Options.ScratchDir, and compares the row counts of every table. The copy is whole in that one file, with mode 0600.
// Writers go on meanwhile; a second CopyTo waits. The caller takes the file away before the next Open, which removes what
// is left in that folder. On error no file is left. Errors: KindUsage for a path that does not fit, KindUnavail when the
// disk is full, KindCorruption when counts differ.
func (s *Store) CopyTo(ctx context.Context, path string) (report CopyReport, err error) {
	db, done, err := s.use()
	if err != nil {
		return report, err
	}
	defer done()
	if path, err = s.checkCopyPath(path); err != nil {
		return report, err
	}
	db.copying.Lock()
	defer db.copying.Unlock()
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("copy analytics store: %w", err), removeDatabase(path))
		}
	}()
	if report.Rows, err = db.copyInto(ctx, path); err != nil {
		return CopyReport{}, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return CopyReport{}, err
	}
	if left := fileSize(path + ".wal"); left > 0 {
		return CopyReport{}, &models.Error{Kind: models.KindInternal, Message: "copy is not whole in one file"}
	}
	report.Bytes = fileSize(path)
	return report, nil
}

func (s *Store) checkCopyPath(path string) (string, error) {
	unfit := func(message string) (string, error) {
		return "", &models.Error{Kind: models.KindUsage, Message: message, Mend: "name a new file *.duckdb directly inside the scratch folder"}
	}
	if s.opts.ScratchDir == "" {
		return unfit("a store in memory cannot be copied")
	}
	folder, err := realFolder(filepath.Dir(path))
	if err != nil || folder != s.opts.ScratchDir || filepath.Ext(path) != ".duckdb" {
		return unfit("path of the copy does not fit")
	}
	path = filepath.Join(folder, filepath.Base(path))
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return unfit("file of the copy is there already")
	}
	return path, nil
}

// copyInto writes the copy and gives its row counts.
func (d *engine) copyInto(ctx context.Context, path string) (rows map[string]int64, err error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return nil, d.note(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "ATTACH "+literal(path)+" AS "+copyCatalog); err != nil {
		return nil, d.note(err)
	}
	err = d.transact(ctx, conn, beginWrite, func(tx *Tx) error {
		if err := copyTables(ctx, tx); err != nil {
			return err
		}
		want, err := countRows(ctx, tx, d.catalog)
		if err != nil {
			return err
		}
		if rows, err = countRows(ctx, tx, copyCatalog); err != nil {
			return err
		}
		if !maps.Equal(rows, want) {
			return &models.Error{Kind: models.KindCorruption, Message: "copy has other row counts than the store", Mend: "do not use it; check the disk"}
		}
		return nil
	})
	// Detaching writes the copy's log into its file and lets go of it.
	for _, q := range []string{"CHECKPOINT " + copyCatalog, "DETACH " + copyCatalog} {
		if _, undo := conn.ExecContext(context.WithoutCancel(ctx), q); undo != nil && err == nil {
			err = d.note(undo)
		}
	}
	return rows, err
}

// copyTables makes and fills every table of the main database in the copy. The engine's own COPY FROM DATABASE would do
// it, but not inside a transaction once its configuration is locked, and so not in the snapshot whose rows are counted.
func copyTables(ctx context.Context, tx *Tx) error {
	rows, err := tx.Query(ctx, "SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE database_name = $1 AND NOT internal ORDER BY schema_name, table_name", tx.db.catalog)
	if err != nil {
		return err
	}
	defer rows.Close()
	var statements []string
	for rows.Next() {
		var schema, name, ddl string
		if err := rows.Scan(&schema, &name, &ddl); err != nil {
			return err
		}
		there := identifier(schema) + "." + identifier(name)
		_, body, _ := strings.Cut(ddl, "(") // after CREATE TABLE and the name
		statements = append(statements,
			"CREATE SCHEMA IF NOT EXISTS "+copyCatalog+"."+identifier(schema),
			"CREATE TABLE "+copyCatalog+"."+there+" ("+body,
			"INSERT INTO "+copyCatalog+"."+there+" SELECT * FROM "+identifier(tx.db.catalog)+"."+there)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, q := range statements {
		if _, err := tx.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// removeDatabase deletes a database file and its log, if they are there.
func removeDatabase(path string) error {
	var errs []error
	for _, p := range []string{path, path + ".wal"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
