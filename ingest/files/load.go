package files

import (
	"context"
	"io"
	"time"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
	"carereach/models"
)

// FileSet hands over files one after the other: name and content of the next, or io.EOF. The content of one file is spent when Next is
// called again. An error while content is read concerns that file alone.
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
	MaxLine  int               // longest line of a file with one value per line; 4 MiB
	Progress func(Progress)    // called after each Append and each file, from Load's goroutine; nil: nothing
}

// Progress is how far a Load has come.
type Progress struct {
	Files   int   // files read to their end
	Records int64 // inputs in the log
	Bytes   int64 // bytes read of the files as they are, compressed or not
}

// Loaded tells what a Load put into the log.
type Loaded struct {
	Files       int      `json:"files"`
	Records     int64    `json:"records"`  // inputs; definitions of mappings not counted
	Rejected    int64    `json:"rejected"` // inputs among them with a Reject
	Bytes       int64    `json:"bytes"`
	First, Next int64    `json:"-"`                 // offsets in the log
	Skipped     []string `json:"skipped,omitempty"` // base names that were not read because of their extension; for the screen of who named the folder only
}

// Load reads all files of src into log. Whatever a file holds, the load goes on; the error is one of the log, of ctx or of src, and
// Loaded says how far it came: everything before is durable, and loading the same files again gives the same records.
func Load(ctx context.Context, log Appender, src FileSet, o Options) (Loaded, error) {
	return Loaded{}, nil
}

// Folder is a FileSet of files on disk.
type Folder struct{}

// Path makes a FileSet of a file or of the files in a folder and the folders below it, in the order of their names. Hidden
// files, links and files of other extensions than .json, .ndjson, .jsonl, .csv, .tsv and .txt (each also with .gz) are left out of
// a folder; a file named itself is always read.
func Path(path string) (*Folder, error) { return nil, nil }

// Next gives the next file.
func (f *Folder) Next() (name string, content io.Reader, err error) { return "", nil, io.EOF }

// Size is the number of bytes of all files, for a progress bar.
func (f *Folder) Size() int64 { return 0 }

// Skipped lists the base names left out because of their extension.
func (f *Folder) Skipped() []string { return nil }

// Close closes the file that is open.
func (f *Folder) Close() error { return nil }

// Stream makes a FileSet of one reader, standard input say.
func Stream(name string, content io.Reader) FileSet { return nil }
