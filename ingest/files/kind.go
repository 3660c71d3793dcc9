package files

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"carereach/ingest/intake"
)

// sniffed is how many bytes of a file are looked at to tell what it is.
const sniffed = 4 << 10

// readBuffer is the size of the buffers that files are read through.
const readBuffer = 256 << 10

// plain gives content decompressed. Compression is told by the file's first bytes, whatever its name says.
func plain(content io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(content, readBuffer)
	magic, err := in.Peek(2)
	if len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z, readBuffer), nil
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return in, nil
}

// kind is what a file is.
type kind int

const (
	kindEmpty kind = iota
	kindJSON
	kindUTF16 // JSON as UTF-16
	kindCSV
)

// kindOf tells a file by its first bytes, and by its name where they leave it open.
func kindOf(name string, start []byte) kind {
	ext := extension(name)
	text := bytes.TrimLeft(bytes.TrimPrefix(start, utf8Mark), " \t\r\n")
	switch {
	case isJSON[ext] && (bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff"))):
		return kindUTF16
	case len(text) > 0 && (text[0] == '{' || text[0] == '[') && !isCSV[ext], isJSON[ext] && len(text) > 0:
		return kindJSON
	case isCSV[ext] || len(text) > 0:
		return kindCSV
	case len(start) == sniffed: // nothing but blanks so far
		return kindJSON
	}
	return kindEmpty
}

var (
	utf8Mark = []byte("\xef\xbb\xbf")
	isJSON   = map[string]bool{".json": true, ".ndjson": true, ".jsonl": true}
	isCSV    = map[string]bool{".csv": true, ".tsv": true}
)

// extension gives the extension that tells the content: the one before .gz.
func extension(name string) string {
	name = strings.ToLower(name)
	return path.Ext(strings.TrimSuffix(name, ".gz"))
}

// reasonOf says why a file could not be read, without its path, which may name a person.
func reasonOf(err error) string {
	var p *fs.PathError
	var errno syscall.Errno
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it is cut short"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return "its compression is damaged"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return "it cannot be read"
}

// maxRest is how much of an unfinished value is kept with the record of a file that broke off.
const maxRest = intake.MaxBody - 64<<10

// fileBody is the body of the record of a file that could not be read to its end.
func fileBody(why, name string, line int64, rest []byte) []byte {
	head, err := json.Marshal(struct {
		Reason string `json:"reason"`
		File   string `json:"file"`
		Line   int64  `json:"line"`
	}{why, name[:min(len(name), 4096)], line})
	if err != nil {
		panic("files: " + err.Error()) // texts and numbers always encode
	}
	head = append(head, '\n')
	return append(head, rest[:min(len(rest), maxRest)]...)
}
