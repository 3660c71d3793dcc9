package csvmap

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"carereach/models"
)

// Load reads a mapping file; file names it in messages. Every mistake is a *models.Error of KindConfig that gives file, line
// and key and, for a word that is nearly right, the right one.
func Load(file string, text []byte) (*Mapping, error) {
	src := &source{file: file}
	l := &loader{src: src, m: &Mapping{text: bytes.Clone(text), hash: hashText(text), zones: &sync.Map{}}}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil {
		if err == io.EOF { //nolint:errorlint // Decode gives io.EOF unwrapped
			src.fault(nil, "write a mapping, or copy a shipped one", "the file is empty")
		} else {
			src.fault(nil, "mind the indentation, and put texts with a colon in quotation marks", "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return nil, src.result()
	}
	if err := d.Decode(&yaml.Node{}); err != io.EOF { //nolint:errorlint // Decode gives io.EOF unwrapped
		src.fault(nil, "write one mapping a file", "more than one document")
	}
	if len(doc.Content) == 1 {
		l.mapping(src.object(doc.Content[0], ""))
	}
	if err := src.result(); err != nil {
		return nil, err
	}
	return l.m, nil
}

// loader builds a Mapping out of a YAML document.
type loader struct {
	src     *source
	m       *Mapping
	aliases map[string][]string
}

func (l *loader) mapping(o *object) {
	m := l.m
	m.Name, m.Group, m.Title, m.Source = o.required("name"), o.text("group"), o.text("title"), models.Source(o.text("source"))
	l.readAliases(o)
	if r := o.child("recognise"); r != nil {
		l.recognition(r)
	} else {
		l.src.missing(o.node, "add recognise: with files, headers or both", "nothing says which files the mapping is for")
	}
	m.zone = l.zone(o, "zone")
	m.zoneColumn = l.column(o.text("zone_column"))
	m.empty = folded(o.texts("empty"))
	m.formats = l.formats(o, "formats")
	m.Ignore = o.text("ignore")
	blocks := o.list("facts")
	if (m.Ignore == "") == (len(blocks) == 0) {
		l.src.missing(o.node, "write facts:, or ignore: with the reason", "a mapping has either facts or a reason to ignore its files")
	}
	for i, n := range blocks {
		m.blocks = append(m.blocks, l.block(l.src.object(n, fmt.Sprintf("facts[%d]", i))))
	}
	o.end()
}

// readAliases reads other names of columns. No name may stand for two columns.
func (l *loader) readAliases(o *object) {
	l.aliases = map[string][]string{}
	n := o.values["aliases"]
	a := o.child("aliases")
	if a == nil {
		return
	}
	owner := map[string]string{}
	for i := 0; i+1 < len(follow(n).Content); i += 2 {
		key := follow(n).Content[i].Value
		names := append([]string{key}, a.texts(key)...)
		for _, other := range names {
			if first, ok := owner[fold(other)]; ok && first != fold(key) {
				l.src.fault(a.keys[key], "keep it in one place", "header %q stands for two columns in aliases", other)
			}
			owner[fold(other)] = fold(key)
		}
		l.aliases[fold(key)] = names
	}
}

// column makes the column that a name in the mapping stands for; nil for "".
func (l *loader) column(name string) *column {
	if name == "" {
		return nil
	}
	c := &column{name: name, keys: []string{fold(name)}}
	for _, other := range l.aliases[fold(name)] {
		if key := fold(other); !slices.Contains(c.keys, key) {
			c.keys = append(c.keys, key)
		}
	}
	return c
}

func (l *loader) columns(names []string) []*column {
	var out []*column
	for _, n := range names {
		out = append(out, l.column(n))
	}
	return out
}

func (l *loader) recognition(r *object) {
	for _, pattern := range r.texts("files") {
		if _, err := path.Match(pattern, "x"); err != nil {
			l.src.fault(r.node, "write it like appointments*.csv", "file pattern %q is malformed", pattern)
		}
		l.m.files = append(l.m.files, strings.ToLower(pattern))
	}
	for _, n := range r.list("headers") {
		if group := l.columns(l.src.texts(n, "recognise.headers")); group != nil {
			l.m.headers = append(l.m.headers, group)
		}
	}
	l.m.without = l.columns(r.texts("without"))
	if len(l.m.files) == 0 && len(l.m.headers) == 0 {
		l.src.fault(r.node, "list files, headers or both", "recognise names neither files nor headers")
	}
	r.end()
}

func (l *loader) zone(o *object, key string) *time.Location {
	text := o.text(key)
	if text == "" {
		return nil
	}
	loc, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		l.src.fault(o.node, "write an IANA zone such as America/New_York", "%s: zone %q is not known", o.at(key), text)
		return time.UTC
	}
	return loc
}

func (l *loader) formats(o *object, key string) []layout {
	var out []layout
	for _, text := range o.texts(key) {
		f, ok := parseLayout(text)
		if !ok {
			l.src.fault(o.node, "write it with YYYY MM DD hh mm ss (or YY M D MON h AM Z), for example MM/DD/YYYY", "%s: %q is no time format", o.at(key), text)
		}
		out = append(out, f)
	}
	return out
}

// folded makes a set of texts, case-blind.
func folded(texts []string) map[string]bool {
	if len(texts) == 0 {
		return nil
	}
	out := map[string]bool{}
	for _, t := range texts {
		out[strings.ToLower(t)] = true
	}
	return out
}

func (l *loader) conditions(o *object, key string) []condition {
	var out []condition
	for i, n := range o.list(key) {
		c := l.src.object(n, fmt.Sprintf("%s[%d]", o.at(key), i))
		cond := condition{column: l.column(c.required("column")), in: folded(c.texts("in")), not: folded(c.texts("not"))}
		if equals := c.text("equals"); equals != "" {
			if cond.in != nil {
				l.src.fault(c.node, "use in for several values", "%s has both equals and in", c.path)
			}
			cond.in = folded([]string{equals})
		}
		if c.values["filled"] != nil {
			filled := c.flag("filled")
			cond.filled = &filled
		}
		if cond.in == nil && cond.not == nil && cond.filled == nil {
			l.src.missing(c.node, "say equals, in, not or filled", "%s says nothing about the column", c.path)
		}
		c.asked = append(c.asked, "filled")
		c.end()
		out = append(out, cond)
	}
	return out
}

// block reads one facts block.
func (l *loader) block(o *object) *block {
	b := &block{}
	typeName := o.required("type")
	kind, ok := models.FactTypeByName(typeName)
	if !ok && typeName != "" {
		var names []string
		for _, t := range models.FactTypes {
			names = append(names, t.Name)
		}
		l.src.fault(o.node, suggest(typeName, names), "%s: no fact type '%s'", o.path, typeName)
	}
	b.kind = kind
	b.subject = l.column(o.text("subject"))
	if ok && kind.Subject != (b.subject != nil) {
		if kind.Subject {
			l.src.missing(o.node, "add subject: with the column of the patient's id", "%s: a %s is about a patient", o.path, typeName)
		} else {
			l.src.fault(o.node, "remove subject", "%s: a %s is about no patient", o.path, typeName)
		}
	}
	l.id(o, b)
	b.version = l.column(o.text("version"))
	b.when = l.conditions(o, "when")
	b.retracted = l.conditions(o, "retracted")
	l.elements(o, b)
	if i := o.child("identity"); i != nil {
		if typeName != "Patient" && typeName != "RelatedPerson" {
			l.src.fault(i.node, "move it to a Patient or RelatedPerson block", "%s: a %s has no identity", o.path, typeName)
		}
		b.identity = l.identity(i)
	}
	if c := o.child("consent"); c != nil {
		if typeName != "Consent" {
			l.src.fault(c.node, "move it to a Consent block", "%s: a %s has no consent", o.path, typeName)
		}
		b.capturedBy, b.evidence = l.column(c.text("captured_by")), l.column(c.text("evidence"))
		c.end()
	}
	o.end()
	b.gather()
	return b
}

func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean '" + near + "'?"
	}
	return "known here: " + strings.Join(known, ", ")
}

