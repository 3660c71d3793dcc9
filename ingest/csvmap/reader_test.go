package csvmap

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"carereach/models"
)

// outcome is what one call of Next gave.
type outcome struct {
	line   int
	cells  []string
	reason models.QuarantineReason
	raw    string
}

func readAll(t testing.TB, in io.Reader) (Header, []outcome) {
	t.Helper()
	r, err := NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []outcome
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header(), out
		}
		o := outcome{line: row.Line, raw: string(row.Raw)}
		var reject *models.Reject
		switch {
		case err == nil:
			o.cells = slices.Clone(row.Cells)
		case errors.As(err, &reject):
			o.reason = reject.Reason
			if reject.Mend == "" {
				t.Errorf("line %d: %v says no way to mend it", row.Line, reject)
			}
		default:
			t.Fatal(err)
		}
		out = append(out, o)
	}
}

func cellsOf(out []outcome) [][]string {
	var rows [][]string
	for _, o := range out {
		if o.cells != nil {
			rows = append(rows, o.cells)
		}
	}
	return rows
}

// The same two rows come out however the file was written.
func TestReaderTakesEveryWriting(t *testing.T) {
	utf16 := func(s string, e unicode.Endianness) string {
		b, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	latin, err := charmap.ISO8859_1.NewEncoder().String("id,town\n1,Orléans\n2,Zürich\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"plain":                   "id,town\n1,Orléans\n2,Zürich\n",
		"no line end at the end":  "id,town\n1,Orléans\n2,Zürich",
		"CRLF":                    "id,town\r\n1,Orléans\r\n2,Zürich\r\n",
		"CR":                      "id,town\r1,Orléans\r2,Zürich\r",
		"mark":                    "\ufeffid,town\n1,Orléans\n2,Zürich\n",
		"Latin-1":                 latin,
		"UTF-16 little":           utf16("id,town\r\n1,Orléans\r\n2,Zürich\r\n", unicode.LittleEndian),
		"UTF-16 big":              utf16("id,town\n1,Orléans\n2,Zürich\n", unicode.BigEndian),
		"quotes":                  "\"id\",\"town\"\n\"1\",\"Orléans\"\n\"2\", Zürich \n",
		"semicolons":              "id;town\n1;Orléans\n2;Zürich\n",
		"tabs":                    "id\ttown\n1\tOrléans\n2\tZürich\n",
		"bars":                    "id|town\n1|Orléans\n2|Zürich\n",
		"a spreadsheet's first":   "sep=;\nid;town\n1;Orléans\n2;Zürich\n",
		"empty lines":             "\n\nid,town\n\n1,Orléans\n\n,\n2,Zürich\n\n",
		"blanks after a quote":    "id,town\n\"1\" ,\"Orléans\" \n\"2\",\"Zürich\"  \n",
		"no-break blanks in head": "\u00a0id ,town\u00a0\n1,Orléans\n2,Zürich\n",
	} {
		for how, in := range map[string]io.Reader{"whole": strings.NewReader(file), "byte by byte": iotest.OneByteReader(strings.NewReader(file))} {
			header, out := readAll(t, in)
			rows := cellsOf(out)
			for _, row := range rows {
				for i := range row {
					row[i] = strings.TrimSpace(row[i])
				}
			}
			if want := [][]string{{"1", "Orléans"}, {"2", "Zürich"}}; !reflect.DeepEqual(header.Names, []string{"id", "town"}) || !reflect.DeepEqual(rows, want) {
				t.Errorf("%s, %s: header %q, rows %q", name, how, header.Names, rows)
			}
		}
	}
}

// One bad row is one reject with its line and its bytes; the rows around it are read.
func TestReaderSurvivesBadRows(t *testing.T) {
	big := strings.Repeat("x", 5<<20)
	manyLines := `"` + strings.Repeat("some text\n", 500_000) + `"`
	for name, c := range map[string]struct {
		bad    string
		reason models.QuarantineReason
		rows   int // good rows after the bad one besides the last
	}{
		"a cell too few":         {"b", models.ReasonBadColumn, 0},
		"a cell too many":        {"b,2,3", models.ReasonBadColumn, 0},
		"NUL":                    {"b,\x00", models.ReasonBadValue, 0},
		"text after a quotation": {`"b"x,2`, models.ReasonBadColumn, 0},
		"a quotation in a cell":  {`b,"5" pipe"`, models.ReasonBadColumn, 0},
		"5 MB in one cell":       {"b," + big, models.ReasonTooLarge, 0},
		"5 MB over many lines":   {"b," + manyLines, models.ReasonTooLarge, 0},
		"bytes that are no text": {"b,\x81\x8d", models.ReasonBadValue, 0},
		"never closed":           {`b,"open`, models.ReasonBadColumn, 1},
	} {
		file := "id,n\na,1\n" + c.bad + "\n"
		if c.rows > 0 {
			file += "c,3\n"
		}
		file += "z,9\n"
		_, out := readAll(t, strings.NewReader(file))
		var rejects, good []outcome
		for _, o := range out {
			if o.reason != "" {
				rejects = append(rejects, o)
			} else {
				good = append(good, o)
			}
		}
		if len(rejects) != 1 || rejects[0].reason != c.reason || rejects[0].line != 3 || rejects[0].raw != c.bad {
			t.Errorf("%s: %d rejects; first %s at line %d with %d of %d bytes", name, len(rejects), rejects[0].reason, rejects[0].line, len(rejects[0].raw), len(c.bad))
		}
		if len(good) != 2+c.rows || good[len(good)-1].cells[0] != "z" {
			t.Errorf("%s: %d good rows", name, len(good))
		}
	}
}

// A quotation mark that is never closed takes one line with it, not the rest of a large file; memory stays bounded.
func TestReaderFindsBackAfterAStrayQuote(t *testing.T) {
	var file bytes.Buffer
	file.WriteString("id,n\n\"stray,0\n")
	rows := 0
	for file.Len() < maxHeld+maxHeld/2 {
		file.WriteString("some row with a length,12345678901234567890\n")
		rows++
	}
	_, out := readAll(t, &file)
	if len(out) != rows+1 || out[0].reason != models.ReasonBadColumn || out[1].cells == nil || out[1].line != 3 || out[rows].line != rows+2 {
		t.Errorf("%d outcomes for %d rows; first %+v", len(out), rows+1, out[0].reason)
	}
}

func TestReaderRefusesWhatIsNoFile(t *testing.T) {
	for name, file := range map[string]string{
		"empty": "", "only a mark": "\ufeff", "only blanks": "\n \n\n", "NUL in the header": "i\x00d\x00\n", "header never closed": "\"id,n\n1,2\n", "a picture": strings.Repeat("\xff", MaxRow+1),
		"mark and then Latin-1": "\ufeffid,na\xefve\n",
	} {
		_, err := NewReader(strings.NewReader(file))
		var r *models.Reject
		if !errors.As(err, &r) || r.Reason != models.ReasonUnreadableFile || r.Mend == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, out := readAll(t, strings.NewReader("id,n\n")); len(out) != 0 {
		t.Errorf("a header alone has no rows, got %d", len(out))
	}
	broken := errors.New("disk")
	r, err := NewReader(io.MultiReader(strings.NewReader("id,n\n1,2\n3"), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("an error of the disk is no bad row: %v", err)
	}
}

// What encoding/csv writes is read back cell by cell, with any delimiter, line end and content.
func TestReaderReadsWhatOthersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.RuneFrom([]rune("ab ,;\"\n\t|é'0")))
		width := rapid.IntRange(2, 4).Draw(t, "width")
		var want [][]string
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "comma")
		header := []string{"a", "b", "c", "d"}[:width]
		rows := [][]string{header}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := rapid.SliceOfN(cell, width, width).Draw(t, "row")
			row[0] = "x" + row[0] // a row without content is no row
			rows, want = append(rows, row), append(want, row)
		}
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range want {
			got, err := r.Next()
			if err != nil || !reflect.DeepEqual(got.Cells, row) {
				t.Fatalf("row %d: %q, %v; want %q", i, got.Cells, err, row)
			}
		}
		if _, err := r.Next(); err != io.EOF { //nolint:errorlint // given unwrapped
			t.Fatalf("more rows than were written: %v", err)
		}
	})
}

