package fhir

import (
	"slices"
	"strconv"

	"github.com/valyala/fastjson"

	"carereach/models"
)

const (
	maxCode   = 64  // bytes of a status, gender or other plain code
	maxCoding = 256 // bytes of a code or system inside a Coding
)

// read follows the path of e from step i on, starting at the object v, and converts what it finds; nil when there is
// nothing.
func (d *Decoder) read(e *element, i int, v value) (any, *models.Reject) {
	st := &e.steps[i]
	if st.mode == choice {
		return d.choice(st, v)
	}
	m := v.member(st.key)
	if m.absent() {
		return nil, nil
	}
	if st.mode == one {
		got, rej := d.step(e, i, m)
		return got, under(st.key, rej)
	}
	items, err := m.Array()
	if err != nil {
		return nil, badValue(st.key, "an array")
	}
	if st.mode == all {
		got, rej := d.gather(e.kind, items)
		return got, under(st.key, rej)
	}
	for n, item := range items {
		if item.Type() == fastjson.TypeNull {
			continue
		}
		if got, rej := d.step(e, i, value{item}); rej != nil || got != nil {
			return got, under(indexed(st.key, n), rej)
		}
	}
	return nil, nil
}

// step takes v, found at step i, further: to the rest of the path or, at its end, to the conversion.
func (d *Decoder) step(e *element, i int, v value) (any, *models.Reject) {
	if i == len(e.steps)-1 {
		return d.convert(e, v)
	}
	if v.Type() != fastjson.TypeObject {
		return nil, badValue("", "an object")
	}
	return d.read(e, i+1, v)
}

func (d *Decoder) choice(st *step, v value) (any, *models.Reject) {
	var got any
	seen := false
	for _, variant := range st.variants {
		m := v.member(variant.key)
		if m.absent() {
			continue
		}
		if seen {
			return nil, badValue(st.key+"[x]", "one type of value, not several")
		}
		seen = true
		var rej *models.Reject
		if got, rej = variant.read(d, m); rej != nil {
			return nil, under(variant.key, rej)
		}
	}
	return got, nil
}

// convert makes the Go value of the element's kind.
func (d *Decoder) convert(e *element, v value) (any, *models.Reject) {
	switch e.kind {
	case models.KindText:
		return d.textOf(v, e.label)
	case models.KindFlag:
		b, err := v.Bool()
		if err != nil {
			return nil, badValue("", "true or false")
		}
		return b, nil
	case models.KindTime:
		b, err := v.StringBytes()
		if err != nil {
			return nil, badValue("", "a date in a string")
		}
		if b = trim(b); len(b) == 0 {
			return nil, nil
		}
		r, rej := parseTime(b)
		if rej != nil {
			return nil, rej
		}
		return r, nil
	case models.KindInt:
		n, err := strconv.ParseInt(d.digits(v), 10, 64)
		if err != nil {
			return nil, badValue("", "a whole number")
		}
		return n, nil
	}
	if v.Type() != fastjson.TypeObject {
		return nil, badValue("", "an object")
	}
	switch e.kind {
	case models.KindCoding:
		return d.coding(v)
	case models.KindConcept:
		return d.concept(v)
	case models.KindInterval:
		return d.period(v)
	case models.KindQuantity:
		return d.quantity(v)
	case models.KindMoney:
		return d.money(v)
	case models.KindRef:
		return d.ref(v)
	}
	panic("fhir: no conversion for " + e.path)
}

// textOf gives a label or a code; nil for an empty string. A code has no blanks and is short: free text sent in its place
// is refused, not stored.
func (d *Decoder) textOf(v value, label bool) (any, *models.Reject) {
	b, err := v.StringBytes()
	if err != nil {
		return nil, badValue("", "a string")
	}
	b = trim(b)
	switch {
	case len(b) == 0:
		return nil, nil
	case label:
		return string(b), nil
	case len(b) > maxCode || slices.ContainsFunc(b, func(c byte) bool { return c <= ' ' || c == 0x7f }):
		return nil, badValue("", "a code: up to 64 characters without blanks")
	}
	return d.words.word(b), nil
}

