package fhir

import "carereach/models"

// Codes, units and statuses come from small vocabularies: a word seen before is given out again instead of being copied.
// The cache starts afresh when it is full, and long words never enter it, so that its size stays below 20 MB, whatever is sent.
const (
	maxWords    = 1 << 14
	maxWordSize = 128
)

type wordCache struct {
	text     map[string]any // string
	codes    map[string]any // string, by the system and code as received
	concepts map[string]any // []string of one code, by the same
	buf      []byte
}

func newWordCache() wordCache {
	return wordCache{text: map[string]any{}, codes: map[string]any{}, concepts: map[string]any{}}
}

// word gives b as a string in an any.
func (c *wordCache) word(b []byte) any {
	if w, ok := c.text[string(b)]; ok {
		return w
	}
	s := string(b)
	return remember(c.text, s, s)
}

// code gives "system|code" as a string in an any, the system in its normal form.
func (c *wordCache) code(system, code []byte) any {
	c.buf = append(append(append(c.buf[:0], system...), '|'), code...)
	if w, ok := c.codes[string(c.buf)]; ok {
		return w
	}
	return remember(c.codes, string(c.buf), models.CodeKey(models.NormalSystem(string(system)), string(code)))
}

// concept gives a list of that one code in an any.
func (c *wordCache) concept(system, code []byte) any {
	key := c.code(system, code) // leaves what was received in buf
	if w, ok := c.concepts[string(c.buf)]; ok {
		return w
	}
	return remember(c.concepts, string(c.buf), []string{key.(string)})
}

func remember(m map[string]any, key string, v any) any {
	if len(key) <= maxWordSize {
		if len(m) >= maxWords {
			clear(m)
		}
		m[key] = v
	}
	return v
}
