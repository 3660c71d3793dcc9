package models

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustDate(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatalf("ParseDate(%q): %v", s, err)
	}
	return d
}

// Someone born on 29 February completes a year on 28 February of a common year, not on 1 March.
func TestAgeOnLeapDay(t *testing.T) {
	for _, c := range []struct {
		birth, day string
		want       int
	}{
		{"2000-02-29", "2001-02-27", 0}, {"2000-02-29", "2001-02-28", 1}, {"2000-02-29", "2004-02-28", 3}, {"2000-02-29", "2004-02-29", 4},
		{"1976-04-01", "2021-04-01", 45}, {"1976-04-02", "2021-04-01", 44}, {"2021-04-01", "2021-04-01", 0},
	} {
		if got := AgeOn(mustDate(t, c.birth), mustDate(t, c.day)); got != c.want {
			t.Errorf("AgeOn(%s, %s) = %d, want %d", c.birth, c.day, got, c.want)
		}
	}
}

func TestAddMonthsClipsToTheMonthsLastDay(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2023-01-31", 1, "2023-02-28"}, {"2024-01-31", 1, "2024-02-29"}, {"2024-03-31", -1, "2024-02-29"},
		{"2023-12-15", 1, "2024-01-15"}, {"2024-02-29", 12, "2025-02-28"}, {"2024-02-29", -48, "2020-02-29"},
	} {
		if got := mustDate(t, c.from).AddMonths(c.n).String(); got != c.want {
			t.Errorf("%s + %d months = %s, want %s", c.from, c.n, got, c.want)
		}
	}
}

func TestParseDateRefusesWhatIsNoDay(t *testing.T) {
	for _, s := range []string{"", "2023-02-29", "2023-13-01", "2023-1-1", "01/02/2023", "2023-02-03T00:00:00Z"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %s, want an error", s, d)
		} else if KindOf(err) != KindUsage {
			t.Errorf("ParseDate(%q): kind %s", s, KindOf(err))
		}
	}
}

// A date survives writing and reading, agrees with the time package, and moving it there and back comes home.
func TestDateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Date(rapid.IntRange(-200_000, 200_000).Draw(t, "day"))
		n := rapid.IntRange(-4000, 4000).Draw(t, "n")
		if back, err := ParseDate(d.String()); d.Year() >= 1000 && (err != nil || back != d) {
			t.Fatalf("%s read back as %v, %v", d, back, err)
		}
		if got, want := d.AddDays(n).Time(), d.Time().AddDate(0, 0, n); !got.Equal(want) {
			t.Fatalf("%s + %d days = %s, want %s", d, n, got, want)
		}
		if DateOf(d.In(time.FixedZone("x", 3600*rapid.IntRange(-12, 14).Draw(t, "zone")))) != d {
			t.Fatalf("%s is another day in its own zone", d)
		}
		if m := d.AddMonths(n); m.MonthStart() != d.MonthStart().AddMonths(n) {
			t.Fatalf("%s + %d months = %s lies in another month", d, n, m)
		}
	})
}

// Age never falls as days pass and grows by one on each anniversary.
func TestAgeGrowsWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		birth := Date(rapid.IntRange(-30_000, 20_000).Draw(t, "birth"))
		day := birth.AddDays(rapid.IntRange(0, 40_000).Draw(t, "later"))
		a, b := AgeOn(birth, day), AgeOn(birth, day.AddDays(1))
		if b < a || b > a+1 {
			t.Fatalf("age of %s goes from %d on %s to %d the day after", birth, a, day, b)
		}
		if birth.AddYears(a) > day || birth.AddYears(a+1) <= day {
			t.Fatalf("age %d of %s on %s is not the number of completed years", a, birth, day)
		}
	})
}
