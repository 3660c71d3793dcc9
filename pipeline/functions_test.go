package pipeline

import (
	"context"
	"fmt"
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
	var calls []string
	for _, c := range namedCalls {
		calls = append(calls, "coalesce(CAST("+c.call+" AS VARCHAR), 'NULL')")
	}
	rapid.Check(t, func(rt *rapid.T) {
		var draws []drawn
		var rows []string
		for range 50 {
			d := drawn{a: date.Draw(rt, "a"), b: date.Draw(rt, "b"), n: rapid.IntRange(-40, 40).Draw(rt, "n")}
			d.lo, d.hi = min(d.a, d.b), max(d.a, d.b)
			draws = append(draws, d)
			rows = append(rows, fmt.Sprintf("(DATE '%s', DATE '%s', DATE '%s', DATE '%s', %d)", d.a, d.b, d.lo, d.hi, d.n))
		}
		got := textRows(rt, scratch, "SELECT "+strings.Join(calls, ", ")+" FROM (VALUES "+strings.Join(rows, ", ")+") AS v(a, b, lo, hi, n)", len(calls))
		for i, d := range draws {
			for j, c := range namedCalls {
				if want := c.want(d); got[i][j] != want {
					rt.Errorf("%s is %s for a %s, b %s, n %d; Go says %s", c.call, got[i][j], d.a, d.b, d.n, want)
				}
			}
		}
	})
}

func textRows(t *rapid.T, scratch *store.Scratch, query string, columns int) (out [][]string) {
	rows, err := scratch.Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row, into := make([]string, columns), make([]any, columns)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// drawn is what one row of the test is about: two days, the same two in order, and a number.
type drawn struct {
	a, b, lo, hi models.Date
	n            int
}

// namedCalls are calls of every named function with what they must give, as text.
var namedCalls = []struct {
	call string
	want func(d drawn) string
}{
	{"age_on(lo, hi)", func(d drawn) string { return fmt.Sprint(models.AgeOn(d.lo, d.hi)) }},
	{"age_on(a, CAST(NULL AS DATE))", func(drawn) string { return "NULL" }},
	{"plus_years(a, n)", func(d drawn) string { return d.a.AddYears(d.n).String() }},
	{"plus_months(a, n)", func(d drawn) string { return d.a.AddMonths(d.n).String() }},
	{"plus_days(a, n)", func(d drawn) string { return d.a.AddDays(d.n).String() }},
	{"days_between(a, b)", func(d drawn) string { return fmt.Sprint(int(d.b - d.a)) }},
	{"months_full(lo, hi)", func(d drawn) string { return fmt.Sprint(monthsFull(d.lo, d.hi)) }},
	{"month_start(a)", func(d drawn) string { return d.a.MonthStart().String() }},
	{"weekday_iso(a)", func(d drawn) string { return fmt.Sprint((int(d.a.Time().Weekday())+6)%7 + 1) }},
	{"later_day(a, b)", func(d drawn) string { return d.hi.String() }},
	{"earlier_day(a, b)", func(d drawn) string { return d.lo.String() }},
	{"later_day(CAST(NULL AS DATE), b)", func(d drawn) string { return d.b.String() }},
	{"earlier_day(a, CAST(NULL AS DATE))", func(d drawn) string { return d.a.String() }},
	{"in_span(lo, hi, a)", func(d drawn) string { return fmt.Sprint(d.lo <= d.a && d.a < d.hi) }},
	{"in_span(a, CAST(NULL AS DATE), b)", func(d drawn) string { return fmt.Sprint(d.a <= d.b) }},
	{"in_span(CAST(NULL AS DATE), a, b)", func(drawn) string { return "false" }},
	{"season_start(a)", func(d drawn) string { return seasonStart(d.a).String() }},
	{"share(n, 7) = CAST(n AS DOUBLE) / 7", func(drawn) string { return "true" }},
	{"share(n, 0)", func(drawn) string { return "NULL" }},
	{"share(CAST(NULL AS INTEGER), n)", func(drawn) string { return "NULL" }},
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
