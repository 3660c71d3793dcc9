package workbook

import (
	"fmt"
	"strings"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// The KPIs sheet: its heading row, and the columns that other sheets point at.
const (
	kpisSheet = "KPIs"
	kpisHead  = 4

	colBaseline = 2
	colTarget   = 3
	colNow      = 4
	colStatus   = 5
	colPrior    = 9
	colChange   = 10
	colMoney    = 11
)

// noData is what a cell says when there is no value; the reason stands in the note of the same row.
const noData = "no data"

// kpis makes the sheet with every KPI, whole and by site, and the months below. It gives the columns and rows of the month
// values, so that charts can point at them.
func (x *executive) kpis() (*sheet, *months) {
	s := &sheet{name: kpisSheet, colour: accent, freezeRow: kpisHead, freezeCol: 1, repeat: fmt.Sprintf("%d:%d", kpisHead, kpisHead), tableFrom: kpisHead, tableName: "tblKPIs",
		widths: []float64{29, 22, 11, 11, 13, 14, 12, 13, 10, 12, 12, 14, 11, 46}}
	s.lines = []line{
		{cells: []cell{{value: "Key performance indicators", look: titleLook}}},
		{cells: []cell{{value: x.span() + ", against the 12 months before", look: subLook}}},
		{cells: []cell{{value: "Measured comes before imported. Sites without a value are left out. Amounts in money overlap and must not be added up.", look: subLook}}},
		heads("KPI", "Site", "Baseline", "Target", "Now", "Status", "Numerator", "Denominator", "Excluded", "12 months before", "Change", "In money", "Source", "Note"),
	}
	for _, v := range x.report.KPIs {
		s.lines = append(s.lines, x.kpiLine(v, len(s.lines)+1))
	}
	for _, v := range x.report.Sites {
		s.lines = append(s.lines, x.kpiLine(v, len(s.lines)+1))
	}
	s.tableRows, s.tableCols = len(s.lines)-kpisHead, len(s.widths)
	s.shades = []shading{x.statusShade(ref(colStatus, kpisHead+1), ref(colStatus, len(s.lines)))}
	return s, x.monthLines(s)
}

func (x *executive) kpiLine(v reports.KPIValue, row int) line {
	value := numberLook.with(formatted(valueFormat(v.Unit, x.report.Currency)))
	amount := numberLook.with(formatted("#,##0.##"))
	c := make([]cell, 14)
	for i := range c {
		c[i].look = textLook
	}
	c[0].value, c[1].value = v.Name, siteName(v.Site)
	c[colBaseline], c[colTarget] = goalCell(v.Baseline, value), goalCell(v.Target, value)
	c[colNow] = cell{value: noData, look: numberLook.with(func(l *look) { l.colour = quiet })}
	if v.Value != nil {
		c[colNow] = cell{value: v.Value, look: value.with(bold)}
		if v.State == reports.Measured {
			c[colNow].formula = fmt.Sprintf("%s/%s", ref(6, row), ref(7, row))
		}
	}
	c[colStatus].value = string(v.Status)
	if v.Status == "" {
		c[colStatus].value = nil
	}
	c[6], c[7] = exactCell(v.Numerator, amount), exactCell(v.Denominator, amount)
	c[8] = cell{look: countLook}
	if v.Denominator != nil {
		c[8].value = v.Excluded
	}
	c[colPrior] = exactCell(v.Prior, value)
	c[colChange], c[colMoney] = x.changeCell(v, row), x.moneyCell(v, row)
	c[12].value = v.State.Word()
	c[13].value = note(v)
	return line{cells: c}
}

// changeCell is now less before; rates in percentage points.
func (x *executive) changeCell(v reports.KPIValue, row int) cell {
	c := cell{look: numberLook.with(formatted(changeFormat(v.Unit, x.report.Currency)))}
	if v.Change == nil {
		return c
	}
	before := ref(colPrior, row)
	if v.Change.Against == reports.AgainstBaseline {
		before = ref(colBaseline, row)
	}
	c.formula, c.value = ref(colNow, row)+"-"+before, v.Change.Value
	if v.Unit == models.UnitRate {
		c.formula, c.value = "("+c.formula+")*100", v.Change.Value.Times(reports.Int(100))
	}
	return c
}

// moneyCell is the live form of reports.ValuationOf: it follows the inputs of the ROI model.
func (x *executive) moneyCell(v reports.KPIValue, row int) cell {
	c := cell{look: numberLook.with(formatted(signed(moneyFormat(x.report.Currency, 0))))}
	if v.Money.Amount == nil {
		return c
	}
	how, _ := reports.ValuationOf(v.ID)
	parts := []string{ref(colChange, row)}
	if v.Unit == models.UnitRate {
		parts[0] += "/100"
	}
	if v.Direction == models.Lower {
		parts[0] = "-" + parts[0]
	}
	if how.Counted {
		parts = append(parts, ref(7, row))
	}
	if how.Times != "" {
		parts = append(parts, ref(colNow, x.rowOf(how.Times, v.Site)))
	}
	if len(how.Inputs) > 0 {
		parts = append(parts, "("+roiName(strings.Join(how.Inputs, "+"+roiName("")))+")")
	}
	c.formula, c.value = strings.Join(parts, "*"), v.Money.Amount
	return c
}

// rowOf gives the row of a KPI of a site on the KPIs sheet.
func (x *executive) rowOf(id models.KPIID, site string) int {
	row := kpisHead + 1
	for _, list := range [][]reports.KPIValue{x.report.KPIs, x.report.Sites} {
		for _, v := range list {
			if v.ID == id && v.Site == site {
				return row
			}
			row++
		}
	}
	return 0
}

// note says in words what a row rests on.
func note(v reports.KPIValue) string {
	var out []string
	if v.Reason != "" {
		out = append(out, v.Reason)
	}
	if v.State == reports.Measured && v.Imported != nil {
		out = append(out, fmt.Sprintf("also imported: %.6g (%d of 12 months, from %s)", v.Imported.Value.Float(), v.Imported.Months, strings.Join(v.Imported.From, ", ")))
	}
	if v.Change != nil && v.Change.Against == reports.AgainstBaseline {
		out = append(out, "change is against the baseline")
	}
	if v.Money.Amount != nil {
		out = append(out, "in money: "+v.Money.Formula)
	} else if v.Value != nil && v.Money.Reason != "" {
		out = append(out, "in money: "+v.Money.Reason)
	}
	return strings.Join(out, "; ")
}

// months says where the values by month stand: rows from to to, and a column for each KPI that has any.
type months struct {
	from, to int
	column   map[models.KPIID]int
	points   map[models.KPIID]int
}

// monthLines adds the last 24 months below the table, a column for each KPI with values. Months without data stay empty.
func (x *executive) monthLines(s *sheet) *months {
	m := &months{column: map[models.KPIID]int{}, points: map[models.KPIID]int{}}
	head := []cell{{value: "Month", look: headLook}}
	values := map[models.Date]map[models.KPIID]reports.Number{}
	var shown []reports.KPIValue
	for _, v := range x.report.KPIs {
		if len(v.Series) == 0 {
			continue
		}
		m.column[v.ID], m.points[v.ID] = len(head), len(v.Series)
		shown = append(shown, v)
		name := v.Name
		if v.State == reports.Imported {
			name += " (imported)"
		}
		head = append(head, cell{value: name, look: headLook})
		for _, p := range v.Series {
			if values[p.Month] == nil {
				values[p.Month] = map[models.KPIID]reports.Number{}
			}
			values[p.Month][v.ID] = p.Value
		}
	}
	if len(shown) == 0 {
		s.lines = append(s.lines, line{}, line{cells: []cell{{value: "By month: no data", look: sectionLook}}})
		return m
	}
	s.keepTogether(len(s.lines)+2, 26*24, 26*24)
	s.lines = append(s.lines, line{}, line{cells: []cell{{value: "By month", look: sectionLook}}}, line{cells: head})
	last := reports.LastMonth(x.report.Run.AsOf)
	m.from = len(s.lines) + 1
	for month := last.AddMonths(-23); month <= last; month = month.AddMonths(1) {
		cells := []cell{{value: month, look: monthLook.with(func(l *look) { l.align = "left" })}}
		for _, v := range shown {
			c := cell{look: numberLook.with(formatted(valueFormat(v.Unit, x.report.Currency)))}
			if n, ok := values[month][v.ID]; ok {
				c.value = n
			}
			cells = append(cells, c)
		}
		s.lines = append(s.lines, line{cells: cells})
	}
	m.to = len(s.lines)
	return m
}

// monthChart draws the months of one KPI; nil when there are fewer than two.
func (x *executive) monthChart(m *months, id models.KPIID, size chartSize) *excelize.Chart {
	col, ok := m.column[id]
	if !ok || m.points[id] < 2 {
		return nil
	}
	def, _ := models.KPIByID(id)
	format := valueFormat(def.Unit, x.report.Currency)
	if def.Unit == models.UnitRate {
		format = "0%"
	}
	alt := fmt.Sprintf("Line chart: %s by month over the 24 months to %s; the numbers are on the sheet %s, section By month.", def.Name, x.report.Run.AsOf, kpisSheet)
	c := newChart(excelize.Line, def.Name+" by month", alt, size, format,
		seriesLine(at(kpisSheet, col, m.from-1), span(kpisSheet, 0, m.from, m.to), span(kpisSheet, col, m.from, m.to), accent))
	c.XAxis.NumFmt = excelize.ChartNumFmt{CustomNumFmt: "mmm yy"}
	c.XAxis.TickLabelSkip = 3
	return c
}
