package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
	"carereach/models"
)

// csv reads a file of rows by the mapping that recognises it. The rows of a file that none does stay in the file: the log
// gets one record, with the header's names as its body, and the file is loaded again once there is a mapping.
func (l *loader) csv(file *bufio.Reader) error {
	in := &tail{in: file}
	rows, err := csvmap.NewReader(in)
	var bad *models.Reject
	if errors.As(err, &bad) {
		return l.add(intake.Record{Format: intake.FormatFile, Line: 1, Body: in.head, Reject: bad})
	}
	if err != nil {
		return l.unreadable(err, 1, in.last())
	}
	mapping, err := csvmap.Pick(l.o.Mappings, l.name, rows.Header())
	if err == nil {
		err = mapping.Check(rows.Header())
	}
	if err != nil {
		names := []byte(strings.Join(rows.Header().Names, ","))
		return l.add(intake.Record{Format: intake.FormatFile, Line: 1, Body: names, Reject: rejectOf(err)})
	}
	if err := l.define(mapping); err != nil {
		return err
	}
	format, line := intake.FormatCSV+mapping.Hash(), int64(1)
	for {
		row, err := rows.Next()
		if err == io.EOF { //nolint:errorlint // Next gives io.EOF unwrapped
			return nil
		}
		r := intake.Record{Format: format, Source: mapping.Source, Line: int64(row.Line)}
		switch {
		case errors.As(err, &bad):
			r.Body, r.Reject = bytes.Clone(row.Raw), bad
		case err != nil:
			return l.unreadable(err, line+1, in.last())
		default:
			r.Body = csvmap.EncodeRow(rows.Header(), row.Cells)
		}
		line = r.Line
		if err := l.add(r); err != nil {
			return err
		}
	}
}

// define puts a mapping's text into the log before the first row of this load that refers to it, so that a replay finds it.
func (l *loader) define(m *csvmap.Mapping) error {
	if l.defined[m.Hash()] {
		return nil
	}
	l.defined[m.Hash()] = true
	name := l.name
	l.name = m.Name
	defer func() { l.name = name }()
	return l.add(intake.Record{Format: intake.FormatMapping, Source: m.Source, Body: m.Text()})
}

// tail remembers the first and the last bytes that went through it: of a file that is refused or breaks off, they are kept.
type tail struct {
	in   io.Reader
	head []byte
	end  []byte
}

const (
	headBytes = 64 << 10
	tailBytes = 64 << 10
)

func (t *tail) Read(b []byte) (int, error) {
	n, err := t.in.Read(b)
	if room := headBytes - len(t.head); room > 0 {
		t.head = append(t.head, b[:min(n, room)]...)
	}
	if keep := b[:n]; len(keep) >= tailBytes {
		t.end = append(t.end[:0], keep[len(keep)-tailBytes:]...)
	} else {
		if over := len(t.end) + len(keep) - tailBytes; over > 0 {
			t.end = append(t.end[:0], t.end[over:]...)
		}
		t.end = append(t.end, keep...)
	}
	return n, err
}

// last gives what came behind the last line end: the row that was not finished.
func (t *tail) last() []byte {
	return bytes.Clone(t.end[bytes.LastIndexByte(t.end, '\n')+1:])
}
