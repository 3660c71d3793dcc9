package csvmap

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"carereach/models"
)

// row is one row while it is mapped.
type row struct {
	m        *Mapping
	get      func(key string) (string, bool) // cell by folded header name
	zone     *time.Location
	received time.Time
	reject   *models.Reject // the first thing wrong
}

// Facts maps one row. receivedAt is when our log first held the row: what claims to have happened more than a day after it
// is future_time. Errors: *models.Reject, never wrapped, naming the column as the mapping spells it and never its value;
// ErrIgnored when no block applies. There are facts exactly when the error is nil. Call Check once per file before.
func (m *Mapping) Facts(header Header, cells []string, receivedAt time.Time) ([]models.Fact, error) {
	if len(cells) != len(header.Names) {
		return nil, &models.Reject{Reason: models.ReasonBadColumn, Where: "row", Detail: "not as many cells as the header has names", Mend: "mend the row at the source"}
	}
	return m.facts(func(key string) (string, bool) {
		i, ok := header.index[key]
		if !ok {
			return "", false
		}
		return cells[i], true
	}, receivedAt)
}

// FactsJSON maps a row as EncodeRow wrote it; the same facts and errors as Facts, and bad_json when body is none.
func (m *Mapping) FactsJSON(body []byte, receivedAt time.Time) ([]models.Fact, error) {
	var cells map[string]string
	if err := json.Unmarshal(body, &cells); err != nil || cells == nil {
		return nil, &models.Reject{Reason: models.ReasonBadJSON, Where: "row", Detail: "not a row as the loader writes it", Mend: "load the file again"}
	}
	return m.facts(func(key string) (string, bool) { v, ok := cells[key]; return v, ok }, receivedAt)
}

// EncodeRow writes a row as a JSON object from header to value: keys folded and sorted, empty cells left out, so that the
// same row of a file with other column order or header case gives the same bytes.
func EncodeRow(header Header, cells []string) []byte {
	out := make(map[string]string, len(cells))
	for i, cell := range cells {
		if i < len(header.keys) && strings.TrimFunc(cell, blank) != "" {
			out[header.keys[i]] = cell
		}
	}
	body, err := json.Marshal(out) // sorts its keys
	if err != nil {
		panic("csvmap: " + err.Error()) // texts always encode
	}
	return body
}

func (m *Mapping) facts(get func(string) (string, bool), receivedAt time.Time) ([]models.Fact, error) {
	r := &row{m: m, get: get, zone: m.zone, received: receivedAt}
	if r.zone == nil {
		r.zone = time.UTC
	}
	r.ownZone()
	var out []models.Fact
	for _, b := range m.blocks {
		if !r.holds(b.when) {
			continue
		}
		f := r.fact(b)
		if r.reject != nil {
			return nil, r.reject
		}
		out = append(out, f)
	}
	switch {
	case r.reject != nil:
		return nil, r.reject
	case len(out) == 0:
		return nil, ErrIgnored
	}
	return out, nil
}

// ownZone takes the zone for local times from the row where the mapping says so.
func (r *row) ownZone() {
	name := r.cell(r.m.zoneColumn)
	if name == "" {
		return
	}
	if known, ok := r.m.zones.Load(name); ok {
		r.zone = known.(*time.Location)
		return
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.bad(models.ReasonBadValue, r.m.zoneColumn, "not a known time zone", "write an IANA zone such as America/New_York")
		return
	}
	r.m.zones.Store(name, loc)
	r.zone = loc
}

func (r *row) bad(reason models.QuarantineReason, c *column, detail, mend string) {
	if r.reject == nil {
		r.reject = &models.Reject{Reason: reason, Where: c.name, Detail: detail, Mend: mend}
	}
}

// cell gives a column's text without surrounding blanks: that of the first of its headers with content. What the mapping
// calls empty is empty.
func (r *row) cell(c *column) string {
	if c == nil {
		return ""
	}
	for _, key := range c.keys {
		text, _ := r.get(key)
		text = strings.TrimFunc(text, blank)
		if text != "" && (r.m.empty == nil || !r.m.empty[strings.ToLower(text)]) {
			return text
		}
	}
	return ""
}

// firstOf gives the first cell with content, and its column.
func (r *row) firstOf(columns []*column, empty map[string]bool) (string, *column) {
	for _, c := range columns {
		if text := r.cell(c); text != "" && (empty == nil || !empty[strings.ToLower(text)]) {
			return text, c
		}
	}
	if len(columns) > 0 {
		return "", columns[0]
	}
	return "", nil
}

// holds says whether all conditions are true.
func (r *row) holds(conditions []condition) bool {
	for _, c := range conditions {
		text := strings.ToLower(r.cell(c.column))
		if c.in != nil && !c.in[text] || c.not[text] || c.filled != nil && *c.filled != (text != "") {
			return false
		}
	}
	return true
}

// fact maps the row by one block.
func (r *row) fact(b *block) models.Fact {
	f := models.NewFact(b.kind.Name, "")
	if b.subject != nil {
		f.Subject = models.Ref{Type: "Patient", ID: r.cell(b.subject)}
		if f.Subject.ID == "" {
			r.bad(models.ReasonMissingSubject, b.subject, "empty", "every row names its patient by the source's own id")
		}
	}
	f.ID = r.id(b)
	f.Version = r.version(b.version)
	f.Retracted = b.retracted != nil && r.holds(b.retracted)
	for _, e := range b.elements {
		for _, s := range e.specs {
			if v := r.value(s, e.kind); v != nil {
				f.Values[e.at] = v
				break
			}
		}
	}
	if b.identity != nil {
		r.identify(&f, b.identity)
	}
	if f.Type == "Consent" {
		r.consent(&f, b)
	}
	r.happened(&f, b)
	return f
}

