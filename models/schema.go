package models

import "strings"

// ElementKind is the physical form of one element of a fact: how it is decoded, built in Arrow and stored.
type ElementKind int

// The kinds, with the Go type a decoder yields for each (nil stands for absent) and the columns it takes for column c.
const (
	KindText       ElementKind = iota + 1 // string; c VARCHAR. Codes and labels only, never free text about a patient
	KindFlag                              // bool; c BOOLEAN
	KindInt                               // int64; c BIGINT
	KindMoney                             // Money; c DECIMAL(18,4)
	KindCoding                            // string "system|code"; c VARCHAR
	KindConcept                           // []string of "system|code"; c VARCHAR[]
	KindTime                              // TimeRange; c_lo, c_hi TIMESTAMP (UTC), c_off SMALLINT (minutes as received)
	KindInterval                          // Interval; c_sl, c_sh, c_el, c_eh TIMESTAMP (UTC), c_off SMALLINT
	KindQuantity                          // Quantity; c DOUBLE, c_unit VARCHAR (as received), c_cmp VARCHAR (< <= > >=)
	KindRef                               // Ref; c UUID, the EntityID of the resource pointed at
	KindComponents                        // []Component; c STRUCT(code VARCHAR[], value DOUBLE, unit VARCHAR, value_code VARCHAR[])[]
)

// Quantity is a measured value with its unit as received: the UCUM code, else the unit text, else empty.
type Quantity struct {
	Value      float64
	Unit       string
	Comparator string // "", "<", "<=", ">", ">="
}

// Component is one part of a panel such as systolic pressure.
type Component struct {
	Code      []string // "system|code"
	Value     *Quantity
	ValueCode []string // "system|code"
}

// Ref points at a resource of the same source. Type may be empty when the source did not say.
type Ref struct {
	Type string
	ID   string
}

// Element is one stored element of a resource type.
type Element struct {
	Path   string // where FHIR R4 keeps it: "class", "type[]", "effective[x]", "hospitalization.dischargeDisposition"; empty: our own
	Column string // lower_snake column, or the stem of its columns
	Kind   ElementKind
	Doc    string // what it means, for the data dictionary
}

// FactType is one kind of fact: a FHIR resource type or one of our own (Engagement, Consent, PersonLink).
type FactType struct {
	Name     string // "Encounter"
	Table    string // "encounter": ver_encounter holds all versions, cur_encounter the winning ones
	Subject  bool   // every fact must name its patient; a missing one is quarantined
	CodeFrom string // column whose codes go to the table codes; empty: none
	Doc      string
	Elements []Element
}

// Columns lists the physical columns of e with their DuckDB types, in store order.
func (e Element) Columns() []Column {
	c := e.Column
	switch e.Kind {
	case KindText, KindCoding:
		return []Column{{Name: c, Type: "VARCHAR", Doc: e.Doc}}
	case KindFlag:
		return []Column{{Name: c, Type: "BOOLEAN", Doc: e.Doc}}
	case KindInt:
		return []Column{{Name: c, Type: "BIGINT", Doc: e.Doc}}
	case KindMoney:
		return []Column{{Name: c, Type: "DECIMAL(18,4)", Doc: e.Doc}}
	case KindConcept:
		return []Column{{Name: c, Type: "VARCHAR[]", Doc: e.Doc}}
	case KindTime:
		return []Column{{Name: c + "_lo", Type: "TIMESTAMP", Doc: e.Doc + ": earliest, UTC"}, {Name: c + "_hi", Type: "TIMESTAMP", Doc: "latest, UTC"},
			{Name: c + "_off", Type: "SMALLINT", Doc: "offset as received, minutes; NULL: no zone given"}}
	case KindInterval:
		return []Column{{Name: c + "_sl", Type: "TIMESTAMP", Doc: e.Doc + ": start, earliest, UTC"}, {Name: c + "_sh", Type: "TIMESTAMP", Doc: "start, latest"},
			{Name: c + "_el", Type: "TIMESTAMP", Doc: "end, earliest; 9999-12-31 when open"}, {Name: c + "_eh", Type: "TIMESTAMP", Doc: "end, latest"},
			{Name: c + "_off", Type: "SMALLINT", Doc: "offset of the start as received, minutes; NULL: no zone given"}}
	case KindQuantity:
		return []Column{{Name: c, Type: "DOUBLE", Doc: e.Doc}, {Name: c + "_unit", Type: "VARCHAR", Doc: "unit as received"}, {Name: c + "_cmp", Type: "VARCHAR", Doc: "comparator, when the value is a bound"}}
	case KindRef:
		return []Column{{Name: c, Type: "UUID", Doc: e.Doc}}
	case KindComponents:
		return []Column{{Name: c, Type: "STRUCT(code VARCHAR[], value DOUBLE, unit VARCHAR, value_code VARCHAR[])[]", Doc: e.Doc}}
	}
	return nil
}

// Column is one column of a table of ours, with its DuckDB type and its meaning.
type Column struct {
	Name string
	Type string
	Doc  string
}

// VersionColumns start every ver_ table. pid and k are this file's own and never leave the store.
var VersionColumns = []Column{
	{"pid", "BIGINT", "patient key of this file, bucket << 40 | n; NULL for types without a patient"},
	{"k", "BIGINT", "row key of this file, growing in order of arrival"},
	{"ent", "UUID", "keyed hash of tenant, source, type and resource id"},
	{"source", "VARCHAR", "configured source the fact came from"},
	{"version", "BIGINT", "sequence, else meta.versionId, else lastUpdated in microseconds, else 0; compared inside one source"},
	{"known_at", "TIMESTAMP", "when our log first held it, UTC"},
	{"retracted", "BOOLEAN", "entered-in-error or deleted"},
	{"log", "VARCHAR", "log that holds the input"},
	{"part", "INTEGER", "partition of that log"},
	{"off", "BIGINT", "offset of the record"},
	{"entry", "INTEGER", "entry inside the record, 0 unless a Bundle"},
}

// Columns lists all physical columns of the type's elements in store order, VersionColumns not included.
func (t FactType) Columns() []Column {
	var out []Column
	for _, e := range t.Elements {
		out = append(out, e.Columns()...)
	}
	return out
}

// VersionTable and CurrentTable name the type's two tables.
func (t FactType) VersionTable() string { return "ver_" + t.Table }

// CurrentTable names the folded table: winning versions, not retracted, merged persons joined. Its columns are those of
// the version table without retracted, log, part, off and entry; its pid is the survivor's and pid0 the one received.
func (t FactType) CurrentTable() string { return "cur_" + t.Table }

// Element finds an element by column stem.
func (t FactType) Element(column string) (Element, int, bool) {
	for i, e := range t.Elements {
		if e.Column == column {
			return e, i, true
		}
	}
	return Element{}, 0, false
}

// FactTypeByName finds a type by its FHIR name.
func FactTypeByName(name string) (FactType, bool) {
	for _, t := range FactTypes {
		if t.Name == name {
			return t, true
		}
	}
	return FactType{}, false
}

// CodeKey joins a system URI and a code the way the store keeps them.
func CodeKey(system, code string) string { return system + "|" + code }

// SplitCode takes a code key apart.
func SplitCode(key string) (system, code string) {
	system, code, _ = strings.Cut(key, "|")
	return system, code
}
