package workbook

import (
	"fmt"

	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

// What of the retention data is printed; the report itself holds all.
const (
	cohortMonths = 36 // cohorts by month of first visit
	curveMonths  = 60
)

// retentionSteps are the columns of the cohort matrix, in months since the first visit.
var retentionSteps = [...]int{0, 3, 6, 9, 12, 18, 24, 30, 36}

// retention makes the sheet with the cohort matrix above and the curve with its chart below.
func (x *executive) retention() *sheet {
	s := &sheet{name: "Retention", colour: third, portrait: true, freezeRow: 4, freezeCol: 1, tableFrom: 4, tableName: "tblRetention",
		widths: []float64{16, 11, 10, 10, 10, 10, 10, 10, 10, 10, 10}}
	s.lines = []line{
		{cells: []cell{{value: "Retention", look: titleLook}}},
		{cells: []cell{{value: "Retained: share of a cohort, patients alive, with a completed visit so many months after their first one, or later.", look: subLook}}},
		{cells: []cell{{value: "Months since the first visit (mo). A month that is not over yet stays empty.", look: subLook}}},
	}
	head := []string{"First visit in", "Patients"}
	for _, m := range retentionSteps {
		head = append(head, fmt.Sprintf("%d mo", m))
	}
	s.lines = append(s.lines, heads(head...))
	first := x.report.Run.AsOf.MonthStart().AddMonths(1 - cohortMonths)
	older := 0
	for _, c := range x.report.Retention.Cohorts {
		if c.Month < first {
			older++
			continue
		}
		s.lines = append(s.lines, cohortLine(c))
	}
	s.tableRows, s.tableCols = len(s.lines)-4, len(s.widths)
	if s.tableRows == 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: "No patient had a first completed visit in these months.", look: subLook}}})
	} else {
		s.shades = []shading{{area: "C5:" + ref(len(s.widths)-1, len(s.lines)), rules: []excelize.ConditionalFormatOptions{{Type: "2_color_scale", Criteria: "=",
			MinType: "num", MinValue: "0", MinColor: "#FFFFFF", MaxType: "num", MaxValue: "1", MaxColor: "#7FB3DE"}}}}
	}
	if older > 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: fmt.Sprintf("%d older cohorts, with a first visit before %s, are left out here.", older, first.Time().Format("January 2006")), look: subLook}}})
	}
	x.curve(s)
	return s
}

func cohortLine(c reports.Cohort) line {
	cells := []cell{{value: c.Month, look: monthLook.with(func(l *look) { l.align = "left" })}, {look: countLook}}
	if start := c.At(0); start != nil {
		cells[1].value = int(start.Patients)
	}
	for _, m := range retentionSteps {
		share := cell{look: rateLook.with(formatted("0%"))}
		if at := c.At(m); at != nil && at.Share != nil {
			share.value = *at.Share
		}
		cells = append(cells, share)
	}
	return line{cells: cells}
}

// curve adds the Kaplan-Meier curve: numbers on the left, the chart beside them.
func (x *executive) curve(s *sheet) {
	s.keepTogether(len(s.lines)+2, 480, 480)
	s.lines = append(s.lines, line{}, line{cells: []cell{{value: "Staying in care: Kaplan-Meier curve from the first visit", look: sectionLook}}},
		line{cells: []cell{{value: "Lost: 18 months unseen. Censored: died, or followed no longer. Share: the product of 1 - lost / at risk.", look: subLook}}})
	points := x.report.Retention.Curve
	if len(points) == 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: "No data: nobody had a completed visit.", look: subLook}}})
		return
	}
	left := 0
	if len(points) > curveMonths+1 {
		left, points = len(points)-curveMonths-1, points[:curveMonths+1]
	}
	s.lines = append(s.lines, heads("Months", "At risk", "Lost", "Censored", "Share"))
	from := len(s.lines) + 1
	for i, p := range points {
		row := len(s.lines) + 1
		formula := fmt.Sprintf("IF(B%d>0,1-C%d/B%d,1)", row, row, row)
		if i > 0 {
			formula = fmt.Sprintf("E%d*%s", row-1, formula)
		}
		s.lines = append(s.lines, line{cells: []cell{{value: p.Months, look: countLook.with(func(l *look) { l.align = "left" })}, {value: int(p.AtRisk), look: countLook}, {value: int(p.Lost), look: countLook},
			{value: int(p.Censored), look: countLook}, {value: p.Share, formula: formula, look: rateLook}}})
	}
	if left > 0 {
		s.lines = append(s.lines, line{cells: []cell{{value: fmt.Sprintf("%d later months are left out here.", left), look: subLook}}})
	}
	if len(points) < 2 {
		return
	}
	to := from + len(points) - 1
	alt := fmt.Sprintf("Line chart: share of patients still in care by months since their first visit, up to %d months; the numbers stand beside it.", points[len(points)-1].Months)
	c := newChart(excelize.Line, "Share still in care, by months since the first visit", alt, chartSize{s.pixels(11) - s.pixels(5) - 10, 420}, "0%",
		excelize.ChartSeries{Name: at(s.name, 4, from-1), Categories: span(s.name, 0, from, to), Values: span(s.name, 4, from, to),
			Fill:   excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{third}},
			Line:   excelize.LineOptions{Type: excelize.LineSolid, Width: 2.25, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{third}}},
			Marker: excelize.ChartMarker{Symbol: "none"}})
	zero, one := 0.0, 1.0
	c.YAxis.Minimum, c.YAxis.Maximum = &zero, &one
	c.XAxis.TickLabelSkip = 6
	c.XAxis.Alignment.TextRotation = 90
	s.charts = append(s.charts, placed{ref(5, from-1), c})
}
