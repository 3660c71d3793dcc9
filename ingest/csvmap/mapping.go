package csvmap

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"carereach/models"
)

// ErrIgnored says that a row is well-formed and no facts block of the mapping applies to it.
var ErrIgnored = errors.New("no facts block applies to the row")

// Mapping says how the rows of one kind of file become facts. It is immutable after Load and safe for concurrent use.
type Mapping struct {
	Name   string        // unique among the mappings in use
	Group  string        // mappings that belong together: "synthea", "tuva"; empty: none
	Title  string        // what the files are, for a list of mappings
	Source models.Source // name to give the source of such files where the site has none; may be empty
	Ignore string        // why files of this kind are read and not needed; empty: they are needed

	text       []byte
	hash       string
	files      []string    // patterns of file names
	headers    [][]*column // recognition: of each group one must be there
	without    []*column   // recognition: none of these may be there
	zone       *time.Location
	zoneColumn *column
	empty      map[string]bool // cells that mean "no value", folded to lower case
	formats    []layout
	blocks     []*block
	zones      *sync.Map // zone name → *time.Location, of zoneColumn
}

// column is a column as the mapping names it, with the folded header names that stand for it, its own first.
type column struct {
	name string
	keys []string
}

// block says how a row becomes one fact.
type block struct {
	kind       models.FactType
	id         []part
	orID       []part // when all columns of id are empty
	hash       bool   // the id is a hash of the block's columns
	subject    *column
	version    *column
	when       []condition
	retracted  []condition
	elements   []element
	identity   *identity
	capturedBy *column
	evidence   *column
	columns    []*column // all columns the block reads, in the order of their folded names
}

// part is one part of an id: a column, or a constant.
type part struct {
	column   *column
	constant string
}

// element is one element of the fact and the ways to get it: the first that yields a value is taken.
type element struct {
	at    int // index in FactType.Elements
	kind  models.ElementKind
	specs []*spec
}

// condition is true when the column's cell is one of in (if given), none of not, and filled or empty as asked.
type condition struct {
	column *column
	in     map[string]bool
	not    map[string]bool
	filled *bool
}

//go:embed mappings/*.yaml
var shipped embed.FS

