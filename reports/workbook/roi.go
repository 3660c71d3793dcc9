package workbook

import (
	"fmt"
	"strings"

	"carereach/reports"

	"github.com/xuri/excelize/v2"
)

const roiSheet = "ROI model"

// roiName is the defined name of an input of the model.
func roiName(key string) string { return "roi_" + key }

// roi makes the model: inputs that may be changed, results that follow, and what the net adds up to over five years.
func (x *executive) roi() *sheet {
	s := &sheet{name: roiSheet, colour: second, onePage: true, protect: true, names: map[string]string{}, widths: []float64{44, 15, 15, 15, 3, 12, 12, 12, 12, 12, 12, 12}, tableName: "tblRoiCurve"}
	s.lines = []line{
		{cells: []cell{{value: "Return-on-investment model of outreach", look: titleLook}}},
		{cells: []cell{{value: "Change the blue cells; everything else follows. Gains count only extra visits over a holdout, never every answer. Undiscounted.", look: subLook}}},
		heads("Input", "Value", "Origin", ""),
	}
	for _, in := range x.report.ROI.Inputs {
		x.roiInput(s, in)
	}
	s.lines = append(s.lines, line{}, heads("Result", "Low", "Base", "High"))
	first := len(s.lines) + 1
	for _, r := range roiResults(first) {
		cells := []cell{{value: r.label, look: textLook}}
		for i, c := range x.report.ROI.Cases {
			format := r.format
			if format == "" {
				format = moneyFormat(x.report.Currency, 0)
				format += ";-" + format
			}
			formula := strings.NewReplacer("{c}", column(i+1), "{case}", c.Name).Replace(r.formula)
			l := numberLook.with(formatted(format))
			if r.strong {
				l.bold, l.fill = true, pale
				cells[0].look = textLook.with(func(l *look) { l.bold, l.fill = true, pale })
			}
			cells = append(cells, cell{value: r.value(c), formula: formula, look: l})
		}
		s.lines = append(s.lines, line{cells: cells})
	}
	x.roiCurve(s, first)
	return s
}

func (x *executive) roiInput(s *sheet, in reports.ROIInput) {
	row := len(s.lines) + 1
	format := map[reports.ROIKind]string{reports.ROIMoney: moneyFormat(x.report.Currency, 2), reports.ROICount: "#,##0", reports.ROIShare: "0.0%", reports.ROIFactor: "#,##0.##"}[in.Kind]
	s.lines = append(s.lines, line{cells: []cell{{value: in.Label, look: textLook},
		{value: in.Value, look: look{colour: input, fill: inputBg, rule: true, align: "right", format: format, unlocked: true}},
		{value: in.Origin, look: look{colour: quiet, size: 9, rule: true}}, {look: look{rule: true}}}})
	name := roiName(in.Name)
	s.names[name] = at(roiSheet, 1, row)
	s.nameOrder = append(s.nameOrder, name)
	v := excelize.NewDataValidation(true)
	v.SetSqref(ref(1, row))
	v.SetError(excelize.DataValidationErrorStyleStop, "Not a usable value", "Enter a number from 0 up; a share lies between 0 % and 100 %.")
	v.SetInput("Input", in.Label+": "+in.Origin)
	most := 1e12
	if in.Kind == reports.ROIShare {
		most = 1
	}
	_ = v.SetRange(0.0, most, excelize.DataValidationTypeDecimal, excelize.DataValidationOperatorBetween) // fails only for ranges beyond a float
	s.validations = append(s.validations, v)
}

// roiResult is one line of results: {c} stands for its column, {case} for low, base or high.
type roiResult struct {
	label, formula, format string
	strong                 bool
	value                  func(reports.ROICase) any
}

