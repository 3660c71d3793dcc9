package reports

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"carereach/models"
	statements "carereach/sql"
)

// List is one page of a list, with the number of rows there are in all.
type List[T any] struct {
	Run   models.RunID `json:"run"`
	Total int64        `json:"total"` // rows that fit the filter
	Shown int64        `json:"shown"` // rows given
	Rows  []T          `json:"rows"`
}

// LeftOut is the number of rows that fit the filter and are not shown.
func (l List[T]) LeftOut() int64 { return l.Total - l.Shown }

// Page cuts a list: at most Limit rows after the first Offset ones. Limit 0 is all.
type Page struct {
	Limit  int64 `json:"limit,omitempty"`
	Offset int64 `json:"offset,omitempty"`
}

func (p Page) args() (limit, offset any, err error) {
	if p.Limit < 0 || p.Offset < 0 {
		return nil, nil, &models.Error{Kind: models.KindUsage, Message: "limit and offset cannot be negative", Mend: "use 0 or more; limit 0 is all rows"}
	}
	if p.Limit > 0 {
		limit = p.Limit
	}
	return limit, p.Offset, nil
}

// SiteNone names the patients without an attributed site, in filters and in summaries by site.
const SiteNone = "(none)"

// page collects a streamed list whose length is counted by the statement count with the arguments filter.
func page[T any](ctx context.Context, q Querier, run Run, what, count string, filter []any, rows iter.Seq2[T, error]) (List[T], error) {
	list := List[T]{Run: run.ID, Rows: []T{}}
	if err := q.QueryRow(ctx, statements.Text(count), filter...).Scan(&list.Total); err != nil {
		return List[T]{}, fmt.Errorf("count %s: %w", what, err)
	}
	for row, err := range rows {
		if err != nil {
			return List[T]{}, err
		}
		list.Rows = append(list.Rows, row)
	}
	list.Shown = int64(len(list.Rows))
	return list, nil
}

// each streams the rows of a statement; scan reads one of them.
func each[T any](ctx context.Context, q Querier, what, statement string, args []any, scan func(*sql.Rows) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := q.Query(ctx, statements.Text(statement), args...)
		if err != nil {
			yield(none, fmt.Errorf("read %s: %w", what, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				yield(none, fmt.Errorf("read %s: %w", what, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, fmt.Errorf("read %s: %w", what, err))
		}
	}
}

// all collects what each streams.
func all[T any](ctx context.Context, q Querier, what, statement string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var out []T
	for row, err := range each(ctx, q, what, statement, args, scan) {
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// failed gives the sequence that holds only an error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

func dateOf(t sql.NullTime) *models.Date {
	if !t.Valid {
		return nil
	}
	d := models.DateOf(t.Time)
	return &d
}

// cells gives rows of a list as cells, for WriteCSV and the workbook.
func cells[T any](rows iter.Seq2[T, error], of func(T) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(of(row), nil) {
				return
			}
		}
	}
}

// text and day give a cell; nil when there is nothing to write.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func day(d *models.Date) any {
	if d == nil {
		return nil
	}
	return *d
}
