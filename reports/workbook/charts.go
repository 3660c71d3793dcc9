package workbook

import "github.com/xuri/excelize/v2"

// chartSize is a chart's size in pixels.
type chartSize struct{ width, height uint }

// newChart makes a chart with readable text: the library's own axis labels are a light grey that cannot be read in print.
func newChart(kind excelize.ChartType, title, alt string, size chartSize, valueFormat string, series ...excelize.ChartSeries) *excelize.Chart {
	font := excelize.Font{Family: fontName, Size: 10, Color: ink}
	legend := "none"
	if len(series) > 1 {
		legend = "bottom"
	}
	return &excelize.Chart{
		Type: kind, Series: series,
		Title:        excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title, Font: &excelize.Font{Family: fontName, Size: 13, Bold: true, Color: navy}}}},
		Format:       excelize.GraphicOptions{AltText: alt, Positioning: "oneCell"},
		Dimension:    excelize.ChartDimension{Width: size.width, Height: size.height},
		Legend:       excelize.ChartLegend{Position: legend, Font: &font},
		XAxis:        excelize.ChartAxis{Font: font},
		YAxis:        excelize.ChartAxis{Font: font, MajorGridLines: true, NumFmt: excelize.ChartNumFmt{CustomNumFmt: valueFormat}},
		ShowBlanksAs: "gap",
		Border:       excelize.LineOptions{Type: excelize.LineNone},
	}
}

// seriesLine is one line of a chart with small markers, so that single months between gaps show.
func seriesLine(name, categories, values, colour string) excelize.ChartSeries {
	fill := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
	return excelize.ChartSeries{Name: name, Categories: categories, Values: values, Fill: fill,
		Line:   excelize.LineOptions{Type: excelize.LineSolid, Fill: fill, Width: 2.25},
		Marker: excelize.ChartMarker{Symbol: "circle", Size: 5, Fill: fill}}
}

// seriesBar is one set of bars.
func seriesBar(name, categories, values, colour string) excelize.ChartSeries {
	return excelize.ChartSeries{Name: name, Categories: categories, Values: values, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}}
}
