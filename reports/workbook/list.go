package workbook

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// ListMeta describes a work list of identified rows.
type ListMeta struct {
	Title     string // "Care gaps"
	Watermark string // who made it, for which purpose, when, under which audit entry: on the sheet and on every page
	Note      string // how to handle it; "" is DefaultListNote
	Filters   string // what was chosen
	Run       reports.Run
	Columns   []reports.ListColumn
	Total     int64 // rows that fit the filter, to say what was left out
	Shown     int64 // rows that will come, for a list too long to be refused early; 0 not known
	Options
}

// DefaultListNote is printed when ListMeta.Note is empty.
const DefaultListNote = "Identified patients: for the stated purpose only. Do not mail; delete when the work is done."

// The rows above the first row of a list, and how many rows a list may have: a sheet holds 1,048,576, and a list ends with
// an empty row and the line that counts it.
const (
	listHead = 4
	MaxRows  = 1_048_576 - listHead - 2
)

func tooLong(rows int64) error {
	return &models.Error{Kind: models.KindUsage, Message: fmt.Sprintf("a workbook holds at most %d rows, and the list has %d", MaxRows, rows), Mend: "filter it, or write it as CSV: --format csv"}
}

// WriteList streams a work list. A list of more than MaxRows rows is refused with models.KindUsage: before a byte is
// written when Shown says so, else when the sheet is full, and then too nothing is written to w. Rows are read once; an
// error of theirs ends the list.
func WriteList(w io.Writer, meta ListMeta, rows iter.Seq2[[]any, error]) error {
	if meta.Shown > MaxRows {
		return tooLong(meta.Shown)
	}
	b, err := open(meta.Options, meta.Title)
	if err != nil {
		return err
	}
	b.header = "&L" + plainText(meta.Title) + "&Ras of " + meta.Run.AsOf.String()
	b.footer = "&L" + plainText(meta.Watermark) + "&RPage &P of &N"
	return b.finish(w, b.list(meta, rows))
}

func (b *book) list(meta ListMeta, rows iter.Seq2[[]any, error]) error {
	s := &sheet{name: "List", colour: offInk, freezeRow: listHead, repeat: fmt.Sprintf("%d:%d", listHead, listHead), tableFrom: listHead, tableName: "tblList", tableCols: len(meta.Columns)}
	head := make([]string, len(meta.Columns))
	for i, c := range meta.Columns {
		s.widths = append(s.widths, c.Width)
		head[i] = c.Title
	}
	noteText := meta.Note
	if noteText == "" {
		noteText = DefaultListNote
	}
	words := fmt.Sprintf("As of %s, run %s; %s; %s rows fit. The last line says how many are shown.", meta.Run.AsOf, meta.Run.ID, meta.Filters, count(meta.Total))
	s.lines = []line{
		{cells: []cell{{value: meta.Title, look: titleLook}}},
		{cells: []cell{{value: strings.TrimRight(meta.Watermark, ". ") + ". " + noteText, look: look{bold: true, colour: offInk}}}},
		{cells: []cell{{value: words, look: subLook}}},
		heads(head...),
	}
	for i := range head { // flush with the cells below, which have no look of their own
		s.lines[listHead-1].cells[i].look.size = baseSize
	}
	if err := b.add(s); err != nil {
		return err
	}
	sw, err := b.stream(s)
	if err != nil {
		return err
	}
	for i, l := range s.lines {
		row, err := b.row(l)
		if err != nil {
			return err
		}
		if err := sw.SetRow(ref(0, i+1), row, excelize.RowOpts{Height: s.heightOf(l)}); err != nil {
			return fmt.Errorf("list heading: %w", err)
		}
	}
	n, err := b.listRows(sw, meta.Columns, rows, MaxRows)
	if err != nil {
		return err
	}
	if err := b.listEnd(sw, n, meta.Total); err != nil {
		return err
	}
	return errors.Join(s.closeTable(sw, n), sw.Flush())
}

// listEnd says after the last row how many there were, and how many were left out.
func (b *book) listEnd(sw *excelize.StreamWriter, shown int, total int64) error {
	style, err := b.style(subLook)
	if err != nil {
		return err
	}
	words := fmt.Sprintf("End of the list: %s rows shown, %s left out.", count(int64(shown)), count(max(0, total-int64(shown))))
	return sw.SetRow(ref(0, listHead+shown+2), []any{excelize.Cell{StyleID: style, Value: words}})
}

// listRows streams the rows, at most so many, and gives their number. Nothing is kept of a row.
func (b *book) listRows(sw *excelize.StreamWriter, columns []reports.ListColumn, rows iter.Seq2[[]any, error], most int) (int, error) {
	day, err := b.style(look{format: "yyyy-mm-dd", align: "left"})
	if err != nil {
		return 0, err
	}
	out := make([]any, len(columns))
	n := 0
	for row, err := range rows {
		if err != nil {
			return n, err
		}
		if n == most {
			return n, tooLong(int64(n) + 1)
		}
		for i, v := range row {
			out[i] = plain(v)
			if _, ok := v.(models.Date); ok {
				out[i] = excelize.Cell{StyleID: day, Value: out[i]}
			}
		}
		n++
		if err := sw.SetRow(ref(0, listHead+n), out); err != nil {
			return n, fmt.Errorf("list row %d: %w", n, err)
		}
	}
	return n, nil
}
