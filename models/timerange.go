package models

import (
	"strconv"
	"time"
)

// Micros is an instant in microseconds from 1970-01-01T00:00:00Z, the store's TIMESTAMP.
type Micros int64

// The ends of time that stand for open bounds.
var (
	MinMicros = Micros(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	MaxMicros = Micros(time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC).UnixMicro())
)

// TimeRange is a FHIR date, dateTime or instant as the range of instants it may mean, both ends included, in UTC.
// "2025-12" is 2025-12-01T00:00:00.000 to 2025-12-31T23:59:59.999. A value with a zone has Lo == Hi at full precision
// and carries the offset as received; a value without a clock time has no offset and its range is taken as UTC days.
type TimeRange struct {
	Lo, Hi Micros
	Offset int16 // minutes east of UTC as received; valid when Zoned
	Zoned  bool
}

// Interval is a FHIR Period (or an instant taken as one), closed at both ends. Start lies between StartLo and StartHi, the
// end between EndLo and EndHi. A missing start is unknown (MinMicros..end), a missing end is open (MaxMicros).
type Interval struct {
	StartLo, StartHi, EndLo, EndHi Micros
	Offset                         int16 // minutes east of UTC of the start as received; valid when Zoned
	Zoned                          bool
}

// Point makes the interval that starts and ends with r.
func (r TimeRange) Point() Interval {
	return Interval{StartLo: r.Lo, StartHi: r.Hi, EndLo: r.Lo, EndHi: r.Hi, Offset: r.Offset, Zoned: r.Zoned}
}

// Span makes the interval from start to end, either of which may be nil; nil when both are. A start after its end is
// an error.
func Span(start, end *TimeRange) (*Interval, error) {
	if start == nil && end == nil {
		return nil, nil
	}
	iv := Interval{StartLo: MinMicros, StartHi: MaxMicros, EndLo: MaxMicros, EndHi: MaxMicros}
	if start != nil {
		iv.StartLo, iv.StartHi, iv.Offset, iv.Zoned = start.Lo, start.Hi, start.Offset, start.Zoned
	}
	if end != nil {
		iv.EndLo, iv.EndHi = end.Lo, end.Hi
		if start == nil {
			iv.StartHi, iv.Offset, iv.Zoned = end.Hi, end.Offset, end.Zoned
		}
	}
	if iv.StartLo > iv.EndHi {
		return nil, &Error{Kind: KindInvalid, Message: "period starts after it ends", Mend: "correct the dates at the source"}
	}
	return &iv, nil
}

// ParseFHIRTime reads a FHIR date, dateTime or instant of any precision: YYYY, YYYY-MM, YYYY-MM-DD or a full time with
// zone. A time without a zone, without minutes, or an impossible date is an error. Fractions beyond microseconds are cut.
func ParseFHIRTime(s string) (TimeRange, error) {
	bad := func(what string) (TimeRange, error) {
		return TimeRange{}, &Error{Kind: KindInvalid, Message: "not a FHIR date or time: " + what, Mend: "write 2026-06-30 or 2026-06-30T14:05:00-04:00"}
	}
	switch len(s) {
	case 4:
		y, ok := digits(s)
		if !ok || y < 1 {
			return bad("year")
		}
		return dayRange(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), 1, 0, 0), nil
	case 7:
		t, err := time.Parse("2006-01", s)
		if err != nil || t.Year() < 1 {
			return bad("month")
		}
		return dayRange(t, 0, 1, 0), nil
	case 10:
		t, err := time.Parse("2006-01-02", s)
		if err != nil || t.Year() < 1 {
			return bad("day")
		}
		return dayRange(t, 0, 0, 1), nil
	}
	return parseInstant(s, bad)
}

func parseInstant(s string, bad func(string) (TimeRange, error)) (TimeRange, error) {
	if len(s) < 17 || s[10] != 'T' {
		return bad("length")
	}
	width := time.Duration(0)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		if t, err = time.Parse("2006-01-02T15:04Z07:00", s); err != nil {
			return bad("time with zone")
		}
		width = time.Minute - time.Millisecond
	}
	_, off := t.Zone()
	if t.Year() < 1 || t.Year() > 9999 || off < -14*3600 || off > 14*3600 {
		return bad("year or zone out of range")
	}
	lo := Micros(t.UnixMicro())
	return TimeRange{Lo: lo, Hi: lo + Micros(width.Microseconds()), Offset: int16(off / 60), Zoned: true}, nil
}

func dayRange(t time.Time, years, months, days int) TimeRange {
	end := t.AddDate(years, months, days).Add(-time.Millisecond)
	return TimeRange{Lo: Micros(t.UnixMicro()), Hi: Micros(end.UnixMicro())}
}

func digits(s string) (int, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
