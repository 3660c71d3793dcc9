package workbook

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// executive is the executive workbook being made.
type executive struct {
	report reports.Report
	opts   Options
	book   *book
}

// WriteExecutive writes the executive workbook: Summary, KPIs, Measures, Gaps to goal, Retention, ROI model, Definitions,
// Provenance. It holds aggregates only. Equal reports and options give equal bytes. A failed write leaves an incomplete
// file: write to a temporary name and rename.
func WriteExecutive(w io.Writer, r reports.Report, opts Options) error {
	b, err := open(opts, r.Organisation+": executive report, "+r.Run.AsOf.String())
	if err != nil {
		return err
	}
	b.header = "&L" + plainText(r.Organisation) + "&RExecutive report, as of " + r.Run.AsOf.String()
	b.footer = "&LAggregate, no patient detail&CRun " + string(r.Run.ID) + "&RPage &P of &N"
	x := &executive{report: r, opts: opts, book: b}
	return b.finish(w, x.sheets())
}

func (x *executive) sheets() error {
	kpis, months := x.kpis()
	measures := x.measures()
	all := []*sheet{x.summary(months), kpis, measures, x.gaps(), x.retention(), x.roi(), x.definitions(), x.provenance()}
	var errs []error
	for _, s := range all {
		errs = append(errs, x.book.write(s))
	}
	return errors.Join(errs...)
}

// heads makes a heading row.
func heads(names ...string) line {
	cells := make([]cell, len(names))
	for i, n := range names {
		cells[i] = cell{value: n, look: headLook}
	}
	return line{cells: cells}
}

func exactCell(n *reports.Number, l look) cell {
	if n == nil {
		return cell{look: l}
	}
	return cell{value: *n, look: l}
}

func goalCell(g *reports.Goal, l look) cell {
	if g == nil {
		return cell{look: l}
	}
	return cell{value: g.Value, look: l}
}

// siteName names a site in tables.
func siteName(site string) string {
	switch site {
	case "":
		return "All"
	case reports.SiteNone:
		return "Not attributed"
	}
	return site
}

// span says in words which twelve months the figures are of.
func (x *executive) span() string {
	return "12 months to " + longDate(x.report.Run.AsOf)
}

func longDate(d models.Date) string { return d.Time().Format("2 January 2006") }

// statusShade colours status words; shape and word say the same without it.
func (x *executive) statusShade(from, to string) shading {
	rule := func(prefix, colour, fill string) excelize.ConditionalFormatOptions {
		id, err := x.book.file.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: colour, Bold: true},
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fill}}})
		if err != nil {
			return excelize.ConditionalFormatOptions{}
		}
		return excelize.ConditionalFormatOptions{Type: "formula", Criteria: fmt.Sprintf(`LEFT(%s,1)="%s"`, from, prefix), Format: &id}
	}
	return shading{area: from + ":" + to, rules: []excelize.ConditionalFormatOptions{
		rule("●", goodInk, goodBg), rule("▲", nearInk, nearBg), rule("■", offInk, offBg)}}
}

// plainText keeps a text from being read as header codes, and short enough for a header.
func plainText(s string) string {
	r := []rune(strings.ReplaceAll(s, "&", "&&"))
	return string(r[:min(len(r), 80)])
}

// summary makes the first sheet: one landscape page.
func (x *executive) summary(m *months) *sheet {
	r := x.report
	s := &sheet{name: "Summary", colour: navy, onePage: true, widths: []float64{33, 12, 12, 13, 15, 13, 16, 40}, tableName: "tblSummary", links: map[string]string{}}
	s.lines = []line{
		{cells: []cell{{value: r.Organisation + ": executive summary", look: titleLook}}},
		{cells: []cell{{value: fmt.Sprintf("%s, as of %s, %s patients. Aggregate, no patient detail.", x.span(), r.Run.AsOf, count(r.Patients)), look: subLook}}},
		{cells: []cell{{value: x.age(), look: subLook}}},
	}
	for _, text := range r.Sentences() {
		s.lines = append(s.lines, line{cells: []cell{{value: "• " + text, look: look{size: 11}}}, height: 19})
	}
	s.tableFrom = len(s.lines) + 1
	s.lines = append(s.lines, heads("KPI", "Baseline", "Target", "Now", "Status", "Change", "In money", "Source"))
	for i, v := range r.KPIs {
		if def, ok := models.KPIByID(v.ID); ok && def.Executive {
			s.lines = append(s.lines, x.summaryLine(v, kpisHead+1+i))
		}
	}
	s.tableRows, s.tableCols = len(s.lines)-s.tableFrom, len(s.widths)
	s.shades = []shading{x.statusShade(ref(4, s.tableFrom+1), ref(4, len(s.lines)))}
	s.lines = append(s.lines, line{cells: []cell{{value: "Change is against the 12 months before, or the baseline where the note on the sheet KPIs says so. In money: positive is good; amounts overlap and must not be added up.", look: noteLook}}})
	if r.Outdated {
		s.lines = append(s.lines, line{cells: []cell{{value: "KPI imports, baselines or targets were entered after this run and are not in it: run carereach analyze again to use them.", look: look{bold: true, colour: offInk}}}})
	}
	x.summaryChart(s, m)
	return s
}

