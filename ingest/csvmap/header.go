package csvmap

import (
	"strconv"
	"strings"
	"unicode"
)

// Header is the first row of a file: names and where they stand.
type Header struct {
	Names []string // as the file spells them, trimmed

	keys  []string       // folded, and made unique: "phone", "phone#2"
	index map[string]int // folded name → first column
	twice map[string]bool
}

// NewHeader makes a Header of names.
func NewHeader(names []string) Header {
	h := Header{Names: make([]string, len(names)), keys: make([]string, len(names)), index: make(map[string]int, len(names)), twice: map[string]bool{}}
	seen := map[string]int{}
	for i, name := range names {
		h.Names[i] = strings.TrimFunc(name, blank)
		key := fold(name)
		seen[key]++
		h.keys[i] = key
		if n := seen[key]; n > 1 || key == "" {
			h.keys[i] = key + "#" + strconv.Itoa(i+1)
			h.twice[key] = key != ""
			continue
		}
		h.index[key] = i
	}
	return h
}

// has reports whether a column is there under one of its names.
func (h Header) has(c *column) bool {
	for _, key := range c.keys {
		if _, ok := h.index[key]; ok {
			return true
		}
	}
	return false
}

// fold brings the spellings of a header name together: its letters and digits, in lower case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// blank says whether r is white space, a zero-width space or a byte-order mark.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' || r == '\u00a0' }

// looksLikeData says whether what stands where the header belongs is a row of data: then its cells are not to be shown.
func looksLikeData(names []string) bool {
	for _, name := range names {
		digits := 0
		for _, r := range name {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		if strings.ContainsRune(name, '@') || len(name) > 60 || digits > 0 && 2*digits >= len(name) {
			return true
		}
	}
	return false
}

// shownNames lists header names for a message, or says how many there are when they may be data.
func shownNames(names []string) string {
	if looksLikeData(names) {
		return strconv.Itoa(len(names)) + " cells that look like data, not like names"
	}
	if len(names) > 40 {
		return strings.Join(names[:40], ", ") + " and " + strconv.Itoa(len(names)-40) + " more"
	}
	return strings.Join(names, ", ")
}
