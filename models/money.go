package models

import (
	"strconv"
	"strings"
)

// Money is an exact amount in ten-thousandths of the currency unit (DECIMAL(18,4) in the store). Sums never round;
// rounding to cents happens on screen and in workbooks only.
type Money int64

// MoneyScale is the number of Money units in one currency unit.
const MoneyScale = 10000

// ParseMoney reads a plain decimal such as "-12.5" or "1234.5678". Exponents, thousands separators, currency signs and
// more than four decimals that are not zero are errors: nothing is cut silently.
func ParseMoney(s string) (Money, error) {
	bad := func(why string) (Money, error) {
		return 0, &Error{Kind: KindInvalid, Message: "amount is not a plain decimal: " + why, Mend: "write it like 1234.56"}
	}
	text := strings.TrimSpace(s)
	neg := strings.HasPrefix(text, "-")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	whole, frac, _ := strings.Cut(text, ".")
	if whole == "" && frac == "" {
		return bad("empty")
	}
	if len(frac) > 4 {
		if strings.Trim(frac[4:], "0") != "" {
			return bad("more than four decimals")
		}
		frac = frac[:4]
	}
	digits := whole + frac + strings.Repeat("0", 4-len(frac))
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return bad("unexpected character")
		}
	}
	if len(strings.TrimLeft(digits, "0")) > 17 {
		return bad("too large")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return bad("too large")
	}
	if neg {
		n = -n
	}
	return Money(n), nil
}

// String writes the amount with at least two decimals and no trailing zeros beyond them: "12.50", "0.1234".
func (m Money) String() string {
	sign, n := "", int64(m)
	if n < 0 {
		sign, n = "-", -n
	}
	frac := strconv.FormatInt(n%MoneyScale+MoneyScale, 10)[1:]
	frac = frac[:2] + strings.TrimRight(frac[2:], "0")
	return sign + strconv.FormatInt(n/MoneyScale, 10) + "." + frac
}