// id makes the fact's id.
func (r *row) id(b *block) string {
	if b.hash {
		return r.hash(b)
	}
	for _, parts := range [][]part{b.id, b.orID} {
		texts, some := make([]string, len(parts)), false
		for i, p := range parts {
			texts[i] = p.constant
			if p.column != nil {
				texts[i] = r.cell(p.column)
				some = some || texts[i] != ""
			}
		}
		if some {
			return joinID(texts)
		}
	}
	for _, p := range b.id {
		if p.column != nil {
			r.bad(models.ReasonNoID, p.column, "empty", "every row needs the id of its record")
			break
		}
	}
	return ""
}

// joinID joins the parts of an id so that no two lists of parts give the same text.
func joinID(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	escape := strings.NewReplacer(`\`, `\\`, "|", `\|`)
	for i, p := range parts {
		parts[i] = escape.Replace(p)
	}
	return strings.Join(parts, "|")
}

// hash makes an id of what the block reads of the row.
func (r *row) hash(b *block) string {
	h := sha256.New()
	for _, c := range b.columns {
		if text := r.cell(c); text != "" {
			h.Write([]byte(c.keys[0] + "\x00" + text + "\x00"))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// version reads a number, or a time as microseconds.
func (r *row) version(c *column) int64 {
	text := r.cell(c)
	if text == "" {
		return 0
	}
	if n, ok := wholeNumber(text); ok && n >= 0 {
		return n
	}
	if t, ok := parseTime(text, r.m.formats, r.zone); ok {
		return int64(t.Lo)
	}
	r.bad(models.ReasonBadValue, c, "neither a whole number nor a time", "the version of a record is a number that grows, or when it was changed")
	return 0
}

// identify gathers what goes to the vault and says in the fact by what the person can be reached.
func (r *row) identify(f *models.Fact, spec *identity) {
	id := &models.Identity{Related: r.cell(spec.related)}
	if relation := r.cell(spec.relation); relation != "" {
		id.Relation = []string{relation}
	}
	for _, n := range spec.names {
		name := models.HumanName{Use: n.use, Text: r.cell(n.text), Family: r.cell(n.family), Given: r.filled(n.given)}
		if name.Text != "" || name.Family != "" || name.Given != nil {
			name.Prefix, name.Suffix = r.filled(n.prefix), r.filled(n.suffix)
			id.Names = append(id.Names, name)
		}
	}
	for _, t := range spec.telecom {
		if text := r.cell(t.column); text != "" {
			id.Telecom = append(id.Telecom, models.ContactPoint{System: t.system, Value: text, Use: t.use, Rank: t.rank})
		}
	}
	for _, a := range spec.addresses {
		address := models.Address{Use: a.use, Line: r.filled(a.line), City: r.cell(a.city), District: r.cell(a.district), State: r.cell(a.state), PostalCode: r.cell(a.postalCode), Country: r.cell(a.country)}
		if address.Line != nil || address.City+address.PostalCode+address.District+address.State != "" {
			id.Addresses = append(id.Addresses, address)
		}
	}
	for _, i := range spec.identifiers {
		if text := r.cell(i.column); text != "" {
			id.Identifiers = append(id.Identifiers, models.Identifier{Type: i.kind, System: i.system, Value: text})
		}
	}
	f.Identity = id
	if f.Type == "Patient" {
		reach := id.Reach()
		f.Set("has_mobile", reach.Mobile)
		f.Set("has_phone", reach.Phone)
		f.Set("has_email", reach.Email)
		f.Set("has_address", reach.Address)
	}
}

// filled gives the cells with content; nil when there are none.
func (r *row) filled(columns []*column) []string {
	var out []string
	for _, c := range columns {
		if text := r.cell(c); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// consent makes what goes to the consent ledger out of the fact's own elements.
func (r *row) consent(f *models.Fact, b *block) {
	word := func(stem string) string {
		_, i, _ := b.kind.Element(stem)
		s, _ := f.Values[i].(string)
		return s
	}
	c := &models.ConsentEvent{Action: word("action"), Channel: word("channel"), Purpose: word("purpose"), Basis: word("basis"), CapturedBy: r.cell(b.capturedBy), Evidence: r.cell(b.evidence)}
	_, i, _ := b.kind.Element("effective")
	effective, ok := f.Values[i].(models.TimeRange)
	for _, must := range []struct {
		stem  string
		there bool
	}{{"action", c.Action != ""}, {"channel", c.Channel != ""}, {"purpose", c.Purpose != ""}, {"effective", ok}} {
		if !must.there && r.reject == nil {
			r.reject = &models.Reject{Reason: models.ReasonBadValue, Where: must.stem, Detail: "a consent without " + must.stem, Mend: "fill the column, or give the mapping a default"}
		}
	}
	c.Effective = effective
	_, i, _ = b.kind.Element("expires")
	if expires, ok := f.Values[i].(models.TimeRange); ok {
		c.Expires = &expires.Hi
		if expires.Hi < effective.Lo && r.reject == nil {
			r.reject = &models.Reject{Reason: models.ReasonBadTime, Where: "expires", Detail: "expires before it is effective", Mend: "correct the dates at the source"}
		}
	}
	f.Consent = c
}
