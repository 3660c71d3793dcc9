package event

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sample holds texts that fit a definition of schemas/common.json and texts that do not.
type sample struct{ good, bad []any }

func samples() map[string]sample {
	long := strings.Repeat("é", 256)
	instants := []any{"2024-02-29T23:59:59Z", "2023-12-31T23:30:00.25-04:00", "2019-06-01T00:00:00+14:00", "1999-01-01T12:00:00.123456789+05:30"}
	days := []any{"2024-02-29", "2024", "2024-02", "1931-12-01"}
	badTimes := []any{"", "2023-02-30", "2023-02-29T10:00:00Z", "2024-01-01T10:00Z", "2024-01-01T10:00:00", "2024-01-01T10:00:00+15:00", "2024-01-01T10:00:00+05", "2024-01-01t10:00:00z", "2024-01-01T24:00:00Z",
		"2024-01-01T23:59:60Z", "2024-01-01T10:00:00,5Z", "2024-01-01T10:00:00.1234567891Z", "0000-01-01", "0000", "2024-13", "24-01-01", "yesterday", "2024-1-1", "2024-01-01T10:00:00.Z"}
	m := map[string]sample{
		"id":         {[]any{"a", "a b", "42", long, "x|y", "é"}, []any{"", " a", "a ", long + "x", "a\x00b", "a\nb", "\x7f"}},
		"uri":        {[]any{"http://loinc.org", "SNOMED-CT", "urn:oid:1.2"}, []any{"", "SNOMED CT", "a|b", "a\tb", long + "x"}},
		"unit":       {[]any{"mg/dL", "{score}", "10*3/uL"}, []any{"", "a b", "a|b"}},
		"word":       {[]any{"c1", "S13", "a.b_c:d/e+f-g", strings.Repeat("a", 64)}, []any{"", "-a", "free text", "é", strings.Repeat("a", 65), "a\n"}},
		"text":       {[]any{"x", " 1 Main St ", strings.Repeat("é", 1000)}, []any{"", "a\nb", strings.Repeat("é", 1001), "\x00"}},
		"language":   {[]any{"es", "zh-Hant", "eng", "en_US"}, []any{"", "e", "english", "en-", "-en", "en--US", "en US"}},
		"postal":     {[]any{"01720", "K1A 0B1", "01801-4979"}, []any{"", " 1", strings.Repeat("1", 17), "é"}},
		"county":     {[]any{"01001"}, []any{"", "1001", "010011", "0100a"}},
		"zone":       {[]any{"UTC", "America/New_York", "Etc/GMT+5", "America/Argentina/Ushuaia"}, []any{"", "/", "America/", "5/x", "a b"}},
		"currency":   {[]any{"USD", "EUR"}, []any{"", "usd", "US", "USDX"}},
		"decimal":    {[]any{"0", "12.50", "-3.1234", "99999999999.9999", "007"}, []any{"", "1.", ".5", "1,5", "1e3", "+1", " 1", "1.12345", "123456789012", "--1", "$1"}},
		"flag":       {[]any{true, false}, []any{"true", 0}},
		"count":      {[]any{0, 1, json.Number("2.0"), json.Number("1e3"), json.Number("9007199254740991")}, []any{-1, 1.5, "1", json.Number("1e300")}},
		"number":     {[]any{0, -1.5, json.Number("7.20"), json.Number("1e15")}, []any{"7", json.Number("1e16"), true}},
		"comparator": {[]any{"<", ">="}, []any{"", "=", "=<"}},
		"instant":    {instants, append(append([]any{}, badTimes...), days...)},
		"when":       {append(append([]any{}, instants...), days...), badTimes},
	}
	return m
}

// builder makes instances of a schema: fitting ones, and with the given odds each member is left out, null, of a strange
// type or of a bad form.
type builder struct {
	t       *rapid.T
	schemas map[string]any // by id
	samples map[string]sample
	odds    int // percent of members that are spoilt
}

// view gathers what several schema objects say about one place.
type view struct {
	scalar   string
	enum     []any
	members  map[string][]any
	required map[string]bool
	items    []any
	types    string
	least    int
	edges    []any
}

func (b *builder) resolve(ref string, home string) (any, string) {
	id, pointer, _ := strings.Cut(ref, "#")
	if id == "" {
		id = home
	}
	node := b.schemas[id]
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		node = node.(map[string]any)[part]
	}
	if node == nil {
		b.t.Fatalf("schema reference %s leads nowhere", ref)
	}
	return node, id
}

type placed struct {
	node any
	home string
}

