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

// The functions that only staging calls take codes and keys apart; what is not known stays unknown.
func TestFunctionsOfStaging(t *testing.T) {
	eval := evaluator(t)
	for expression, want := range map[string]string{
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
// midnights that did not exist. The cutoff, which spares staging the clock of every fact, leaves out exactly the facts
// whose local day lies after the as-of date.
func TestCutoffIsTheEndOfTheLocalDay(t *testing.T) {
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
