package store

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"carereach/models"
	"carereach/sql"
)

// migrations gives the embedded migrations of the fixed tables.
func migrations() (fs.FS, error) { return fs.Sub(sql.Files, "schema") }

// migrate applies the migrations of fsys that the database lacks, each in a transaction of its own, and gives the
// version it has then. A migration that fails leaves version and tables as they were. A database that is ahead of fsys was
// written by a newer program and is refused untouched.
func migrate(ctx context.Context, pool *dbsql.DB, fsys fs.FS) (int64, error) {
	provider, err := goose.NewProvider(goose.DialectCustom, pool, fsys,
		goose.WithStore(versionStore{}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", explain(err))
	}
	if have > newest {
		return have, &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("analytics store has schema version %d, this program knows %d: a newer program wrote it", have, newest),
			Mend: "use the newer program, or move the file away and rebuild it from the logs"}
	}
	if _, err := provider.Up(ctx); err != nil {
		return have, fmt.Errorf("migrate from version %d: %w", have, explain(err))
	}
	return newest, nil
}

// versionStore keeps goose's record of applied migrations in DuckDB, which goose itself does not speak. It has no state.
type versionStore struct{}

var _ database.StoreExtender = versionStore{}

func (versionStore) Tablename() string { return "schema_version" }

// CreateVersionTable keeps an order number instead of a time: no clock in SQL.
func (versionStore) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE schema_version (id BIGINT NOT NULL, version_id BIGINT NOT NULL)")
	return err
}

func (versionStore) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var n int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' AND table_name = 'schema_version'").Scan(&n)
	return n > 0, err
}

func (versionStore) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	_, err := db.ExecContext(ctx, "INSERT INTO schema_version SELECT coalesce(max(id), 0) + 1, $1 FROM schema_version", req.Version)
	return err
}

func (versionStore) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM schema_version WHERE version_id = $1", version)
	return err
}

func (versionStore) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM schema_version WHERE version_id = $1", version).Scan(&n); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, database.ErrVersionNotFound
	}
	return &database.GetMigrationResult{IsApplied: true}, nil
}

func (versionStore) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var v dbsql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM schema_version").Scan(&v); err != nil {
		return -1, err
	}
	if !v.Valid {
		return -1, database.ErrVersionNotFound
	}
	return v.Int64, nil
}

func (versionStore) ListMigrations(ctx context.Context, db database.DBTxConn) (out []*database.ListMigrationsResult, err error) {
	rows, err := db.QueryContext(ctx, "SELECT version_id FROM schema_version ORDER BY id DESC")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, &database.ListMigrationsResult{Version: v, IsApplied: true})
	}
	return out, rows.Err()
}
