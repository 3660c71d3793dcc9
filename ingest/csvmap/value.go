package csvmap

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"

	"carereach/models"
)

// maxText is how long a text in the analytics store may be: codes, labels and towns are short, free text is not kept there.
const maxText = 200

// value reads an element by one spec; nil when the row has none.
func (r *row) value(s *spec, kind models.ElementKind) any {
	if !r.holds(s.when) {
		return nil
	}
	switch {
	case s.start != nil || s.end != nil:
		return r.interval(s)
	case s.how == all:
		return r.codes(s)
	}
	text, c := r.text(s)
	if text == "" {
		switch {
		case s.received:
			at := models.Micros(r.received.UnixMicro())
			return models.TimeRange{Lo: at, Hi: at, Zoned: true}
		case s.required && c != nil:
			r.bad(models.ReasonBadValue, c, "empty", "fill the column")
		}
		return nil
	}
	return r.read(s, kind, text, c)
}

// text gives the spec's text: the cells, translated by its map, or its default. c is nil for a constant.
func (r *row) text(s *spec) (string, *column) {
	var text string
	var c *column
	switch s.how {
	case fixed:
		return s.constant, &column{name: "constant"}
	case join:
		text, c = strings.Join(r.filled(s.columns), " "), s.columns[0]
	default:
		text, c = r.firstOf(s.columns, s.empty)
	}
	if text != "" && s.empty[strings.ToLower(text)] {
		text = ""
	}
	if text != "" && s.values != nil {
		ours, ok := s.values[strings.ToLower(text)]
		switch {
		case ok:
			text = ours
		case s.unknown == "drop":
			text = ""
		case s.unknown == "reject":
			r.bad(models.ReasonBadValue, c, "a value that the mapping does not know", "add it to the map of the column, or correct it at the source")
		}
	}
	if text == "" && !s.received {
		text = s.fallback
	}
	return text, c
}

// read turns text into a value of the element's kind.
func (r *row) read(s *spec, kind models.ElementKind, text string, c *column) any {
	switch s.as {
	case "text", "payer", "language", "zip":
		return r.label(s, text, c)
	case "flag":
		return r.flag(text, c)
	case "int":
		n, ok := wholeNumber(text)
		if !ok {
			r.bad(models.ReasonBadValue, c, "not a whole number", "correct it at the source")
			return nil
		}
		return n
	case "money":
		m, ok := amount(text, s.round)
		if !ok {
			r.bad(models.ReasonBadValue, c, "not a plain amount, or with more decimals than the mapping allows", "write it like 1234.56, without currency sign and thousands separators")
			return nil
		}
		return m
	case "code":
		key := r.code(s, text, c)
		if key == "" {
			return nil
		}
		if kind == models.KindConcept {
			return []string{key}
		}
		return key
	case "quantity":
		return r.quantity(s, text, c)
	case "ref":
		return models.Ref{Type: s.refType, ID: text}
	}
	t, ok := r.time(s, text, c)
	switch {
	case !ok:
		return nil
	case kind == models.KindInterval:
		return t.Point()
	}
	return t
}

// amount reads an exact amount. round is the number of decimals that the source means when it writes its own binary
// fractions ("1018.0999999999999" for 1018.10): what lies within a millionth of such an amount is that amount; -1: as written.
func amount(text string, round int) (models.Money, bool) {
	_, decimals, _ := strings.Cut(text, ".")
	if round < 0 || len(decimals) <= round {
		m, err := models.ParseMoney(text)
		return m, err == nil
	}
	if len(text) > 40 || strings.Trim(text, "-.0123456789") != "" {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	near := exact.FloatString(round)
	rounded, ok := new(big.Rat).SetString(near)
	if !ok || rounded.Sub(rounded, exact).Abs(rounded).Cmp(big.NewRat(1, 1_000_000)) > 0 {
		return 0, false
	}
	m, err := models.ParseMoney(near)
	return m, err == nil
}

// label reads a short text. It is no place for free text.
func (r *row) label(s *spec, text string, c *column) any {
	switch s.as {
	case "payer":
		if s.values != nil {
			return text // the map gives the class
		}
		return models.PayerClass(text)
	case "language":
		if code := models.NormalLanguage(text); code != "" {
			return code
		}
		r.bad(models.ReasonBadValue, c, "not a language code", "write en, es, zh ..., or add the word to the map of the column")
		return nil
	case "zip":
		if n := len(text); n >= 3 && n < 5 && strings.Trim(text, "0123456789") == "" {
			return strings.Repeat("0", 5-n) + text // a spreadsheet took the leading zeros
		}
	}
	if len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
		r.bad(models.ReasonBadValue, c, "longer than "+strconv.Itoa(maxText)+" bytes, or with control characters", "map a column of codes or short labels")
		return nil
	}
	if s.words == nil {
		return text
	}
	for _, w := range s.words {
		if strings.EqualFold(w, text) {
			return w
		}
	}
	r.bad(models.ReasonBadValue, c, "not one of: "+strings.Join(s.words, ", "), "add it to the map of the column, or correct it at the source")
	return nil
}

