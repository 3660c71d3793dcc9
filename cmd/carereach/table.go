package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"carereach/models"
)

// page is what a command prints for people: lines, headings, named values and tables. Nothing in it is coloured.
type page struct{ b *bytes.Buffer }

// line writes one line.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p.b, format+"\n", args...)
}

// heading starts a part of a page.
func (p *page) heading(format string, args ...any) {
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	p.line(format, args...)
}

// pairs writes named values under each other; those without a value are left out.
func (p *page) pairs(kv ...string) {
	t := table{columns: []column{{}, {}}, bare: true, indent: "  "}
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			t.row(kv[i], kv[i+1])
		}
	}
	p.table(&t)
}

// column is one column of a table.
type column struct {
	title string
	right bool // numbers stand flush right
}

// columns makes columns of titles; one that starts with ">" stands flush right.
func columns(titles ...string) []column {
	out := make([]column, len(titles))
	for i, t := range titles {
		out[i].title, out[i].right = strings.CutPrefix(t, ">")
	}
	return out
}

// table is rows in columns, as wide as their content.
type table struct {
	columns []column
	rows    [][]string
	bare    bool // without a line of titles
	indent  string
}

func newTable(titles ...string) *table { return &table{columns: columns(titles...)} }

// row adds a row; each cell is written as fmt does by default. Line breaks and control characters in a cell become spaces,
// so that no value can look like another row or steer the terminal.
func (t *table) row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.Map(func(r rune) rune {
			if r < ' ' || (r >= 0x7f && r < 0xa0) {
				return ' '
			}
			return r
		}, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

func (p *page) table(t *table) {
	all := t.rows
	if !t.bare {
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = strings.ToUpper(c.title)
		}
		all = append([][]string{titles}, all...)
	}
	width := make([]int, len(t.columns))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		line.WriteString(t.indent)
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.columns[i].right {
				cell = pad + cell
			} else {
				cell += pad
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(cell)
		}
		p.line("%s", strings.TrimRight(line.String(), " "))
	}
}

// leftOut says how much of a list is shown; how says how to see the rest, if there is any.
func (p *page) leftOut(what string, shown, total int64, how string) {
	if shown == total {
		how = ""
	}
	p.line("%s", strings.TrimSuffix(fmt.Sprintf("%s of %s %s shown; %s", thousands(shown), thousands(total), what, how), "; "))
}

const moreRows = "--limit 0 shows all"

// thousands writes a count with a comma between thousands.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// many writes a count with its noun: "1 patient", "5,212 inputs".
func many[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(int64(n)) + " " + one + "s"
}

// megabytes writes a size.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// day writes a date; "" when there is none.
func day(d *models.Date) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// or gives the first text that is not empty.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// short gives the first part of a long id, enough for people to tell runs apart.
func short[T ~string](id T) string {
	if len(id) > 12 {
		return string(id[:12])
	}
	return string(id)
}

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
