package workbook

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// letterPaper is US Letter; printers elsewhere scale it to A4.
const letterPaper = 1

// book is a workbook being written, sheet after sheet.
type book struct {
	file   *excelize.File
	styles map[look]int
	sheets int
	opts   Options
	header string // of every printed page
	footer string
}

// cell is one cell: a value, or a formula with the value it has now beside it. A nil value is an empty cell in its look.
type cell struct {
	value   any // string, float64, int, models.Date, reports.Number
	formula string
	look    look
}

// line is one row of a sheet.
type line struct {
	cells  []cell
	height float64 // points; 0 is worked out from wrapped text
}

// placed is a chart with its top left cell.
type placed struct {
	at    string
	chart *excelize.Chart
}

// shading is a conditional format of a range.
type shading struct {
	area  string
	rules []excelize.ConditionalFormatOptions
}

// sheet is a whole sheet before it is written. Everything that the spreadsheet library loses once rows stream (layout,
// charts, formats, validations) is part of it, so that write can do things in the order that works.
type sheet struct {
	name        string
	colour      string // of the tab
	widths      []float64
	lines       []line
	tableFrom   int // row of the table's heading, 1 based; 0 none
	tableRows   int
	tableCols   int
	tableName   string
	freezeRow   int // rows above and with this one stay in view
	freezeCol   int
	repeat      string // rows repeated on every printed page, "5:5"
	portrait    bool
	onePage     bool // fit on one page, not only on one page's width
	printTo     string
	charts      []placed
	shades      []shading
	validations []*excelize.DataValidation
	names       map[string]string // defined names and what they refer to
	nameOrder   []string
	links       map[string]string // cell → location
	pageBreaks  []int             // rows that begin a printed page
	protect     bool
}

// open starts a workbook.
func open(opts Options, title string) (*book, error) {
	f := excelize.NewFile(excelize.Options{TmpDir: opts.TmpDir})
	b := &book{file: f, styles: map[look]int{}, opts: opts}
	f.SetZipWriter(newArchive)
	yes := true
	when := opts.Generated.UTC().Format(time.RFC3339)
	err := errors.Join(
		f.SetDefaultFont(fontName),
		f.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &yes}),
		f.SetDocProps(&excelize.DocProperties{Title: title, Creator: "Carereach", LastModifiedBy: "Carereach", Created: when, Modified: when, Language: "en-US"}),
		f.SetAppProps(&excelize.AppProperties{Application: "Carereach", DocSecurity: 0}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin workbook: %w", err), f.Close())
	}
	return b, nil
}

// finish writes the file to w and frees temporary files, also when it fails.
func (b *book) finish(w io.Writer, failed error) error {
	if failed == nil {
		b.file.SetActiveSheet(0)
		if err := b.file.Write(w); err != nil {
			failed = fmt.Errorf("write workbook: %w", err)
		}
	}
	return errors.Join(failed, b.file.Close())
}

// add makes the sheet in the file, named and laid out, before any row streams.
func (b *book) add(s *sheet) error {
	var err error
	if b.sheets == 0 {
		err = b.file.SetSheetName("Sheet1", s.name)
	} else {
		_, err = b.file.NewSheet(s.name)
	}
	b.sheets++
	if err != nil {
		return fmt.Errorf("sheet %s: %w", s.name, err)
	}
	return b.layout(s)
}

