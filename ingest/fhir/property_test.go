package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/models"
)

// shuffled writes JSON again with the keys of every object in an order drawn from r, with blanks between tokens and with
// some characters of its strings as escapes: the same value for any reader.
func shuffled(t testing.TB, raw []byte, r *rand.Rand) []byte {
	t.Helper()
	read := json.NewDecoder(bytes.NewReader(raw))
	read.UseNumber()
	var v any
	if err := read.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	write(&b, v, r)
	return b.Bytes()
}

func write(b *bytes.Buffer, v any, r *rand.Rand) {
	blank := func() { b.WriteString([]string{"", "", " ", "\n\t", "\r\n"}[r.IntN(5)]) }
	blank()
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			blank()
			writeString(b, k, r)
			blank()
			b.WriteByte(':')
			write(b, v[k], r)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, item, r)
		}
		b.WriteByte(']')
	case json.Number:
		b.WriteString(v.String())
	case string:
		writeString(b, v, r)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case nil:
		b.WriteString("null")
	}
	blank()
}

func writeString(b *bytes.Buffer, s string, r *rand.Rand) {
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < 0x20 || c < 0x10000 && r.IntN(8) == 0:
			b.WriteString(`\u` + strings.ToUpper(strconv.FormatInt(0x10000+int64(c), 16)[1:]))
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

// The order of keys, blanks and escapes of a resource change nothing about its facts.
func TestSpellingDoesNotMatter(t *testing.T) {
	samples := corpus()
	d := NewDecoder(Options{})
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(samples).Draw(rt, "sample")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		other := shuffled(t, []byte(c.json), r)
		got, err := d.Resource(other, receivedAt)
		if err != nil {
			rt.Fatalf("%s\n%v", other, err)
		}
		if diff := cmp.Diff([]models.Fact{decode(t, c.json)}, got); diff != "" {
			rt.Fatalf("%s\n%s", other, diff)
		}
	})
}

// Whatever is put in the place of a value, the outcome is facts or a reason, never both, never a panic, and of two
// decoders, one of them used before, both say the same.
func TestAnyValueAnywhere(t *testing.T) {
	samples := corpus()
	used := NewDecoder(Options{})
	rapid.Check(t, func(t *rapid.T) {
		var v any
		if err := json.Unmarshal([]byte(rapid.SampledFrom(samples).Draw(t, "sample").json), &v); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			v = mutate(t, v)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := used.Resource(raw, receivedAt)
		outcome(t, facts, err)
		again, err2 := NewDecoder(Options{}).Resource(raw, receivedAt)
		if !cmp.Equal(facts, again) || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("%s\n%v\n%v", raw, err, err2)
		}
	})
}

// mutate puts something else at a place drawn at random.
func mutate(t *rapid.T, v any) any {
	if rapid.IntRange(0, 5).Draw(t, "here") == 0 {
		return jsonValue(1).Draw(t, "value")
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			k := rapid.SampledFrom(keys).Draw(t, "key")
			v[k] = mutate(t, v[k])
		}
	case []any:
		if len(v) > 0 {
			i := rapid.IntRange(0, len(v)-1).Draw(t, "index")
			v[i] = mutate(t, v[i])
		}
	}
	return v
}

type tester interface {
	Helper()
	Fatalf(string, ...any)
}

// outcome holds what a decoder gave to its contract.
func outcome(t tester, facts []models.Fact, err error) {
	t.Helper()
	var rej *models.Reject
	switch {
	case err == nil && len(facts) == 0:
		t.Fatalf("neither facts nor an error")
	case err != nil && facts != nil:
		t.Fatalf("facts and an error: %v", err)
	case err != nil && !errors.As(err, &rej) && !errors.Is(err, ErrIgnored):
		t.Fatalf("an error of no known kind: %v", err)
	}
	for _, f := range facts {
		typ, ok := models.FactTypeByName(f.Type)
		deleted := f.Retracted && !slices.ContainsFunc(f.Values, func(v any) bool { return v != nil })
		if !ok || len(f.Values) != len(typ.Elements) || f.ID == "" || f.Version < int64(models.MinMicros) {
			t.Fatalf("a fact that breaks its contract: type %s, %d values", f.Type, len(f.Values))
		}
		if !deleted && typ.Subject != (f.Subject.ID != "") {
			t.Fatalf("%s: subject %v", f.Type, f.Subject.ID != "")
		}
	}
}

// A reject says where and why and quotes nothing of what it refuses.
func TestRejectsQuoteNothing(t *testing.T) {
	const canary = "Zebedee"
	d := NewDecoder(Options{})
	rapid.Check(t, func(t *rapid.T) {
		var v any
		if err := json.Unmarshal([]byte(rapid.SampledFrom(corpus()).Draw(t, "sample").json), &v); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(taint(v, canary, rapid.IntRange(0, 40).Draw(t, "at")))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "cut") {
			raw = raw[:rapid.IntRange(0, len(raw)-1).Draw(t, "length")]
		}
		if _, err := d.Resource(raw, receivedAt); err != nil && strings.Contains(err.Error(), canary) {
			t.Fatalf("quotes the input: %v", err)
		}
	})
}

// taint puts the canary with a blank and a digit into the nth and every following string.
func taint(v any, canary string, n int) any {
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			for _, k := range keys {
				v[k] = walk(v[k])
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case string:
			if n--; n < 0 {
				return canary + " 1/" + v
			}
		}
		return v
	}
	return walk(v)
}

func FuzzResource(f *testing.F) {
	for _, c := range corpus() {
		f.Add([]byte(c.json))
	}
	d := NewDecoder(Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		facts, err := d.Resource(raw, receivedAt)
		outcome(t, facts, err)
		kind, kindErr := Kind(raw)
		if err == nil && (kindErr != nil || kind != facts[0].Type) {
			t.Fatalf("Kind says %q, %v; decoded as %s", kind, kindErr, facts[0].Type)
		}
	})
}

func FuzzBundle(f *testing.F) {
	for _, c := range corpus() {
		f.Add([]byte(`{"resourceType":"Bundle","entry":[{"fullUrl":"urn:uuid:1","resource":` + c.json + `},{"request":{"method":"DELETE","url":"Patient/p1"}}]}`))
	}
	d := NewDecoder(Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := d.Bundle(raw, receivedAt)
		var rej *models.Reject
		if err != nil && (entries != nil || !errors.As(err, &rej)) {
			t.Fatalf("%d entries, error %v", len(entries), err)
		}
		for i, e := range entries {
			outcome(t, e.Facts, e.Err)
			if e.Index != i || !json.Valid(e.Raw) {
				t.Fatalf("entry %d: index %d", i, e.Index)
			}
		}
	})
}
