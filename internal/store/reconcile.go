package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"carereach/models"
)

// reconcile makes the generated tables what want says, by adding only: tables that are missing are created, columns that
// are missing are appended. A column that was added to stored rows is empty in them; it is remembered in column_added until
// the file is rebuilt. Columns and tables that want no longer names are left alone. A column of another type is an
// error: no statement could trust it. All of it is one transaction.
func reconcile(ctx context.Context, db *engine, want []table) error {
	return db.transact(ctx, db.pipeline.conn, beginWrite, func(tx *Tx) error {
		have, err := storedColumns(ctx, tx)
		if err != nil {
			return err
		}
		var create strings.Builder
		for _, t := range want {
			stored := have[t.title()]
			if stored == nil {
				create.WriteString(t.ddl())
				continue
			}
			if err := addColumns(ctx, tx, t, stored); err != nil {
				return err
			}
		}
		if create.Len() == 0 {
			return nil
		}
		_, err = tx.Exec(ctx, create.String())
		return err
	})
}

// addColumns appends the columns of t that the stored table lacks.
func addColumns(ctx context.Context, tx *Tx, t table, stored map[string]string) error {
	for _, c := range t.columns {
		is, ok := stored[c.Name]
		if ok && plainType(is) != plainType(c.Type) {
			return &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("column %s.%s is stored as %s, this version needs %s", t.title(), c.Name, is, c.Type), Mend: mendRebuild}
		}
		if ok {
			continue
		}
		if _, err := tx.Exec(ctx, "ALTER TABLE "+t.title()+" ADD COLUMN "+c.Name+" "+c.Type); err != nil {
			return fmt.Errorf("add column %s.%s: %w", t.title(), c.Name, err)
		}
		if strings.HasPrefix(t.name, "cur_") {
			continue // filled by the fold from its version table
		}
		if _, err := tx.Exec(ctx, "INSERT INTO column_added (table_name, column_name) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM "+t.title()+")", t.title(), c.Name); err != nil {
			return err
		}
	}
	return nil
}

// plainType brings the spellings of one type together: the engine quotes a field of a STRUCT that is a keyword.
func plainType(t string) string { return strings.ToUpper(strings.ReplaceAll(t, `"`, "")) }

// storedColumns gives the type of every column by table title and column name.
func storedColumns(ctx context.Context, tx *Tx) (map[string]map[string]string, error) {
	rows, err := tx.Query(ctx, "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]map[string]string{}
	for rows.Next() {
		var t table
		var column, typ string
		if err := rows.Scan(&t.schema, &t.name, &column, &typ); err != nil {
			return nil, err
		}
		if have[t.title()] == nil {
			have[t.title()] = map[string]string{}
		}
		have[t.title()][column] = typ
	}
	return have, rows.Err()
}

// rebuildNeeded lists the columns that stored rows lack until a rebuild.
func rebuildNeeded(ctx context.Context, tx *Tx) ([]string, error) {
	return texts(tx.Query(ctx, "SELECT DISTINCT table_name || '.' || column_name FROM column_added ORDER BY 1"))
}

// texts reads a result of one text column to its end.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
