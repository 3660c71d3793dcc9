package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"carereach/models"
)

// layers are the folders of relations in the order in which independent relations run.
var layers = []string{"staging", "measures", "targets", "kpi", "checks"}

// Relation is one file of SQL: one SELECT that makes the table named like the file.
type Relation struct {
	Layer     string // folder
	Name      string // file name without .sql; the table it makes
	Needs     []string
	ValueSets []string
	Measure   *Measure // the measure it computes; nil for others
	Severity  string   // checks only: error or warning
	Publishes string   // table of schema pub that receives the rows; "" none
	Text      string   // whole file
}

// Path names the relation's file inside sql/.
func (r Relation) Path() string { return path.Join(r.Layer, r.Name+".sql") }

// Measure is what the header of a measure says about it.
type Measure struct {
	ID        models.MeasureID
	Title     string
	Version   string
	Direction models.Direction
	Purpose   string // preventive or chronic
}

// The severities of checks.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// LoadRelations reads every relation below fsys, in the order of layers and names. Errors are of models.KindConfig and
// name the file.
func LoadRelations(fsys fs.FS) ([]Relation, error) {
	var out []Relation
	seen := map[string]string{}
	for _, layer := range layers {
		entries, err := fs.ReadDir(fsys, layer)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read relations of %s: %w", layer, err)
		}
		for _, e := range entries {
			name, isSQL := strings.CutSuffix(e.Name(), ".sql")
			if !isSQL || e.IsDir() {
				continue
			}
			text, err := fs.ReadFile(fsys, path.Join(layer, e.Name()))
			if err != nil {
				return nil, fmt.Errorf("read relation %s/%s: %w", layer, e.Name(), err)
			}
			r, err := parseRelation(layer, name, string(text))
			if err != nil {
				return nil, err
			}
			if other, twice := seen[name]; twice {
				return nil, broken(r.Path(), "has the name of sql/"+other, "give one of them another name: the file name is the table name")
			}
			seen[name] = r.Path()
			out = append(out, r)
		}
	}
	return out, nil
}

// Measures lists the measures of fsys by id.
func Measures(fsys fs.FS) ([]Measure, error) {
	relations, err := LoadRelations(fsys)
	if err != nil {
		return nil, err
	}
	var out []Measure
	for _, r := range relations {
		if r.Measure != nil {
			out = append(out, *r.Measure)
		}
	}
	slices.SortFunc(out, func(a, b Measure) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out, nil
}

func broken(file, what, mend string) error {
	return &models.Error{Kind: models.KindConfig, Message: "sql/" + file + " " + what, Mend: mend}
}

// parseRelation reads the header: the comment lines before the first line of SQL.
func parseRelation(layer, name, text string) (Relation, error) {
	r := Relation{Layer: layer, Name: name, Text: text}
	var needs bool
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(line, "--")
		if !isComment {
			if line == "" {
				continue
			}
			break
		}
		key, value, _ := strings.Cut(strings.TrimSpace(comment), ":")
		value = strings.TrimSpace(value)
		var err error
		switch key {
		case "needs":
			needs = true
			r.Needs = append(r.Needs, splitNames(value)...)
		case "value sets":
			r.ValueSets = append(r.ValueSets, splitNames(value)...)
		case "publishes":
			r.Publishes = value
		case "severity":
			r.Severity = value
		case "measure":
			r.Measure, err = parseMeasure(r.Path(), value)
		}
		if err != nil {
			return Relation{}, err
		}
	}
	if !needs {
		return Relation{}, broken(r.Path(), "does not say what it needs", "add a header line such as -- needs: run, patients")
	}
	return r, r.check()
}

// check holds the header to the words it may use.
func (r Relation) check() error {
	if r.Publishes != "" {
		if _, ok := models.PublishedByName(r.Publishes); !ok {
			return broken(r.Path(), "publishes "+r.Publishes+", which is no published table", "see docs/data-dictionary.md for their names")
		}
	}
	isCheck := r.Layer == "checks"
	if isCheck && r.Severity != SeverityError && r.Severity != SeverityWarning {
		return broken(r.Path(), "is a check without a severity", "add -- severity: error, or warning")
	}
	if !isCheck && r.Severity != "" {
		return broken(r.Path(), "has a severity and is no check", "move it to sql/checks or drop the line")
	}
	return nil
}

func parseMeasure(file, value string) (*Measure, error) {
	parts := strings.Split(value, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	const form = "write -- measure: id | title | version | higher or lower | preventive or chronic"
	if len(parts) != 5 || slices.Contains(parts, "") {
		return nil, broken(file, "has a measure line with other than five parts", form)
	}
	m := &Measure{ID: models.MeasureID(parts[0]), Title: parts[1], Version: parts[2], Direction: models.Direction(parts[3]), Purpose: parts[4]}
	if m.Direction != models.Higher && m.Direction != models.Lower {
		return nil, broken(file, "does not say whether higher or lower is better", form)
	}
	if m.Purpose != "preventive" && m.Purpose != "chronic" {
		return nil, broken(file, "is neither preventive nor chronic", form)
	}
	return m, nil
}

// splitNames takes "run, staging.patients" apart into bare names.
func splitNames(list string) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			name = name[i+1:]
		}
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// inOrder sorts relations so that each comes after those it needs; independent ones keep their order. Names in given
// exist without being made. A need that nothing makes and a ring of needs are errors naming the files.
func inOrder(relations []Relation, given map[string]bool) ([]Relation, error) {
	byName := map[string]Relation{}
	for _, r := range relations {
		if given[r.Name] {
			return nil, broken(r.Path(), "makes a table that the runner makes itself", "give it another name")
		}
		byName[r.Name] = r
	}
	const doing, done = 1, 2
	state := map[string]int{}
	var out []Relation
	var trail []string
	var visit func(r Relation) error
	visit = func(r Relation) error {
		trail = append(trail, r.Path())
		defer func() { trail = trail[:len(trail)-1] }()
		if state[r.Name] == doing {
			from := slices.Index(trail, r.Path())
			return broken(r.Path(), "needs itself: "+strings.Join(trail[from:], " needs "), "break the ring")
		}
		if state[r.Name] == done {
			return nil
		}
		state[r.Name] = doing
		for _, need := range r.Needs {
			other, made := byName[need]
			if !made && !given[need] {
				return broken(r.Path(), "needs "+need+", which nothing makes", "correct the name or add the relation")
			}
			if made {
				if err := visit(other); err != nil {
					return err
				}
			}
		}
		state[r.Name] = done
		out = append(out, r)
		return nil
	}
	for _, r := range relations {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
