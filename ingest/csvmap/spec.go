package csvmap

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"carereach/models"
)

// spec is one way to get an element's value out of a row.
type spec struct {
	columns  []*column // the cells it reads
	how      how
	constant string

	start, end []*column // of an interval: of each, the first cell with content

	as       string // text, date, time, code, money, quantity, flag, int, payer, language, zip, ref
	refType  string
	system   string
	systemBy *column // column that names the code system, before system
	form     string  // icd-10-cm, hcpcs: how the code is written
	values   map[string]string
	unknown  string // what becomes of a value that the map does not know: reject, drop, keep
	words    []string
	unit     string
	unitBy   *column
	round    int // decimals of money; -1: as written
	zone     *time.Location
	formats  []layout
	empty    map[string]bool
	when     []condition
	fallback string // for empty cells
	received bool   // the time of receipt for empty cells
	required bool
}

// how says how the cells of a spec become one text, or many.
type how int

const (
	one   how = iota // the cell
	first            // the first with content
	join             // all with a blank between
	all              // each its own code
	fixed            // a constant
)

// readings lists what as may say for a kind of element; the first is taken when the mapping says nothing.
func readings(k models.ElementKind) []string {
	switch k {
	case models.KindText:
		return []string{"text", "payer", "language", "zip"}
	case models.KindFlag:
		return []string{"flag"}
	case models.KindInt:
		return []string{"int"}
	case models.KindMoney:
		return []string{"money"}
	case models.KindCoding, models.KindConcept:
		return []string{"code"}
	case models.KindTime, models.KindInterval:
		return []string{"time", "date"}
	case models.KindQuantity:
		return []string{"quantity"}
	case models.KindRef:
		return []string{"ref"}
	}
	return nil
}

// spec reads one way to get an element's value. A bare text is the name of a column.
func (l *loader) spec(n *yaml.Node, at string, kind models.FactType, e models.Element) *spec {
	s := &spec{unknown: "reject", words: vocabulary(kind.Name, e.Column)}
	var o *object
	if n = follow(n); n.Kind == yaml.ScalarNode {
		s.columns = l.columns([]string{n.Value})
		o = &object{src: l.src, node: n, path: at}
	} else {
		o = l.src.object(n, at)
		l.places(o, s, e)
	}
	l.reading(o, s, e)
	l.coding(o, s, e)
	s.values = lowerKeys(o.words("map"))
	s.unknown = l.choice(o, "unknown", "reject", "drop", "keep")
	s.unit, s.unitBy = o.text("unit"), l.column(o.text("unit_column"))
	if (s.unit != "" || s.unitBy != nil) && e.Kind != models.KindQuantity {
		l.src.fault(o.node, "remove it", "%s: only a quantity has a unit", at)
	}
	s.round = l.decimals(o, s)
	s.zone = l.zone(o, "zone")
	s.formats = l.formats(o, "formats")
	s.empty = folded(o.texts("empty"))
	s.when = l.conditions(o, "when")
	s.fallback = o.text("default")
	if s.received = s.fallback == "received"; s.received && e.Kind != models.KindTime {
		l.src.fault(o.node, "write a value", "%s: only a time may default to the time of receipt", at)
	}
	s.required = o.flag("required")
	l.checkWords(o, s)
	if o.values != nil {
		o.end()
	}
	return s
}

// places reads where the cells are.
func (l *loader) places(o *object, s *spec, e models.Element) {
	given := 0
	for _, p := range []struct {
		key string
		how how
	}{{"column", one}, {"first", first}, {"join", join}, {"columns", all}} {
		names := o.texts(p.key)
		if names == nil {
			continue
		}
		given++
		s.columns, s.how = l.columns(names), p.how
		if p.how == one && len(names) != 1 {
			l.src.fault(o.node, "use first, join or columns for several", "%s.column names more than one column", o.path)
		}
	}
	if s.how == all && e.Kind != models.KindConcept {
		l.src.fault(o.node, "use column, or first", "%s: only a list of codes takes several columns", o.path)
	}
	if n := o.take("const"); n != nil {
		s.how, s.constant = fixed, strings.TrimSpace(n.Value)
		given++
		if n.Kind != yaml.ScalarNode || s.constant == "" {
			l.src.fault(n, "write one value", "%s.const is not a single value", o.path)
		}
	}
	s.start, s.end = l.columns(o.texts("start")), l.columns(o.texts("end"))
	if s.start != nil || s.end != nil {
		given++
		if e.Kind != models.KindInterval {
			l.src.fault(o.node, "use column", "%s: only an interval has start and end", o.path)
		}
	}
	if given != 1 {
		l.src.missing(o.node, "give exactly one", "%s needs one of column, first, join, columns, const, or start and end; it has %d", o.path, given)
	}
}

