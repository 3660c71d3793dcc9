package workbook

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// archive writes the parts of a workbook in a fixed order and without times, so that equal workbooks are equal bytes; the
// spreadsheet library hands sheets over in the random order of a map. Parts are held compressed until Close. Parts that the
// library writes wrong are held back whole and repaired.
type archive struct {
	out  io.Writer
	all  []*part
	held []*heldPart
}

// part is one file of the archive on its way through the compressor.
type part struct {
	name       string
	compressed bytes.Buffer
	flate      *flate.Writer
	crc        uint32
	size       uint64
}

// heldPart is a part held back until it is whole and can be repaired.
type heldPart struct {
	text   strings.Builder
	repair func(string) string
	to     *part
}

func (h *heldPart) Write(b []byte) (int, error) { return h.text.Write(b) }

// repairOf gives what has to be done to a part before it is written; nil nothing.
func repairOf(name string) func(string) string {
	switch {
	case strings.HasPrefix(name, "xl/charts/chart"):
		return seriesInOrder
	case name == "[Content_Types].xml":
		return withoutImages
	}
	return nil
}

var imageDefault = regexp.MustCompile(`<Default Extension="[a-z]+" ContentType="image/[^"]*"></Default>`)

// withoutImages drops the kinds of image that the library declares, in random order, in every workbook: ours have none.
func withoutImages(part string) string { return imageDefault.ReplaceAllString(part, "") }

func newArchive(w io.Writer) excelize.ZipWriter { return &archive{out: w} }

// Create begins a part.
func (a *archive) Create(name string) (io.Writer, error) {
	p := &part{name: name}
	var err error
	if p.flate, err = flate.NewWriter(&p.compressed, flate.BestSpeed); err != nil {
		return nil, err
	}
	a.all = append(a.all, p)
	if repair := repairOf(name); repair != nil {
		h := &heldPart{repair: repair, to: p}
		a.held = append(a.held, h)
		return h, nil
	}
	return p, nil
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.flate.Write(b)
	p.crc = crc32.Update(p.crc, crc32.IEEETable, b[:n])
	p.size += uint64(n)
	return n, err
}

// AddFS is asked for by the library's interface and never used by it.
func (a *archive) AddFS(fs.FS) error { return fs.ErrInvalid }

// Close writes all parts: the content types first, as readers that guess a file's type expect, the rest by name.
func (a *archive) Close() error {
	for _, h := range a.held {
		if _, err := io.WriteString(h.to, h.repair(h.text.String())); err != nil {
			return err
		}
	}
	slices.SortFunc(a.all, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	zw := zip.NewWriter(a.out)
	for _, p := range a.all {
		if err := p.flate.Close(); err != nil {
			return err
		}
		w, err := zw.CreateRaw(&zip.FileHeader{Name: p.name, Method: zip.Deflate, CRC32: p.crc,
			CompressedSize64: uint64(p.compressed.Len()), UncompressedSize64: p.size})
		if err != nil {
			return err
		}
		if _, err := p.compressed.WriteTo(w); err != nil {
			return err
		}
	}
	return zw.Close()
}
