package pipeline

import "context"

// Engine is where relations run: DuckDB here; anything that can define functions, make a table from a SELECT and hand
// back rows will do. An Engine belongs to one run and is used by one goroutine.
type Engine interface {
	// Define makes a named function such as age_on known to the relations that follow.
	Define(ctx context.Context, definition string) error
	// Make creates table from the SELECT in text and tells how many rows it has. With empty set the table has the
	// columns of the SELECT and no rows, and the SELECT is not computed.
	Make(ctx context.Context, table, text string, empty bool) (rows int64, err error)
	// Read runs a query and calls each for every row, in the order of the query; an error of each stops it and is returned.
	Read(ctx context.Context, query string, each func(row []any) error) error
}
