package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"carereach/models"
)

// Folder is a FileSet of files on disk, or in any fs.FS. It is used by one goroutine.
type Folder struct {
	fsys    fs.FS
	names   []string
	size    int64
	skipped []string
	open    io.Closer
}

// Path makes a FileSet of a file, or of the files in a folder and the folders below it, in the order of their names.
// Hidden files, links and files of other extensions than .json, .ndjson, .jsonl, .csv, .tsv and .txt (each also with .gz) are
// left out of a folder; a file that is named itself is always read. Errors: KindNotFound, KindUsage.
func Path(name string) (*Folder, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, &models.Error{Kind: models.KindNotFound, Message: "the file or folder to load cannot be opened", Mend: "check its path and its rights", Cause: err}
	}
	if info.IsDir() {
		return FS(os.DirFS(name))
	}
	return &Folder{fsys: os.DirFS(filepath.Dir(name)), names: []string{filepath.Base(name)}, size: info.Size()}, nil
}

// FS makes a FileSet of the files in fsys, as Path does of a folder.
func FS(fsys fs.FS) (*Folder, error) {
	f := &Folder{fsys: fsys}
	err := fs.WalkDir(fsys, ".", f.visit)
	if err != nil {
		return nil, &models.Error{Kind: models.KindUsage, Message: "the folder to load cannot be listed", Mend: "check the rights of the folder and those below it", Cause: err}
	}
	return f, nil
}

func (f *Folder) visit(name string, d fs.DirEntry, err error) error {
	hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
	switch {
	case err != nil:
		return err
	case d.IsDir() && hidden:
		return fs.SkipDir
	case d.IsDir() || hidden:
		return nil
	case !d.Type().IsRegular() || !isLoaded(name):
		f.skipped = append(f.skipped, path.Base(name))
		return nil
	}
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile
	}
	if err != nil {
		return err
	}
	f.names = append(f.names, name)
	f.size += info.Size()
	return nil
}

func isLoaded(name string) bool {
	ext := extension(name)
	return isJSON[ext] || isCSV[ext] || ext == ".txt"
}

// Next gives the next file. One that cannot be opened has a content that cannot be read.
func (f *Folder) Next() (name string, content io.Reader, err error) {
	if err := f.Close(); err != nil {
		return "", nil, err
	}
	if len(f.names) == 0 {
		return "", nil, io.EOF
	}
	name, f.names = f.names[0], f.names[1:]
	file, err := f.fsys.Open(name)
	if err != nil {
		return name, failing{err}, nil
	}
	f.open = file
	return name, file, nil
}

// failing is the content of a file that cannot be opened.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Size is the number of bytes of all files, for a progress bar.
func (f *Folder) Size() int64 { return f.size }

// Len is the number of files that are still to come.
func (f *Folder) Len() int { return len(f.names) }

// Skipped lists the base names of files that were left out because of their extension, or because they are links.
func (f *Folder) Skipped() []string { return f.skipped }

// Close closes the file that is open.
func (f *Folder) Close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}

// Stream makes a FileSet of one reader, standard input say. It does not close it.
func Stream(name string, content io.Reader) FileSet {
	return &stream{name: name, content: content}
}

type stream struct {
	name    string
	content io.Reader
}

func (s *stream) Next() (string, io.Reader, error) {
	if s.content == nil {
		return "", nil, io.EOF
	}
	content := s.content
	s.content = nil
	return s.name, content, nil
}
