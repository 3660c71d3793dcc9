package models

import (
	"fmt"
	"time"
)

// Date is a calendar day without a zone, counted in days from 1970-01-01. The zero Date is 1970-01-01; use *Date or a
// separate flag for "no date".
type Date int32

// NewDate makes a Date from year, month and day; values outside the month overflow as in time.Date.
func NewDate(y int, m time.Month, d int) Date {
	return DateOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

// DateOf gives the calendar day of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	secs := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return Date(secs / 86400)
}

// ParseDate reads YYYY-MM-DD and nothing else; 2023-02-30 is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		return 0, &Error{Kind: KindUsage, Message: "not a calendar date", Mend: "write it as YYYY-MM-DD, for example 2026-06-30"}
	}
	return DateOf(t), nil
}

// Time gives midnight UTC at the start of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// In gives midnight at the start of the day in loc.
func (d Date) In(loc *time.Location) time.Time {
	y, m, day := d.Time().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, loc)
}

func (d Date) String() string { return d.Time().Format("2006-01-02") }

// Year gives the calendar year.
func (d Date) Year() int { return d.Time().Year() }

// AddDays moves by n days.
func (d Date) AddDays(n int) Date { return d + Date(n) }

// AddMonths moves by n months and clips to the last day of the month reached (31 January + 1 month = 28 or 29 February).
func (d Date) AddMonths(n int) Date {
	y, m, day := d.Time().Date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return NewDate(first.Year(), first.Month(), min(day, last))
}

// AddYears moves by n years; 29 February becomes the 28th in other years.
func (d Date) AddYears(n int) Date { return d.AddMonths(12 * n) }

// MonthStart gives the first day of d's month.
func (d Date) MonthStart() Date {
	y, m, _ := d.Time().Date()
	return NewDate(y, m, 1)
}

// AgeOn gives completed years on day d of someone born on birth. Someone born on 29 February completes a year on the
// 28th in other years, as in sql/functions (the same rule as DuckDB's date_sub, measured equal).
func AgeOn(birth, d Date) int {
	n := d.Year() - birth.Year()
	if birth.AddYears(n) > d {
		n--
	}
	return n
}

// MarshalText writes YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD.
func (d *Date) UnmarshalText(b []byte) error {
	v, err := ParseDate(string(b))
	if err != nil {
		return fmt.Errorf("date %d bytes long: %w", len(b), err)
	}
	*d = v
	return nil
}

// Period is a span of calendar days, both ends included.
type Period struct {
	Start Date `json:"start"`
	End   Date `json:"end"`
}

// CalendarYear is the default measurement period: the calendar year that holds asOf.
func CalendarYear(asOf Date) Period {
	return Period{Start: NewDate(asOf.Year(), time.January, 1), End: NewDate(asOf.Year(), time.December, 31)}
}
