package reports

import (
	"strings"

	"carereach/models"
)

// CurrencyPrefix is what stands before an amount: the sign of the common currencies, else the code and a space.
func CurrencyPrefix(code string) string {
	switch code {
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	}
	return code + " "
}

// Format writes a value of a KPI for people: "14.3 %", "$1,412.50", "41.2 days", "120.0 h", "32.1". This is the only
// place outside the workbook's number formats where a value is rounded.
func Format(unit models.Unit, currency string, n Number) string {
	switch unit {
	case models.UnitRate:
		return n.Times(Int(100)).Fixed(1) + " %"
	case models.UnitMoney:
		amount := n.Fixed(2)
		if digits, negative := strings.CutPrefix(amount, "-"); negative {
			return "-" + CurrencyPrefix(currency) + group(digits)
		}
		return CurrencyPrefix(currency) + group(amount)
	case models.UnitDays:
		return n.Fixed(1) + " days"
	case models.UnitHours:
		return group(n.Fixed(1)) + " h"
	}
	return group(n.Fixed(1))
}

// FormatChange writes a difference with its sign: rates in percentage points, "-2.9 pp".
func FormatChange(unit models.Unit, currency string, n Number) string {
	sign := "+"
	if n.Sign() < 0 {
		sign = "-"
	}
	if unit == models.UnitRate {
		points := n.Abs().Times(Int(100)).Fixed(1)
		if strings.Trim(points, "0.") == "" {
			sign = ""
		}
		return sign + points + " pp"
	}
	if n.Sign() == 0 {
		sign = ""
	}
	return sign + Format(unit, currency, n.Abs())
}

// Show writes the value, or "no data: reason".
func (v KPIValue) Show(currency string) string {
	if v.Value == nil {
		return "no data: " + v.Reason
	}
	return Format(v.Unit, currency, *v.Value)
}

// group puts commas between thousands: "1,234.50".
func group(s string) string {
	sign, digits := "", s
	if strings.HasPrefix(s, "-") {
		sign, digits = "-", s[1:]
	}
	whole, frac, dotted := strings.Cut(digits, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if dotted {
		return sign + b.String() + "." + frac
	}
	return sign + b.String()
}