func (r *row) flag(text string, c *column) any {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "1", "x":
		return true
	case "false", "f", "no", "n", "0":
		return false
	}
	r.bad(models.ReasonBadValue, c, "neither yes nor no", "write yes or no, true or false, 1 or 0")
	return nil
}

// wholeNumber reads a whole number; a spreadsheet's "12.0" is one.
func wholeNumber(text string) (int64, bool) {
	if whole, zeros, ok := strings.Cut(text, "."); ok && strings.Trim(zeros, "0") == "" {
		text = whole
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && text[0] != '+'
}

// codes reads several columns, each a code of its own.
func (r *row) codes(s *spec) any {
	var out []string
	for _, c := range s.columns {
		single := *s
		single.columns, single.how = []*column{c}, one
		text, _ := r.text(&single)
		if text == "" {
			continue
		}
		if key := r.code(s, text, c); key != "" {
			out = append(out, key)
		}
	}
	if out == nil {
		if s.required {
			r.bad(models.ReasonBadValue, s.columns[0], "no code in any of its columns", "fill one of the columns")
		}
		return nil
	}
	return out
}

// code makes "system|code".
func (r *row) code(s *spec, text string, c *column) string {
	if len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
		r.bad(models.ReasonBadValue, c, "no code", "map a column of codes")
		return ""
	}
	system := s.system
	if named := r.cell(s.systemBy); named != "" {
		system = models.NormalSystem(named)
		if strings.ContainsAny(system, "| ") {
			r.bad(models.ReasonBadValue, s.systemBy, "not a code system", "write its URI or short name")
			return ""
		}
	}
	switch {
	case s.form == "hcpcs":
		system = hcpcsSystem(text)
		if system == "" {
			r.bad(models.ReasonBadValue, c, "not of the form of a HCPCS code", "five characters, such as G0438")
			return ""
		}
	case system == "":
		r.bad(models.ReasonBadValue, c, "a code without its code system", "fill the column of the system, or give the mapping one")
		return ""
	case s.form == "icd-10-cm" && system == models.SystemICD10CM:
		text = dotted(text)
	}
	return models.CodeKey(system, text)
}

// dotted writes an ICD-10-CM code the way value sets do: claims leave the dot out.
func dotted(code string) string {
	code = strings.ToUpper(code)
	if len(code) > 3 && !strings.Contains(code, ".") {
		return code[:3] + "." + code[3:]
	}
	return code
}

// hcpcsSystem tells by its form which of the two halves of HCPCS a code is of: level I begins with a digit, level II with
// a letter; "" when it is neither.
func hcpcsSystem(code string) string {
	if len(code) != 5 || strings.Trim(code[1:4], "0123456789") != "" {
		return ""
	}
	switch {
	case code[0] >= '0' && code[0] <= '9':
		return models.SystemCPT
	case unicode.IsLetter(rune(code[0])) && code[4] >= '0' && code[4] <= '9':
		return models.SystemHCPCS
	}
	return ""
}

