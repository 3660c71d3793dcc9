package csvmap

import (
	"errors"
	"time"

	"carereach/models"
)

// ErrIgnored says that a row is well-formed and no facts block of the mapping applies to it.
var ErrIgnored = errors.New("no facts block applies to the row")

// Mapping says how the rows of one kind of file become facts. It is immutable after Load and safe for concurrent use.
type Mapping struct {
	Name   string // unique among the mappings in use
	Group  string // mappings that belong together: "synthea", "tuva"; empty: none
	Title  string // what the files are, for a list of mappings
	Source models.Source
}

// Load reads a mapping file. Every mistake is a *models.Error of KindConfig that gives file, line and key and, for a key
// that is nearly right, the right one.
func Load(name string, yaml []byte) (*Mapping, error) { return nil, nil }

// Hash names the mapping's text: 32 hex digits of its SHA-256. The log stores it with each row so that a replay maps the
// row as it was mapped then.
func (m *Mapping) Hash() string { return "" }

// Text gives the mapping file as it was read; Load(Name, Text()) makes the same mapping again.
func (m *Mapping) Text() []byte { return nil }

// Shipped gives the mappings that come with the program, in the order of their names.
func Shipped() []*Mapping { return nil }

// Pick finds the one mapping that fits a file. None or several are a *models.Reject (missing_mapping) that says which
// mapping came nearest and which headers it misses. Earlier mappings do not win over later ones.
func Pick(mappings []*Mapping, filename string, header Header) (*Mapping, error) { return nil, nil }

// Match reports whether the mapping recognises a file: its name fits a pattern (when the mapping lists patterns) and all
// recognition headers are there (when it lists any).
func (m *Mapping) Match(filename string, header []string) bool { return false }

// Check reports whether all required headers are there, once a file; a *models.Reject lists the missing ones and those
// that were found.
func (m *Mapping) Check(header Header) error { return nil }

// Unmapped lists the headers that no facts block reads, as the file spells them.
func (m *Mapping) Unmapped(header Header) []string { return nil }

// Facts maps one row. receivedAt is when our log first held the row: what claims to have happened more than a day after it
// is future_time. Errors: *models.Reject naming the column, never its value; ErrIgnored when no block applies.
func (m *Mapping) Facts(header Header, row []string, receivedAt time.Time) ([]models.Fact, error) {
	return nil, nil
}

// FactsJSON maps a row as EncodeRow wrote it; the same facts and errors as Facts.
func (m *Mapping) FactsJSON(body []byte, receivedAt time.Time) ([]models.Fact, error) {
	return nil, nil
}

// EncodeRow writes a row as a JSON object from header to value: keys folded and sorted, empty cells left out, so that the
// same row of a file with other column order or header case gives the same bytes.
func EncodeRow(header Header, row []string) []byte { return nil }
