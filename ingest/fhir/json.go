package fhir

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"carereach/models"
)

// value is a JSON value of the resource being decoded; the zero value and JSON null are absent. It is valid until the
// decoder's next call, so whatever is kept of it is copied.
type value struct{ *fastjson.Value }

func (v value) absent() bool { return v.Value == nil || v.Type() == fastjson.TypeNull }

// member gives the member of an object; absent when v is absent.
func (v value) member(key string) value {
	if v.Value == nil {
		return value{}
	}
	return value{v.Get(key)}
}

// bytes gives a string member without surrounding blanks, valid until the decoder's next call; nil when it is absent.
func (v value) bytes(key string) ([]byte, *models.Reject) {
	m := v.member(key)
	if m.absent() {
		return nil, nil
	}
	b, err := m.StringBytes()
	if err != nil {
		return nil, badValue(key, "a string")
	}
	return trim(b), nil
}

// text gives a string member without surrounding blanks; "" when it is absent.
func (v value) text(key string) (string, *models.Reject) {
	b, rej := v.bytes(key)
	return string(b), rej
}

// field is a string member and where it goes.
type field struct {
	key string
	to  *string
}

// fill reads several string members.
func (v value) fill(fields ...field) (rej *models.Reject) {
	for _, f := range fields {
		if *f.to, rej = v.text(f.key); rej != nil {
			return rej
		}
	}
	return nil
}

// texts gives a list of strings; empty ones are left out.
func (v value) texts(key string) ([]string, *models.Reject) {
	items, rej := v.list(key)
	var out []string
	for i, item := range items {
		if item.absent() {
			continue
		}
		b, err := item.StringBytes()
		if err != nil {
			return nil, badValue(indexed(key, i), "a string")
		}
		if b = trim(b); len(b) > 0 {
			out = append(out, string(b))
		}
	}
	return out, rej
}

// object gives an object member.
func (v value) object(key string) (value, *models.Reject) {
	m := v.member(key)
	if m.absent() {
		return value{}, nil
	}
	if m.Type() != fastjson.TypeObject {
		return value{}, badValue(key, "an object")
	}
	return m, nil
}

// list gives the elements of an array member; nil when it is absent.
func (v value) list(key string) ([]value, *models.Reject) {
	m := v.member(key)
	if m.absent() {
		return nil, nil
	}
	items, err := m.Array()
	if err != nil {
		return nil, badValue(key, "an array")
	}
	out := make([]value, len(items))
	for i, item := range items {
		out[i] = value{item}
	}
	return out, nil
}

// each calls f for every object in an array member until f rejects one. The place of a reject gets the key and index.
func (v value) each(key string, f func(item value) *models.Reject) *models.Reject {
	m := v.member(key)
	if m.absent() {
		return nil
	}
	items, err := m.Array()
	if err != nil {
		return badValue(key, "an array")
	}
	for i, p := range items {
		item := value{p}
		if item.absent() {
			continue
		}
		if item.Type() != fastjson.TypeObject {
			return badValue(indexed(key, i), "an object")
		}
		if rej := f(item); rej != nil {
			return under(indexed(key, i), rej)
		}
	}
	return nil
}

// flag gives a boolean member; nil when it is absent.
func (v value) flag(key string) (*bool, *models.Reject) {
	m := v.member(key)
	if m.absent() {
		return nil, nil
	}
	b, err := m.Bool()
	if err != nil {
		return nil, badValue(key, "true or false")
	}
	return &b, nil
}

// time gives a date, dateTime or instant member; nil when it is absent.
func (v value) time(key string) (*models.TimeRange, *models.Reject) {
	b, rej := v.bytes(key)
	if rej != nil || len(b) == 0 {
		return nil, rej
	}
	r, rej := parseTime(b)
	if rej != nil {
		return nil, under(key, rej)
	}
	return &r, nil
}

func parseTime(b []byte) (models.TimeRange, *models.Reject) {
	r, err := models.ParseFHIRTime(string(b))
	if err != nil {
		return r, &models.Reject{Reason: models.ReasonBadTime, Detail: "no date or time that exists", Mend: "write it like 2026-06-30 or 2026-06-30T14:05:00-04:00"}
	}
	return r, nil
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func badValue(where, want string) *models.Reject {
	return &models.Reject{Reason: models.ReasonBadValue, Where: where, Detail: "expected " + want, Mend: "send the element as FHIR R4 has it, or leave it out"}
}

func indexed(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// under puts the place of a reject below prefix. It gives nil for nil.
func under(prefix string, r *models.Reject) *models.Reject {
	switch {
	case r == nil:
		return nil
	case r.Where == "" || strings.HasPrefix(r.Where, "["):
		r.Where = prefix + r.Where
	default:
		r.Where = prefix + "." + r.Where
	}
	return r
}
