package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"carereach/models"
)

func rowsOf(rows ...[]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var threeColumns = []ListColumn{{Name: "name", Kind: ColumnText}, {Name: "on", Kind: ColumnDate}, {Name: "n", Kind: ColumnInt}}

func TestWriteCSV(t *testing.T) {
	var out bytes.Buffer
	n, err := WriteCSV(&out, threeColumns, rowsOf(
		[]any{"plain", models.NewDate(2026, time.June, 30), int64(-5)},
		[]any{"with, comma and \"quote\"", nil, nil},
		[]any{"two\nlines", nil, int64(0)},
		[]any{"=HYPERLINK(\"x\")", nil, int64(1)},
	))
	want := "name,on,n\r\nplain,2026-06-30,-5\r\n\"with, comma and \"\"quote\"\"\",,\r\n\"two\r\nlines\",,0\r\n\"'=HYPERLINK(\"\"x\"\")\",,1\r\n"
	if err != nil || n != 4 || out.String() != want {
		t.Errorf("%d rows, %v:\n%q\nwant\n%q", n, err, out.String(), want)
	}
}

// A list and its CSV have the same rows, under the same headings.
func TestGapCSV(t *testing.T) {
	withSample(t, 60, func(q Querier, run Run) error {
		list, err := Gaps(t.Context(), q, run, GapFilter{Measure: "bp_control"})
		if err != nil {
			return err
		}
		var out bytes.Buffer
		n, err := WriteCSV(&out, GapColumns(), GapCells(EachGap(t.Context(), q, run, GapFilter{Measure: "bp_control"})))
		if err != nil {
			return err
		}
		back, err := csv.NewReader(&out).ReadAll()
		if err != nil || n != list.Shown || int64(len(back)) != n+1 {
			t.Fatalf("%d rows written, %d read, %d listed, %v", n, len(back)-1, list.Shown, err)
		}
		at := map[string]int{}
		for i, name := range back[0] {
			at[name] = i
		}
		for i, g := range list.Rows {
			row := back[i+1]
			if row[at["patient"]] != g.Patient || row[at["status"]] != g.Status || row[at["due_on"]] != g.DueOn.String() || row[at["evidence"]] != g.Evidence || row[at["payer"]] != g.Payer || row[at["closed_by"]] != g.ClosedBy {
				t.Errorf("row %d: %v, want %+v", i, row, g)
			}
		}
		return nil
	})
}

func TestWriteCSVErrors(t *testing.T) {
	broken := errors.New("store closed")
	rows := func(yield func([]any, error) bool) {
		_ = yield([]any{"a", nil, nil}, nil) && yield(nil, broken)
	}
	if n, err := WriteCSV(&bytes.Buffer{}, threeColumns, rows); !errors.Is(err, broken) || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
	if _, err := WriteCSV(fullDisk{}, threeColumns, rowsOf([]any{"a", nil, nil})); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestDefuse(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\x00x", "＝1", "＋1", "－1", "＠x"} {
		if got := defuse(s); got != "'"+s {
			t.Errorf("%q is written as %q", s, got)
		}
	}
	for _, s := range []string{"", "a=1", "1-2", " =1", "ünï", "'quoted"} {
		if got := defuse(s); got != s {
			t.Errorf("%q is written as %q", s, got)
		}
	}
}

// Whatever the text, the file is read back as one row of one field, is UTF-8, and no field begins like a formula.
func FuzzCSVText(f *testing.F) {
	for _, s := range []string{"plain", "=1", "a\"b,c\r\nd", "\xff\xfe", "＝x", "\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out bytes.Buffer
		if _, err := WriteCSV(&out, []ListColumn{{Name: "a"}, {Name: "b"}}, rowsOf([]any{s, "end"})); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(out.Bytes()) {
			t.Fatalf("not UTF-8: %q", out.String())
		}
		back, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(back) != 2 || len(back[1]) != 2 || back[1][1] != "end" {
			t.Fatalf("%q reads back as %q, %v", s, back, err)
		}
		got := back[1][0]
		first, _ := utf8.DecodeRuneInString(got)
		if got != "" && strings.ContainsRune("=+-@\t\r\x00＝＋－＠", first) {
			t.Fatalf("%q begins like a formula", got)
		}
		plain := func(s string) string {
			return strings.NewReplacer("\r\n", "\n", "\r", "").Replace(strings.TrimPrefix(strings.ToValidUTF8(s, "\uFFFD"), "'"))
		}
		if plain(got) != plain(s) && plain(strings.TrimPrefix(got, "'")) != plain(s) {
			t.Fatalf("%q reads back as %q", s, got)
		}
	})
}
