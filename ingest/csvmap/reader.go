package csvmap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"carereach/models"
)

// MaxRow is the size limit of one row in bytes; a longer one is too_large.
const MaxRow = 4 << 20

// maxHeld is how many bytes of one record are held at most: a longer line is cut, a quotation mark that is not closed
// within them is taken for a stray one. The memory of a Reader stays below three times this.
const maxHeld = 16 << 20

// Row is one record of a file.
type Row struct {
	Line  int      // line of the file on which it starts, the first line being 1
	Cells []string // as many as the header has names; not trimmed
	Raw   []byte   // the record as the file holds it, without line end; valid until the next call of Next
}

// Reader streams the rows of a CSV file. It detects the delimiter (comma, semicolon, tab or bar), byte-order marks, UTF-16
// with a mark, UTF-8 and, row by row, Windows-1252 (which includes what Latin-1 can print). Lines end with LF, CRLF or CR.
// A Reader belongs to one goroutine.
type Reader struct {
	in     *bufio.Reader
	comma  byte
	marked bool // a byte-order mark said UTF-8: nothing else is accepted
	header Header
	next   int    // number of the next line of the file
	held   []line // lines read before and to be read again, in order
	raw    []byte
	parse  record
}

// line is one physical line of the file.
type line struct {
	number int
	text   []byte // without its end
	end    []byte // "\n", "\r\n", "\r"; empty at the end of the file
	cut    bool   // longer than maxHeld; the rest is gone
}

// NewReader reads up to the header. A file that cannot be read so far is a *models.Reject (unreadable_file); an error of
// the underlying reader comes back as it is.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 1<<16), comma: ',', next: 1}
	if err := r.detectEncoding(); err != nil {
		return nil, err
	}
	first, err := r.headerLine()
	if err != nil {
		return nil, err
	}
	if len(bytes.Trim(first.text, " \t")) == 5 && bytes.HasPrefix(bytes.ToLower(first.text), []byte("sep=")) {
		r.comma = first.text[4] // a spreadsheet's own line
		if first, err = r.headerLine(); err != nil {
			return nil, err
		}
	} else {
		r.comma = delimiter(first.text)
	}
	row, err := r.record(first)
	var bad *models.Reject
	switch {
	case errors.As(err, &bad):
		return nil, unreadable("its first row is damaged: "+bad.Detail, "export it again")
	case err != nil:
		return nil, err
	}
	r.header = NewHeader(row.Cells)
	return r, nil
}

func unreadable(detail, mend string) *models.Reject {
	return &models.Reject{Reason: models.ReasonUnreadableFile, Where: "file", Detail: detail, Mend: mend}
}

// Header gives the file's header.
func (r *Reader) Header() Header { return r.header }

// Next gives the next row. A bad row gives its *models.Reject together with Line and Raw; reading goes on with the next call.
// io.EOF after the last row; any other error is of the underlying reader and final. Lines without content are no rows.
func (r *Reader) Next() (Row, error) {
	for {
		l, err := r.line()
		if err != nil {
			return Row{}, err
		}
		if len(l.text) == 0 {
			continue
		}
		row, err := r.record(l)
		if err == nil {
			if allEmpty(row.Cells) {
				continue
			}
			if len(row.Cells) != len(r.header.Names) {
				err = &models.Reject{Reason: models.ReasonBadColumn, Where: "row", Mend: "mend the row at the source: a delimiter or quotation mark is missing or too many",
					Detail: strconv.Itoa(len(row.Cells)) + " cells where the header has " + strconv.Itoa(len(r.header.Names))}
			}
		}
		return row, err
	}
}

func allEmpty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimFunc(c, blank) != "" {
			return false
		}
	}
	return true
}

