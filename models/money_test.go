package models

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for in, want := range map[string]Money{"0": 0, "12.5": 125000, "-12.50": -125000, "+3": 30000, ".5": 5000, "7.": 70000, "1.23450000": 12345, "0.0001": 1, " 4.2 ": 42000} {
		if got, err := ParseMoney(in); err != nil || got != want {
			t.Errorf("ParseMoney(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", ".", "1e3", "1,000", "$5", "0.00001", "NaN", "--1", "123456789012345678", "1.2.3", "１"} {
		if got, err := ParseMoney(in); err == nil {
			t.Errorf("ParseMoney(%q) = %d, want an error", in, got)
		}
	}
}

// Writing an amount and reading it again gives the same amount, and it is the decimal it says.
func TestMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money(rapid.Int64Range(-9_999_999_999_999, 9_999_999_999_999).Draw(t, "m"))
		back, err := ParseMoney(m.String())
		if err != nil || back != m {
			t.Fatalf("%d written %s read %d, %v", m, m, back, err)
		}
		r, ok := new(big.Rat).SetString(m.String())
		if !ok || r.Cmp(big.NewRat(int64(m), MoneyScale)) != 0 {
			t.Fatalf("%s is not %d/%d", m, m, MoneyScale)
		}
	})
}