// reading settles how a cell is read.
func (l *loader) reading(o *object, s *spec, e models.Element) {
	allowed := readings(e.Kind)
	if allowed == nil {
		l.src.fault(o.node, "leave it out", "%s: %s cannot come from CSV", o.path, e.Column)
		return
	}
	s.as = o.text("as")
	s.as, s.refType, _ = strings.Cut(s.as, ":")
	if s.as == "" {
		s.as = allowed[0]
	}
	if !slices.Contains(allowed, s.as) {
		l.src.fault(o.node, suggest(s.as, allowed), "%s: as '%s' does not fit %s", o.path, s.as, e.Column)
	}
	if s.as == "ref" {
		if _, ok := models.FactTypeByName(s.refType); !ok && s.refType != "Message" {
			l.src.missing(o.node, "write as: ref:Practitioner, or the type it points at", "%s: as does not say what it refers to", o.path)
		}
	}
}

// coding settles the code system of a code.
func (l *loader) coding(o *object, s *spec, e models.Element) {
	s.system, s.systemBy = models.NormalSystem(o.text("system")), l.column(o.text("system_column"))
	s.form = o.text("form")
	switch {
	case s.as != "code":
		if s.system != "" || s.systemBy != nil || s.form != "" {
			l.src.fault(o.node, "remove it", "%s: only a code has a system or form", o.path)
		}
	case s.form != "" && s.form != "icd-10-cm" && s.form != "hcpcs":
		l.src.fault(o.node, suggest(s.form, []string{"icd-10-cm", "hcpcs"}), "%s: form '%s' is not known", o.path, s.form)
	case s.system == "" && s.systemBy == nil && s.form != "hcpcs":
		l.src.missing(o.node, "add system: with its URI, or system_column:", "%s: %s needs its code system", o.path, e.Column)
	}
	if strings.ContainsAny(s.system, "| ") {
		l.src.fault(o.node, "write the system's URI", "%s: a system has no blanks and no bar", o.path)
	}
}

// decimals reads how many decimals of an amount count; -1 when the mapping does not say.
func (l *loader) decimals(o *object, s *spec) int {
	text := o.text("round")
	if text == "" {
		return -1
	}
	if s.as != "money" || len(text) != 1 || text[0] < '0' || text[0] > '4' {
		l.src.fault(o.node, "write round: 2 beside an amount", "%s.round is not a number of decimals from 0 to 4 of an amount", o.path)
		return -1
	}
	return int(text[0] - '0')
}

// choice reads one of a few words; the first when absent.
func (l *loader) choice(o *object, key string, words ...string) string {
	s := o.text(key)
	if s == "" {
		return words[0]
	}
	if !slices.Contains(words, s) {
		l.src.fault(o.node, suggest(s, words), "%s: '%s' is not known", o.at(key), s)
	}
	return s
}

func lowerKeys(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range m {
		out[strings.ToLower(strings.TrimSpace(k))] = v
	}
	return out
}

// checkWords holds constants, defaults and map targets to the words that the element knows.
func (l *loader) checkWords(o *object, s *spec) {
	if s.words == nil {
		return
	}
	given := []string{s.constant, s.fallback}
	for _, v := range s.values {
		given = append(given, v)
	}
	slices.Sort(given)
	for _, v := range given {
		if v != "" && !slices.Contains(s.words, v) {
			l.src.fault(o.node, suggest(v, s.words), "%s: '%s' is not one of its words", o.path, v)
		}
	}
}

