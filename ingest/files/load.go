package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
	"carereach/models"
)

// FileSet hands over files one after the other: name and content of the next, or io.EOF. The content of one file is spent
// when Next is called again. An error while content is read concerns that file alone; an error of Next ends the load.
type FileSet interface {
	Next() (name string, content io.Reader, err error)
}

// Appender is the log that records go to; *intake.Log is one.
type Appender interface {
	Append(ctx context.Context, records []intake.Record) (first, next int64, err error)
}

// Options says how files are read.
type Options struct {
	Source   models.Source     // where FHIR and events come from, and rows of mappings that name no source
	Mappings []*csvmap.Mapping // for CSV files
	Received time.Time         // becomes ReceivedAt of every record
	MaxLine  int               // longest resource or event in bytes; 4 MiB. A Bundle may have up to intake.MaxBody
	Progress func(Progress)    // called after each append and each file, from Load's goroutine; nil: nothing
}

// Progress is how far a Load has come.
type Progress struct {
	Files   int   // files read to their end
	Records int64 // inputs in the log
	Bytes   int64 // bytes read of the files as they are, compressed or not
}

// Loaded tells what a Load put into the log.
type Loaded struct {
	Files    int      `json:"files"`
	Records  int64    `json:"records"`  // inputs; definitions of mappings are none
	Rejected int64    `json:"rejected"` // inputs among them with a Reject
	Bytes    int64    `json:"bytes"`
	First    int64    `json:"-"`                 // offset of the first record in the log; equal to Next when there is none
	Next     int64    `json:"-"`                 // offset after the last
	Skipped  []string `json:"skipped,omitempty"` // what src left out, where it tells; for the screen of who named the folder only
}

// batchBytes is how many bytes of bodies go to the log at a time. Load's memory stays below four times intake.MaxBody for
// the longest values, and below 64 MiB when no value is longer than 1 MiB.
const batchBytes = 8 << 20

// Load reads all files of src into log. Whatever a file holds, the load goes on: what cannot be read becomes a record with
// a Reject. The error is one of the log, of ctx or of src's Next, and Loaded says how far it came: everything counted is
// durable. Loading the same files again gives the same records, compressed or not, one by one or as a folder.
func Load(ctx context.Context, log Appender, src FileSet, o Options) (Loaded, error) {
	if o.MaxLine <= 0 {
		o.MaxLine = 4 << 20
	}
	l := &loader{ctx: ctx, log: log, o: o, defined: map[string]bool{}}
	err := l.load(src)
	if s, ok := src.(interface{ Skipped() []string }); ok {
		l.out.Skipped = s.Skipped()
	}
	return l.out, err
}

// loader is one Load.
type loader struct {
	ctx     context.Context // of the one call of Load that it lives for
	log     Appender
	o       Options
	out     Loaded
	batch   []intake.Record
	size    int             // bytes of the batch's bodies
	defined map[string]bool // mappings that are in the log, by hash
	name    string          // base name of the file that is read
}

func (l *loader) load(src FileSet) error {
	for {
		name, content, err := src.Next()
		if err == io.EOF { //nolint:errorlint // a wrapped one is an upload that broke off, not its end
			return l.flush()
		}
		if err != nil {
			return errors.Join(fmt.Errorf("next file: %w", err), l.flush())
		}
		l.name = path.Base(strings.ReplaceAll(name, `\`, "/"))
		if err := l.file(&counted{in: content, n: &l.out.Bytes}); err != nil {
			return err
		}
		l.out.Files++
		l.progress()
	}
}

// file reads one file; the error is never the file's.
func (l *loader) file(content io.Reader) error {
	in, err := plain(content)
	if err != nil {
		return l.unreadable(err, 0, nil)
	}
	start, err := in.Peek(sniffed)
	if len(start) == 0 && err != nil && err != io.EOF { //nolint:errorlint // Peek gives io.EOF unwrapped
		return l.unreadable(err, 0, nil)
	}
	switch kindOf(l.name, start) {
	case kindJSON:
		return l.json(in)
	case kindCSV:
		return l.csv(in)
	case kindUTF16:
		return l.whole(in, &models.Reject{Reason: models.ReasonUnreadableFile, Where: "file", Detail: "JSON in UTF-16", Mend: "save it as UTF-8, as JSON has to be"})
	}
	return nil // empty
}

// add puts a record into the batch and sends the batch when it is large enough.
func (l *loader) add(r intake.Record) error {
	r.Name, r.ReceivedAt = l.name, l.o.Received
	if r.Source == "" {
		r.Source = l.o.Source
	}
	l.batch = append(l.batch, r)
	if l.size += len(r.Body) + 64; l.size >= batchBytes {
		return l.flush()
	}
	return nil
}

// flush makes the batch durable.
func (l *loader) flush() error {
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("load files: %w", err)
	}
	if len(l.batch) == 0 {
		return nil
	}
	first, next, err := l.log.Append(l.ctx, l.batch)
	if err != nil {
		return fmt.Errorf("load files: %w", err)
	}
	if l.out.First == l.out.Next {
		l.out.First = first
	}
	l.out.Next = next
	for i := range l.batch {
		if l.batch[i].Format != intake.FormatMapping {
			l.out.Records++
		}
		if l.batch[i].Reject != nil {
			l.out.Rejected++
		}
	}
	clear(l.batch)
	l.batch, l.size = l.batch[:0], 0
	l.progress()
	return nil
}

func (l *loader) progress() {
	if l.o.Progress != nil {
		l.o.Progress(Progress{Files: l.out.Files, Records: l.out.Records, Bytes: l.out.Bytes})
	}
}

// unreadable adds the record of a file that could not be read to its end. Its body is a line of JSON that says why, which
// file and which line, and behind it what was read of an unfinished value.
func (l *loader) unreadable(cause error, line int64, rest []byte) error {
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("load files: %w", err)
	}
	why := reasonOf(cause)
	r := intake.Record{Format: intake.FormatFile, Line: line, Body: fileBody(why, l.name, line, rest),
		Reject: &models.Reject{Reason: models.ReasonUnreadableFile, Where: "file", Detail: why, Mend: "get the file again and load it again; what was read before it broke off is loaded"}}
	return l.add(r)
}

// whole adds all that is left of a file as one record with a reject.
func (l *loader) whole(in *bufio.Reader, why *models.Reject) error {
	var body bytes.Buffer
	_, err := io.Copy(&body, io.LimitReader(in, intake.MaxBody))
	if err != nil {
		return l.unreadable(err, 1, body.Bytes())
	}
	if _, err := in.Peek(1); err == nil {
		why.Detail += fmt.Sprintf("; only its first %d MiB are kept", intake.MaxBody>>20)
	}
	return l.add(intake.Record{Format: intake.FormatFile, Line: 1, Body: body.Bytes(), Reject: why})
}

// counted counts what is read.
type counted struct {
	in io.Reader
	n  *int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	*c.n += int64(n)
	return n, err
}
