package reports

import (
	"encoding/json"
	"math/big"
	"strconv"

	"carereach/models"
)

// Number is an exact rational number. Counts and amounts are added and divided without rounding; a Number is rounded
// when it is shown, and never before. The zero Number is 0. Numbers do not change; they may be shared by goroutines.
type Number struct{ rat *big.Rat }

// Int makes a Number of a count.
func Int(n int64) Number { return Number{new(big.Rat).SetInt64(n)} }

// Float makes the Number that is exactly f; a NaN or an infinity becomes 0.
func Float(f float64) Number {
	r := new(big.Rat)
	if r.SetFloat64(f) == nil {
		return Number{}
	}
	return Number{r}
}

// ParseNumber reads a plain decimal such as "-12.5" or "0.1842". Exponents, fractions, percent signs and separators are
// errors of models.KindUsage.
func ParseNumber(s string) (Number, error) {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' || (i == 0 && (c == '-' || c == '+')):
		default:
			digits = -len(s)
		}
	}
	if r, ok := new(big.Rat).SetString(s); ok && digits > 0 && len(s) <= 40 {
		return Number{r}, nil
	}
	return Number{}, &models.Error{Kind: models.KindUsage, Message: "not a plain decimal number", Mend: "write it like 1234.56; a rate is between 0 and 1: 0.184 for 18.4 %"}
}

// val gives the rational, 0 for the zero Number. It must not be changed.
func (n Number) val() *big.Rat {
	if n.rat == nil {
		return new(big.Rat)
	}
	return n.rat
}

// Plus adds.
func (n Number) Plus(m Number) Number { return Number{new(big.Rat).Add(n.val(), m.val())} }

// Minus subtracts.
func (n Number) Minus(m Number) Number { return Number{new(big.Rat).Sub(n.val(), m.val())} }

// Times multiplies.
func (n Number) Times(m Number) Number { return Number{new(big.Rat).Mul(n.val(), m.val())} }

// Over divides; false when m is 0.
func (n Number) Over(m Number) (Number, bool) {
	if m.Sign() == 0 {
		return Number{}, false
	}
	return Number{new(big.Rat).Quo(n.val(), m.val())}, true
}

// Abs gives the size without the sign.
func (n Number) Abs() Number { return Number{new(big.Rat).Abs(n.val())} }

// Sign is -1, 0 or 1.
func (n Number) Sign() int { return n.val().Sign() }

// Cmp is -1, 0 or 1 as n is less than, equal to or greater than m.
func (n Number) Cmp(m Number) int { return n.val().Cmp(m.val()) }

// Float gives the nearest floating-point number: what a spreadsheet cell and JSON hold.
func (n Number) Float() float64 {
	f, _ := n.val().Float64()
	return f
}

// Fixed writes n with that many decimals, halves rounded away from zero. Minus zero is written as zero.
func (n Number) Fixed(decimals int) string {
	s := n.val().FloatString(decimals)
	if n.Sign() < 0 {
		if r, ok := new(big.Rat).SetString(s); ok && r.Sign() == 0 {
			return s[1:]
		}
	}
	return s
}

// MarshalJSON writes Float with as many digits as it takes to read the same float back.
func (n Number) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, n.Float(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a JSON number without rounding it.
func (n *Number) UnmarshalJSON(b []byte) error {
	var text json.Number
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	r, ok := new(big.Rat).SetString(text.String())
	if !ok || b[0] == '"' {
		return &models.Error{Kind: models.KindUsage, Message: "not a number"}
	}
	n.rat = r
	return nil
}