func (r *Reader) detectEncoding() error {
	mark, err := r.in.Peek(3)
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		r.marked = true
		_, err = r.in.Discard(3)
		return err
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		r.marked = true
		decoded := transform.NewReader(r.in, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
		r.in = bufio.NewReaderSize(decoded, 1<<16)
		return nil
	case len(mark) < 3 && err != nil && err != io.EOF:
		return err
	}
	return nil
}

// headerLine gives the first line with content.
func (r *Reader) headerLine() (line, error) {
	for {
		l, err := r.line()
		switch {
		case err == io.EOF: //nolint:errorlint // line gives io.EOF unwrapped
			return l, unreadable("empty", "export it again, with a first row of column names")
		case err != nil:
			return l, err
		case bytes.IndexByte(l.text, 0) >= 0:
			return l, unreadable("NUL bytes in its first row", "save it as UTF-8, or as UTF-16 with a byte-order mark")
		case len(l.text) > MaxRow:
			return l, unreadable("its first line is over "+strconv.Itoa(MaxRow>>20)+" MiB", "is it a CSV file?")
		case strings.TrimFunc(string(l.text), blank) != "":
			return l, nil
		}
	}
}

// delimiter finds the delimiter of a header line: the one that occurs most outside quotation marks.
func delimiter(header []byte) byte {
	var counts [256]int
	quoted := false
	for _, b := range header {
		if b == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[b]++
		}
	}
	best := byte(',')
	for _, b := range []byte(";\t|") {
		if counts[b] > counts[best] {
			best = b
		}
	}
	return best
}

// line gives the next physical line.
func (r *Reader) line() (line, error) {
	if len(r.held) > 0 {
		l := r.held[0]
		r.held = r.held[1:]
		return l, nil
	}
	l := line{number: r.next}
	for {
		if _, err := r.in.Peek(1); err != nil {
			if err == io.EOF && (l.text != nil || l.cut) {
				r.next++
				return l, nil
			}
			return l, err
		}
		chunk, _ := r.in.Peek(r.in.Buffered())
		i := bytes.IndexAny(chunk, "\r\n")
		part := chunk
		if i >= 0 {
			part = chunk[:i]
		}
		if room := maxHeld - len(l.text); len(part) > room {
			part, l.cut = part[:room], true
		}
		l.text = append(l.text, part...)
		if i < 0 {
			_, _ = r.in.Discard(len(chunk))
			continue
		}
		l.end = []byte{chunk[i]}
		_, _ = r.in.Discard(i + 1)
		if l.end[0] == '\r' {
			if b, _ := r.in.Peek(1); len(b) == 1 && b[0] == '\n' {
				_, _ = r.in.Discard(1)
				l.end = []byte("\r\n")
			}
		}
		r.next++
		return l, nil
	}
}

// record reads the record that starts with a line. One with a quotation mark that is never closed, or closed in the
// middle of a cell, is a reject of that line alone: those after it are read again on their own.
func (r *Reader) record(first line) (Row, error) {
	r.parse.reset(r.comma)
	used := []line{first}
	size := len(first.text)
	state := r.parse.feed(first.text)
	for state == open && !first.cut && size <= maxHeld {
		l, err := r.line()
		if err == io.EOF { //nolint:errorlint // line gives io.EOF unwrapped
			break
		}
		if err != nil {
			return Row{Line: first.number}, err
		}
		last := used[len(used)-1]
		r.parse.cell(last.end)
		used = append(used, l)
		size += len(last.end) + len(l.text)
		state = r.parse.feed(l.text)
	}
	if state != done && !first.cut {
		r.held = append(append([]line{}, used[1:]...), r.held...)
		used, size = used[:1], len(first.text)
	}
	r.raw = r.raw[:0]
	for i, l := range used {
		r.raw = append(r.raw, l.text...)
		if i < len(used)-1 {
			r.raw = append(r.raw, l.end...)
		}
	}
	row := Row{Line: first.number, Raw: r.raw}
	if bad := r.damage(first, state, size); bad != nil {
		return row, bad
	}
	var bad *models.Reject
	if row.Cells, bad = r.parse.cells(r.marked); bad != nil {
		return row, bad
	}
	return row, nil
}