func (b *book) layout(s *sheet) error {
	f, yes, no := b.file, true, false
	orientation, paper, wide, high := "landscape", letterPaper, 1, 0
	if s.portrait {
		orientation = "portrait"
	}
	if s.onePage {
		high = 1
	}
	side, top, foot := 0.4, 0.6, 0.3
	tab := "FF" + s.colour
	zoom := 100.0
	errs := []error{
		f.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &yes, TabColorRGB: &tab}),
		f.SetSheetView(s.name, -1, &excelize.ViewOptions{ShowGridLines: &no, ZoomScale: &zoom}),
		f.SetPageLayout(s.name, &excelize.PageLayoutOptions{Orientation: &orientation, Size: &paper, FitToWidth: &wide, FitToHeight: &high}),
		f.SetPageMargins(s.name, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &top, Bottom: &top, Header: &foot, Footer: &foot, Horizontally: &yes}),
		f.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{OddHeader: b.header, OddFooter: b.footer}),
	}
	if s.repeat != "" {
		errs = append(errs, f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: quoted(s.name) + "!" + absoluteRows(s.repeat), Scope: s.name}))
	}
	if s.printTo != "" {
		errs = append(errs, f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", RefersTo: quoted(s.name) + "!$A$1:" + absolute(s.printTo), Scope: s.name}))
	}
	for _, name := range s.nameOrder {
		errs = append(errs, f.SetDefinedName(&excelize.DefinedName{Name: name, RefersTo: s.names[name]}))
	}
	for _, c := range s.charts {
		errs = append(errs, f.AddChart(s.name, c.at, c.chart))
	}
	for _, c := range s.shades {
		errs = append(errs, f.SetConditionalFormat(s.name, c.area, c.rules))
	}
	for _, v := range s.validations {
		errs = append(errs, f.AddDataValidation(s.name, v))
	}
	for _, at := range sortedKeys(s.links) {
		errs = append(errs, f.SetCellHyperLink(s.name, at, s.links[at], "Location"))
	}
	if s.protect {
		errs = append(errs, f.ProtectSheet(s.name, &excelize.SheetProtectionOptions{SelectLockedCells: true, SelectUnlockedCells: true, FormatColumns: true, FormatRows: true}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lay out sheet %s: %w", s.name, err)
	}
	return nil
}

// stream opens the row stream of a sheet that was added, with widths and frozen panes.
func (b *book) stream(s *sheet) (*excelize.StreamWriter, error) {
	sw, err := b.file.NewStreamWriter(s.name)
	if err != nil {
		return nil, fmt.Errorf("sheet %s: %w", s.name, err)
	}
	for i, w := range s.widths {
		if err := sw.SetColWidth(i+1, i+1, w); err != nil {
			return nil, fmt.Errorf("sheet %s: %w", s.name, err)
		}
	}
	if s.freezeRow > 0 {
		err = sw.SetPanes(&excelize.Panes{Freeze: true, XSplit: s.freezeCol, YSplit: s.freezeRow, TopLeftCell: ref(s.freezeCol, s.freezeRow+1), ActivePane: pane(s.freezeCol)})
	}
	return sw, err
}

func pane(cols int) string {
	if cols > 0 {
		return "bottomRight"
	}
	return "bottomLeft"
}

// write adds a sheet and all its rows.
func (b *book) write(s *sheet) error {
	if err := b.add(s); err != nil {
		return err
	}
	sw, err := b.stream(s)
	if err != nil {
		return err
	}
	s.alignHeads()
	for i, l := range s.lines {
		if len(l.cells) == 0 && l.height == 0 {
			continue
		}
		row, err := b.row(l)
		if err != nil {
			return err
		}
		if err := sw.SetRow(ref(0, i+1), row, excelize.RowOpts{Height: s.heightOf(l)}); err != nil {
			return fmt.Errorf("sheet %s row %d: %w", s.name, i+1, err)
		}
	}
	for _, row := range s.pageBreaks {
		if err := sw.InsertPageBreak(ref(0, row)); err != nil {
			return fmt.Errorf("sheet %s: %w", s.name, err)
		}
	}
	if err := s.closeTable(sw, s.tableRows); err != nil {
		return err
	}
	if err := sw.Flush(); err != nil {
		return fmt.Errorf("sheet %s: %w", s.name, err)
	}
	return nil
}

// alignHeads puts the headings of number columns where the numbers are.
func (s *sheet) alignHeads() {
	for i := 0; i+1 < len(s.lines); i++ {
		below := s.lines[i+1].cells
		for j := range s.lines[i].cells {
			if l := &s.lines[i].cells[j].look; *l == headLook && j < len(below) {
				l.align = below[j].look.align
			}
		}
	}
}

// closeTable makes a real table of the heading row and the rows below it.
func (s *sheet) closeTable(sw *excelize.StreamWriter, rows int) error {
	if s.tableFrom == 0 || rows == 0 {
		return nil
	}
	stripes := false
	area := ref(0, s.tableFrom) + ":" + ref(s.tableCols-1, s.tableFrom+rows)
	if err := sw.AddTable(&excelize.Table{Range: area, Name: s.tableName, StyleName: "TableStyleLight1", ShowRowStripes: &stripes}); err != nil {
		return fmt.Errorf("sheet %s: table: %w", s.name, err)
	}
	return nil
}

func (b *book) row(l line) ([]any, error) {
	out := make([]any, len(l.cells))
	for i, c := range l.cells {
		c.look.padded = i > 0 && c.look.align != "right" && (c.look.rule || c.look == headLook)
		style, err := b.style(c.look)
		if err != nil {
			return nil, err
		}
		out[i] = excelize.Cell{StyleID: style, Formula: c.formula, Value: plain(c.value)}
	}
	return out, nil
}

// plain gives the value as the file holds it: dates as day numbers, exact numbers as the nearest float, texts without
// space around them (which would need an attribute that the schema does not have).
func plain(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case models.Date:
		return serial(v)
	case reports.Number:
		return v.Float()
	case *reports.Number:
		if v == nil {
			return nil
		}
		return v.Float()
	}
	return v
}

// serial is the day number of a date in a spreadsheet: days from 1899-12-30.
func serial(d models.Date) int { return int(d) + 25569 }

// pixels is the width of the first columns on the screen: 8 for each character and 5 of padding.
func (s *sheet) pixels(columns int) uint {
	sum := 0.0
	for _, w := range s.widths[:columns] {
		sum += w*8 + 5
	}
	return uint(sum)
}

// The printable part of a Letter page in points, landscape.
const (
	pageLong  = 11*72 - 2*0.4*72
	pageShort = 8.5*72 - 2*0.6*72
)

// keepTogether sees to it that what stands at a row is not cut by the end of a printed page. It gives the height that
// there is, in pixels: most, or less where at least least of it fit; else a new page begins before the row.
func (s *sheet) keepTogether(row int, least, most uint) uint {
	wide, high := pageLong, pageShort
	if s.portrait {
		wide, high = pageShort+2*0.2*72, pageLong-2*0.2*72
	}
	scale := math.Min(1, wide/(float64(s.pixels(len(s.widths)))*0.75))
	high /= scale
	used := 0.0
	for _, l := range s.lines[:min(row-1, len(s.lines))] {
		used += s.heightOf(l)
	}
	const margin = 40 // points, for what the heights of rows are off
	left := high - math.Mod(used, high) - margin
	switch {
	case left >= float64(most)*0.75:
		return most
	case left >= float64(least)*0.75:
		return uint(left / 0.75)
	}
	s.pageBreaks = append(s.pageBreaks, row)
	return most
}

// heightOf gives a row the height that its wrapped text needs at the widths of its columns.
func (s *sheet) heightOf(l line) float64 {
	if l.height > 0 {
		return l.height
	}
	most := 0.0
	for i, c := range l.cells {
		size := c.look.size
		if size == 0 {
			size = baseSize
		}
		lines := 1
		if text, ok := c.value.(string); ok && c.look.wrap && i < len(s.widths) {
			lines = linesOf(text, s.widths[i]*1.2*baseSize/size*bolder(c.look))
		}
		most = math.Max(most, float64(lines)*size*1.3+5)
	}
	return math.Min(most, 400)
}

func bolder(l look) float64 {
	if l.bold {
		return 0.92
	}
	return 1
}

// linesOf counts the lines that a text takes when it is wrapped at so many characters.
func linesOf(text string, width float64) int {
	lines := 0
	for _, para := range strings.Split(text, "\n") {
		used := 0.0
		lines++
		for _, word := range strings.Fields(para) {
			n := float64(len([]rune(word)))
			if used > 0 && used+1+n > width {
				lines++
				used = 0
			} else if used > 0 {
				used++
			}
			for used+n > width && n > width { // a word longer than the line is broken
				lines++
				n -= width
			}
			used += n
		}
	}
	return lines
}
