package csvmap

import (
	"strings"
	"time"

	"carereach/models"
)

// layout is one way to write a time, as the time package wants it.
type layout struct {
	text    string
	clock   bool // has a time of day
	seconds bool
	zoned   bool // has an offset
	noon    bool // twelve hours with AM or PM
}

// isoLayouts are understood without being listed: nobody can take them for anything else.
var isoLayouts = []layout{
	{text: "2006-01-02"},
	{text: "2006-01-02 15:04:05", clock: true, seconds: true}, {text: "2006-01-02T15:04:05", clock: true, seconds: true},
	{text: "2006-01-02 15:04", clock: true}, {text: "2006-01-02T15:04", clock: true},
	{text: "2006-01-02 15:04:05Z07:00", clock: true, seconds: true, zoned: true}, {text: "2006-01-02 15:04:05 Z07:00", clock: true, seconds: true, zoned: true},
	{text: "2006-01-02 15:04:05Z07", clock: true, seconds: true, zoned: true}, {text: "2006-01-02 15:04:05 Z0700", clock: true, seconds: true, zoned: true},
}

// hour stands for the hour in a layout until it is known whether the format says AM or PM.
const hour = "\x00"

// layoutWords turns the words of a mapping's formats into those of the time package, longer words first.
var layoutWords = []struct{ word, goWord string }{
	{"YYYY", "2006"}, {"MON", "Jan"}, {"MM", "01"}, {"DD", "02"}, {"hh", hour}, {"mm", "04"}, {"ss", "05"}, {"AM", "PM"}, {"YY", "06"}, {"M", "1"}, {"D", "2"}, {"h", hour}, {"Z", "Z07:00"}, {"T", "T"},
}

// parseLayout reads a format such as "M/D/YYYY h:mm AM"; ok is false when it has an unknown letter or no full date.
func parseLayout(format string) (l layout, ok bool) {
	seen := map[string]bool{}
	var out strings.Builder
scan:
	for rest := format; rest != ""; {
		for _, w := range layoutWords {
			if tail, found := strings.CutPrefix(rest, w.word); found {
				if seen[w.goWord] {
					return l, false
				}
				seen[w.goWord], seen[w.word] = true, true
				out.WriteString(w.goWord)
				rest = tail
				continue scan
			}
		}
		if !strings.ContainsRune(" /-.,:", rune(rest[0])) {
			return l, false
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	l = layout{text: strings.Replace(out.String(), hour, "15", 1), clock: seen[hour], seconds: seen["ss"], zoned: seen["Z"], noon: seen["AM"]}
	if l.noon {
		l.text = strings.Replace(out.String(), hour, "3", 1)
	}
	full := (seen["YYYY"] || seen["YY"]) && (seen["M"] || seen["MM"] || seen["MON"]) && (seen["D"] || seen["DD"])
	return l, full && (l.clock || !seen["mm"] && !l.seconds && !l.noon && !l.zoned)
}

// parseTime reads a cell by FHIR's own forms, the ISO forms and the formats of the mapping. A time of day without an offset
// is taken in zone. A local time that the clock skipped is an error; one that it showed twice means both.
func parseTime(cell string, formats []layout, zone *time.Location) (models.TimeRange, bool) {
	if r, err := models.ParseFHIRTime(cell); err == nil {
		return r, true
	}
	for _, list := range [...][]layout{isoLayouts, formats} {
		for _, l := range list {
			text := cell
			if l.noon {
				text = strings.ToUpper(cell)
			}
			t, err := time.Parse(l.text, text)
			if err != nil || t.Year() < 1 || t.Year() > 9999 {
				continue
			}
			switch {
			case !l.clock:
				r, err := models.ParseFHIRTime(t.Format(time.DateOnly))
				return r, err == nil
			case l.zoned:
				return instant(t, l.seconds), true
			}
			return local(t, l, zone)
		}
	}
	return models.TimeRange{}, false
}

func instant(t time.Time, seconds bool) models.TimeRange {
	_, offset := t.Zone()
	r := models.TimeRange{Lo: models.Micros(t.UnixMicro()), Hi: models.Micros(t.UnixMicro()), Offset: int16(offset / 60), Zoned: true}
	if !seconds {
		r.Hi += models.Micros((time.Minute - time.Millisecond).Microseconds())
	}
	return r
}

// local settles which instant the wall-clock time that naive shows as UTC means in loc.
func local(naive time.Time, l layout, loc *time.Location) (models.TimeRange, bool) {
	var hits []time.Time
	for _, near := range []time.Time{naive.Add(-26 * time.Hour), naive.Add(26 * time.Hour)} {
		_, before := near.In(loc).Zone()
		at := naive.Add(-time.Duration(before) * time.Second).In(loc)
		if _, offset := at.Zone(); offset == before && (len(hits) == 0 || !hits[0].Equal(at)) {
			hits = append(hits, at)
		}
	}
	if len(hits) == 0 {
		return models.TimeRange{}, false // the clock skipped it
	}
	first, last := hits[0], hits[len(hits)-1]
	if last.Before(first) {
		first, last = last, first
	}
	r := instant(first, l.seconds)
	r.Hi = instant(last, l.seconds).Hi
	return r, true
}