// damage says what is wrong with a record as a whole.
func (r *Reader) damage(first line, state state, size int) *models.Reject {
	switch {
	case size > MaxRow || first.cut:
		return &models.Reject{Reason: models.ReasonTooLarge, Where: "row", Detail: "over " + strconv.Itoa(MaxRow>>20) + " MiB", Mend: "leave documents and images out of the export"}
	case state == open:
		return &models.Reject{Reason: models.ReasonBadColumn, Where: "row", Detail: "a quotation mark that is never closed", Mend: "double quotation marks inside cells at the source"}
	case state == broken:
		return &models.Reject{Reason: models.ReasonBadColumn, Where: "row", Detail: "text after a closing quotation mark", Mend: "double quotation marks inside cells at the source"}
	case bytes.IndexByte(r.raw, 0) >= 0:
		return &models.Reject{Reason: models.ReasonBadValue, Where: "row", Detail: "NUL bytes", Mend: "remove them at the source"}
	}
	return nil
}

// state is how a record stands at the end of a line.
type state int

const (
	done   state = iota
	open         // inside a quoted cell
	broken       // text after a closing quotation mark
)

// record parses one record line by line.
type record struct {
	comma  byte
	text   []byte // all cells, one after the other
	ends   []int  // where each cell ends in text
	quoted bool   // inside a quoted cell
}

func (p *record) reset(comma byte) { *p = record{comma: comma, text: p.text[:0], ends: p.ends[:0]} }

// cell adds bytes to the cell that is being read.
func (p *record) cell(b []byte) { p.text = append(p.text, b...) }

func (p *record) endCell() { p.ends = append(p.ends, len(p.text)) }

// feed reads one line; an unquoted cell may hold quotation marks, a quoted one holds them doubled.
func (p *record) feed(b []byte) state {
	for {
		if !p.quoted {
			if len(b) > 0 && b[0] == '"' {
				p.quoted, b = true, b[1:]
				continue
			}
			i := bytes.IndexByte(b, p.comma)
			if i < 0 {
				p.cell(b)
				p.endCell()
				return done
			}
			p.cell(b[:i])
			p.endCell()
			b = b[i+1:]
			continue
		}
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			p.cell(b)
			return open
		}
		p.cell(b[:i])
		b = b[i+1:]
		if len(b) > 0 && b[0] == '"' {
			p.cell(b[:1])
			b = b[1:]
			continue
		}
		rest := bytes.TrimLeft(b, " ")
		switch {
		case len(rest) == 0:
			p.quoted = false
			p.endCell()
			return done
		case rest[0] == p.comma:
			p.quoted, b = false, rest[1:]
			p.endCell()
		default:
			return broken
		}
	}
}

// cells gives the cells as text, decoded from Windows-1252 where they are not UTF-8.
func (p *record) cells(mustBeUTF8 bool) ([]string, *models.Reject) {
	bad := &models.Reject{Reason: models.ReasonBadValue, Where: "row", Detail: "bytes that are no text in the file's encoding", Mend: "export the file as UTF-8"}
	out := make([]string, len(p.ends))
	plain := utf8.Valid(p.text)
	if !plain && mustBeUTF8 {
		return nil, bad
	}
	all, from := string(p.text), 0
	for i, end := range p.ends {
		out[i] = all[from:end]
		if !plain {
			decoded, err := charmap.Windows1252.NewDecoder().String(all[from:end])
			if err != nil || strings.ContainsFunc(decoded, noText) {
				return nil, bad
			}
			out[i] = decoded
		}
		from = end
	}
	return out, nil
}

// noText says whether r stands for a byte that Windows-1252 does not use.
func noText(r rune) bool { return r == utf8.RuneError || r >= 0x80 && r < 0xa0 }
