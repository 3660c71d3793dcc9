package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"carereach/ingest/files"
	"carereach/models"
)

// Paths is the FileSource of files, folders and standard input, one after the other in the order they were named. It is used
// by one goroutine; Close it when the verb is done.
type Paths struct {
	rest    []FileSource
	folders []*files.Folder
	size    int64
}

// Stdin is the path that stands for standard input.
const Stdin = "-"

// OpenPaths makes a FileSource of paths. A folder stands for the files in it that have an extension we read; Stdin, at most
// once, stands for stdin. Every path is looked at before anything is read, so that a mistyped one loads nothing at all: it
// is an error of models.KindNotFound.
func OpenPaths(paths []string, stdin io.Reader) (*Paths, error) {
	p := &Paths{}
	for _, path := range paths {
		err := p.add(path, stdin)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		if path == Stdin {
			stdin = nil
		}
	}
	return p, nil
}

func (p *Paths) add(path string, stdin io.Reader) error {
	if path == Stdin {
		if stdin == nil {
			return &models.Error{Kind: models.KindUsage, Message: "standard input can be read once only", Mend: "name " + Stdin + " once"}
		}
		p.rest = append(p.rest, files.Stream("stdin", stdin))
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &models.Error{Kind: models.KindNotFound, Message: path + " does not exist", Mend: "check the path; nothing was read"}
	}
	folder, err := files.Path(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	p.rest = append(p.rest, folder)
	p.folders = append(p.folders, folder)
	p.size += folder.Size()
	return nil
}

// Next gives the next file.
func (p *Paths) Next() (name string, content io.Reader, err error) {
	for len(p.rest) > 0 {
		name, content, err = p.rest[0].Next()
		if !errors.Is(err, io.EOF) {
			return name, content, err
		}
		p.rest = p.rest[1:]
	}
	return "", nil, io.EOF
}

// Size is the number of bytes of all files on disk, for a progress bar; what comes over standard input is not in it.
func (p *Paths) Size() int64 { return p.size }

// Skipped lists the names of files in folders that are left out because of their extension.
func (p *Paths) Skipped() []string {
	var out []string
	for _, f := range p.folders {
		out = append(out, f.Skipped()...)
	}
	return out
}

// Close closes the file that is open.
func (p *Paths) Close() error {
	var errs []error
	for _, f := range p.folders {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
