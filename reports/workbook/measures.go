package workbook

import (
	"cmp"
	"fmt"

	"carereach/models"
	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

const gapsSheet = "Gaps to goal"

// measures makes the sheet with every measure, all sites first, then by site.
func (x *executive) measures() *sheet {
	s := &sheet{name: "Measures", colour: accent, freezeRow: 4, freezeCol: 1, repeat: "4:4", tableFrom: 4, tableName: "tblMeasures",
		widths: []float64{33, 22, 8, 10, 10, 13, 12, 10, 10, 14, 10, 10, 10, 48}}
	s.lines = []line{
		{cells: []cell{{value: "Measures", look: titleLook}}},
		{cells: []cell{{value: "Judged on " + longDate(x.report.Run.AsOf) + ", measurement period " + x.report.Run.Period.Start.String() + " to " + x.report.Run.Period.End.String(), look: subLook}}},
		{cells: []cell{{value: "To goal: patients still to move for the target to be reached. Denominator: eligible less excluded.", look: subLook}}},
		heads("Measure", "Site", "Better", "Eligible", "Excluded", "Denominator", "Numerator", "Rate", "Target", "Status", "To goal", "Open gaps", "Closed by care", "Note"),
	}
	whole := 0
	for _, all := range []bool{true, false} {
		for _, m := range x.report.Measures {
			if all && m.State != reports.MeasureRan {
				s.lines = append(s.lines, refusedLine(m, len(s.widths)))
				continue
			}
			for _, r := range m.Rows {
				if (r.Site == "") == all {
					s.lines = append(s.lines, x.measureLine(m, r, len(s.lines)+1))
				}
			}
		}
		if all {
			whole = len(s.lines)
		}
	}
	s.tableRows, s.tableCols = len(s.lines)-4, len(s.widths)
	if s.tableRows == 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: "No measure ran.", look: subLook}}})
		return s
	}
	s.shades = []shading{x.statusShade("J5", ref(9, len(s.lines)))}
	rates := seriesBar(at("Measures", 7, 4), span("Measures", 0, 5, whole), span("Measures", 7, 5, whole), accent)
	goals := seriesBar(at("Measures", 8, 4), span("Measures", 0, 5, whole), span("Measures", 8, 5, whole), second)
	alt := "Bar chart: rate and target of each measure over all sites; the numbers are in the table above."
	size := chartSize{s.pixels(len(s.widths)), s.keepTogether(len(s.lines)+2, 260, 380)}
	c := newChart(excelize.Col, "Rate and target by measure, all sites", alt, size, "0%", rates, goals)
	zero := 0.0
	c.YAxis.Minimum = &zero
	s.charts = []placed{{ref(0, len(s.lines)+2), c}}
	return s
}

func refusedLine(m reports.MeasureSummary, width int) line {
	c := make([]cell, width)
	for i := range c {
		c[i].look = textLook
	}
	c[0].value, c[1].value, c[width-1].value = m.Title, "All", "did not run: "+m.Reason
	return line{cells: c}
}

func (x *executive) measureLine(m reports.MeasureSummary, r reports.MeasureRow, row int) line {
	counted := func(n int64) cell { return cell{value: int(n), look: countLook} }
	rate := cell{value: noData, look: numberLook.with(func(l *look) { l.colour = quiet })}
	if r.Rate != nil {
		rate = cell{value: *r.Rate, formula: fmt.Sprintf("G%d/F%d", row, row), look: rateLook.with(bold)}
	}
	goal := cell{look: countLook.with(bold)}
	if r.ToGoal != nil {
		goal.value, goal.formula = int(*r.ToGoal), fmt.Sprintf("MAX(0,ROUNDUP(ROUND(I%d*F%d,9),0)-G%d)", row, row, row)
		if m.Direction == models.Lower {
			goal.formula = fmt.Sprintf("MAX(0,G%d-ROUNDDOWN(ROUND(I%d*F%d,9),0))", row, row, row)
		}
	}
	status := cell{look: textLook}
	if r.Status != "" {
		status.value = string(r.Status)
	}
	title := m.Title
	if r.Group != "" && r.Group != "1" {
		title += ", group " + r.Group
	}
	denominator := counted(r.Denominator)
	denominator.formula = fmt.Sprintf("D%d-E%d", row, row)
	words := ""
	if r.Site == "" {
		words = m.SupplyNote
	}
	return line{cells: []cell{{value: title, look: textLook}, {value: siteName(r.Site), look: textLook}, {value: string(m.Direction), look: textLook},
		counted(r.Eligible), counted(r.Excluded), denominator, counted(r.Numerator), rate, goalCell(r.Target, rateLook),
		status, goal, counted(r.Open), counted(r.Closed), {value: words, look: textLook}}}
}

// gapRow is a measure at a site with something left to do.
type gapRow struct {
	measure reports.MeasureSummary
	reports.MeasureRow
}

