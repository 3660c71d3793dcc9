package workbook

import (
	"strings"

	"github.com/xuri/excelize/v2"
)

// chartSize is a chart's size in pixels.
type chartSize struct{ width, height uint }

// newChart makes a chart with readable text: the library's own axis labels are a light grey that cannot be read in print.
func newChart(kind excelize.ChartType, title, alt string, size chartSize, valueFormat string, series ...excelize.ChartSeries) *excelize.Chart {
	font := excelize.Font{Family: fontName, Size: 10, Color: ink}
	legend, oneColour := "none", false
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
		VaryColors:   &oneColour,
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

// seriesInOrder repairs what the library writes about the series of a chart: markers after the labels, though the schema
// wants them before; invertIfNegative in lines and smooth in bars, where neither may stand. Spreadsheet programs forgive
// it today. It gives part unchanged when there is nothing to repair.
func seriesInOrder(part string) string {
	bars := strings.Contains(part, "<barChart>")
	var out strings.Builder
	for {
		from := strings.Index(part, "<ser>")
		to := strings.Index(part, "</ser>")
		if from < 0 || to < from {
			out.WriteString(part)
			return out.String()
		}
		out.WriteString(part[:from])
		series, early := part[from:to], ""
		series, marker := cutElement(series, "marker")
		series, invert := cutElement(series, "invertIfNegative")
		if bars {
			series, _ = cutElement(series, "smooth")
			early = invert
		} else {
			early = marker
		}
		labels := strings.Index(series, "<dLbls>")
		if labels < 0 {
			labels = len(series)
		}
		out.WriteString(series[:labels] + early + series[labels:])
		out.WriteString("</ser>")
		part = part[to+len("</ser>"):]
	}
}

// cutElement takes the first element of that name out of xml.
func cutElement(xml, name string) (rest, element string) {
	from := strings.Index(xml, "<"+name)
	to := strings.Index(xml, "</"+name+">")
	if from < 0 || to < from {
		return xml, ""
	}
	to += len(name) + 3
	return xml[:from] + xml[to:], xml[from:to]
}
