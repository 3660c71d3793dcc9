package pipeline

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// TestNamedFunctionsEqualGo: every named function gives what the same rule gives in Go, over random days and over those
// where calendars differ: 29 February, month ends, year ends.
func TestNamedFunctionsEqualGo(t *testing.T) {
	definitions, err := readFunctions(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := testStore(t).Scratch(context.Background(), "functions")
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	for _, d := range definitions {
		if _, err := scratch.Exec(context.Background(), d); err != nil {
			t.Fatalf("%s: %v", d, err)
		}
	}
	date := rapid.Custom(func(t *rapid.T) models.Date {
		year := rapid.IntRange(1899, 2101).Draw(t, "year")
		edge := rapid.SampledFrom([]models.Date{models.NewDate(year, 3, 1) - 1, models.NewDate(year, 3, 1), models.NewDate(year, 1, 31), models.NewDate(year, 12, 31),
			models.NewDate(year, 1, 1), models.NewDate(year, 6, 30), models.NewDate(year, 7, 1)}).Draw(t, "edge")
		anyDay := models.NewDate(year, 1, 1).AddDays(rapid.IntRange(0, 365).Draw(t, "day"))
		if rapid.Bool().Draw(t, "at an edge") {
			return edge
		}
		return anyDay
	})
	rapid.Check(t, func(rt *rapid.T) {
		var texts, want []string
		for range 60 {
			a, b, n := date.Draw(rt, "a"), date.Draw(rt, "b"), rapid.IntRange(-40, 40).Draw(rt, "n")
			for text, w := range callsOf(a, b, n) {
				texts, want = append(texts, text), append(want, w)
			}
		}
		var got []string
		rows, err := scratch.Query(context.Background(), "SELECT coalesce(CAST(x AS VARCHAR), 'NULL') FROM (VALUES ("+strings.Join(texts, "), (")+")) AS v(x)")
		if err != nil {
			rt.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				rt.Fatal(err)
			}
			got = append(got, s)
		}
		for i := range want {
			if got[i] != want[i] {
				rt.Errorf("%s is %s, Go says %s", texts[i], got[i], want[i])
			}
		}
	})
}

// callsOf gives calls of every named function with what they must give, as text.
func callsOf(a, b models.Date, n int) map[string]string {
	lit := func(d models.Date) string { return "DATE '" + d.String() + "'" }
	text := func(format string, args ...any) string {
		return "CAST(" + fmt.Sprintf(format, args...) + " AS VARCHAR)"
	}
	from, to := min(a, b), max(a, b)
	return map[string]string{
		text("age_on(%s, %s)", lit(from), lit(to)):                         fmt.Sprint(models.AgeOn(from, to)),
		text("plus_years(%s, %d)", lit(a), n):                              a.AddYears(n).String(),
		text("plus_months(%s, %d)", lit(a), n):                             a.AddMonths(n).String(),
		text("plus_days(%s, %d)", lit(a), n):                               a.AddDays(n).String(),
		text("days_between(%s, %s)", lit(a), lit(b)):                       fmt.Sprint(int(b - a)),
		text("months_full(%s, %s)", lit(from), lit(to)):                    fmt.Sprint(monthsFull(from, to)),
		text("month_start(%s)", lit(a)):                                    a.MonthStart().String(),
		text("weekday_iso(%s)", lit(a)):                                    fmt.Sprint((int(a.Time().Weekday())+6)%7 + 1),
		text("later_day(%s, %s)", lit(a), lit(b)):                          to.String(),
		text("earlier_day(%s, %s)", lit(a), lit(b)):                        from.String(),
		text("later_day(NULL, %s)", lit(b)):                                b.String(),
		text("earlier_day(%s, NULL)", lit(a)):                              a.String(),
		text("in_span(%s, %s, %s)", lit(from), lit(to), lit(a)):            fmt.Sprint(from <= a && a < to),
		text("in_span(%s, NULL, %s)", lit(a), lit(b)):                      fmt.Sprint(a <= b),
		text("in_span(NULL, %s, %s)", lit(a), lit(b)):                      "false",
		text("season_start(%s)", lit(a)):                                   seasonStart(a).String(),
		text("share(%d, %d) = CAST(%d AS DOUBLE) / 7", n, 7, n):            "true",
		text("coalesce(share(%d, 0), share(NULL, %d), %d.5)", n, n+100, 4): "4.5",
		text("age_on(%s, CAST(NULL AS DATE))", lit(a)):                     "NULL",
	}
}

// monthsFull counts completed months: the day of the month must be reached.
func monthsFull(from, to models.Date) int {
	n := 0
	for y, m, d := from.Time().Date(); ; n++ {
		next := time.Date(y, m+time.Month(n+1), 1, 0, 0, 0, 0, time.UTC)
		ty, tm, td := to.Time().Date()
		if this := time.Date(ty, tm, 1, 0, 0, 0, 0, time.UTC); this.Before(next) || (this.Equal(next) && td < d) {
			return n
		}
	}
}

func seasonStart(d models.Date) models.Date {
	if july := models.NewDate(d.Year(), time.July, 1); july <= d {
		return july
	}
	return models.NewDate(d.Year()-1, time.July, 1)
}

// TestBirthdaysOn29February states the choice of age_on in words, so that nobody changes it unawares.
func TestBirthdaysOn29February(t *testing.T) {
	leap := models.NewDate(2008, time.February, 29)
	for day, want := range map[models.Date]int{
		models.NewDate(2026, time.February, 27): 17,
		models.NewDate(2026, time.February, 28): 18, // completes the year on the 28th in other years
		models.NewDate(2028, time.February, 28): 19,
		models.NewDate(2028, time.February, 29): 20,
	} {
		if got := models.AgeOn(leap, day); got != want {
			t.Errorf("age of someone born on 29 February on %s is %d, want %d", day, got, want)
		}
	}
}

// TestLocalDay: staging turns instants into days of the site's zone, across both changes of the clock.
func TestLocalDay(t *testing.T) {
	definitions, err := readFunctions(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	zones := []string{"UTC", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"}
	s := testStore(t)
	scratch, err := s.Scratch(context.Background(), "local_day")
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	err = scratch.Snapshot(context.Background(), func(tx *store.Tx) error {
		for _, d := range definitions {
			if _, err := tx.Exec(context.Background(), d); err != nil {
				return err
			}
		}
		start := time.Date(2026, 3, 7, 0, 17, 0, 0, time.UTC).Unix()
		for i := range int64(500) {
			at := time.Unix(start+int64(math.Round(float64(i)*13.7*3600)), 0).UTC()
			zone := zones[i%int64(len(zones))]
			loc, err := time.LoadLocation(zone)
			if err != nil {
				return err
			}
			var local, plain time.Time
			row := tx.QueryRow(context.Background(), "SELECT local_day(CAST($1 AS TIMESTAMP), CAST(0 AS SMALLINT), $2), local_day(CAST($1 AS TIMESTAMP), CAST(NULL AS SMALLINT), $2)", at, zone)
			if err := row.Scan(&local, &plain); err != nil {
				return err
			}
			if got, want := models.DateOf(local), models.DateOf(at.In(loc)); got != want {
				t.Errorf("%v in %s is on %s, want %s", at, zone, got, want)
			}
			if got, want := models.DateOf(plain), models.DateOf(at); got != want {
				t.Errorf("a date without clock time moved from %s to %s", want, got)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
