package files

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"carereach/ingest/intake"

	"pgregory.net/rapid"
)

func split(t interface{ Fatal(...any) }, in []byte) []value {
	s := newSplitter(bufio.NewReaderSize(bytes.NewReader(in), 16))
	var out []value
	for {
		v, err := s.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
}

// genJSON makes any JSON value.
func genJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 && kind > 3 {
			kind = 0
		}
		switch kind {
		case 0:
			return rapid.StringOf(rapid.SampledFrom([]rune("ab \"\\{}[],:\n\té\u2028"))).Draw(t, "text")
		case 1:
			return rapid.Float64Range(-1e6, 1e6).Draw(t, "number")
		case 2:
			return rapid.Bool().Draw(t, "flag")
		case 3:
			return nil
		case 4:
			return rapid.SliceOfN(genJSON(depth-1), 0, 3).Draw(t, "list")
		}
		return rapid.MapOfN(rapid.StringN(0, 5, 10), genJSON(depth-1), 0, 3).Draw(t, "object")
	})
}

// write writes an object in one of the ways that producers have.
func write(t *rapid.T, v any, style int) []byte {
	compact, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	indent := []string{"", "  ", "\t", ""}[style]
	if style == 0 {
		return compact
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", indent); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Any objects, written in any style, one after the other or as an array, come out one by one as they were written.
func TestSplitValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		objects := rapid.SliceOfN(rapid.MapOfN(rapid.StringN(0, 5, 10), genJSON(2), 0, 4), 0, 5).Draw(t, "objects")
		array := rapid.Bool().Draw(t, "array")
		var in bytes.Buffer
		var want [][]byte
		if array {
			in.WriteString("[\n")
		}
		for i, o := range objects {
			text := write(t, o, rapid.IntRange(0, 3).Draw(t, "style"))
			want = append(want, text)
			in.Write(text)
			if array && i < len(objects)-1 {
				in.WriteString(",")
			}
			in.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n \t\n"}).Draw(t, "end"))
		}
		if array {
			in.WriteString("]")
		}
		got := split(t, in.Bytes())
		if len(got) != len(want) {
			t.Fatalf("%d values, want %d, of:\n%s", len(got), len(want), in.Bytes())
		}
		for i, v := range got {
			if v.wrong != "" || !bytes.Equal(v.body, want[i]) || v.size != int64(len(want[i])) {
				t.Fatalf("value %d is %q (%s), want %q", i, v.body, v.wrong, want[i])
			}
			if line := 1 + bytes.Count(in.Bytes()[:bytes.Index(in.Bytes(), want[i])], []byte("\n")); v.line < int64(line) {
				t.Fatalf("value %d is said to start on line %d, not before %d", i, v.line, line)
			}
		}
	})
}

// In a file of one value a line, a line cut anywhere is one broken value, and all other lines are what they are.
func TestSplitBrokenLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 9).Draw(t, "lines")
		cut := rapid.IntRange(0, n-3).Draw(t, "cut") // the lines behind it show what it was
		var in bytes.Buffer
		var want []string
		for i := range n {
			text := string(write(t, rapid.MapOfN(rapid.StringN(1, 5, 10), genJSON(2), 2, 4).Draw(t, "object"), 0))
			if i == cut {
				text = strings.TrimRight(text[:rapid.IntRange(2, len(text)-1).Draw(t, "at")], " ")
			}
			want = append(want, text)
			fmt.Fprintln(&in, text)
		}
		got := split(t, in.Bytes())
		if len(got) != n {
			t.Fatalf("%d values of %d lines:\n%s", len(got), n, in.Bytes())
		}
		for i, v := range got {
			if string(v.body) != want[i] || (v.wrong != "") != (i == cut) || v.line != int64(i+1) {
				t.Fatalf("line %d gave %q on line %d (%s), want %q", i+1, v.body, v.line, v.wrong, want[i])
			}
		}
	})
}

// However many lines are broken, each is read a few times at most.
func TestManyBrokenLines(t *testing.T) {
	var in strings.Builder
	for range 20000 {
		in.WriteString("{\"a\":[\n{\"b\":1}\n")
	}
	got := split(t, []byte(in.String()))
	if len(got) != 39999 { // the very last line could belong to the broken one before it
		t.Fatalf("%d values of 40000 lines", len(got))
	}
}

func TestDepth(t *testing.T) {
	deep := `{"a":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + "}"
	got := split(t, []byte(deep+"\n"+`{"b":1}`))
	if len(got) != 2 || got[0].wrong == "" || got[1].wrong != "" {
		t.Fatalf("%d values", len(got))
	}
}

// No byte is lost and none comes twice: what lies between the values is white space and an array's punctuation. A file
// that is one JSON object is one value.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{patient + "\n" + visit, "[" + event + ",\n" + event + "]", bundle[:40] + "\n" + patient, "{\"a\":[\n{\"b\":1}\n{\"c\":2}\n{", "{\n\"a\": 1\n}\n", "\ufeff{}", "null\n[1,{}]",
		"{\"a\":\"x\ny\"}\n{}", "{}{}", "[[]]", "{\"a\":1,}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > intake.MaxBody {
			return
		}
		got := split(t, in)
		rest := bytes.TrimPrefix(in, utf8Mark)
		for _, v := range got {
			if v.size != int64(len(v.body)) || v.line < 1 {
				t.Fatalf("value of %d bytes says %d, line %d", len(v.body), v.size, v.line)
			}
			gap := rest[:len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,[]"))]
			i := bytes.Index(rest, v.body)
			if i < 0 || i > len(gap) {
				t.Fatalf("%q does not follow in %q", v.body, rest)
			}
			rest = rest[i+len(v.body):]
		}
		if strings.Trim(string(rest), " \t\r\n,[]") != "" {
			t.Fatalf("%q is lost", rest)
		}
		if one := bytes.Trim(in, " \t\r\n"); json.Valid(one) && one[0] == '{' && (len(got) != 1 || got[0].wrong != "" || !bytes.Equal(got[0].body, one)) {
			t.Fatalf("a JSON object gave %d values: %+v", len(got), got)
		}
	})
}

// A line cut off where a value could follow takes the last line of the file not along, when that is a resource; half a Bundle
// whose entries stand on lines of their own stays one broken value.
func TestCutLineBeforeTheLast(t *testing.T) {
	whole := `{"resourceType":"Organization","id":"o1"}`
	for _, cut := range []string{`{"resourceType":"Observation","id":"x","code":{"coding":[`, `{"resourceType":"Observation","id":"x","code":`} {
		for _, end := range []string{"", "\n"} {
			got := split(t, []byte(cut+"\n"+whole+end))
			if len(got) != 2 || got[0].wrong == "" || string(got[0].body) != cut || got[1].wrong != "" || string(got[1].body) != whole || got[1].line != 2 {
				t.Errorf("%q then %q: %+v", cut, whole+end, got)
			}
		}
	}
	half := "{\"resourceType\":\"Bundle\",\"entry\":[\n{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\"}}"
	if got := split(t, []byte(half)); len(got) != 1 || got[0].wrong == "" {
		t.Errorf("half a Bundle: %+v", got)
	}
}
