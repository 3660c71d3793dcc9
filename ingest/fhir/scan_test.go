package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
	"pgregory.net/rapid"

	"carereach/models"
)

func scanned(raw string) *models.Reject {
	var s scanner
	return s.scan([]byte(raw), 1<<20, true)
}

func TestScanRefuses(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 3 * manyKeys {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return `{` + b.String() + last + `}`
	}
	for _, c := range []struct{ what, json, where string }{
		{"nothing", ``, "byte 0"},
		{"blanks only", " \n", "byte 2"},
		{"a top-level array", `[{"resourceType":"Patient"}]`, "byte 0"},
		{"a top-level string", `"Patient"`, "byte 0"},
		{"a byte order mark", "\xef\xbb\xbf{}", "byte 0"},
		{"UTF-16", "{\x00\"\x00}\x00", "byte 1"},
		{"a NUL between tokens", "{\x00}", "byte 1"},
		{"a NUL as a value", "{\"a\":\x00}", "byte 5"},
		{"a NUL inside a string", "{\"a\":\"b\x00c\"}", "byte 7"},
		{"a NUL written as an escape", `{"a":"b\u0000c"}`, "byte 7"},
		{"a NUL in a key", `{"\u0000":1}`, "byte 2"},
		{"Latin-1", "{\"a\":\"M\xfcller\"}", "byte 7"},
		{"an overlong form", "{\"a\":\"\xc0\xaf\"}", "byte 6"},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "byte 6"},
		{"half of a surrogate pair", `{"a":"\ud83d"}`, "byte 6"},
		{"the second half alone", `{"a":"\ude00"}`, "byte 6"},
		{"two first halves", `{"a":"\ud83d\ud83d"}`, "byte 6"},
		{"half a pair before another escape", `{"a":"\ud83d\n12345"}`, "byte 6"},
		{"a line break inside a string", "{\"a\":\"b\nc\"}", "byte 7"},
		{"an unknown escape", `{"a":"\x41"}`, "byte 6"},
		{"a broken escape", `{"a":"\u12G4"}`, "byte 6"},
		{"the same key twice", `{"a":1,"b":{"a":2},"a":3}`, "byte 22"},
		{"the same key twice, once escaped", `{"id":1,"\u0069d":2}`, "byte 17"},
		{"the same key twice among many", many(`"k7":0`), ""},
		{"the same late key twice among many", many(`"z":0,"z":1`), ""},
		{"something behind the object", `{} {}`, "byte 3"},
		{"garbage behind the object", `{}x`, "byte 2"},
		{"a closing brace too many", `{"a":1}}`, "byte 7"},
		{"a comma at the end", `{"a":1,}`, "byte 7"},
		{"a comma at the end of an array", `{"a":[1,]}`, "byte 8"},
		{"a comma at the start", `{,"a":1}`, "byte 1"},
		{"no colon", `{"a" 1}`, "byte 5"},
		{"no comma", `{"a":1 "b":2}`, "byte 7"},
		{"no comma in an array", `{"a":[1 2]}`, "byte 8"},
		{"the wrong bracket", `{"a":[1}`, "byte 7"},
		{"a key without quotes", `{a:1}`, "byte 1"},
		{"single quotes", `{'a':1}`, "byte 1"},
		{"a comment", `{"a":1 /* x */}`, "byte 7"},
		{"a number with a leading zero", `{"a":01}`, "byte 6"},
		{"a number with a plus", `{"a":+1}`, "byte 5"},
		{"a number without digits", `{"a":-}`, "byte 6"},
		{"a number ending in its point", `{"a":1.}`, "byte 7"},
		{"a number starting with its point", `{"a":.5}`, "byte 5"},
		{"a number without exponent", `{"a":1e+}`, "byte 8"},
		{"a hexadecimal number", `{"a":0x10}`, "byte 6"},
		{"NaN", `{"a":NaN}`, "byte 5"},
		{"nan", `{"a":nan}`, "byte 5"},
		{"Infinity", `{"a":-Infinity}`, "byte 6"},
		{"True", `{"a":True}`, "byte 5"},
		{"a word cut into", `{"a":nul,"b":1}`, "byte 5"},
		{"a word run on", `{"a":nullx}`, "byte 9"},
		{"a form feed as a blank", "{\f}", "byte 1"},
		{"a no-break space as a blank", "{\u00a0}", "byte 1"},
	} {
		rej := scanned(c.json)
		switch {
		case rej == nil:
			t.Errorf("%s passes", c.what)
		case rej.Reason != models.ReasonBadJSON || rej.Detail == "" || rej.Mend == "":
			t.Errorf("%s: %v", c.what, rej)
		case c.where != "" && rej.Where != c.where:
			t.Errorf("%s: at %s, want %s", c.what, rej.Where, c.where)
		}
	}
}

func TestScanAccepts(t *testing.T) {
	for _, raw := range []string{
		`{}`, " \t\r\n{ } \n", `{"a":[ ],"b":{ },"c":"","":null}`, `{"a":[1,-0,0.5,1e9,1E-9,1.5e+10,true,false,null,"x"]}`,
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, `{"a":"é😀","ключ":1}`, `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}`, "{\"a\":\"\u007f\"}",
	} {
		if rej := scanned(raw); rej != nil {
			t.Errorf("%s: %v", raw, rej)
		}
	}
}