// quantity reads a number, which may begin with a comparator, and its unit.
func (r *row) quantity(s *spec, text string, c *column) any {
	q := models.Quantity{Unit: s.unit}
	if unit := r.cell(s.unitBy); unit != "" {
		q.Unit = unit
	}
	for _, comparator := range []string{"<=", ">=", "<", ">"} {
		if rest, ok := strings.CutPrefix(text, comparator); ok {
			q.Comparator, text = comparator, strings.TrimSpace(rest)
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || strings.ContainsAny(text, "xX_") {
		r.bad(models.ReasonBadValue, c, "not a number", "correct it at the source")
		return nil
	}
	q.Value = n
	return q
}

// time reads a time, or the calendar day of one.
func (r *row) time(s *spec, text string, c *column) (models.TimeRange, bool) {
	zone := r.zone
	if s.zone != nil {
		zone = s.zone
	}
	formats := r.m.formats
	if s.formats != nil {
		formats = s.formats
	}
	t, ok := parseTime(text, formats, zone)
	if !ok {
		r.bad(models.ReasonBadTime, c, "not a time in a form that the mapping knows, or one that does not exist", "write 2026-06-30 or 2026-06-30 14:05, or add the form to formats in the mapping")
		return t, false
	}
	if s.as == "date" && t.Zoned {
		day := time.UnixMicro(int64(t.Lo)).UTC().Add(time.Duration(t.Offset) * time.Minute)
		t, _ = parseTime(day.Format(time.DateOnly), nil, time.UTC)
	}
	return t, true
}

// interval reads start and end.
func (r *row) interval(s *spec) any {
	var bounds [2]*models.TimeRange
	var at *column
	for i, columns := range [][]*column{s.start, s.end} {
		text, c := r.firstOf(columns, s.empty)
		if text == "" {
			continue
		}
		at = c
		if t, ok := r.time(s, text, c); ok {
			bounds[i] = &t
		}
	}
	iv, err := models.Span(bounds[0], bounds[1])
	if err != nil {
		r.bad(models.ReasonBadTime, at, "ends before it starts", "correct the dates at the source")
		return nil
	}
	if iv == nil {
		return nil
	}
	return *iv
}

// leeway is how far a time may lie after its receipt: a day without a zone may have begun elsewhere, and clocks differ.
const leeway = 24 * time.Hour

// happened refuses a fact that claims to have happened after it was received.
func (r *row) happened(f *models.Fact, b *block) {
	limit := models.Micros(r.received.Add(leeway).UnixMicro())
	for _, stem := range past(f, b.kind) {
		_, i, _ := b.kind.Element(stem)
		var at models.Micros
		switch v := f.Values[i].(type) {
		case models.TimeRange:
			at = v.Lo
		case models.Interval:
			at = v.StartLo
		}
		if at > limit {
			r.bad(models.ReasonFutureTime, b.columnOf(i), "happened after it was received", "correct the date or the sender's clock")
		}
	}
}

// columnOf names the first column that an element is read from.
func (b *block) columnOf(at int) *column {
	for _, e := range b.elements {
		for _, s := range e.specs {
			if columns := append(append([]*column{}, s.columns...), s.start...); e.at == at && len(columns) > 0 {
				return columns[0]
			}
		}
	}
	return &column{name: b.kind.Elements[at].Column}
}

// past lists the elements of a fact that say when something happened, as far as it has.
func past(f *models.Fact, kind models.FactType) []string {
	_, i, ok := kind.Element("status")
	status := ""
	if ok {
		status, _ = f.Values[i].(string)
	}
	switch f.Type {
	case "Patient":
		return []string{"birth", "deceased_at"}
	case "Encounter":
		if status != "planned" && status != "cancelled" {
			return []string{"period"}
		}
	case "Appointment":
		if status == "fulfilled" || status == "noshow" || status == "arrived" || status == "checked-in" {
			return []string{"booked", "cancelled", "start"}
		}
		return []string{"booked", "cancelled"}
	case "Condition":
		return []string{"onset", "recorded"}
	case "Observation":
		return []string{"effective", "issued"}
	case "Procedure":
		if status != "preparation" && status != "not-done" {
			return []string{"performed"}
		}
	case "Immunization":
		return []string{"occurrence"}
	case "MedicationRequest":
		return []string{"authored"}
	case "Claim":
		return []string{"service_period", "submitted", "adjudicated", "paid_on"}
	case "Engagement":
		return []string{"at"}
	}
	return nil
}
