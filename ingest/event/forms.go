package event

import (
	"strings"
	"time"
	"unicode/utf8"

	"carereach/models"
)

// form is the form a text must have: the Go side of a definition in schemas/common.json.
type form struct {
	ok   func(string) bool
	want string // in words, for the message
}

// formNamed gives the forms by the names of their definitions in schemas/common.json.
func formNamed(name string) form {
	switch name {
	case "id":
		return form{isID, "1 to 256 characters, no control characters, no blanks at the ends"}
	case "uri":
		return form{isURI, "a URI or a short name without blanks"}
	case "unit":
		return form{isURI, "a UCUM unit without blanks"}
	case "postal":
		return form{isPostal, "a postal code"}
	case "word":
		return form{isWord, "a short code of letters, digits and . _ : / + -, at most 64"}
	case "text":
		return form{isText, "at most 1000 characters, no control characters"}
	case "language":
		return form{isLanguage, "a BCP 47 language code such as es or zh-Hant"}
	case "county":
		return form{isCounty, "a county FIPS code of five digits"}
	case "zone":
		return form{isZone, "an IANA zone such as America/New_York"}
	case "currency":
		return form{isCurrency, "an ISO 4217 code of three capitals"}
	case "decimal":
		return form{isDecimal, "a decimal as text, such as \"1234.56\", with at most eleven digits before and four after the point"}
	}
	panic("event: no form " + name)
}

func plainText(s string, most int) bool {
	if len(s) > most && utf8.RuneCountInString(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isText(s string) bool { return s != "" && plainText(s, 1000) }

func isID(s string) bool {
	return s != "" && s[0] != ' ' && s[len(s)-1] != ' ' && plainText(s, 256)
}

func isURI(s string) bool {
	return s != "" && plainText(s, 256) && !strings.ContainsAny(s, " |")
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// only says whether s consists of the characters of set, between least and most of them.
func only(s, set string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, set) == ""
}

func isWord(s string) bool {
	return only(s, lower+upper+digits+"._:/+-", 1, 64) && strings.IndexByte("._:/+-", s[0]) < 0
}

func isLanguage(s string) bool {
	for i, part := range strings.Split(strings.ReplaceAll(s, "_", "-"), "-") {
		if i == 0 && !only(part, lower+upper, 2, 3) || i > 0 && !only(part, lower+upper+digits, 1, 8) {
			return false
		}
	}
	return len(s) <= 64
}

func isPostal(s string) bool {
	return only(s, lower+upper+digits+" -", 1, 16) && s[0] != ' ' && s[0] != '-'
}

func isCounty(s string) bool { return only(s, digits, 5, 5) }

func isZone(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if !only(part, lower+upper+digits+"_+-", 1, 40) || strings.Trim(part[:1], lower+upper) != "" {
			return false
		}
	}
	return len(s) <= 64
}

func isCurrency(s string) bool { return only(s, upper, 3, 3) }

func isDecimal(s string) bool {
	whole, frac, dot := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return only(whole, digits, 1, 11) && (!dot || only(frac, digits, 1, 4))
}

// parseInstant reads an RFC 3339 time: with seconds and zone, capitals T and Z, a fraction of at most nine digits.
func parseInstant(s string) (models.TimeRange, bool) {
	const shape = "0000-00-00T00:00:00"
	if len(s) < len(shape)+1 || len(s) > 35 {
		return models.TimeRange{}, false
	}
	for i := range len(shape) {
		if shape[i] == '0' && (s[i] < '0' || s[i] > '9') || shape[i] != '0' && s[i] != shape[i] {
			return models.TimeRange{}, false
		}
	}
	zone := s[len(shape):]
	if frac, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(frac, digits)
		if n := len(frac) - len(zone); n < 1 || n > 9 {
			return models.TimeRange{}, false
		}
	}
	if zone != "Z" && (len(zone) != 6 || zone[3] != ':') {
		return models.TimeRange{}, false
	}
	r, err := models.ParseFHIRTime(s)
	return r, err == nil
}

// parseWhen reads a time of any precision: YYYY, YYYY-MM, YYYY-MM-DD or an instant.
func parseWhen(s string) (models.TimeRange, bool) {
	if len(s) > 10 {
		return parseInstant(s)
	}
	r, err := models.ParseFHIRTime(s)
	return r, err == nil
}

// leeway is how far a time may lie after its receipt: a day without a zone may have begun elsewhere, and clocks differ.
const leeway = 24 * time.Hour