// Shipped gives the mappings that come with the program, in the order of their names. They are read anew at each call.
func Shipped() []*Mapping {
	var out []*Mapping
	files, err := fs.ReadDir(shipped, "mappings")
	if err != nil {
		panic("csvmap: " + err.Error()) // embedded at build time
	}
	for _, f := range files {
		text, err := shipped.ReadFile("mappings/" + f.Name())
		if err != nil {
			panic("csvmap: " + err.Error())
		}
		m, err := Load(f.Name(), text)
		if err != nil {
			panic("csvmap: " + err.Error()) // a test loads every shipped mapping
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *Mapping) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Hash names the mapping's text: 32 hex digits of its SHA-256. The log stores it with each row so that a replay maps the
// row as it was mapped then.
func (m *Mapping) Hash() string { return m.hash }

// Text gives the mapping file as it was read; Load(Name, Text()) makes the same mapping again.
func (m *Mapping) Text() []byte { return slices.Clone(m.text) }

func hashText(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// WithZone gives the same mapping with the site's zone for local times, unless the mapping names one itself. The zone
// becomes part of its text, so that a row replayed from the log means the same time after the site has moved. An unknown
// zone is a *models.Error of KindConfig.
func (m *Mapping) WithZone(zone string) (*Mapping, error) {
	if m.zone != nil || zone == "" {
		return m, nil
	}
	text := append(bytes.TrimRight(m.text, "\n"), "\nzone: "+zone+"\n"...)
	out, err := Load(m.Name, text)
	if err != nil {
		return nil, fmt.Errorf("mapping %s in zone %s: %w", m.Name, zone, err)
	}
	return out, nil
}

// Match reports whether the mapping recognises a file: its name fits a pattern (when the mapping lists patterns) and all
// recognition headers are there (when it lists any), none of those that speak against it.
func (m *Mapping) Match(filename string, header []string) bool {
	return m.matchName(filename) && len(m.recognise(NewHeader(header))) == 0
}

func (m *Mapping) matchName(filename string) bool {
	if len(m.files) == 0 {
		return true
	}
	base := strings.ToLower(path.Base(strings.ReplaceAll(filename, `\`, "/")))
	base = strings.TrimSuffix(base, ".gz")
	return slices.ContainsFunc(m.files, func(pattern string) bool {
		ok, err := path.Match(pattern, base)
		return ok && err == nil
	})
}

// recognise lists what a header lacks (or has too much) to be one of this mapping's.
func (m *Mapping) recognise(h Header) []string {
	var missing []string
	for _, group := range m.headers {
		if !slices.ContainsFunc(group, h.has) {
			var names []string
			for _, c := range group {
				names = append(names, c.name)
			}
			missing = append(missing, strings.Join(names, " or "))
		}
	}
	for _, c := range m.without {
		if h.has(c) {
			missing = append(missing, "no "+c.name)
		}
	}
	return missing
}

// Pick finds the one mapping that fits a file: of several, the one that recognises it by more columns. None, or several
// that fit equally well, are a *models.Reject (missing_mapping) that says which mapping came nearest and which headers it
// misses.
func Pick(mappings []*Mapping, filename string, header Header) (*Mapping, error) {
	var best, near *Mapping
	var tied bool
	known := 0 // recognition headers that the nearest finds
	for _, m := range mappings {
		missing := m.recognise(header)
		if len(missing) == 0 && m.matchName(filename) {
			switch {
			case best == nil || m.rank() > best.rank():
				best, tied = m, false
			case m.rank() == best.rank():
				near, tied = m, true
			}
			continue
		}
		if n := len(m.headers) - len(missing); n > known && best == nil {
			near, known = m, n
		}
	}
	reject := &models.Reject{Reason: models.ReasonMissingMapping, Where: "file", Detail: "no mapping recognises it; its columns are: " + shownNames(header.Names),
		Mend: "name a mapping with --mapping, or write one"}
	switch {
	case tied:
		reject.Detail = "several mappings recognise it: " + best.Name + ", " + near.Name
		reject.Mend = "name the one with --mapping"
	case best != nil:
		return best, nil
	case near != nil:
		reject.Detail += "; nearest is " + near.Name
		if missing := near.recognise(header); len(missing) > 0 {
			reject.Detail += ", which wants: " + strings.Join(missing, ", ")
		} else {
			reject.Detail += ", whose files are named " + strings.Join(near.files, ", ")
		}
	}
	return nil, reject
}

// rank counts what a mapping recognises its files by.
func (m *Mapping) rank() int {
	n := len(m.headers)
	if len(m.files) > 0 {
		n++
	}
	return n
}

// Check reports whether all required headers are there and none of the mapping's occurs twice, once a file; a
// *models.Reject (bad_column) lists the missing ones and those that were found.
func (m *Mapping) Check(header Header) error {
	var missing, twice []string
	for _, b := range m.blocks {
		for _, c := range b.required() {
			if !header.has(c) && !slices.Contains(missing, c.name) {
				missing = append(missing, c.name)
			}
		}
		for _, c := range b.columns {
			for _, key := range c.keys {
				if header.twice[key] && !slices.Contains(twice, c.name) {
					twice = append(twice, c.name)
				}
			}
		}
	}
	switch {
	case len(missing) > 0:
		return &models.Reject{Reason: models.ReasonBadColumn, Where: "header", Detail: "missing: " + strings.Join(missing, ", ") + "; the file has: " + shownNames(header.Names),
			Mend: "rename the columns, or add their names to aliases in a copy of mapping " + m.Name}
	case len(twice) > 0:
		return &models.Reject{Reason: models.ReasonBadColumn, Where: "header", Detail: "twice: " + strings.Join(twice, ", "), Mend: "remove or rename one of the two"}
	}
	return nil
}

// required lists the columns without which the block can never give a fact.
func (b *block) required() []*column {
	var out []*column
	if b.subject != nil {
		out = append(out, b.subject)
	}
	if len(b.orID) == 0 {
		for _, p := range b.id {
			if p.column != nil {
				out = append(out, p.column)
			}
		}
	}
	for _, e := range b.elements {
		for _, s := range e.specs {
			if s.required {
				out = append(out, s.columns...)
			}
		}
	}
	return out
}

// Unmapped lists the headers that the mapping does not read, as the file spells them.
func (m *Mapping) Unmapped(header Header) []string {
	known := map[string]bool{}
	read := func(columns ...*column) {
		for _, c := range columns {
			for _, key := range c.keys {
				known[key] = true
			}
		}
	}
	for _, b := range m.blocks {
		read(b.columns...)
	}
	if m.zoneColumn != nil {
		read(m.zoneColumn)
	}
	var out []string
	for i, key := range header.keys {
		if !known[key] && header.Names[i] != "" {
			out = append(out, header.Names[i])
		}
	}
	return out
}