// roiResults lists the results with their formulas, the steps of reports.ROIInputs.Model in the same order. first is the
// row of the first one.
func roiResults(first int) []roiResult {
	row := func(i int) string { return fmt.Sprintf("{c}%d", first+i) }
	contact := "roi_patients_per_month*roi_contacts_each*(roi_share_sms*roi_cost_per_sms+roi_share_call*(roi_cost_per_call+roi_minutes_per_call/60*roi_staff_rate)+roi_share_letter*roi_cost_per_letter)"
	f := func(get func(reports.ROICase) float64) func(reports.ROICase) any {
		return func(c reports.ROICase) any { return get(c) }
	}
	return []roiResult{
		{"Extra visits a month", "roi_patients_per_month*roi_lift_{case}", "#,##0.0", false, f(func(c reports.ROICase) float64 { return c.ExtraVisits })},
		{"Gain a month: margin and incentives", row(0) + "*(roi_margin_per_visit+roi_gaps_per_visit*roi_incentive_per_gap)", "", false, f(func(c reports.ROICase) float64 { return c.Gain })},
		{"Cost of contacts a month", contact, "", false, f(func(c reports.ROICase) float64 { return c.ContactCost })},
		{"Cost of staff a month", "roi_staff_hours_month*roi_staff_rate", "", false, f(func(c reports.ROICase) float64 { return c.StaffCost })},
		{"Cost of the platform a month", "roi_platform_per_month", "", false, f(func(c reports.ROICase) float64 { return c.PlatformCost })},
		{"Running cost a month", row(2) + "+" + row(3) + "+" + row(4), "", false, f(func(c reports.ROICase) float64 { return c.RunningCost })},
		{"Net a month", row(1) + "-" + row(5), "", true, f(func(c reports.ROICase) float64 { return c.Net })},
		{"Break-even, months after the start", "IF(" + row(6) + ">0,MAX(1,ROUNDUP(ROUND(roi_setup_cost/" + row(6) + ",9),0)),\"never\")", "0", true, breakEven},
		{"Total cost over 36 months", "roi_setup_cost+36*" + row(5), "", false, f(func(c reports.ROICase) float64 { return c.Cost36 })},
		{"Net over 36 months", "36*" + row(1) + "-" + row(8), "", false, f(func(c reports.ROICase) float64 { return c.Net36 })},
		{"Return over 36 months, net / cost", "IF(" + row(8) + ">0," + row(9) + "/" + row(8) + ",0)", "0%", true, f(func(c reports.ROICase) float64 { return c.Return36 })},
		{"Total cost over 60 months", "roi_setup_cost+60*" + row(5), "", false, f(func(c reports.ROICase) float64 { return c.Cost60 })},
		{"Net over 60 months", "60*" + row(1) + "-" + row(11), "", false, f(func(c reports.ROICase) float64 { return c.Net60 })},
		{"Return over 60 months, net / cost", "IF(" + row(11) + ">0," + row(12) + "/" + row(11) + ",0)", "0%", true, f(func(c reports.ROICase) float64 { return c.Return60 })},
	}
}

func breakEven(c reports.ROICase) any {
	if c.BreakEvenMonth == 0 {
		return "never"
	}
	return c.BreakEvenMonth
}

// roiCurve adds the cumulative net and its chart. first is the row of the first result.
func (x *executive) roiCurve(s *sheet, first int) {
	s.lines = append(s.lines, line{})
	s.tableFrom = len(s.lines) + 1
	s.lines = append(s.lines, heads("Cumulative net after months", "Low case", "Base case", "High case"))
	format := moneyFormat(x.report.Currency, 0)
	amount := numberLook.with(formatted(format + ";-" + format))
	for _, p := range x.report.ROI.Curve {
		row := len(s.lines) + 1
		cells := []cell{{value: p.Month, look: countLook.with(func(l *look) { l.align = "left" })}}
		for i, v := range []float64{p.Low, p.Base, p.High} {
			cells = append(cells, cell{value: v, formula: fmt.Sprintf("%s%d*$A%d-roi_setup_cost", column(i+1), first+6, row), look: amount})
		}
		s.lines = append(s.lines, line{cells: cells})
	}
	s.tableRows, s.tableCols = len(x.report.ROI.Curve), 4
	from, to := s.tableFrom+1, len(s.lines)
	var series []excelize.ChartSeries
	for i, colour := range []string{second, accent, third} {
		series = append(series, seriesLine(at(roiSheet, i+1, s.tableFrom), span(roiSheet, 0, from, to), span(roiSheet, i+1, from, to), colour))
	}
	c := newChart(excelize.Line, "Cumulative net by months after the start", "Line chart: cumulative net in the low, base and high case over 60 months; the numbers are in the table of this sheet.",
		chartSize{s.pixels(12) - s.pixels(5), 470}, moneyFormat(x.report.Currency, 0), series...)
	c.XAxis.TickLabelPosition = excelize.ChartTickLabelLow
	s.charts = []placed{{"F4", c}}
}