// summaryChart puts the chart and the links to the other sheets below the table.
func (x *executive) summaryChart(s *sheet, m *months) {
	links := make([]cell, 0, 7)
	row := len(s.lines) + 1
	for i, name := range []string{kpisSheet, "Measures", gapsSheet, "Retention", roiSheet, "Definitions", "Provenance"} {
		links = append(links, cell{value: name, look: look{colour: accent, link: true}})
		s.links[ref(i, row)] = quoted(name) + "!A1"
	}
	s.lines = append(s.lines, line{cells: links, height: 24})
	last := len(s.lines) + 21
	for _, id := range []models.KPIID{"no_show_rate", "retention", "gap_closure", "preventive_use", "revenue_per_patient", "satisfaction", "staff_hours"} {
		if c := x.monthChart(m, id, chartSize{s.pixels(len(s.widths)), 420}); c != nil {
			s.charts = append(s.charts, placed{ref(0, len(s.lines)+1), c})
			s.printTo = ref(len(s.widths)-1, last)
			return
		}
	}
	s.lines = append(s.lines, line{cells: []cell{{value: "No chart: no figure has values for two months yet.", look: subLook}}})
	s.printTo = ref(len(s.widths)-1, len(s.lines))
}

func (x *executive) summaryLine(v reports.KPIValue, row int) line {
	value := numberLook.with(formatted(valueFormat(v.Unit, x.report.Currency)))
	link := func(c cell, col int) cell {
		if c.value != nil {
			c.formula = kpisSheet + "!" + ref(col, row)
		}
		return c
	}
	unset := func(c cell, word string) cell {
		if c.value == nil {
			c.value, c.look = word, numberLook.with(func(l *look) { l.colour = quiet })
		}
		return c
	}
	now := cell{value: noData, look: numberLook.with(func(l *look) { l.colour = quiet })}
	if v.Value != nil {
		now = link(cell{value: *v.Value, look: value.with(func(l *look) { l.bold, l.size = true, 12 })}, colNow)
	}
	status := cell{look: textLook}
	if v.Status != "" {
		status.value = string(v.Status)
	}
	change, money := link(x.changeCell(v, row), colChange), link(x.moneyCell(v, row), colMoney)
	if v.Value != nil && v.Money.Amount == nil {
		money = cell{value: v.Money.Reason, look: numberLook.with(func(l *look) { l.colour, l.size, l.wrap = quiet, 9, true })}
	}
	source := v.State.Word()
	switch {
	case v.State == reports.Measured:
		source += evidence(v, x.report.Currency)
	case v.Reason != "":
		source = strings.TrimPrefix(source+": "+v.Reason, "imported: ")
	}
	return line{cells: []cell{{value: v.Name, look: textLook.with(bold)},
		unset(link(goalCell(v.Baseline, value), colBaseline), "not set"), unset(link(goalCell(v.Target, value), colTarget), "not set"),
		now, status, change, money, {value: source, look: textLook.with(func(l *look) { l.size = 9 })}}}
}

// evidence writes what a measured value was divided from: ": 1,204 of 8,600".
func evidence(v reports.KPIValue, currency string) string {
	quantity := func(n reports.Number) string {
		return strings.TrimSuffix(reports.Format(models.UnitScore, "", n), ".0")
	}
	switch v.Unit {
	case models.UnitRate:
		return ": " + quantity(*v.Numerator) + " of " + quantity(*v.Denominator)
	case models.UnitMoney:
		return ": " + reports.Format(models.UnitMoney, currency, *v.Numerator) + " over " + quantity(*v.Denominator)
	case models.UnitHours:
		return ""
	}
	return ": " + quantity(*v.Numerator) + " over " + quantity(*v.Denominator)
}

// age says how old the data are, beside the day they are judged on.
func (x *executive) age() string {
	made := "report made " + x.opts.Generated.UTC().Format("2006-01-02 15:04 UTC")
	through := x.report.Provenance.DataThrough
	if through == nil {
		return "Age of the data is not known; " + made + "."
	}
	age := x.opts.Generated.Sub(*through)
	words := fmt.Sprintf("%d days", int(age.Hours()/24))
	if age.Hours() < 48 {
		words = fmt.Sprintf("%d hours", int(age.Hours()))
	}
	return fmt.Sprintf("Newest data received %s, %s before this report; %s.", through.UTC().Format("2006-01-02 15:04 UTC"), words, made)
}

// count writes a whole number with commas.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// sortedBy copies and sorts, so that a report is never changed by being written.
func sortedBy[T any](list []T, less func(a, b T) int) []T {
	out := slices.Clone(list)
	slices.SortStableFunc(out, less)
	return out
}