// vocabulary lists the words an element may hold, where they are few and rules depend on them; nil elsewhere.
func vocabulary(kind, column string) []string {
	switch kind + "." + column {
	case "Appointment.status":
		return []string{"proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "entered-in-error", "checked-in", "waitlist"}
	case "Appointment.modality":
		return []string{"in-person", "video", "phone"}
	case "Appointment.cancelled_by":
		return []string{"patient", "provider"}
	case "Encounter.status":
		return []string{"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"}
	case "Patient.gender":
		return []string{"male", "female", "other", "unknown"}
	case "Patient.preferred_channel":
		return []string{"sms", "voice", "email", "mail", "portal", "push"}
	case "Consent.action":
		return []string{"granted", "revoked", "expired"}
	case "Consent.channel":
		return []string{"sms", "voice", "email", "mail", "portal", "push", "any"}
	case "Consent.purpose":
		return []string{"treatment", "care_gap", "marketing", "survey", "any"}
	case "Immunization.status":
		return []string{"completed", "not-done", "entered-in-error"}
	case "Procedure.status":
		return []string{"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"}
	case "Observation.status":
		return []string{"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
	case "Claim.status":
		return []string{"active", "cancelled", "denied", "paid", "draft", "entered-in-error"}
	}
	return nil
}

// identity says which columns name or reach a person.
type identity struct {
	names       []nameSpec
	telecom     []telecomSpec
	addresses   []addressSpec
	identifiers []identifierSpec
	related     *column
	relation    *column
}

type nameSpec struct {
	use                   string
	text, family          *column
	given, prefix, suffix []*column
}

type telecomSpec struct {
	system, use string
	rank        int
	column      *column
}

type addressSpec struct {
	use                                        string
	line                                       []*column
	city, district, state, postalCode, country *column
}

type identifierSpec struct {
	kind, system string
	column       *column
}

// identity reads the identity block.
func (l *loader) identity(o *object) *identity {
	id := &identity{related: l.column(o.text("related")), relation: l.column(o.text("relation"))}
	for i, n := range o.list("names") {
		c := l.src.object(n, fmt.Sprintf("%s.names[%d]", o.path, i))
		id.names = append(id.names, nameSpec{use: c.text("use"), text: l.column(c.text("text")), family: l.column(c.text("family")),
			given: l.columns(c.texts("given")), prefix: l.columns(c.texts("prefix")), suffix: l.columns(c.texts("suffix"))})
		c.end()
	}
	for i, n := range o.list("telecom") {
		c := l.src.object(n, fmt.Sprintf("%s.telecom[%d]", o.path, i))
		t := telecomSpec{system: l.choice(c, "system", "phone", "email", "sms", "fax", "url", "other"), use: c.text("use"), column: l.column(c.required("column"))}
		if rank := c.text("rank"); rank != "" {
			if _, err := fmt.Sscanf(rank, "%d", &t.rank); err != nil || t.rank < 1 {
				l.src.fault(c.node, "write 1, 2, 3 ...", "%s: rank is no number", c.path)
			}
		}
		id.telecom = append(id.telecom, t)
		c.end()
	}
	for i, n := range o.list("addresses") {
		c := l.src.object(n, fmt.Sprintf("%s.addresses[%d]", o.path, i))
		id.addresses = append(id.addresses, addressSpec{use: c.text("use"), line: l.columns(c.texts("line")), city: l.column(c.text("city")), district: l.column(c.text("district")),
			state: l.column(c.text("state")), postalCode: l.column(c.text("postal_code")), country: l.column(c.text("country"))})
		c.end()
	}
	for i, n := range o.list("identifiers") {
		c := l.src.object(n, fmt.Sprintf("%s.identifiers[%d]", o.path, i))
		id.identifiers = append(id.identifiers, identifierSpec{kind: c.text("type"), system: c.text("system"), column: l.column(c.required("column"))})
		c.end()
	}
	o.end()
	return id
}

// gather collects the columns that a block reads.
func (b *block) gather() {
	seen := map[string]bool{}
	add := func(columns ...*column) {
		for _, c := range columns {
			if c != nil && !seen[c.keys[0]] {
				seen[c.keys[0]] = true
				b.columns = append(b.columns, c)
			}
		}
	}
	conditions := func(list []condition) {
		for _, c := range list {
			add(c.column)
		}
	}
	for _, p := range append(slices.Clone(b.id), b.orID...) {
		add(p.column)
	}
	add(b.subject, b.version, b.capturedBy, b.evidence)
	conditions(b.when)
	conditions(b.retracted)
	for _, e := range b.elements {
		for _, s := range e.specs {
			add(s.columns...)
			add(s.start...)
			add(s.end...)
			add(s.systemBy, s.unitBy)
			conditions(s.when)
		}
	}
	if id := b.identity; id != nil {
		add(id.related, id.relation)
		for _, n := range id.names {
			add(n.text, n.family)
			add(n.given...)
			add(n.prefix...)
			add(n.suffix...)
		}
		for _, t := range id.telecom {
			add(t.column)
		}
		for _, a := range id.addresses {
			add(a.line...)
			add(a.city, a.district, a.state, a.postalCode, a.country)
		}
		for _, i := range id.identifiers {
			add(i.column)
		}
	}
	slices.SortFunc(b.columns, func(x, y *column) int { return strings.Compare(x.keys[0], y.keys[0]) })
}
