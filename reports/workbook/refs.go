package workbook

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ref names a cell: column from 0, row from 1.
func ref(col, row int) string { return column(col) + strconv.Itoa(row) }

// column names a column from 0.
func column(col int) string {
	name := ""
	for col++; col > 0; col = (col - 1) / 26 {
		name = string(rune('A'+(col-1)%26)) + name
	}
	return name
}

// absolute turns B7 into $B$7.
func absolute(at string) string {
	i := strings.IndexFunc(at, func(r rune) bool { return r >= '0' && r <= '9' })
	return "$" + at[:i] + "$" + at[i:]
}

// absoluteRows turns 5:5 into $5:$5.
func absoluteRows(rows string) string { return "$" + strings.ReplaceAll(rows, ":", ":$") }

// quoted is a sheet's name as it stands in formulas.
func quoted(sheet string) string { return "'" + strings.ReplaceAll(sheet, "'", "''") + "'" }

// span is an absolute range of one column on a sheet, for charts.
func span(sheet string, col, from, to int) string {
	return quoted(sheet) + "!" + absolute(ref(col, from)) + ":" + absolute(ref(col, to))
}

// at is an absolute cell on a sheet.
func at(sheet string, col, row int) string { return quoted(sheet) + "!" + absolute(ref(col, row)) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
