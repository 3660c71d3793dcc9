package csvmap

import "io"

// Header is the first row of a file: names and where they stand.
type Header struct {
	Names []string // as the file spells them, trimmed
	index map[string]int
}

// NewHeader makes a Header of names.
func NewHeader(names []string) Header { return Header{Names: names} }

// Row is one record of a file.
type Row struct {
	Line  int      // line of the file on which it starts, the header's being 1 or more
	Cells []string // as many as the header has names; valid until the next call of Next
	Raw   []byte   // the record as the file holds it, without line end; valid until the next call of Next
}

// Reader streams the rows of a CSV file with bounded memory.
type Reader struct{}

// NewReader reads up to the header. A file that cannot be read so far is a *models.Reject (unreadable_file).
func NewReader(r io.Reader) (*Reader, error) { return nil, nil }

// Header gives the file's header.
func (r *Reader) Header() Header { return Header{} }

// Next gives the next row. A bad row gives its *models.Reject together with Line and Raw; reading goes on with the next call.
// io.EOF after the last row; any other error is of the underlying reader and final.
func (r *Reader) Next() (Row, error) { return Row{}, io.EOF }
