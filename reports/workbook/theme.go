package workbook

import (
	"fmt"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// The one set of fonts and colours. Text on each fill has a contrast of at least 4.5 to 1.
const (
	fontName = "Arial" // has a free twin of the same widths on every system

	ink     = "1F2933" // body text
	quiet   = "52606D" // notes
	navy    = "17365D" // titles, heading fill
	white   = "FFFFFF"
	rule    = "CBD2D9" // hairlines between rows
	pale    = "EEF3F8" // emphasis fill
	accent  = "1F6FB2" // first series of charts, links
	second  = "B7791F" // second series
	third   = "2F855A" // third series
	input   = "0000FF" // inputs that may be changed
	inputBg = "FFF9E5"

	goodInk, goodBg = "1E5631", "DDF1E4"
	nearInk, nearBg = "7A4B00", "FFF0D1"
	offInk, offBg   = "8B1A1A", "FBE1E1"
)

// baseSize is the size of text in points.
const baseSize = 10

// look is how a cell appears. Looks are compared by value, so that each is written to the file once.
type look struct {
	bold, italic bool
	size         float64 // 0 is baseSize
	colour       string  // "" is ink
	fill         string
	format       string // number format
	wrap         bool
	align        string // "", left or right
	padded       bool   // text that stands right of a number is moved off it
	rule         bool   // hairline below
	link         bool
	unlocked     bool
}

// The looks that sheets share; with changes a copy.
var (
	titleLook   = look{bold: true, size: 17, colour: navy}
	subLook     = look{colour: quiet}
	noteLook    = look{colour: quiet, size: 9}
	sectionLook = look{bold: true, size: 13, colour: navy}
	headLook    = look{bold: true, colour: white, fill: navy, wrap: true}
	textLook    = look{rule: true, wrap: true}
	numberLook  = look{rule: true, align: "right"}
	countLook   = look{rule: true, align: "right", format: "#,##0"}
	monthLook   = look{rule: true, align: "right", format: "mmm yyyy"}
	rateLook    = look{rule: true, align: "right", format: "0.0%"}
)

func (l look) with(change func(*look)) look {
	change(&l)
	return l
}

func bold(l *look) { l.bold = true }

func formatted(format string) func(*look) { return func(l *look) { l.format = format } }

// style gives the file's id of a look, adding it when it is new.
func (b *book) style(l look) (int, error) {
	if id, ok := b.styles[l]; ok {
		return id, nil
	}
	size, colour := l.size, l.colour
	if size == 0 {
		size = baseSize
	}
	if colour == "" {
		colour = ink
	}
	s := &excelize.Style{
		Font:       &excelize.Font{Family: fontName, Size: size, Bold: l.bold, Italic: l.italic, Color: colour},
		Alignment:  &excelize.Alignment{Vertical: "center", Horizontal: l.align, WrapText: l.wrap},
		Protection: &excelize.Protection{Locked: !l.unlocked},
	}
	if l.padded {
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	}
	if l.link {
		s.Font.Underline = "single"
	}
	if l.fill != "" {
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{l.fill}}
	}
	if l.rule {
		s.Border = []excelize.Border{{Type: "bottom", Style: 1, Color: rule}}
	}
	if l.format != "" {
		s.CustomNumFmt = &l.format
	}
	id, err := b.file.NewStyle(s)
	if err != nil {
		return 0, fmt.Errorf("style: %w", err)
	}
	b.styles[l] = id
	return id, nil
}

// valueFormat is the number format of a KPI's value.
func valueFormat(unit models.Unit, currency string) string {
	switch unit {
	case models.UnitRate:
		return "0.0%"
	case models.UnitMoney:
		return moneyFormat(currency, 2)
	case models.UnitDays:
		return `#,##0.0" days"`
	case models.UnitHours:
		return `#,##0.0" h"`
	}
	return "#,##0.0"
}

// changeFormat is the number format of a change; rates are given in percentage points.
func changeFormat(unit models.Unit, currency string) string {
	body := "#,##0.0"
	switch unit {
	case models.UnitRate:
		body = `#,##0.0" pp"`
	case models.UnitMoney:
		return signed(moneyFormat(currency, 2))
	case models.UnitDays, models.UnitHours:
		body = valueFormat(unit, currency)
	}
	return signed(body)
}

// signed shows a plus sign before what is positive.
func signed(body string) string { return "+" + body + ";-" + body + ";" + body }

// moneyFormat is the number format of an amount.
func moneyFormat(currency string, decimals int) string {
	body := `"` + reports.CurrencyPrefix(currency) + `"#,##0`
	if decimals > 0 {
		body += ".00"
	}
	return body
}
