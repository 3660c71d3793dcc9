package fhir

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"carereach/models"
)

// maxDepth is how deep objects and arrays may nest. Questionnaires and nested extensions of real feeds stay below 40.
const maxDepth = 100

// manyKeys is the number of keys from which an object's keys are looked up in a map and no longer compared one by one.
const manyKeys = 32

// scanner checks that a record is strict JSON before it is parsed: fastjson's parser lets wrong numbers, control
// characters and repeated keys pass, and its validator has no limit of depth. It checks RFC 8259 grammar, UTF-8 without
// NUL or half surrogate pairs, depth, and that no object has a key twice.
type scanner struct {
	b       []byte
	i       int
	depth   int
	keys    [][]byte // keys of the objects that are open, the innermost object's last
	entries [][2]int // where the elements of the top-level array "entry" lie; filled when wanted
	want    bool     // collect entries
	left    int      // how many more values the object may hold
}

// scan checks raw, which must hold one JSON object of at most limit values. With entries it remembers the elements of
// Bundle.entry.
func (s *scanner) scan(raw []byte, limit int, entries bool) *models.Reject {
	s.b, s.i, s.depth, s.left, s.want = raw, 0, 0, limit, entries
	s.keys, s.entries = s.keys[:0], s.entries[:0]
	if !utf8.Valid(raw) {
		return badJSON(firstInvalid(raw), "not UTF-8")
	}
	if len(raw) >= 3 && string(raw[:3]) == "\xef\xbb\xbf" {
		return badJSON(0, "starts with a byte order mark")
	}
	s.blank()
	if s.i == len(raw) {
		return badJSON(s.i, "empty")
	}
	if raw[s.i] != '{' {
		return badJSON(s.i, "not a JSON object")
	}
	fault := s.object()
	if fault == "" {
		if s.blank(); s.i < len(raw) {
			fault = "something follows the end of the object"
		}
	}
	clear(s.keys[:cap(s.keys)]) // do not hold on to the input
	switch fault {
	case "":
		return nil
	case tooMany:
		return &models.Reject{Reason: models.ReasonTooLarge, Where: "byte " + strconv.Itoa(s.i), Detail: tooMany, Mend: "split the record or raise the limit"}
	}
	return badJSON(s.i, fault)
}

func badJSON(at int, what string) *models.Reject {
	return &models.Reject{Reason: models.ReasonBadJSON, Where: "byte " + strconv.Itoa(at), Detail: what,
		Mend: "send each resource as one complete JSON object in UTF-8"}
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

func (s *scanner) blank() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return
		}
	}
}

// peek gives the next byte that is not blank, 0 at the end.
func (s *scanner) peek() byte {
	s.blank()
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// Faults that are compared.
const (
	cutShort = "cut short"
	tooMany  = "too many JSON values for the size limit"
)

// The scanning methods below start at their first byte, end behind their last and give the fault found, "" for none.

func (s *scanner) value() string {
	if s.left--; s.left < 0 {
		return tooMany
	}
	switch s.peek() {
	case '{':
		return s.object()
	case '[':
		return s.array(false)
	case '"':
		_, fault := s.str()
		return fault
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	case 0:
		if s.i == len(s.b) {
			return cutShort
		}
		return "NUL byte"
	}
	return s.number()
}

func (s *scanner) word(w string) string {
	rest := s.b[s.i:]
	if len(rest) < len(w) && w[:len(rest)] == string(rest) {
		s.i = len(s.b)
		return cutShort
	}
	if len(rest) < len(w) || string(rest[:len(w)]) != w {
		return "unexpected character"
	}
	s.i += len(w)
	return ""
}

func (s *scanner) object() string {
	if s.depth++; s.depth > maxDepth {
		return "nested too deeply"
	}
	s.i++
	base := len(s.keys)
	var seen map[string]struct{}
	if s.peek() == '}' {
		return s.leave(base)
	}
	for {
		if s.peek() != '"' {
			return s.expected("a key in quotes")
		}
		key, fault := s.key()
		if fault != "" {
			return fault
		}
		if seen, fault = s.note(base, key, seen); fault != "" {
			return fault
		}
		if s.peek() != ':' {
			return s.expected("a colon")
		}
		s.i++
		if s.want && s.depth == 1 && string(key) == "entry" && s.peek() == '[' {
			fault = s.array(true)
		} else {
			fault = s.value()
		}
		if fault != "" {
			return fault
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			return s.leave(base)
		default:
			return s.expected("a comma or closing brace")
		}
	}
}

// find looks for a key of the object that starts here and stops at its value.
func (s *scanner) find(want string) (found bool, fault string) {
	for s.i++; s.peek() == '"'; s.i++ {
		key, fault := s.key()
		if fault != "" {
			return false, fault
		}
		if s.peek() != ':' {
			return false, s.expected("a colon")
		}
		s.i++
		if string(key) == want {
			return true, ""
		}
		if fault := s.value(); fault != "" {
			return false, fault
		}
		if s.peek() != ',' {
			break
		}
	}
	if s.peek() != '}' {
		return false, s.expected("a key in quotes")
	}
	return false, ""
}

func (s *scanner) array(entries bool) string {
	if s.depth++; s.depth > maxDepth {
		return "nested too deeply"
	}
	s.i++
	if s.peek() == ']' {
		return s.leave(len(s.keys))
	}
	for {
		s.blank()
		start := s.i
		if fault := s.value(); fault != "" {
			return fault
		}
		if entries {
			s.entries = append(s.entries, [2]int{start, s.i})
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			return s.leave(len(s.keys))
		default:
			return s.expected("a comma or closing bracket")
		}
	}
}

func (s *scanner) leave(base int) string {
	s.i++
	s.depth--
	s.keys = s.keys[:base]
	return ""
}

func (s *scanner) expected(what string) string {
	if s.i == len(s.b) {
		return cutShort
	}
	if s.b[s.i] == 0 {
		return "NUL byte"
	}
	return "expected " + what
}

// note remembers a key of the object whose keys start at base and faults one that was there before. seen is nil until
// the object has many keys.
func (s *scanner) note(base int, key []byte, seen map[string]struct{}) (map[string]struct{}, string) {
	const twice = "an object has the same key twice"
	mine := s.keys[base:]
	if seen == nil && len(mine) == manyKeys {
		seen = make(map[string]struct{}, 2*manyKeys)
		for _, k := range mine {
			seen[string(k)] = struct{}{}
		}
	}
	if seen != nil {
		if _, ok := seen[string(key)]; ok {
			return seen, twice
		}
		seen[string(key)] = struct{}{}
		return seen, ""
	}
	for _, k := range mine {
		if string(k) == string(key) {
			return nil, twice
		}
	}
	s.keys = append(s.keys, key)
	return nil, ""
}

// plain[c] is true for bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return t
}()