func TestScanDepth(t *testing.T) {
	nest := func(open, inner, end string, n int) string {
		return `{"a":` + strings.Repeat(open, n) + inner + strings.Repeat(end, n) + `}`
	}
	for _, c := range []struct{ open, inner, end string }{{"[", "", "]"}, {`{"a":`, "1", "}"}} {
		if rej := scanned(nest(c.open, c.inner, c.end, maxDepth-1)); rej != nil {
			t.Errorf("depth at the limit: %v", rej)
		}
		for _, n := range []int{maxDepth, 1_000_000} { // a million must neither overflow the stack nor take long
			if rej := scanned(nest(c.open, c.inner, c.end, n)); rej == nil || rej.Detail != "nested too deeply" {
				t.Errorf("depth %d: %v", n, rej)
			}
		}
	}
}

// Cut anywhere, a record is no record: half a Bundle never passes for a whole one.
func TestScanRefusesEveryPrefix(t *testing.T) {
	const raw = `{"resourceType":"Bundle","entry":[{"a":[1.5e-3,true,null,"x\n\ud83d\ude00"]},{"b":{}}],"z":-0.25}`
	for n := range len(raw) {
		rej := scanned(raw[:n])
		if rej == nil {
			t.Errorf("the first %d bytes pass", n)
		} else if n > 0 && rej.Detail != cutShort {
			t.Errorf("the first %d bytes: %v, want %q", n, rej, cutShort)
		}
	}
	if rej := scanned(raw); rej != nil {
		t.Errorf("the whole: %v", rej)
	}
}

func TestScanCountsValues(t *testing.T) {
	var s scanner
	const raw = `{"a":[1,2,{"b":3}]}` // five values inside the object
	if rej := s.scan([]byte(raw), 5, false); rej != nil {
		t.Errorf("at the limit: %v", rej)
	}
	if rej := s.scan([]byte(raw), 4, false); rej == nil || rej.Reason != models.ReasonTooLarge {
		t.Errorf("over the limit: %v", rej)
	}
}

func TestScanFindsEntries(t *testing.T) {
	var s scanner
	raw := []byte(`{"x":{"entry":[1,2]}, "entry" : [ {"a":[1]} ,{"entry":[7]},5 ]}`)
	if rej := s.scan(raw, 100, true); rej != nil {
		t.Fatal(rej)
	}
	var got []string
	for _, e := range s.entries {
		got = append(got, string(raw[e[0]:e[1]]))
	}
	if want := `{"a":[1]} {"entry":[7]} 5`; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// judge holds the scanner against two other readers of JSON. What it lets pass both must accept, and fastjson's parser
// must read it; what it refuses beyond grammar are NUL, half surrogate pairs, repeated keys and depth alone.
func judge(t interface {
	Helper()
	Fatalf(string, ...any)
}, raw []byte) {
	t.Helper()
	rej := scanned(string(raw))
	valid := json.Valid(raw) && fastjson.ValidateBytes(raw) == nil
	if rej == nil {
		if !valid {
			t.Fatalf("passes what others refuse: %q", raw)
		}
		if _, err := new(fastjson.Parser).ParseBytes(raw); err != nil {
			t.Fatalf("passes what the parser refuses: %q: %v", raw, err)
		}
		return
	}
	switch rej.Detail {
	case "NUL byte", "half of a surrogate pair", "an object has the same key twice", "nested too deeply", "not UTF-8", "not a JSON object", tooMany:
		return
	}
	if valid {
		t.Fatalf("refuses what others accept: %q: %v", raw, rej)
	}
}

// jsonValue draws a value that encoding/json can write.
func jsonValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.Int64().AsAny(), rapid.String().AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := jsonValue(depth - 1)
	return rapid.OneOf(append(leaves, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())...)
}

func TestScanAgreesWithOtherReaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(rapid.MapOfN(rapid.String(), jsonValue(3), 0, 5).Draw(t, "object"))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "indent") {
			var b bytes.Buffer
			if err := json.Indent(&b, raw, " ", "\t"); err != nil {
				t.Fatal(err)
			}
			raw = b.Bytes()
		}
		if rej := scanned(string(raw)); rej != nil && rej.Detail != "NUL byte" {
			t.Fatalf("%s: %v", raw, rej)
		}
		judge(t, raw)
		for range 5 { // one byte changed, dropped or doubled
			i := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
			b := rapid.SampledFrom([]byte("\"\\{}[]:,0-.eE+tfnu \x00\x1f\xff")).Draw(t, "byte")
			broken := append(append(append([]byte{}, raw[:i]...), b), raw[i+rapid.IntRange(0, 1).Draw(t, "drop"):]...)
			judge(t, broken)
		}
	})
}

func FuzzScan(f *testing.F) {
	for _, c := range corpus() {
		f.Add([]byte(c.json))
	}
	f.Add([]byte(`{"a":"\ud83d\ude00","a":[0.5e-3,nan]}`))
	f.Fuzz(func(t *testing.T, raw []byte) { judge(t, raw) })
}
