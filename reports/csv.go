package reports

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"carereach/models"
)

// ColumnKind says how the values of a list column are written.
type ColumnKind int

// The kinds, with the Go type of their values; nil is an empty cell.
const (
	ColumnText ColumnKind = iota // string
	ColumnDate                   // models.Date
	ColumnInt                    // int64
)

// ListColumn is one column of a list in CSV and workbook.
type ListColumn struct {
	Name  string // heading in CSV
	Title string // heading in the workbook
	Kind  ColumnKind
	Width float64 // of the workbook column, in characters
}

// WriteCSV streams a list as RFC 4180 CSV in UTF-8 with a heading and CRLF line ends, and gives the number of rows
// written. A text that a spreadsheet program could take for a formula gets a leading apostrophe; numbers and dates are
// written as they are. An error of the rows or of w ends it; what was written by then stays written.
func WriteCSV(w io.Writer, columns []ListColumn, rows iter.Seq2[[]any, error]) (int64, error) {
	buf := bufio.NewWriterSize(w, 64<<10)
	out := csv.NewWriter(buf)
	out.UseCRLF = true
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = c.Name
	}
	var n int64
	if err := out.Write(record); err != nil {
		return n, fmt.Errorf("write CSV heading: %w", err)
	}
	for row, err := range rows {
		if err != nil {
			return n, err
		}
		for i := range columns {
			record[i] = csvField(row[i])
		}
		if err := out.Write(record); err != nil {
			return n, fmt.Errorf("write CSV row %d: %w", n+1, err)
		}
		n++
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return n, fmt.Errorf("write CSV: %w", err)
	}
	if err := buf.Flush(); err != nil {
		return n, fmt.Errorf("write CSV: %w", err)
	}
	return n, nil
}

func csvField(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return defuse(v)
	case models.Date:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return defuse(fmt.Sprint(v))
}

// formulaStarts are the characters with which a spreadsheet program begins a formula, plain and full-width, and those it
// skips before it looks.
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// defuse puts an apostrophe before a text that could be taken for a formula, and replaces bytes that are not UTF-8.
func defuse(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	first, _ := utf8.DecodeRuneInString(s)
	if s != "" && strings.ContainsRune(formulaStarts, first) {
		return "'" + s
	}
	return s
}
