package reports

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

func number(t testing.TB, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatalf("ParseNumber(%q): %v", s, err)
	}
	return n
}

func TestParseNumber(t *testing.T) {
	for _, s := range []string{"0", "12", "-12.5", "+3", "0.1842", ".5", "12345678901234567890.1234"} {
		number(t, s)
	}
	// A fraction, an exponent or a thousands comma would be read as something else than what was meant.
	for _, s := range []string{"", "-", ".", "1/3", "1e3", "0x10", "1,234", "12 %", "NaN", "Inf", "1.2.3", "--1", "1-", " 1", "1_000", strings.Repeat("9", 50)} {
		if n, err := ParseNumber(s); models.KindOf(err) != models.KindUsage {
			t.Errorf("ParseNumber(%q) = %v, %v; want an error of kind usage", s, n.Float(), err)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"12.5", "-0.001", "1e9", "1/3", ".", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(n.val()) != 0 || strings.ContainsAny(s, "eE/xX_pP") {
			t.Errorf("ParseNumber(%q) = %s", s, n.val())
		}
	})
}

// What JSON and a spreadsheet hold is the same float, read back without change; otherwise two surfaces would disagree.
func TestNumberJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, ok := Int(rapid.Int64().Draw(t, "num")).Over(Int(rapid.Int64Range(1, math.MaxInt64).Draw(t, "den")))
		if !ok {
			t.Fatal("division by a positive number failed")
		}
		text, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var back Number
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if back.Float() != n.Float() {
			t.Fatalf("%s reads back as %v, was %v", text, back.Float(), n.Float())
		}
	})
}

func TestNumberJSONRefusesText(t *testing.T) {
	for _, text := range []string{`"12"`, `true`, `{}`, `1e`} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s was taken for a number", text)
		}
	}
}

// Adding and taking away, multiplying and dividing undo each other exactly, at any size.
func TestNumberExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Int(rapid.Int64().Draw(t, "a")), Int(rapid.Int64().Draw(t, "b"))
		if a.Plus(b).Minus(b).Cmp(a) != 0 {
			t.Fatal("a + b - b is not a")
		}
		q, ok := a.Over(b)
		if ok != (b.Sign() != 0) {
			t.Fatalf("Over says %v for a divisor of sign %d", ok, b.Sign())
		}
		if ok && q.Times(b).Cmp(a) != 0 {
			t.Fatal("a / b * b is not a")
		}
	})
}

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		in       string
		decimals int
		want     string
	}{
		{"0.125", 2, "0.13"}, {"-0.125", 2, "-0.13"}, {"0.115", 2, "0.12"}, // halves away from zero, exactly; as a float 0.115 is less
		{"-0.001", 2, "0.00"}, {"2", 1, "2.0"}, {"1234567.5", 0, "1234568"},
	} {
		if got := number(t, c.in).Fixed(c.decimals); got != c.want {
			t.Errorf("%s with %d decimals is %s, want %s", c.in, c.decimals, got, c.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		unit     models.Unit
		currency string
		in, want string
		change   string
	}{
		{models.UnitRate, "USD", "0.1425", "14.3 %", "+14.3 pp"},
		{models.UnitRate, "USD", "-0.0004", "0.0 %", "0.0 pp"},
		{models.UnitMoney, "USD", "1412.5", "$1,412.50", "+$1,412.50"},
		{models.UnitMoney, "USD", "-3", "-$3.00", "-$3.00"},
		{models.UnitMoney, "CHF", "1234567.891", "CHF 1,234,567.89", "+CHF 1,234,567.89"},
		{models.UnitDays, "USD", "41.24", "41.2 days", "+41.2 days"},
		{models.UnitHours, "USD", "1290", "1,290.0 h", "+1,290.0 h"},
		{models.UnitScore, "USD", "-12", "-12.0", "-12.0"},
		{models.UnitScore, "USD", "0", "0.0", "0.0"},
	} {
		if got := Format(c.unit, c.currency, number(t, c.in)); got != c.want {
			t.Errorf("Format(%s, %s) = %q, want %q", c.unit, c.in, got, c.want)
		}
		if got := FormatChange(c.unit, c.currency, number(t, c.in)); got != c.change {
			t.Errorf("FormatChange(%s, %s) = %q, want %q", c.unit, c.in, got, c.change)
		}
	}
}
