package event

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"carereach/models"
)

// fault keeps the first thing found wrong with an event.
type fault struct{ reject *models.Reject }

func (f *fault) set(r *models.Reject) {
	if f.reject == nil {
		f.reject = r
	}
}

// object reads the members of one JSON object of an event's data. The first fault of the event stays; reads after it give
// zero values or rubbish that nobody looks at. A member that is null counts as absent.
type object struct {
	members map[string]any
	path    string // "data", "data.patient", "data.lines[3]"
	fault   *fault
}

// newObject parses an event's data.
func newObject(data []byte, f *fault) object {
	o := object{path: "data", fault: f}
	if data == nil {
		f.set(&models.Reject{Reason: models.ReasonBadEnvelope, Where: "data", Detail: "missing", Mend: "send the record as data"})
		return o
	}
	if r := checkObject(data, "data"); r != nil {
		f.set(r)
		return o
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&o.members); err != nil {
		f.set(badJSON("data", "not JSON, or cut short"))
	} else if _, err := d.Token(); err != io.EOF {
		f.set(badJSON("data", "something after the object"))
	}
	return o
}

func (o object) bad(name, detail, mend string) {
	o.fault.set(&models.Reject{Reason: models.ReasonBadValue, Where: o.where(name), Detail: detail, Mend: mend})
}

func (o object) where(name string) string { return o.path + "." + name }

func (o object) has(name string) bool { return o.members[name] != nil }

// require says that members must be there.
func (o object) require(names ...string) {
	for _, name := range names {
		if !o.has(name) {
			o.bad(name, "missing", "the schema of the event requires it")
		}
	}
}

// text reads a text of a form by the form's name; "" when absent.
func (o object) text(name, form string) string {
	v, ok := o.members[name]
	if !ok || v == nil {
		return ""
	}
	f := formNamed(form)
	if s, ok := v.(string); ok && f.ok(s) {
		return s
	}
	o.bad(name, "not "+f.want, "correct it at the source")
	return ""
}

// value is text for an element: nil when absent.
func (o object) value(name, form string) any {
	if s := o.text(name, form); s != "" {
		return s
	}
	return nil
}

// oneOf reads a text that must be one of some words; "" when absent.
func (o object) oneOf(name string, words ...string) string {
	v := o.members[name]
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok && slices.Contains(words, s) {
		return s
	}
	o.bad(name, "not a word that the schema knows", "send one of: "+strings.Join(words, ", "))
	return ""
}

// texts reads a list of texts of one form.
func (o object) texts(name, form string, most int) []string {
	list := o.list(name, most)
	out := make([]string, 0, len(list))
	f := formNamed(form)
	for _, v := range list {
		s, ok := v.(string)
		if !ok || !f.ok(s) {
			o.bad(name, "an entry is not "+f.want, "correct it at the source")
			return nil
		}
		out = append(out, s)
	}
	return out
}

func (o object) list(name string, most int) []any {
	v := o.members[name]
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) > most {
		o.bad(name, "not a list of at most "+strconv.Itoa(most), "send a JSON list")
		return nil
	}
	return list
}

// flag reads true or false; nil when absent.
func (o object) flag(name string) any {
	v := o.members[name]
	if v == nil {
		return nil
	}
	if b, ok := v.(bool); ok {
		return b
	}
	o.bad(name, "not true or false", "send a JSON true or false")
	return nil
}

// when reads a time of any precision; instant one with a clock time and zone. Both nil when absent.
func (o object) when(name string) *models.TimeRange { return o.time(name, parseWhen) }

func (o object) instant(name string) *models.TimeRange { return o.time(name, parseInstant) }

func (o object) time(name string, parse func(string) (models.TimeRange, bool)) *models.TimeRange {
	v := o.members[name]
	if v == nil {
		return nil
	}
	if s, ok := v.(string); ok {
		if r, ok := parse(s); ok {
			return &r
		}
	}
	o.fault.set(&models.Reject{Reason: models.ReasonBadTime, Where: o.where(name), Detail: "not a time of the form asked for, or an impossible one", Mend: "write 2026-06-30T14:05:00-04:00; where a day is enough, 2026-06-30"})
	return nil
}

