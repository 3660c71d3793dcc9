package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func printed(fill func(*page)) string {
	var b bytes.Buffer
	fill(&page{b: &b})
	return b.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := printed(func(p *page) {
		tab := newTable("measure", ">open", "note")
		tab.row("bp_control", 12, "")
		tab.row("größe", 1234, "a\nb\x1b[31m")
		p.table(tab)
	})
	want := "MEASURE     OPEN  NOTE\nbp_control    12\ngröße       1234  a b [31m\n"
	if got != want {
		t.Errorf("table\n%q\nwant\n%q", got, want)
	}
}

// Whatever stands in the cells, a table has one line per row and every column starts where its title starts.
func TestTableHoldsItsShape(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "columns")
		titles := make([]string, n)
		for i := range titles {
			titles[i] = "c"
		}
		tab := newTable(titles...)
		rows := rapid.IntRange(0, 6).Draw(t, "rows")
		for range rows {
			cells := make([]any, n)
			for i := range cells {
				cells[i] = rapid.String().Draw(t, "cell")
			}
			tab.row(cells...)
		}
		lines := strings.SplitAfter(printed(func(p *page) { p.table(tab) }), "\n")
		if len(lines)-1 != rows+1 {
			t.Fatalf("%d lines for %d rows", len(lines)-1, rows)
		}
		for _, l := range lines[:len(lines)-1] {
			if strings.ContainsFunc(l[:len(l)-1], func(r rune) bool { return r < ' ' }) {
				t.Fatalf("a control character in %q", l)
			}
		}
		second := 0 // where the second column starts
		for _, r := range tab.rows {
			second = max(second, utf8.RuneCountInString(r[0]))
		}
		if n > 1 && []rune(lines[0])[max(second, 1)+2] != 'C' {
			t.Fatalf("the second column does not start at %d in %q", second+2, lines[0])
		}
	})
}

func TestLeftOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shown, total int64
		want         string
	}{
		{50, 312, "50 of 312 gaps shown; --limit 0 shows all\n"},
		{0, 1200, "0 of 1,200 gaps shown; --limit 0 shows all\n"},
		{12, 12, "12 of 12 gaps shown\n"},
		{0, 0, "0 of 0 gaps shown\n"},
	} {
		if got := printed(func(p *page) { p.leftOut("gaps", c.shown, c.total, moreRows) }); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.shown, c.total, got, c.want)
		}
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 5212: "5,212", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-1<<62, 1<<62).Draw(t, "n")
		s := thousands(n)
		for i, part := range strings.Split(strings.TrimPrefix(s, "-"), ",") {
			if len(part) > 3 || (i > 0 && len(part) != 3) || part == "" {
				t.Fatalf("thousands(%d) = %q", n, s)
			}
		}
	})
}

func TestPairsLeaveOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	got := printed(func(p *page) { p.pairs("age", "58", "race", "", "language", "es") })
	if want := "  age       58\n  language  es\n"; got != want {
		t.Errorf("pairs %q, want %q", got, want)
	}
}

func TestMany(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 inputs", 1: "1 input", 2: "2 inputs", 5212: "5,212 inputs"} {
		if got := many(n, "input"); got != want {
			t.Errorf("many(%d) = %q, want %q", n, got, want)
		}
	}
}
