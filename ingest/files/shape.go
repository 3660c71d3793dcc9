package files

// verdict is how feeding a shape ended.
type verdict int

const (
	more     verdict = iota // all bytes taken, the value goes on
	lineEnd                 // a line ends inside the value; its end is the last byte taken
	complete                // the value ends with the last byte taken
	broken                  // the next byte cannot stand where it does
)

// What a shape may meet next.
const (
	wantValue = iota
	wantValueOrEnd
	wantKeyOrEnd
	wantKey
	wantColon
	wantCommaOrEnd
)

// maxDepth bounds how deep brackets may be nested; FHIR needs a few dozen.
const maxDepth = 4096

// shape follows the brackets, commas, colons and strings of one JSON value that starts with a curly bracket.
type shape struct {
	open   []byte // closing brackets that are to come
	want   int
	text   bool // inside a string
	escape bool // behind a backslash in it
	word   bool // inside a number, true, false or null
}

func (p *shape) reset() { *p = shape{open: p.open[:0]} }

// wantsValue reports whether an opening bracket may come next.
func (p *shape) wantsValue() bool {
	return !p.text && !p.word && (p.want == wantValue || p.want == wantValueOrEnd)
}

// feed takes bytes until something is decided, and says how many.
func (p *shape) feed(b []byte) (int, verdict) {
	for i := 0; i < len(b); {
		if p.text {
			n, ok := p.string(b[i:])
			if i += n; !ok {
				return i, broken
			}
			continue
		}
		c := b[i]
		switch c {
		case ' ', '\t', '\r':
			p.word = false
			i++
		case '\n':
			p.word = false
			return i + 1, lineEnd
		default:
			if !p.mark(c) {
				return i, broken
			}
			i++
			if len(p.open) == 0 {
				return i, complete
			}
		}
	}
	return len(b), more
}

// string takes bytes up to the end of a string or of b; a line end inside a string is an error.
func (p *shape) string(b []byte) (int, bool) {
	for i, c := range b {
		switch {
		case c == '\n':
			return i, false
		case p.escape:
			p.escape = false
		case c == '\\':
			p.escape = true
		case c == '"':
			p.text = false
			return i + 1, true
		}
	}
	return len(b), true
}

// mark takes one byte outside strings and white space, and says whether it may stand there.
func (p *shape) mark(c byte) bool {
	word := p.word
	p.word = false
	switch c {
	case '{', '[':
		return p.push(c)
	case '}', ']':
		return p.pop(c)
	case ',':
		if p.want != wantCommaOrEnd {
			return false
		}
		if p.want = wantValue; p.open[len(p.open)-1] == '}' {
			p.want = wantKey
		}
		return true
	case ':':
		ok := p.want == wantColon
		p.want = wantValue
		return ok
	case '"':
		switch p.want {
		case wantKey, wantKeyOrEnd:
			p.want = wantColon
		case wantValue, wantValueOrEnd:
			p.want = wantCommaOrEnd
		default:
			return false
		}
		p.text = true
		return true
	}
	p.word = true
	if word {
		return true
	}
	ok := p.want == wantValue || p.want == wantValueOrEnd
	p.want = wantCommaOrEnd
	return ok && len(p.open) > 0
}

func (p *shape) push(c byte) bool {
	if p.want != wantValue && p.want != wantValueOrEnd || len(p.open) == maxDepth {
		return false
	}
	if c == '{' {
		p.open, p.want = append(p.open, '}'), wantKeyOrEnd
	} else {
		p.open, p.want = append(p.open, ']'), wantValueOrEnd
	}
	return true
}

func (p *shape) pop(c byte) bool {
	empty := wantKeyOrEnd
	if c == ']' {
		empty = wantValueOrEnd
	}
	if len(p.open) == 0 || p.open[len(p.open)-1] != c || p.want != wantCommaOrEnd && p.want != empty {
		return false
	}
	p.open, p.want = p.open[:len(p.open)-1], wantCommaOrEnd
	return true
}
