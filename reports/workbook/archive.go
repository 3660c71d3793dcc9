package workbook

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// archive writes the parts of a workbook in a fixed order and without times, so that equal workbooks are equal bytes; the
// spreadsheet library hands sheets over in the random order of a map. Parts are held compressed until Close. The parts of
// charts are repaired on their way.
type archive struct {
	out    io.Writer
	parts  []*part
	charts []*chartPart
}

// part is one file of the archive on its way through the compressor.
type part struct {
	name       string
	compressed bytes.Buffer
	flate      *flate.Writer
	crc        uint32
	size       uint64
}

// chartPart is a chart held back until it is whole.
type chartPart struct {
	text strings.Builder
	to   *part
}

func (c *chartPart) Write(b []byte) (int, error) { return c.text.Write(b) }

func newArchive(w io.Writer) excelize.ZipWriter { return &archive{out: w} }

// Create begins a part.
func (a *archive) Create(name string) (io.Writer, error) {
	p := &part{name: name}
	var err error
	if p.flate, err = flate.NewWriter(&p.compressed, flate.BestSpeed); err != nil {
		return nil, err
	}
	a.parts = append(a.parts, p)
	if strings.HasPrefix(name, "xl/charts/chart") {
		c := &chartPart{to: p}
		a.charts = append(a.charts, c)
		return c, nil
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
	for _, c := range a.charts {
		if _, err := io.WriteString(c.to, seriesInOrder(c.text.String())); err != nil {
			return err
		}
	}
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	zw := zip.NewWriter(a.out)
	for _, p := range a.parts {
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
