package models

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func micros(t testing.TB, s string) Micros {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return Micros(v.UnixMicro())
}

// A partial date means every instant it may stand for; a full one means itself.
func TestParseFHIRTimeKeepsPrecision(t *testing.T) {
	for _, c := range []struct {
		in, lo, hi string
		zoned      bool
		offset     int16
	}{
		{"2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999Z", false, 0},
		{"2024-02", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z", false, 0},
		{"2023-12-31", "2023-12-31T00:00:00Z", "2023-12-31T23:59:59.999Z", false, 0},
		{"2023-12-31T23:30:00-04:00", "2024-01-01T03:30:00Z", "2024-01-01T03:30:00Z", true, -240},
		{"2023-12-31T23:30:00.25+05:30", "2023-12-31T18:00:00.25Z", "2023-12-31T18:00:00.25Z", true, 330},
		{"2023-12-31T23:30Z", "2023-12-31T23:30:00Z", "2023-12-31T23:30:59.999Z", true, 0},
	} {
		got, err := ParseFHIRTime(c.in)
		want := TimeRange{Lo: micros(t, c.lo), Hi: micros(t, c.hi), Offset: c.offset, Zoned: c.zoned}
		if err != nil || got != want {
			t.Errorf("ParseFHIRTime(%q) = %+v, %v; want %+v", c.in, got, err, want)
		}
	}
}

func TestParseFHIRTimeRefusesImpossibleTimes(t *testing.T) {
	for _, s := range []string{"", "24", "0000", "2023-02-30", "2023-00", "2023-13", "2023-01-01T10", "2023-01-01T10:00:00", "2023-01-01 10:00:00Z",
		"2023-01-01T25:00:00Z", "2023-01-01T10:00:00+25:00", "2023-01-01T10:00:00+05", "2023-02-29T10:00:00Z", "20230101", "abcd", "2023-01-01T10:00:00Zjunk"} {
		if got, err := ParseFHIRTime(s); err == nil {
			t.Errorf("ParseFHIRTime(%q) = %+v, want an error", s, got)
		} else if KindOf(err) != KindInvalid {
			t.Errorf("ParseFHIRTime(%q): kind %s", s, KindOf(err))
		}
	}
}

// Any instant written in any zone is read back as the same instant.
func TestInstantsSurviveTheirZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-60_000_000_000, 200_000_000_000).Draw(t, "sec"), 0)
		zone := rapid.IntRange(-13*60, 13*60).Draw(t, "zone")
		text := at.In(time.FixedZone("", zone*60)).Format(time.RFC3339)
		got, err := ParseFHIRTime(text)
		if err != nil || got.Lo != Micros(at.UnixMicro()) || got.Hi != got.Lo || int(got.Offset) != zone {
			t.Fatalf("%s = %+v, %v", text, got, err)
		}
	})
}

func TestSpanOpenAndUnknownBounds(t *testing.T) {
	day := func(s string) *TimeRange {
		r, err := ParseFHIRTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return &r
	}
	if iv, err := Span(nil, nil); iv != nil || err != nil {
		t.Errorf("no bounds: %v, %v", iv, err)
	}
	iv, err := Span(day("2024-01-05"), nil)
	if err != nil || iv.EndLo != MaxMicros || iv.EndHi != MaxMicros || iv.StartLo != micros(t, "2024-01-05T00:00:00Z") {
		t.Errorf("open end: %+v, %v", iv, err)
	}
	iv, err = Span(nil, day("2024-01-05"))
	if err != nil || iv.StartLo != MinMicros || iv.StartHi != micros(t, "2024-01-05T23:59:59.999Z") {
		t.Errorf("unknown start: %+v, %v", iv, err)
	}
	if _, err = Span(day("2024-01-06"), day("2024-01-05")); KindOf(err) != KindInvalid {
		t.Errorf("end before start: %v", err)
	}
	if _, err = Span(day("2024-01-05T10:00:00Z"), day("2024-01-05")); err != nil {
		t.Errorf("an end known to the day may hold a start known to the second: %v", err)
	}
}