// digits gives the text of a JSON number as sent, "" for anything else. fastjson's own conversions round differently.
func (d *Decoder) digits(v value) string {
	if v.Type() != fastjson.TypeNumber {
		return ""
	}
	d.number = v.MarshalTo(d.number[:0])
	return string(d.number)
}

// codingParts gives system and code of a Coding, valid until the next call; code is empty when it has none.
func codingParts(v value) (system, code []byte, rej *models.Reject) {
	if code, rej = v.bytes("code"); rej != nil {
		return nil, nil, rej
	}
	if system, rej = v.bytes("system"); rej != nil {
		return nil, nil, rej
	}
	switch {
	case !oneLine(code):
		return nil, nil, badValue("code", oneLineText)
	case !oneLine(system):
		return nil, nil, badValue("system", oneLineText)
	}
	return system, code, nil
}

const oneLineText = "one line of up to 256 characters"

func oneLine(b []byte) bool {
	return len(b) <= maxCoding && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c == 0x7f })
}

// coding gives "system|code", nil without a code.
func (d *Decoder) coding(v value) (any, *models.Reject) {
	system, code, rej := codingParts(v)
	if rej != nil || len(code) == 0 {
		return nil, rej
	}
	return d.words.code(system, code), nil
}

// concept gives the codes of a CodeableConcept, nil when it has only text.
func (d *Decoder) concept(v value) (any, *models.Reject) {
	m := v.member("coding")
	if m.absent() {
		return nil, nil
	}
	items, err := m.Array()
	if err == nil && len(items) == 1 && items[0].Type() == fastjson.TypeObject { // nearly always
		system, code, rej := codingParts(value{items[0]})
		if rej != nil || len(code) == 0 {
			return nil, under("coding[0]", rej)
		}
		return d.words.concept(system, code), nil
	}
	codes, rej := d.codes(nil, v)
	return listOrNil(codes), rej
}

// codes appends the codes of a CodeableConcept that are not in the list yet.
func (d *Decoder) codes(to []string, v value) ([]string, *models.Reject) {
	rej := v.each("coding", func(c value) *models.Reject {
		key, rej := d.coding(c)
		if rej == nil && key != nil && !slices.Contains(to, key.(string)) {
			to = append(to, key.(string))
		}
		return rej
	})
	return to, rej
}

// codesOf gives the codes of a CodeableConcept member.
func (d *Decoder) codesOf(v value, key string) ([]string, *models.Reject) {
	m, rej := v.object(key)
	if rej != nil || m.absent() {
		return nil, rej
	}
	codes, rej := d.codes(nil, m)
	return codes, under(key, rej)
}

func listOrNil(codes []string) any {
	if len(codes) == 0 {
		return nil
	}
	return codes
}

// gather converts all elements of an array together: codes in their order without repetitions, or the parts of a panel.
func (d *Decoder) gather(kind models.ElementKind, items []*fastjson.Value) (any, *models.Reject) {
	var codes []string
	var parts []models.Component
	for i, item := range items {
		v := value{item}
		if v.absent() {
			continue
		}
		if v.Type() != fastjson.TypeObject {
			return nil, badValue(indexed("", i), "an object")
		}
		var rej *models.Reject
		switch {
		case kind == models.KindComponents:
			var c models.Component
			c, rej = d.component(v)
			parts = append(parts, c)
		case len(items) == 1:
			got, rej := d.concept(v)
			return got, under("[0]", rej)
		default:
			codes, rej = d.codes(codes, v)
		}
		if rej != nil {
			return nil, under(indexed("", i), rej)
		}
	}
	if len(parts) > 0 {
		return parts, nil
	}
	return listOrNil(codes), nil
}

func (d *Decoder) component(v value) (c models.Component, rej *models.Reject) {
	if c.Code, rej = d.codesOf(v, "code"); rej != nil {
		return c, rej
	}
	if c.ValueCode, rej = d.codesOf(v, "valueCodeableConcept"); rej != nil {
		return c, rej
	}
	q, rej := d.numberOf(v)
	if rej != nil {
		return c, rej
	}
	if q, ok := q.(models.Quantity); ok {
		c.Value = &q
	}
	return c, nil
}