// gaps makes the sheet that says where most is missing, and how much of it can be reached.
func (x *executive) gaps() *sheet {
	s := &sheet{name: gapsSheet, colour: accent, freezeRow: 4, freezeCol: 1, repeat: "4:4", tableFrom: 4, tableName: "tblGapsToGoal",
		widths: []float64{34, 24, 12, 12, 12, 14, 14, 16, 16, 18}}
	s.lines = []line{
		{cells: []cell{{value: "Gaps to goal", look: titleLook}}},
		{cells: []cell{{value: "Where most patients are missing to the target, and how many of those with an open gap may be contacted. All sites first.", look: subLook}}},
		{cells: []cell{{value: "Value: patients to goal × (margin per visit + incentive per gap) of the ROI model. A measure without a target is ordered by open gaps; set one with: carereach kpi target set.", look: subLook}}},
		heads("Measure", "Site", "Rate", "Target", "To goal", "Open gaps", "Reachable", "Not reachable", "Reach is enough", "Value of the goal"),
	}
	whole := 4
	for _, g := range x.gapRows() {
		s.lines = append(s.lines, x.gapLine(g, len(s.lines)+1))
		if g.Site == "" {
			whole = len(s.lines)
		}
	}
	s.tableRows, s.tableCols = len(s.lines)-4, len(s.widths)
	if s.tableRows == 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: "No care gap is open and no target is missed.", look: subLook}}})
		return s
	}
	bar := excelize.ConditionalFormatOptions{Type: "data_bar", Criteria: "=", MinType: "num", MinValue: "0", MaxType: "max", BarColor: "#9CC3E6"}
	s.shades = []shading{{area: "F5:" + ref(5, len(s.lines)), rules: []excelize.ConditionalFormatOptions{bar}}}
	reach := seriesBar(at(gapsSheet, 6, 4), span(gapsSheet, 0, 5, whole), span(gapsSheet, 6, 5, whole), accent)
	rest := seriesBar(at(gapsSheet, 7, 4), span(gapsSheet, 0, 5, whole), span(gapsSheet, 7, 5, whole), "B8C4CE")
	size := chartSize{s.pixels(len(s.widths)), s.keepTogether(len(s.lines)+2, 260, 380)}
	c := newChart(excelize.ColStacked, "Open gaps by measure: reachable or not, all sites", "Stacked bar chart: open gaps of each measure over all sites, by whether the patient may be contacted; the numbers are in the table above.",
		size, "#,##0", reach, rest)
	s.charts = []placed{{ref(0, len(s.lines)+2), c}}
	return s
}

func (x *executive) gapRows() []gapRow {
	var rows []gapRow
	for _, m := range x.report.Measures {
		for _, r := range m.Rows {
			if r.Open > 0 || (r.ToGoal != nil && *r.ToGoal > 0) {
				rows = append(rows, gapRow{m, r})
			}
		}
	}
	goal := func(g gapRow) int64 {
		if g.ToGoal == nil {
			return 0
		}
		return *g.ToGoal
	}
	return sortedBy(rows, func(a, b gapRow) int {
		return cmp.Or(cmp.Compare(min(len(a.Site), 1), min(len(b.Site), 1)), cmp.Compare(goal(b), goal(a)), cmp.Compare(b.Open, a.Open), cmp.Compare(a.measure.ID, b.measure.ID), cmp.Compare(a.Site, b.Site))
	})
}

func (x *executive) gapLine(g gapRow, row int) line {
	counted := func(n int64) cell { return cell{value: int(n), look: countLook} }
	reach := min(g.Reachable, g.Open)
	c := []cell{{value: g.measure.Title, look: textLook}, {value: siteName(g.Site), look: textLook}, exactCell(g.Rate, rateLook), goalCell(g.Target, rateLook),
		{look: countLook.with(bold)}, counted(g.Open), counted(reach), counted(g.Open - reach), {look: textLook}, {look: countLook.with(formatted(moneyFormat(x.report.Currency, 0)))}}
	c[7].formula = fmt.Sprintf("F%d-G%d", row, row)
	if g.ToGoal == nil {
		c[3] = cell{value: "not set", look: numberLook.with(func(l *look) { l.colour = quiet })}
		return line{cells: c}
	}
	c[4].value = int(*g.ToGoal)
	c[8].value, c[8].formula = enough(*g.ToGoal, reach), fmt.Sprintf(`IF(E%d=0,"goal reached",IF(G%d>=E%d,"yes","no"))`, row, row, row)
	worth := x.input("margin_per_visit") + x.input("incentive_per_gap")
	c[9].value, c[9].formula = float64(*g.ToGoal)*worth, fmt.Sprintf("E%d*(%s+%s)", row, roiName("margin_per_visit"), roiName("incentive_per_gap"))
	return line{cells: c}
}

func enough(goal, reach int64) string {
	switch {
	case goal == 0:
		return "goal reached"
	case reach >= goal:
		return "yes"
	}
	return "no"
}

// input gives an input of the ROI model as the workbook holds it.
func (x *executive) input(name string) float64 {
	for _, in := range x.report.ROI.Inputs {
		if in.Name == name {
			return in.Value
		}
	}
	return 0
}
