package files

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"slices"

	"carereach/ingest/intake"
)

// value is one JSON value of a file, or a stretch of it that is none.
type value struct {
	line  int64  // where it starts
	body  []byte // at most intake.MaxBody bytes of it
	size  int64  // its length
	wrong string // why it is no JSON value; "" when its brackets and commas are in order
}

// splitter takes a file of JSON values apart: values one after the other, on one line or over many, and the elements of
// arrays. A value that is broken never takes more of the file along than it must: it ends before the next line that begins
// with an opening bracket, unless that line can belong to it. Numbers, words and the inside of strings are not looked at.
//
// Its memory is one value, at most intake.MaxBody.
type splitter struct {
	in    *bufio.Reader
	line  int64 // of the next byte
	array bool  // inside an array whose elements are the values
	shape shape

	buf  []byte // of the value that is read
	size int64
	back []byte // given back, to be read again before in
}

func newSplitter(in *bufio.Reader) *splitter {
	if mark, _ := in.Peek(len(utf8Mark)); bytes.Equal(mark, utf8Mark) {
		_, _ = in.Discard(len(utf8Mark))
	}
	return &splitter{in: in, line: 1}
}

// next gives the next value; io.EOF behind the last. Another error is the reader's, with what was read of a value.
func (s *splitter) next() (value, error) {
	for {
		c, err := s.skipBlanks()
		if err == io.EOF && s.array { //nolint:errorlint // as io.Reader
			s.array = false
			return value{line: s.line, wrong: "an array that is never closed"}, nil
		}
		if err != nil {
			return value{line: s.line}, err
		}
		switch {
		case c == '[' && !s.array:
			s.array = true
		case c == ']' && s.array:
			s.array = false
		case c == ',' && s.array:
		case c == '{':
			return s.object()
		default:
			return s.rubbish()
		}
		s.skip(1)
	}
}

// chunk gives bytes that are at hand, at least one.
func (s *splitter) chunk() ([]byte, error) {
	if len(s.back) > 0 {
		return s.back, nil
	}
	if _, err := s.in.Peek(1); err != nil {
		return nil, err
	}
	return s.in.Peek(s.in.Buffered())
}

// skip moves over n of the bytes that chunk gave.
func (s *splitter) skip(n int) {
	if len(s.back) > 0 {
		s.back = s.back[n:]
		return
	}
	_, _ = s.in.Discard(n)
}

// nextIs reports whether the next byte is one of those given.
func (s *splitter) nextIs(any ...byte) bool {
	b, err := s.chunk()
	return err == nil && slices.Contains(any, b[0])
}

// skipBlanks moves to the next byte that is not white space and gives it.
func (s *splitter) skipBlanks() (byte, error) {
	for {
		b, err := s.chunk()
		if err != nil {
			return 0, err
		}
		for i, c := range b {
			switch c {
			case '\n':
				s.line++
			case ' ', '\t', '\r':
			default:
				s.skip(i)
				return c, nil
			}
		}
		s.skip(len(b))
	}
}

// take moves the bytes b, which chunk gave, to the value.
func (s *splitter) take(b []byte) {
	s.size += int64(len(b))
	s.line += int64(bytes.Count(b, []byte{'\n'}))
	s.buf = append(s.buf, b[:min(len(b), intake.MaxBody-len(s.buf))]...)
	s.skip(len(b))
}

// giveBack takes what follows the first n bytes out of the value, to be read again.
func (s *splitter) giveBack(n int) {
	rest := bytes.Clone(s.buf[n:])
	s.line -= int64(bytes.Count(rest, []byte{'\n'}))
	s.back = append(rest, s.back...)
	s.buf, s.size = s.buf[:n], int64(n)
}

// done gives the value that was read.
func (s *splitter) done(line int64, wrong string) value {
	v := value{line: line, size: s.size, wrong: wrong}
	if len(s.buf) > 1<<20 {
		v.body, s.buf = s.buf, nil // long ones are handed over, not copied
	} else {
		v.body = bytes.Clone(s.buf)
		s.buf = s.buf[:0]
	}
	s.size = 0
	return v
}

// object reads a value that starts with a curly bracket.
func (s *splitter) object() (value, error) {
	start := s.line
	s.shape.reset()
	compact := false // its first line holds more than the bracket: it may be meant to be one line
	other := -1      // where in it a line began that may be a part of it, or the next value behind one that was cut short
	for {
		b, err := s.chunk()
		if err == io.EOF { //nolint:errorlint // as io.Reader
			if other >= 0 && beginsResource(s.buf[other:]) { // the next line of a list of values, not a part of this one
				s.giveBack(other)
			}
			return s.trimmed(s.done(start, "cut short")), nil
		}
		if err != nil {
			return s.done(start, ""), err
		}
		firstLine := s.line == start
		n, what := s.shape.feed(b)
		s.take(b[:n])
		switch what {
		case complete:
			return s.done(start, ""), nil
		case broken:
			return s.resync(start, "brackets, commas or quotation marks that do not match")
		case lineEnd:
			if firstLine {
				compact = len(bytes.TrimRight(s.buf, " \t\r\n")) > 1
			}
			if !s.nextIs('{') {
				if _, err := s.chunk(); err == nil { // at the end of the file the last line may still be one of its own
					other = -1
				}
				continue
			}
			if !s.shape.wantsValue() {
				if other >= 0 {
					s.giveBack(other)
				}
				return s.trimmed(s.done(start, "cut short: the line ends inside the value")), nil
			}
			if other = -1; compact && s.size == int64(len(s.buf)) {
				other = len(s.buf)
			}
		}
	}
}

// resourceStart is how a resource and an event begin that stand on a line of their own.
var resourceStart = regexp.MustCompile(`^\{\s*"(resourceType|specversion)"`)

// beginsResource reports whether b begins as such a line does.
func beginsResource(b []byte) bool { return resourceStart.Match(b) }

// resync ends a broken value before the next line that begins with an opening bracket.
func (s *splitter) resync(start int64, wrong string) (value, error) {
	for {
		b, err := s.chunk()
		if err == io.EOF { //nolint:errorlint // as io.Reader
			return s.trimmed(s.done(start, wrong)), nil
		}
		if err != nil {
			return s.done(start, ""), err
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.take(b)
			continue
		}
		s.take(b[:i+1])
		if s.nextIs('{', '[') {
			return s.trimmed(s.done(start, wrong)), nil
		}
	}
}

// rubbish reads what is no value, up to the next line that may begin one.
func (s *splitter) rubbish() (value, error) {
	s.array = false
	return s.resync(s.line, "not a JSON object")
}

// trimmed takes the white space behind a broken value off, if all of the value was kept.
func (s *splitter) trimmed(v value) value {
	if v.size == int64(len(v.body)) {
		v.body = bytes.TrimRight(v.body, " \t\r\n")
		v.size = int64(len(v.body))
	}
	return v
}
