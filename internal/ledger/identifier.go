package ledger

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"carereach/models"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// IdentifierKind is a kind of identifier by which a patient can be found.
type IdentifierKind string

// Record numbers are those of the patient; telephone and e-mail also those of persons related to them.
const (
	ByRecordNumber IdentifierKind = "mrn"
	ByPhone        IdentifierKind = "phone"
	ByEmail        IdentifierKind = "email"
)

// term is one entry of the blind index: the keyed hash of an identifier's normal form.
type term struct {
	kind  IdentifierKind
	value [16]byte
}

// term hashes an identifier; ok is false when nothing is left of it.
func (l *Ledger) term(kind IdentifierKind, value string) (term, bool) {
	text := normalIdentifier(kind, value, l.region)
	if text == "" {
		return term{}, false
	}
	sum := l.keys.index.sum("identifier", string(kind), text)
	return term{kind, [16]byte(sum[:16])}, true
}

// normalIdentifier brings the spellings of one identifier together; "" when nothing is left. Applying it twice changes nothing:
// Unicode's case rules, and telephone numbers of zeros, need more than one reading.
func normalIdentifier(kind IdentifierKind, value, region string) string {
	for range 32 {
		next := readIdentifier(kind, value, region)
		if next == value {
			break
		}
		value = next
	}
	return value
}

func readIdentifier(kind IdentifierKind, value, region string) string {
	text := strings.TrimSpace(norm.NFKC.String(value))
	switch kind {
	case ByPhone:
		return readPhone(text, region)
	case ByEmail:
		return strings.TrimSpace(strings.TrimPrefix(strings.ToLower(text), "mailto:"))
	case ByRecordNumber:
		return strings.ToUpper(strings.Join(strings.Fields(text), " "))
	}
	return ""
}

// readPhone gives E.164; what cannot be a telephone number keeps its digits.
func readPhone(text, region string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	for _, try := range [...]string{text, digits} {
		if n, err := phonenumbers.Parse(try, region); err == nil && phonenumbers.IsPossibleNumber(n) {
			return phonenumbers.Format(n, phonenumbers.E164)
		}
	}
	return digits
}

// recordTypes are the identifier types (HL7 table 0203) by which staff name a patient; feeds often leave the type out.
var recordTypes = [...]string{"MR", "PI", "PT", ""}

// terms gives the index entries of an identity, each once, in the order of the index.
func (l *Ledger) terms(kind RecordKind, id models.Identity) []term {
	var out []term
	add := func(k IdentifierKind, value string) {
		if t, ok := l.term(k, value); ok && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	for _, c := range id.Telecom {
		switch c.System {
		case "phone", "sms":
			add(ByPhone, c.Value)
		case "email":
			add(ByEmail, c.Value)
		}
	}
	if kind == OfPatient {
		for _, i := range id.Identifiers {
			if slices.Contains(recordTypes[:], i.Type) {
				add(ByRecordNumber, i.Value)
			}
		}
	}
	slices.SortFunc(out, func(a, b term) int {
		return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), bytes.Compare(a.value[:], b.value[:]))
	})
	return out
}
