package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"carereach/internal/ledger"
	"carereach/models"
)

// readValueSets reads value sets from CSV with the columns oid, system and code (version and title where given; any order),
// from a FHIR ValueSet, a Bundle of them or NDJSON with one a line; plain or gzip. A set that is not whole is refused.
func readValueSets(name string, content io.Reader) ([]ledger.ValueSet, error) {
	r := bufio.NewReaderSize(content, 64<<10)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, badValueSet(name, 0, "the gzip header is damaged", err)
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	if bom, _ := r.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3) // it was just peeked at
	}
	if first, _ := r.Peek(1); len(first) == 1 && first[0] == '{' {
		return fhirValueSets(name, r)
	}
	return csvValueSets(name, r)
}

func badValueSet(name string, line int, what string, cause error) error {
	at := name
	if line > 0 {
		at = fmt.Sprintf("%s line %d", name, line)
	}
	return &models.Error{Kind: models.KindInvalid, Message: at + ": " + what, Mend: "get the whole file again; nothing of it was loaded", Cause: cause}
}

func csvValueSets(name string, r io.Reader) ([]ledger.ValueSet, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, badValueSet(name, 1, "no header line", err)
	}
	column := map[string]int{}
	for i, h := range head {
		column[strings.ToLower(strings.TrimSpace(h))] = i
	}
	for _, want := range []string{"oid", "system", "code"} {
		if _, ok := column[want]; !ok {
			return nil, badValueSet(name, 1, fmt.Sprintf("column %s is missing; the header has %s", want, strings.Join(head, ", ")), nil)
		}
	}
	value := func(rec []string, col string) string {
		if i, ok := column[col]; ok {
			return strings.TrimSpace(rec[i])
		}
		return ""
	}
	sets := newSetList()
	for {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			return sets.list()
		}
		if err != nil {
			return nil, badValueSet(name, 0, "the file is cut short or damaged", err)
		}
		line, _ := in.FieldPos(0)
		oid, system, code := value(rec, "oid"), value(rec, "system"), value(rec, "code")
		if oid == "" || system == "" || code == "" {
			return nil, badValueSet(name, line, "oid, system and code are all needed", nil)
		}
		sets.add(strings.TrimPrefix(oid, "urn:oid:"), value(rec, "version"), value(rec, "title"), system, code)
	}
}

// setList collects codes by OID, in the order of the sets' first codes.
type setList struct {
	order []string
	byOID map[string]*ledger.ValueSet
}

func newSetList() *setList { return &setList{byOID: map[string]*ledger.ValueSet{}} }

func (s *setList) add(oid, version, title, system, code string) {
	vs := s.byOID[oid]
	if vs == nil {
		vs = &ledger.ValueSet{OID: oid, Version: version, Title: title}
		s.byOID[oid] = vs
		s.order = append(s.order, oid)
	}
	vs.Codes = append(vs.Codes, ledger.Coding{System: models.NormalSystem(system), Code: code})
}

func (s *setList) list() ([]ledger.ValueSet, error) {
	out := make([]ledger.ValueSet, 0, len(s.order))
	for _, oid := range s.order {
		out = append(out, *s.byOID[oid])
	}
	if len(out) == 0 {
		return nil, badValueSet("the file", 0, "holds no value set", nil)
	}
	return out, nil
}

// fhirSet is what is read of a FHIR ValueSet: its expansion, else codes enumerated in compose.
type fhirSet struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	URL          string `json:"url"`
	Version      string `json:"version"`
	Title        string `json:"title"`
	Name         string `json:"name"`
	Identifier   []struct {
		Value string `json:"value"`
	} `json:"identifier"`
	Expansion *struct {
		Total    *int `json:"total"`
		Offset   int  `json:"offset"`
		Contains []struct {
			System string `json:"system"`
			Code   string `json:"code"`
		} `json:"contains"`
	} `json:"expansion"`
	Compose *struct {
		Include []struct {
			System  string `json:"system"`
			Concept []struct {
				Code string `json:"code"`
			} `json:"concept"`
			Filter []json.RawMessage `json:"filter"`
			Sets   []string          `json:"valueSet"`
		} `json:"include"`
	} `json:"compose"`
	Entry []struct {
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

func fhirValueSets(name string, r io.Reader) ([]ledger.ValueSet, error) {
	sets := newSetList()
	dec := json.NewDecoder(r)
	for n := 1; ; n++ {
		var vs fhirSet
		if err := dec.Decode(&vs); errors.Is(err, io.EOF) {
			return sets.list()
		} else if err != nil {
			return nil, badValueSet(name, n, "not whole JSON", err)
		}
		members := []fhirSet{vs}
		if vs.ResourceType == "Bundle" {
			members = members[:0]
			for _, e := range vs.Entry {
				var one fhirSet
				if err := json.Unmarshal(e.Resource, &one); err != nil {
					return nil, badValueSet(name, n, "an entry of the Bundle is no resource", err)
				}
				members = append(members, one)
			}
		}
		for _, m := range members {
			if err := m.addTo(sets, name, n); err != nil {
				return nil, err
			}
		}
	}
}

func (vs fhirSet) addTo(sets *setList, name string, n int) error {
	oid := vs.oid()
	switch {
	case vs.ResourceType != "ValueSet":
		return badValueSet(name, n, "not a ValueSet", nil)
	case oid == "":
		return badValueSet(name, n, "the ValueSet has no OID in its url, identifier or id", nil)
	case vs.Expansion != nil && (vs.Expansion.Offset > 0 || (vs.Expansion.Total != nil && *vs.Expansion.Total > len(vs.Expansion.Contains))):
		return badValueSet(name, n, fmt.Sprintf("value set %s is one page of a longer expansion (%d codes here)", oid, len(vs.Expansion.Contains)), nil)
	case vs.Expansion != nil && len(vs.Expansion.Contains) > 0:
		for _, c := range vs.Expansion.Contains {
			sets.add(oid, vs.Version, vs.title(), c.System, c.Code)
		}
		return nil
	case vs.Compose == nil || len(vs.Compose.Include) == 0:
		return badValueSet(name, n, fmt.Sprintf("value set %s has no codes", oid), nil)
	}
	for _, inc := range vs.Compose.Include {
		if len(inc.Filter) > 0 || len(inc.Sets) > 0 || len(inc.Concept) == 0 {
			return badValueSet(name, n, fmt.Sprintf("value set %s is defined by rules and not expanded", oid), nil)
		}
		for _, con := range inc.Concept {
			sets.add(oid, vs.Version, vs.title(), inc.System, con.Code)
		}
	}
	return nil
}

func (vs fhirSet) title() string {
	if vs.Title != "" {
		return vs.Title
	}
	return vs.Name
}

// oid finds the set's OID: an identifier urn:oid:, the end of the url, or the id.
func (vs fhirSet) oid() string {
	candidates := []string{vs.URL[strings.LastIndex(vs.URL, "/")+1:], vs.ID}
	for _, id := range vs.Identifier {
		candidates = append([]string{strings.TrimPrefix(id.Value, "urn:oid:")}, candidates...)
	}
	i := slices.IndexFunc(candidates, func(s string) bool {
		return strings.Count(s, ".") > 3 && strings.Trim(s, "0123456789.") == ""
	})
	if i < 0 {
		return ""
	}
	return candidates[i]
}
