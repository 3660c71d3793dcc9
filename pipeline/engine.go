package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"carereach/models"
)

// Engine is where relations run: DuckDB here; anything that can define functions, make a table from a SELECT and hand
// back rows will do. An Engine belongs to one run and is used by one goroutine.
type Engine interface {
	// Define makes a named function such as age_on known to the relations that follow.
	Define(ctx context.Context, definition string) error
	// Make creates table from the SELECT in text and tells how many rows it has. With empty set the table has the
	// columns of the SELECT and no rows, and the SELECT is not computed.
	Make(ctx context.Context, table, text string, empty bool) (rows int64, err error)
	// Load creates table with the columns and rows given: the few facts of the run itself, code lists, findings. Values
	// are strings, numbers, booleans, models.Date or nil.
	Load(ctx context.Context, table string, columns []models.Column, rows [][]any) error
	// Columns lists the columns of a table of this run with their types, in order.
	Columns(ctx context.Context, table string) ([]models.Column, error)
	// Read gives up to limit rows of a table of this run in the text form of their values, NULL as "".
	Read(ctx context.Context, table string, limit int) (columns []string, rows [][]string, err error)
}

// duck is the Engine over a connection of the store whose unqualified names mean the scratch database first.
type duck struct {
	on      statements
	scratch string // catalog of the scratch database
}

func (d duck) Define(ctx context.Context, definition string) error {
	if _, err := d.on.Exec(ctx, definition); err != nil {
		return fmt.Errorf("define function: %w", err)
	}
	return nil
}

func (d duck) Make(ctx context.Context, table, text string, empty bool) (int64, error) {
	statement := "CREATE TABLE " + quote(table) + " AS\n" + text + "\n"
	if empty {
		statement += "WITH NO DATA"
	}
	if _, err := d.on.Exec(ctx, statement); err != nil || empty {
		return 0, err
	}
	var n int64
	if err := d.on.QueryRow(ctx, "SELECT count(*) FROM "+quote(table)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	return n, nil
}

// loadRows bounds the JSON text of one statement of Load.
const loadRows = 20_000

func (d duck) Load(ctx context.Context, table string, columns []models.Column, rows [][]any) error {
	var defs, casts []string
	for i, c := range columns {
		defs = append(defs, quote(c.Name)+" "+c.Type)
		casts = append(casts, fmt.Sprintf("CAST(r ->> %d AS %s)", i, c.Type))
	}
	if _, err := d.on.Exec(ctx, "CREATE TABLE "+quote(table)+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return fmt.Errorf("create table %s: %w", table, err)
	}
	insert := "INSERT INTO " + quote(table) + " SELECT " + strings.Join(casts, ", ") + " FROM (SELECT unnest(CAST($1 AS JSON[])) AS r)"
	for len(rows) > 0 {
		n := min(len(rows), loadRows)
		text, err := json.Marshal(rows[:n])
		if err != nil {
			return fmt.Errorf("load table %s: %w", table, err)
		}
		if _, err := d.on.Exec(ctx, insert, string(text)); err != nil {
			return fmt.Errorf("load table %s: %w", table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func (d duck) Columns(ctx context.Context, table string) ([]models.Column, error) {
	rows, err := d.on.Query(ctx, runText("describe", nil), d.scratch, table)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", table, err)
	}
	defer rows.Close()
	var out []models.Column
	for rows.Next() {
		var c models.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, fmt.Errorf("describe %s: %w", table, err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func (d duck) Read(ctx context.Context, table string, limit int) ([]string, [][]string, error) {
	columns, err := d.Columns(ctx, table)
	if err != nil {
		return nil, nil, err
	}
	var names, casts []string
	for _, c := range columns {
		names = append(names, c.Name)
		casts = append(casts, "coalesce(CAST("+quote(c.Name)+" AS VARCHAR), '')")
	}
	rows, err := d.on.Query(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY ALL LIMIT %d", strings.Join(casts, ", "), quote(table), limit))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", table, err)
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		row := make([]string, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", table, err)
		}
		out = append(out, row)
	}
	return names, out, rows.Err()
}