// Every line of a file belongs to exactly one outcome or is empty: nothing is lost and nothing invented.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{"id,n\n1,2\n", "\ufeffid;n\r\n\"a\";\"b\"\"\"\r\n", "a,b\n\"x\ny\",1\n\"z", "a\tb\r1\t2\r", "\xff\xfea\x00,\x00b\x00\n\x00", "a,b\n\"q\"q,1\n2,3\n", "sep=;\na;b\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			var reject *models.Reject
			if !errors.As(err, &reject) {
				t.Fatalf("NewReader: %v", err)
			}
			return
		}
		utf16 := bytes.HasPrefix(file, []byte("\xff\xfe")) || bytes.HasPrefix(file, []byte("\xfe\xff"))
		last := 0
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			var reject *models.Reject
			switch {
			case err != nil && !errors.As(err, &reject):
				t.Fatalf("line %d: %v", row.Line, err)
			case err == nil && len(row.Cells) != len(r.Header().Names):
				t.Fatalf("line %d: %d cells, %d names", row.Line, len(row.Cells), len(r.Header().Names))
			case row.Line <= last:
				t.Fatalf("line %d after line %d", row.Line, last)
			case !utf16 && !bytes.Contains(file, row.Raw):
				t.Fatalf("line %d: bytes that the file does not have", row.Line)
			}
			last = row.Line
		}
	})
}