// id reads how the fact's id is made: columns and "=constants", or the word hash. A Patient's id is its subject unless the
// mapping gives it another: a list that knows part of a patient is then a record beside the hospital's own.
func (l *loader) id(o *object, b *block) {
	id := o.texts("id")
	or := o.texts("or_id")
	if b.kind.Name == "PersonLink" || (b.kind.Name == "Patient" && id == nil) {
		if id != nil || or != nil {
			l.src.fault(o.node, "remove id", "%s: the id of a %s is its subject", o.path, b.kind.Name)
		}
		b.id = []part{{column: b.subject}}
		return
	}
	switch {
	case len(id) == 0:
		l.src.missing(o.node, "list columns that are unique together, or write id: hash", "%s has no key 'id'", o.path)
	case len(id) == 1 && strings.EqualFold(id[0], "hash"):
		b.hash = true
	default:
		b.id = l.parts(o, id)
	}
	b.orID = l.parts(o, or)
}

func (l *loader) parts(o *object, texts []string) []part {
	var out []part
	columns := 0
	for _, t := range texts {
		if constant, ok := strings.CutPrefix(t, "="); ok {
			out = append(out, part{constant: constant})
			continue
		}
		columns++
		out = append(out, part{column: l.column(t)})
	}
	if len(out) > 0 && columns == 0 {
		l.src.fault(o.node, "name at least one column", "%s: the id is the same in every row", o.path)
	}
	return out
}

// elements reads the block's columns: element by element, where its value comes from.
func (l *loader) elements(o *object, b *block) {
	known := o.child("columns")
	if known == nil {
		return
	}
	var names []string
	for _, e := range b.kind.Elements {
		names = append(names, e.Column)
	}
	for i, e := range b.kind.Elements {
		if known.values[e.Column] == nil {
			continue
		}
		one := element{at: i, kind: e.Kind}
		for j, n := range known.list(e.Column) {
			place := known.at(e.Column)
			if j > 0 {
				place = fmt.Sprintf("%s[%d]", place, j)
			}
			one.specs = append(one.specs, l.spec(n, place, b.kind, e))
		}
		b.elements = append(b.elements, one)
	}
	known.asked = names
	if b.kind.Name != "" {
		known.end()
	}
}