// str reads a string and reports whether it has escape sequences.
func (s *scanner) str() (escaped bool, fault string) {
	i := s.i + 1
	for {
		for i < len(s.b) && plain[s.b[i]] {
			i++
		}
		if i == len(s.b) {
			s.i = i
			return escaped, cutShort
		}
		switch s.b[i] {
		case '"':
			s.i = i + 1
			return escaped, ""
		case '\\':
			escaped = true
			if _, i, fault = s.escape(i); fault != "" {
				s.i = i
				return escaped, fault
			}
		case 0:
			s.i = i
			return escaped, "NUL byte"
		default:
			s.i = i
			return escaped, "control character inside a string"
		}
	}
}

// key reads the key of an object and gives its value.
func (s *scanner) key() ([]byte, string) {
	start := s.i + 1
	escaped, fault := s.str()
	if fault != "" || !escaped {
		return s.b[start:max(start, s.i-1)], fault
	}
	var text []byte
	for i := start; i < s.i-1; {
		if s.b[i] != '\\' {
			text = append(text, s.b[i])
			i++
			continue
		}
		var r rune
		r, i, _ = s.escape(i)
		text = utf8.AppendRune(text, r)
	}
	return text, ""
}

// escape reads the escape sequence at i and gives its character and the place behind it.
func (s *scanner) escape(i int) (rune, int, string) {
	if i+1 >= len(s.b) {
		return 0, len(s.b), cutShort
	}
	switch s.b[i+1] {
	case '"', '\\', '/':
		return rune(s.b[i+1]), i + 2, ""
	case 'b':
		return '\b', i + 2, ""
	case 'f':
		return '\f', i + 2, ""
	case 'n':
		return '\n', i + 2, ""
	case 'r':
		return '\r', i + 2, ""
	case 't':
		return '\t', i + 2, ""
	case 'u':
		return s.unicode(i)
	}
	return 0, i, "unknown escape sequence"
}

func (s *scanner) unicode(i int) (rune, int, string) {
	r, ok := s.hex4(i + 2)
	switch {
	case !ok && i+6 > len(s.b):
		return 0, len(s.b), cutShort
	case !ok:
		return 0, i, "unknown escape sequence"
	case r == 0:
		return 0, i, "NUL byte"
	case r < 0xD800 || r > 0xDFFF:
		return r, i + 6, ""
	case r > 0xDBFF:
		return 0, i, "half of a surrogate pair"
	}
	if rest := s.b[i+6:]; len(rest) < 6 && bytes.IndexByte(rest, '"') < 0 {
		return 0, len(s.b), cutShort
	}
	low, ok := s.hex4(i + 8)
	if !ok || s.b[i+6] != '\\' || s.b[i+7] != 'u' || low < 0xDC00 || low > 0xDFFF {
		return 0, i, "half of a surrogate pair"
	}
	return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, i + 12, ""
}

func (s *scanner) hex4(i int) (rune, bool) {
	if i+4 > len(s.b) {
		return 0, false
	}
	var r rune
	for _, c := range s.b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (s *scanner) number() string {
	if s.b[s.i] == '-' {
		s.i++
	}
	switch {
	case s.i < len(s.b) && s.b[s.i] == '0':
		s.i++
	case !s.digits():
		return s.badNumber()
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return s.badNumber()
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return s.badNumber()
		}
	}
	return ""
}

func (s *scanner) badNumber() string {
	if s.i == len(s.b) {
		return cutShort
	}
	return "unexpected character"
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}