// number reads a JSON number between least and most; nil when absent.
func (o object) number(name string, least, most float64) *float64 {
	v := o.members[name]
	if v == nil {
		return nil
	}
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil && f >= least && f <= most {
			return &f
		}
	}
	o.bad(name, "not a number between "+trimFloat(least)+" and "+trimFloat(most), "send a JSON number without quotation marks")
	return nil
}

func trimFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// count reads a whole number from 0 to most; nil when absent.
func (o object) count(name string, most int64) *int64 {
	f := o.number(name, 0, float64(most))
	if f == nil {
		return nil
	}
	if *f != math.Trunc(*f) {
		o.bad(name, "not a whole number", "send a JSON number without decimals")
		return nil
	}
	n := int64(*f)
	return &n
}

// money reads an amount as decimal text; nil when absent.
func (o object) money(name string) *models.Money {
	s := o.text(name, "decimal")
	if s == "" {
		return nil
	}
	m, err := models.ParseMoney(s)
	if err != nil {
		o.bad(name, "not an amount", "write it like \"1234.56\"")
		return nil
	}
	return &m
}

// child reads an object; ok is false when absent.
func (o object) child(name string) (c object, ok bool) {
	c = object{path: o.where(name), fault: o.fault}
	v := o.members[name]
	if v == nil {
		return c, false
	}
	members, isObject := v.(map[string]any)
	if !isObject {
		o.bad(name, "not an object", "see the schema of the event")
		return c, false
	}
	c.members = members
	return c, true
}

// each reads a list of objects.
func (o object) each(name string, most int) []object {
	list := o.list(name, most)
	out := make([]object, 0, len(list))
	for i, v := range list {
		members, ok := v.(map[string]any)
		if !ok {
			o.bad(name, "an entry is not an object", "see the schema of the event")
			return nil
		}
		out = append(out, object{members: members, path: o.where(name) + "[" + strconv.Itoa(i) + "]", fault: o.fault})
	}
	return out
}

// coding reads {system, code} as "system|code".
func (o object) coding() string {
	o.require("system", "code")
	return models.CodeKey(models.NormalSystem(o.text("system", "uri")), o.text("code", "id"))
}

// codings reads a list of codings for a concept; nil when absent or empty.
func (o object) codings(name string) any {
	var out []string
	for _, c := range o.each(name, 50) {
		out = append(out, c.coding())
	}
	if out == nil {
		return nil
	}
	return out
}

// oneCoding reads a single coding; nil when absent.
func (o object) oneCoding(name string) any {
	if c, ok := o.child(name); ok {
		return c.coding()
	}
	return nil
}

// period reads {start, end}, each a time of any precision; nil when absent or empty.
func (o object) period(name string) *models.Interval {
	p, ok := o.child(name)
	if !ok {
		return nil
	}
	start, end := p.when("start"), p.when("end")
	iv, err := models.Span(start, end)
	if err != nil {
		o.fault.set(&models.Reject{Reason: models.ReasonBadTime, Where: p.path, Detail: "starts after it ends", Mend: "correct the dates at the source"})
	}
	return iv
}

// whenOrPeriod reads a time of any precision, or {start, end}, as an interval; nil when absent.
func (o object) whenOrPeriod(name string) *models.Interval {
	if _, ok := o.members[name].(map[string]any); ok {
		return o.period(name)
	}
	if r := o.when(name); r != nil {
		iv := r.Point()
		return &iv
	}
	return nil
}

// quantity reads value, unit and comparator, which stand beside each other in o; nil when there is no value.
func (o object) quantity(value string) *models.Quantity {
	unit, comparator := o.text("unit", "unit"), o.oneOf("comparator", "<", "<=", ">", ">=")
	if n := o.number(value, -1e15, 1e15); n != nil {
		return &models.Quantity{Value: *n, Unit: unit, Comparator: comparator}
	}
	return nil
}

// ref reads the id of a resource of the same source; nil when absent.
func (o object) ref(name, resource string) any {
	if id := o.text(name, "id"); id != "" {
		return models.Ref{Type: resource, ID: id}
	}
	return nil
}

// opt turns a pointer into an element's value: nil stays nil.
func opt[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}
