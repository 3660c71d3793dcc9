// Package workbook writes reports as .xlsx files that open well in any spreadsheet program: streamed sheets, values
// beside their formulas, native charts, and nothing that a viewer without a calculation engine would show blank.
package workbook

import (
	"io"
	"iter"
	"time"

	"carereach/reports"
)

// Options are what the caller decides about a file.
type Options struct {
	TmpDir    string    // protected folder for what does not fit in memory; "" is the system's
	Generated time.Time // printed and kept as the file's creation time; equal reports and times give equal bytes
	User      string    // who asked for the file; "" leaves the line out
}

// WriteExecutive writes the executive workbook: Summary, KPIs, Measures, Gaps to goal, Retention, ROI model, Definitions,
// Provenance. It holds aggregates only. A failed write leaves an incomplete file: write to a temporary name and rename.
func WriteExecutive(w io.Writer, r reports.Report, opts Options) error { return nil }

// ListMeta describes a work list.
type ListMeta struct {
	Title     string
	Watermark string // user, purpose, time and audit id of the export: printed on every page
	Note      string // handling note
	Run       reports.Run
	Columns   []reports.ListColumn
	Total     int64 // rows announced; the list is refused when they do not fit
	Filters   string
	Options
}

// WriteList streams a work list of identified rows. More than MaxRows rows are refused with models.KindUsage before a
// byte is written when Total says so, else when the sheet is full.
func WriteList(w io.Writer, meta ListMeta, rows iter.Seq2[[]any, error]) error { return nil }

// MaxRows is the most rows a list may have: a sheet holds 1,048,576 rows, one of them the heading.
const MaxRows = 1_048_575