// numberOf gives the numeric result of an Observation or component: valueQuantity, or valueInteger as a quantity without
// unit; nil when it has neither.
func (d *Decoder) numberOf(v value) (any, *models.Reject) {
	q, rej := v.object("valueQuantity")
	if rej != nil {
		return nil, rej
	}
	whole := v.member("valueInteger")
	switch {
	case whole.absent() && q.absent():
		return nil, nil
	case whole.absent():
		got, rej := d.quantity(q)
		return got, under("valueQuantity", rej)
	case !q.absent():
		return nil, badValue("value[x]", "one type of value, not several")
	}
	n, err := strconv.ParseInt(d.digits(whole), 10, 64)
	if err != nil {
		return nil, badValue("valueInteger", "a whole number")
	}
	return models.Quantity{Value: float64(n)}, nil
}

// quantity gives the number with its unit code, else unit text; nil without a number.
func (d *Decoder) quantity(v value) (any, *models.Reject) {
	m := v.member("value")
	if m.absent() {
		return nil, nil
	}
	n, err := strconv.ParseFloat(d.digits(m), 64)
	if err != nil {
		return nil, badValue("value", "a number")
	}
	q := models.Quantity{Value: n}
	for _, key := range [...]string{"code", "unit"} {
		b, rej := v.bytes(key)
		if rej != nil {
			return nil, rej
		}
		if len(b) > maxCode {
			return nil, badValue(key, "at most 64 characters")
		}
		if len(b) > 0 && q.Unit == "" {
			q.Unit = d.words.word(b).(string)
		}
	}
	b, rej := v.bytes("comparator")
	if rej != nil {
		return nil, rej
	}
	switch c := string(b); c {
	case "", "<", "<=", ">", ">=":
		q.Comparator = c
	default:
		return nil, badValue("comparator", "one of < <= > >=")
	}
	return q, nil
}

// money gives the amount exactly; nil without a value.
func (d *Decoder) money(v value) (any, *models.Reject) {
	m := v.member("value")
	if m.absent() {
		return nil, nil
	}
	amount, err := models.ParseMoney(d.digits(m))
	if err != nil {
		return nil, badValue("value", "a plain decimal number of at most four places")
	}
	return amount, nil
}

// point gives a dateTime or instant as an interval.
func (d *Decoder) point(v value) (any, *models.Reject) {
	b, err := v.StringBytes()
	if err != nil {
		return nil, badValue("", "a date in a string")
	}
	if b = trim(b); len(b) == 0 {
		return nil, nil
	}
	r, rej := parseTime(b)
	if rej != nil {
		return nil, rej
	}
	return r.Point(), nil
}

// period gives a Period as an interval; nil when it has neither end.
func (d *Decoder) period(v value) (any, *models.Reject) {
	if v.Type() != fastjson.TypeObject {
		return nil, badValue("", "an object")
	}
	start, rej := v.time("start")
	if rej != nil {
		return nil, rej
	}
	end, rej := v.time("end")
	if rej != nil {
		return nil, rej
	}
	return span(start, end)
}

func span(start, end *models.TimeRange) (any, *models.Reject) {
	iv, err := models.Span(start, end)
	switch {
	case err != nil:
		return nil, &models.Reject{Reason: models.ReasonBadTime, Detail: "the period starts after it ends", Mend: "correct its dates at the source"}
	case iv == nil:
		return nil, nil
	}
	return *iv, nil
}

// timing gives the span of a Timing: from its first event to its last, else its bounds; nil when it has neither.
func (d *Decoder) timing(v value) (any, *models.Reject) {
	if v.Type() != fastjson.TypeObject {
		return nil, badValue("", "an object")
	}
	events, rej := v.texts("event")
	if rej != nil {
		return nil, rej
	}
	var from, to *models.TimeRange
	for i, text := range events {
		r, rej := parseTime([]byte(text))
		if rej != nil {
			return nil, under(indexed("event", i), rej)
		}
		if from == nil || r.Lo < from.Lo {
			from = &r
		}
		if to == nil || r.Hi > to.Hi {
			to = &r
		}
	}
	if from != nil {
		return span(from, to)
	}
	repeat, rej := v.object("repeat")
	if rej != nil {
		return nil, rej
	}
	bounds, rej := repeat.object("boundsPeriod")
	if rej != nil || bounds.absent() {
		return nil, under("repeat", rej)
	}
	got, rej := d.period(bounds)
	return got, under("repeat.boundsPeriod", rej)
}
