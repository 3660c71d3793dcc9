package pipeline

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carereach/models"
	relations "carereach/sql"
)

// evaluator gives a database that knows the named functions, as a function that evaluates one row of expressions.
func evaluator(t *testing.T) func(expressions string, args ...any) []any {
	t.Helper()
	ctx := context.Background()
	scratch, err := testStore(t).Scratch(ctx, "functions")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scratch.Close() })
	definitions, err := readFunctions(relations.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions {
		if _, err := scratch.Exec(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	return func(expressions string, args ...any) []any {
		t.Helper()
		rows, err := scratch.Query(ctx, "SELECT "+expressions, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		return oneRow(t, rows)
	}
}

func oneRow(t *testing.T, rows *sql.Rows) []any {
	t.Helper()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if !rows.Next() {
		t.Fatalf("no row: %v", rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if d, ok := v.(time.Time); ok {
			values[i] = models.DateOf(d).String()
		}
	}
	return values
}

// anyDay draws a day between 1900 and 2099, ends of months and 28 and 29 February more often than chance would.
func anyDay(t *rapid.T, label string) models.Date {
	d := models.Date(rapid.IntRange(int(models.NewDate(1900, 1, 1)), int(models.NewDate(2099, 12, 31))).Draw(t, label))
	switch rapid.IntRange(0, 4).Draw(t, label+" kind") {
	case 0:
		return d.MonthStart().AddMonths(1).AddDays(-1)
	case 1:
		return models.NewDate(d.Year()/4*4, time.February, 29)
	case 2:
		return models.NewDate(d.Year(), time.February, 28)
	}
	return d
}

// The functions of dates agree with models.Date, which agrees with the calendar.
func TestNamedFunctionsOfDates(t *testing.T) {
	eval := evaluator(t)
	rapid.Check(t, func(r *rapid.T) {
		a, b := anyDay(r, "a"), anyDay(r, "b")
		if a > b {
			a, b = b, a
		}
		n := rapid.IntRange(-120, 120).Draw(r, "n")
		got := eval(`age_on(CAST($1 AS DATE), CAST($2 AS DATE)), plus_years(CAST($1 AS DATE), $3), plus_months(CAST($1 AS DATE), $3), plus_days(CAST($1 AS DATE), $3),
			days_between(CAST($1 AS DATE), CAST($2 AS DATE)), days_between(CAST($2 AS DATE), CAST($1 AS DATE)), month_start(CAST($1 AS DATE)), weekday_iso(CAST($1 AS DATE)),
			later_day(CAST($1 AS DATE), CAST($2 AS DATE)), earlier_day(CAST($1 AS DATE), CAST($2 AS DATE)), season_start(CAST($1 AS DATE))`, a.String(), b.String(), n)
		weekday := int32(a.Time().Weekday())
		if weekday == 0 {
			weekday = 7
		}
		season := models.NewDate(a.Year(), time.July, 1)
		if season > a {
			season = season.AddYears(-1)
		}
		want := []any{int32(models.AgeOn(a, b)), a.AddYears(n).String(), a.AddMonths(n).String(), a.AddDays(n).String(), int32(b - a), int32(a - b),
			a.MonthStart().String(), weekday, b.String(), a.String(), season.String()}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("of %s, %s, %d: got %v, want %v", a, b, n, got, want)
		}
	})
}

// months_full counts months that are complete: so many months after a lie not after b, and one more lies after it, unless
// a's day of the month does not exist in the month reached.
func TestCompletedMonths(t *testing.T) {
	eval := evaluator(t)
	rapid.Check(t, func(r *rapid.T) {
		a, b := anyDay(r, "a"), anyDay(r, "b")
		if a > b {
			a, b = b, a
		}
		n := int(eval("months_full(CAST($1 AS DATE), CAST($2 AS DATE))", a.String(), b.String())[0].(int32))
		if n < 0 || a.AddMonths(n) > b || a.Time().Day() <= 28 && a.AddMonths(n+1) <= b {
			r.Fatalf("%d months from %s to %s", n, a, b)
		}
	})
}

// What is not known stays unknown, but in_span answers no: a span that is not known to have begun holds no day.
func TestNamedFunctionsOfUnknowns(t *testing.T) {
	eval := evaluator(t)
	d := "DATE '2026-06-30'"
	for expression, want := range map[string]string{
		"age_on(CAST(NULL AS DATE), " + d + ")": "<nil>", "plus_years(CAST(NULL AS DATE), 1)": "<nil>", "plus_months(" + d + ", NULL)": "<nil>", "days_between(NULL, " + d + ")": "<nil>",
		"later_day(NULL, " + d + ")": "2026-06-30", "later_day(" + d + ", NULL)": "2026-06-30", "later_day(CAST(NULL AS DATE), NULL)": "<nil>",
		"earlier_day(NULL, " + d + ")": "2026-06-30", "earlier_day(" + d + ", NULL)": "2026-06-30", "earlier_day(CAST(NULL AS DATE), NULL)": "<nil>",
		"in_span(CAST(NULL AS DATE), NULL, " + d + ")": "false", "in_span(CAST(NULL AS DATE), " + d + ", " + d + ")": "false",
		"in_span(" + d + ", NULL, " + d + ")": "true", "in_span(" + d + ", " + d + ", " + d + ")": "false",
		"in_span(DATE '2026-06-29', " + d + ", DATE '2026-06-29')": "true", "in_span(DATE '2026-07-01', NULL, " + d + ")": "false",
		"in_span(" + d + ", NULL, CAST(NULL AS DATE))": "false",
		"share(1, 2)": "0.5", "share(1, 0)": "<nil>", "share(NULL, 2)": "<nil>", "share(1, NULL)": "<nil>", "share(0, 5)": "0",
		"season_start(DATE '2026-06-30')": "2025-07-01", "season_start(DATE '2026-07-01')": "2026-07-01", "season_start(DATE '2026-01-31')": "2025-07-01",
		"code_of('x|y|z')": "y|z", "code_of('plain')": "plain", "code_of(NULL)": "<nil>",
		"class_of('http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB')": "AMB", "class_of('|Outpatient')": "AMB", "class_of('emergency')": "EMER",
		"class_of('x|HH')": "HH", "class_of('home')": "HH", "class_of('x|OBSENC')": "OBSENC", "class_of('virtual')": "VR", "class_of('inpatient')": "IMP", "class_of(NULL)": "<nil>",
		"key_text(CAST('0123abcd-0000-0000-0000-00000000000f' AS UUID))": "0123abcd00000000000000000000000f",
	} {
		if got := fmt.Sprint(eval(expression)[0]); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}

// The local day of an instant is that of the site's clock, through missing and doubled hours, days that a zone skipped and
// midnights that did not exist; a date without clock time is itself. The cutoff of staging says the same without asking
// the clock of every fact.
func TestLocalDays(t *testing.T) {
	eval := evaluator(t)
	cutoff := relations.Text("staging/cutoff.sql")
	zones := []string{"UTC", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Dublin"}
	rapid.Check(t, func(r *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(r, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(time.Date(1975, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC).Unix()).Draw(r, "at"), 0).UTC()
		if rapid.Bool().Draw(r, "near midnight") {
			at = models.DateOf(at).In(loc).Add(time.Duration(rapid.IntRange(-2, 2).Draw(r, "seconds")) * time.Second).UTC()
		}
		asOf := models.DateOf(at.In(loc)).AddDays(rapid.IntRange(-1, 1).Draw(r, "as-of date"))
		got := eval(`CAST(local_day(CAST($1 AS TIMESTAMP), 0, $2) AS VARCHAR), CAST(local_day(CAST($1 AS TIMESTAMP), NULL, $2) AS VARCHAR),
			(SELECT CAST($1 AS TIMESTAMP) < c.instant_end FROM (WITH run AS (SELECT CAST($3 AS DATE) AS as_of, $2 AS zone) `+cutoff+`) AS c),
			(SELECT CAST($1 AS TIMESTAMP) < c.date_end FROM (WITH run AS (SELECT CAST($3 AS DATE) AS as_of, $2 AS zone) `+cutoff+`) AS c)`,
			at.Format("2006-01-02 15:04:05"), zone, asOf.String())
		day, plain := models.DateOf(at.In(loc)), models.DateOf(at)
		want := []any{day.String(), plain.String(), day <= asOf, plain <= asOf}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("%s in %s as of %s: got %v, want %v", at, zone, asOf, got, want)
		}
	})
}
