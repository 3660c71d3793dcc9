package csvmap

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"carereach/models"
)

// source is a YAML document being read. The first mistake stays; what is read after it does not matter. A key that is
// missing counts only when nothing else is wrong, because most often it is there, mistyped.
type source struct {
	file    string
	err     *models.Error
	lacking *models.Error
}

func (s *source) fault(at *yaml.Node, mend, format string, args ...any) {
	if s.err == nil {
		s.err = s.mistake(at, mend, format, args...)
	}
}

func (s *source) missing(at *yaml.Node, mend, format string, args ...any) {
	if s.lacking == nil {
		s.lacking = s.mistake(at, mend, format, args...)
	}
}

// result gives the mistake to tell, nil when there is none.
func (s *source) result() error {
	switch {
	case s.err != nil:
		return s.err
	case s.lacking != nil:
		return s.lacking
	}
	return nil
}

func (s *source) mistake(at *yaml.Node, mend, format string, args ...any) *models.Error {
	where := s.file
	if at != nil && at.Line > 0 {
		where = fmt.Sprintf("%s, line %d", s.file, at.Line)
	}
	return &models.Error{Kind: models.KindConfig, Message: where + ": " + fmt.Sprintf(format, args...), Mend: mend}
}

// object is a YAML mapping whose keys are taken one by one; what is left at the end is unknown.
type object struct {
	src    *source
	node   *yaml.Node
	path   string // "facts[0].columns.birth", for messages
	values map[string]*yaml.Node
	keys   map[string]*yaml.Node
	asked  []string
}

func (s *source) object(n *yaml.Node, path string) *object {
	o := &object{src: s, node: n, path: path, values: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}}
	n = follow(n)
	if n == nil || n.Kind != yaml.MappingNode {
		s.fault(n, "indent its keys below it", "%s is not a block of keys", orFile(path))
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, ok := o.values[key.Value]; ok {
			s.fault(key, "keep one of the two", "key %q twice in %s", key.Value, orFile(path))
		}
		o.values[key.Value], o.keys[key.Value] = n.Content[i+1], key
	}
	return o
}

// follow leads from an alias to what it stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func (o *object) at(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// take gives the value of a key, nil when it is not there or null.
func (o *object) take(key string) *yaml.Node {
	o.asked = append(o.asked, key)
	n := follow(o.values[key])
	delete(o.values, key)
	if n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	return n
}

// end complains about keys that nobody asked for.
func (o *object) end() {
	var left []string
	for key := range o.values {
		left = append(left, key)
	}
	slices.SortFunc(left, func(a, b string) int { return o.keys[a].Line - o.keys[b].Line })
	for _, key := range left {
		mend := "known here: " + strings.Join(o.asked, ", ")
		if near := nearest(key, o.asked); near != "" {
			mend = fmt.Sprintf("did you mean '%s'?", near)
		}
		o.src.fault(o.keys[key], mend, "unknown key '%s' in %s", key, orFile(o.path))
	}
}

// text reads a scalar; "" when absent.
func (o *object) text(key string) string {
	n := o.take(key)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		o.src.fault(n, "write one value", "%s is not a single value", o.at(key))
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (o *object) required(key string) string {
	s := o.text(key)
	if s == "" {
		o.src.missing(o.node, "add the key "+key, "%s has no key '%s'", orFile(o.path), key)
	}
	return s
}

// flag reads true or false; false when absent.
func (o *object) flag(key string) bool {
	n := o.take(key)
	if n == nil {
		return false
	}
	switch n.Value {
	case "true":
		return true
	case "false":
		return false
	}
	o.src.fault(n, "write true or false", "%s is neither true nor false", o.at(key))
	return false
}

// texts reads a list of scalars, or one scalar as a list of one.
func (o *object) texts(key string) []string {
	n := o.take(key)
	if n == nil {
		return nil
	}
	return o.src.texts(n, o.at(key))
}

func (s *source) texts(n *yaml.Node, path string) []string {
	n = follow(n)
	if n.Kind == yaml.ScalarNode {
		return []string{strings.TrimSpace(n.Value)}
	}
	if n.Kind != yaml.SequenceNode {
		s.fault(n, "write a list", "%s is not a list", path)
		return nil
	}
	var out []string
	for _, entry := range n.Content {
		entry = follow(entry)
		if entry.Kind != yaml.ScalarNode || strings.TrimSpace(entry.Value) == "" {
			s.fault(entry, "write one value per entry", "%s has an entry that is not a single value", path)
			return nil
		}
		out = append(out, strings.TrimSpace(entry.Value))
	}
	return out
}

// list reads a list, or one thing as a list of one; nil when absent.
func (o *object) list(key string) []*yaml.Node {
	n := o.take(key)
	if n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// child reads a block of keys; nil when absent.
func (o *object) child(key string) *object {
	n := o.take(key)
	if n == nil {
		return nil
	}
	return o.src.object(n, o.at(key))
}

// words reads a block of texts, key to text.
func (o *object) words(key string) map[string]string {
	c := o.child(key)
	if c == nil {
		return nil
	}
	out := map[string]string{}
	for k, n := range c.values {
		n = follow(n)
		if n.Kind != yaml.ScalarNode {
			o.src.fault(n, "write one value", "%s is not a single value", c.at(k))
			return nil
		}
		out[k] = strings.TrimSpace(n.Value)
	}
	return out
}

// nearest finds the known word that a mistyped one is most likely meant to be; "" when none is near.
func nearest(word string, known []string) string {
	best, distance := "", 3
	if len(word) <= 3 {
		distance = 2
	}
	for _, k := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// edits counts the letters to change, add, drop or swap with their neighbour to make a into b.
func edits(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