func (b *builder) collect(p placed, v *view) {
	m, ok := p.node.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := m["$ref"].(string); ok {
		name := ref[strings.LastIndex(ref, "/")+1:]
		_, isScalar := b.samples[name]
		if isScalar && strings.Contains(ref, "$defs") {
			v.scalar = name
		} else {
			node, home := b.resolve(ref, p.home)
			b.collect(placed{node, home}, v)
		}
	}
	if t, ok := m["type"].(string); ok {
		v.types = t
	} else if t, ok := m["type"].([]any); ok && v.types == "" {
		v.types = t[0].(string)
	}
	if e, ok := m["enum"].([]any); ok {
		v.enum = e
	}
	if n, ok := m["maximum"]; ok {
		v.edges = []any{m["minimum"], n}
	}
	if n, ok := m["minItems"].(json.Number); ok {
		k, _ := n.Int64()
		v.least = int(k)
	}
	for _, r := range asList(m["required"]) {
		v.required[r.(string)] = true
	}
	props, _ := m["properties"].(map[string]any)
	for name, node := range props { // the order of v.members is settled when an object is built
		v.members[name] = append(v.members[name], placed{node, p.home})
	}
	if items, ok := m["items"]; ok {
		v.items = append(v.items, placed{items, p.home})
	}
	for _, one := range asList(m["anyOf"]) {
		// Alternatives of a form (a time or a period): take one. Conditions on members are left to chance.
		if am, ok := one.(map[string]any); ok && am["$ref"] != nil && len(m) <= 2 {
			chosen := asList(m["anyOf"])[rapid.IntRange(0, len(asList(m["anyOf"]))-1).Draw(b.t, "form")]
			b.collect(placed{chosen, p.home}, v)
			break
		}
	}
}

func asList(v any) []any { l, _ := v.([]any); return l }

func (b *builder) spoil() bool {
	return b.odds > 0 && rapid.IntRange(1, 100).Draw(b.t, "spoil") <= b.odds
}

// build makes one value for what all the places say together.
func (b *builder) build(places []any, required bool) any {
	v := &view{members: map[string][]any{}, required: map[string]bool{}}
	for _, p := range places {
		b.collect(p.(placed), v)
	}
	if b.spoil() {
		return b.strange(v)
	}
	if !required && rapid.IntRange(0, 9).Draw(b.t, "null") == 0 {
		return nil
	}
	switch {
	case v.enum != nil:
		e := rapid.SampledFrom(v.enum).Draw(b.t, "word")
		if e == nil && required {
			e = v.enum[0]
		}
		return e
	case v.scalar != "":
		return rapid.SampledFrom(b.samples[v.scalar].good).Draw(b.t, v.scalar)
	case len(v.members) > 0:
		return b.object(v)
	case v.items != nil:
		n := rapid.IntRange(v.least, 2).Draw(b.t, "length")
		out := make([]any, 0, n)
		for range n {
			out = append(out, b.build(v.items, true))
		}
		return out
	case v.edges != nil:
		return rapid.SampledFrom(v.edges).Draw(b.t, "edge")
	}
	return rapid.SampledFrom(b.samples["when"].good).Draw(b.t, "when")
}

func (b *builder) object(v *view) any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(v.members)) {
		places := v.members[name]
		if v.required[name] || rapid.Bool().Draw(b.t, name) {
			out[name] = b.build(places, v.required[name])
		}
	}
	if rapid.IntRange(0, 9).Draw(b.t, "unknown member") == 0 {
		out["unknown_member"] = rapid.SampledFrom([]any{1, nil, "x", []any{}, map[string]any{"status": 1}}).Draw(b.t, "unknown")
	}
	if b.spoil() && len(out) > 0 {
		delete(out, rapid.SampledFrom(slices.Sorted(maps.Keys(out))).Draw(b.t, "removed"))
	}
	return out
}

// strange gives a value that most likely does not fit.
func (b *builder) strange(v *view) any {
	pool := []any{nil, "", "strange", 7, -1, 1.5, true, []any{}, []any{nil}, []any{"x"}, map[string]any{}, map[string]any{"start": "2024-01-01"}, map[string]any{"system": "s", "code": "c"}, json.Number("1e99")}
	if s, ok := b.samples[v.scalar]; ok {
		pool = append(append([]any{}, s.bad...), nil, 7, []any{})
	}
	if v.enum != nil {
		pool = append(pool, v.enum...)
	}
	return rapid.SampledFrom(pool).Draw(b.t, "strange")
}

// loadSchemas reads all schema files by their ids.
func loadSchemas(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, name := range append(Topics(), "common") {
		d := json.NewDecoder(strings.NewReader(string(Schema(name))))
		d.UseNumber()
		var doc map[string]any
		if err := d.Decode(&doc); err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		out[doc["$id"].(string)] = doc
	}
	return out
}
