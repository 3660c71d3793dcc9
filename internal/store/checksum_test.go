package store

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"carereach/models"
)

func sumOf(t testing.TB, s *Store, table string, columns []string, where string, args ...any) string {
	t.Helper()
	ctx := context.Background()
	var sum string
	if err := s.Read(ctx, func(tx *Tx) (err error) {
		_, sum, err = Checksum(ctx, tx, table, columns, where, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return sum
}

// valuesSum gives the checksum of rows written as SQL.
func valuesSum(t testing.TB, s *Store, typ string, rows ...string) string {
	t.Helper()
	execute(t, s, "CREATE OR REPLACE TABLE sums ("+typ+")")
	if len(rows) > 0 {
		execute(t, s, "INSERT INTO sums VALUES "+strings.Join(rows, ", "))
	}
	var columns []string
	for _, c := range strings.Split(strings.ReplaceAll(typ, ", y", " y"), ", ") {
		name, _, _ := strings.Cut(c, " ")
		columns = append(columns, name)
	}
	return sumOf(t, s, "sums", columns, "")
}

// What is not the same must not have the same sum.
func TestChecksumTellsApart(t *testing.T) {
	s := inMemory(t)
	for name, c := range map[string]struct {
		typ      string
		one, two []string
	}{
		"NULL and empty":            {"a VARCHAR", []string{"(NULL)"}, []string{"('')"}},
		"NULL and the word":         {"a VARCHAR", []string{"(NULL)"}, []string{"('NULL')"}},
		"NULL and its mark":         {"a VARCHAR", []string{"(NULL)"}, []string{"('-')"}},
		"none and NULL":             {"a VARCHAR", nil, []string{"(NULL)"}},
		"none and two equal":        {"a VARCHAR", nil, []string{"('x')", "('x')"}},
		"one and two equal":         {"a VARCHAR", []string{"('x')"}, []string{"('x')", "('x')"}},
		"which one is double":       {"a VARCHAR", []string{"('x')", "('x')", "('y')"}, []string{"('x')", "('y')", "('y')"}},
		"value in the next column":  {"a VARCHAR, b VARCHAR", []string{"('ab', 'c')"}, []string{"('a', 'bc')"}},
		"swapped columns":           {"a VARCHAR, b VARCHAR", []string{"('a', 'b')"}, []string{"('b', 'a')"}},
		"NULL in the other column":  {"a VARCHAR, b VARCHAR", []string{"(NULL, 'a')"}, []string{"('a', NULL)"}},
		"values across rows":        {"a VARCHAR, b VARCHAR", []string{"('a', 'b')", "('c', 'd')"}, []string{"('a', 'd')", "('c', 'b')"}},
		"length marks as values":    {"a VARCHAR, b VARCHAR", []string{"('1:a', '')"}, []string{"('', '1:a')"}},
		"text with its own mark":    {"a VARCHAR, b VARCHAR", []string{"('a1:b', 'c')"}, []string{"('a', 'b1:c')"}},
		"cents":                     {"a DECIMAL(18,4)", []string{"(0.01)"}, []string{"(0.0101)"}},
		"last bit of a double":      {"a DOUBLE", []string{"(0.1::DOUBLE + 0.2::DOUBLE)"}, []string{"(0.3)"}},
		"microsecond":               {"a TIMESTAMP", []string{"('2024-01-01 00:00:00')"}, []string{"('2024-01-01 00:00:00.000001')"}},
		"list with a comma":         {"a VARCHAR[]", []string{"(['a, b'])"}, []string{"(['a', 'b'])"}},
		"list with NULL":            {"a VARCHAR[]", []string{"([NULL])"}, []string{"(['NULL'])"}},
		"empty list, no list":       {"a VARCHAR[]", []string{"([])"}, []string{"(NULL)"}},
		"list of empty, empty list": {"a VARCHAR[]", []string{"([''])"}, []string{"([])"}},
		"quotes in a list":          {"a VARCHAR[]", []string{"(['a'', ''b'])"}, []string{"(['a', 'b'])"}},
		"case":                      {"a VARCHAR", []string{"('a')"}, []string{"('A')"}},
		"blank at the end":          {"a VARCHAR", []string{"('a')"}, []string{"('a ')"}},
		"zero byte":                 {"a VARCHAR", []string{"('a')"}, []string{"('a' || chr(0))"}},
		"false and NULL":            {"a BOOLEAN", []string{"(false)"}, []string{"(NULL)"}},
		"bytes against characters":  {"a VARCHAR, b VARCHAR", []string{"('é', 'x')"}, []string{"('éx', '')"}},
		"rows that cancel in xor":   {"a VARCHAR", []string{"('x')", "('x')", "('z')"}, []string{"('y')", "('y')", "('z')"}},
		"structs":                   {"a STRUCT(x VARCHAR, y VARCHAR)", []string{"({'x': 'a, y', 'y': 'b'})"}, []string{"({'x': 'a', 'y': 'y, b'})"}},
	} {
		if a, b := valuesSum(t, s, c.typ, c.one...), valuesSum(t, s, c.typ, c.two...); a == b {
			t.Errorf("%s: both %s", name, a)
		}
	}
}

// The order of rows does not matter, nor how they came.
func TestChecksumDoesNotDependOnOrder(t *testing.T) {
	s := inMemory(t)
	rapid.Check(t, func(rt *rapid.T) {
		var rows []string
		for i := range rapid.IntRange(0, 30).Draw(rt, "rows") {
			rows = append(rows, fmt.Sprintf("(%d, %s)", rapid.IntRange(0, 3).Draw(rt, "a"), rapid.SampledFrom([]string{"NULL", "''", "'x'", "'y'", fmt.Sprintf("'%d'", i)}).Draw(rt, "b")))
		}
		before := valuesSum(t, s, "a INTEGER, b VARCHAR", rows...)
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if after := valuesSum(t, s, "a INTEGER, b VARCHAR", rows...); after != before {
			rt.Fatalf("%v: %s, shuffled %s", rows, before, after)
		}
		if len(rows) == 0 {
			return
		}
		more := valuesSum(t, s, "a INTEGER, b VARCHAR", append(rows, rows[0])...)
		fewer := valuesSum(t, s, "a INTEGER, b VARCHAR", rows[1:]...)
		if more == before || fewer == before {
			rt.Fatalf("a row more %s or less %s has the sum %s", more, fewer, before)
		}
	})
}

// Many threads add up to the same sum as one; the sum of many rows does not overflow.
func TestChecksumOfManyRows(t *testing.T) {
	s := inMemory(t)
	execute(t, s, "CREATE TABLE many AS SELECT range AS i, md5(CAST(range AS VARCHAR)) AS h FROM range(500000)", "CREATE TABLE turned AS SELECT * FROM many ORDER BY h")
	if a, b := sumOf(t, s, "many", []string{"i", "h"}, ""), sumOf(t, s, "turned", []string{"i", "h"}, ""); a != b || !strings.HasPrefix(a, "500000:") {
		t.Errorf("%s and %s", a, b)
	}
}

// Only the rows of the condition and the columns asked for count; tables of schemas and scratch databases can be asked.
func TestChecksumOfPart(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, "INSERT INTO pub.gap (run_id, patient_id, measure) VALUES ('a', 'p1', 'm'), ('a', 'p2', 'm'), ('b', 'p2', 'm'), ('b', 'p1', 'm'), ('c', 'p1', 'm')")
	columns := []string{"patient_id", "measure"}
	a, b, c := sumOf(t, s, "pub.gap", columns, "run_id = $1", "a"), sumOf(t, s, "pub.gap", columns, "run_id = $1", "b"), sumOf(t, s, "pub.gap", columns, "run_id = $1", "c")
	if a != b || a == c {
		t.Errorf("runs %s, %s, %s: the first two have equal rows", a, b, c)
	}
	if with := sumOf(t, s, "pub.gap", append(columns, "run_id"), "run_id = $1", "a"); with == a {
		t.Error("a further column changes nothing")
	}
	scratch := scratch(t, s, "run_x")
	if _, err := scratch.Exec(ctx, "CREATE TABLE gap AS SELECT patient_id, measure FROM memory.pub.gap WHERE run_id = 'a'"); err != nil {
		t.Fatal(err)
	}
	if x := sumOf(t, s, "run_x.gap", columns, ""); x != a {
		t.Errorf("the same rows in a scratch database: %s, want %s", x, a)
	}
	err := s.Read(ctx, func(tx *Tx) error {
		_, _, err := Checksum(ctx, tx, "pub.gap", nil, "")
		return err
	})
	want(t, err, models.KindUsage)
	err = s.Read(ctx, func(tx *Tx) error {
		_, _, err := Checksum(ctx, tx, "pub.gap", []string{"nothing"}, "")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a column that is not there: %v", err)
	}
}

// Every table of models can be asked for the sum of all its columns.
func TestChecksumOfEveryTable(t *testing.T) {
	s := inMemory(t)
	for _, w := range s.tables {
		var columns []string
		for _, c := range w.columns {
			columns = append(columns, c.Name)
		}
		if sum := sumOf(t, s, w.title(), columns, ""); sum != "0:0:0" {
			t.Errorf("%s: %s", w.title(), sum)
		}
	}
}

// Sums are kept in the run register for years. When this one changes, every kept sum is void: a new engine writes some
// value in another way, or the canonical text was changed, and the register must be told. Go computes it independently.
func TestChecksumStaysWhatItWas(t *testing.T) {
	s := inMemory(t)
	got := valuesSum(t, s, "a VARCHAR, b DOUBLE, c DATE, d TIMESTAMP, e DECIMAL(20,4), f BOOLEAN, g UUID, h VARCHAR[], i SMALLINT",
		"('é|1', 0.1, DATE '2024-02-29', TIMESTAMP '2024-02-29 23:59:59.999', 12.5, true, '00000000-0000-0000-0000-0000000000ff', ['a', NULL], 7)", "('', 1e300, NULL, NULL, -1, NULL, NULL, [], NULL)")
	var upper, lower big.Int
	for _, row := range []string{
		"4:é|1" + "3:0.1" + "10:2024-02-29" + "23:2024-02-29 23:59:59.999" + "7:12.5000" + "4:true" + "36:00000000-0000-0000-0000-0000000000ff" + "9:[a, NULL]" + "1:7",
		"0:" + "6:1e+300" + "-" + "-" + "7:-1.0000" + "-" + "-" + "2:[]" + "-",
	} {
		h := md5.Sum([]byte(row))
		upper.Add(&upper, new(big.Int).SetUint64(binary.LittleEndian.Uint64(h[8:])))
		lower.Add(&lower, new(big.Int).SetUint64(binary.LittleEndian.Uint64(h[:8])))
	}
	if want := fmt.Sprintf("2:%d:%d", &upper, &lower); got != want {
		t.Errorf("sum %s, by Go %s", got, want)
	}
}
