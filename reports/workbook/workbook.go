// Package workbook writes reports as .xlsx files that open well in any spreadsheet program: streamed sheets, values
// beside their formulas, native charts, and nothing that a viewer without a calculation engine would show blank.
//
// It is the only package that knows the spreadsheet library and what not to ask of it: layout, charts, formats and
// validations come before a sheet's rows, because the library loses them silently afterwards; no icon sets, slicers or
// pivots; chart text has a font of its own; the parts of the file are written in a fixed order.
package workbook

import "time"

// Options are what the caller decides about a file.
type Options struct {
	TmpDir    string    // protected folder for sheets that do not fit in memory; "" is the system's. Nothing is left in it
	Generated time.Time // printed, and kept as the file's creation time
	User      string    // who asked for the file; "" leaves the line out
}
