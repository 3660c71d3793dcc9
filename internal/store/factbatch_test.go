package store

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/models"
)

// everything is a fact type with an element of every kind.
var everything = models.FactType{Name: "Everything", Table: "everything", Elements: []models.Element{
	{Column: "label", Kind: models.KindText}, {Column: "flag", Kind: models.KindFlag}, {Column: "number", Kind: models.KindInt}, {Column: "amount", Kind: models.KindMoney},
	{Column: "coding", Kind: models.KindCoding}, {Column: "concept", Kind: models.KindConcept}, {Column: "seen", Kind: models.KindTime}, {Column: "span", Kind: models.KindInterval},
	{Column: "quantity", Kind: models.KindQuantity}, {Column: "target", Kind: models.KindRef}, {Column: "panel", Kind: models.KindComponents},
}}

// row is one version as it went in.
type row struct {
	Head   FactHead
	Values []any
}

func texts16() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "NULL", "null", "'", `"`, "\x00", "a\x00b", "é", "日本", "\U0001F600", ", ", "[]", "{}", "a|b", " x ", "\n", "\\", strings.Repeat("x", 5000)}))
}

func instants() *rapid.Generator[models.Micros] {
	return rapid.OneOf(rapid.Map(rapid.Int64Range(int64(models.MinMicros), int64(models.MaxMicros)), func(n int64) models.Micros { return models.Micros(n) }),
		rapid.SampledFrom([]models.Micros{0, -1, models.MinMicros, models.MaxMicros, models.MaxMicros + 999}))
}

func quantities() *rapid.Generator[models.Quantity] {
	return rapid.Custom(func(t *rapid.T) models.Quantity {
		return models.Quantity{Value: rapid.OneOf(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), rapid.SampledFrom([]float64{0, math.SmallestNonzeroFloat64, 0.1, -1e300})).Draw(t, "value"),
			Unit: texts16().Draw(t, "unit"), Comparator: rapid.SampledFrom([]string{"", "<", "<=", ">", ">="}).Draw(t, "comparator")}
	})
}

func keys() *rapid.Generator[models.EntityID] {
	return rapid.Custom(func(t *rapid.T) (id models.EntityID) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if models.Key128(id).IsZero() {
			id[15] = 1
		}
		return id
	})
}

func components() *rapid.Generator[models.Component] {
	return rapid.Custom(func(t *rapid.T) models.Component {
		c := models.Component{Code: rapid.SliceOfN(texts16(), 0, 3).Draw(t, "code")}
		if rapid.Bool().Draw(t, "has value") {
			q := quantities().Draw(t, "quantity")
			c.Value = &q
		}
		if rapid.Bool().Draw(t, "has value code") {
			c.ValueCode = rapid.SliceOfN(texts16(), 0, 2).Draw(t, "value code")
		}
		return c
	})
}

func offsets(t *rapid.T) (int16, bool) {
	if !rapid.Bool().Draw(t, "zoned") {
		return 0, false
	}
	return int16(rapid.IntRange(-840, 840).Draw(t, "offset")), true
}

// values draws a value of the kind.
func valueOf(t *rapid.T, kind models.ElementKind) any {
	switch kind {
	case models.KindText, models.KindCoding:
		return texts16().Draw(t, "text")
	case models.KindFlag:
		return rapid.Bool().Draw(t, "flag")
	case models.KindInt:
		return rapid.Int64().Draw(t, "int")
	case models.KindMoney:
		return models.Money(rapid.Int64Range(-int64(moneyLimit)+1, int64(moneyLimit)-1).Draw(t, "money"))
	case models.KindConcept:
		return rapid.SliceOfN(texts16(), 0, 4).Draw(t, "concept")
	case models.KindTime:
		r := models.TimeRange{Lo: instants().Draw(t, "lo"), Hi: instants().Draw(t, "hi")}
		r.Lo, r.Hi = min(r.Lo, r.Hi), max(r.Lo, r.Hi)
		r.Offset, r.Zoned = offsets(t)
		return r
	case models.KindInterval:
		b := []models.Micros{instants().Draw(t, "1"), instants().Draw(t, "2"), instants().Draw(t, "3"), instants().Draw(t, "4")}
		slices.Sort(b)
		i := models.Interval{StartLo: b[0], StartHi: b[1], EndLo: b[2], EndHi: b[3]}
		i.Offset, i.Zoned = offsets(t)
		return i
	case models.KindQuantity:
		return quantities().Draw(t, "quantity")
	case models.KindRef:
		return keys().Draw(t, "ref")
	case models.KindComponents:
		return rapid.SliceOfN(components(), 0, 4).Draw(t, "components")
	}
	panic("no generator for a kind")
}

func rows() *rapid.Generator[row] {
	return rapid.Custom(func(t *rapid.T) row {
		r := row{Head: FactHead{K: rapid.Int64().Draw(t, "k"), Ent: keys().Draw(t, "ent"), Source: models.Source(rapid.StringMatching(`[a-z][a-z0-9-]{0,8}`).Draw(t, "source")),
			Version: rapid.Int64().Draw(t, "version"), KnownAt: time.UnixMicro(rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "known_at")).UTC(), Retracted: rapid.Bool().Draw(t, "retracted"),
			Pos: models.Position{Log: "intake", Partition: rapid.Int32().Draw(t, "part"), Offset: rapid.Int64().Draw(t, "off"), Entry: rapid.Int32().Draw(t, "entry")}}}
		if rapid.Bool().Draw(t, "has pid") {
			pid := rapid.Int64().Draw(t, "pid")
			r.Head.PID = &pid
		}
		for _, e := range everything.Elements {
			if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
				r.Values = append(r.Values, nil)
				continue
			}
			r.Values = append(r.Values, valueOf(t, e.Kind))
		}
		return r
	})
}

// Whatever goes into a batch comes back from SQL as it was.
func TestFactsComeBackAsTheyWere(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, FactDDL(everything))
	batch := NewFactBatch(everything)
	defer batch.Release()
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOfN(rows(), 1, 8).Draw(rt, "rows")
		for i, r := range in {
			if err := batch.Append(r.Head, r.Values); err != nil {
				rt.Fatalf("row %d: %v", i, err)
			}
		}
		var out []row
		if err := s.Ingest(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, "DELETE FROM ver_everything"); err != nil {
				return err
			}
			n, err := tx.InsertFacts(ctx, batch)
			if err == nil && n != int64(len(in)) {
				rt.Fatalf("%d of %d rows", n, len(in))
			}
			if err != nil {
				return err
			}
			out, err = readEverything(ctx, tx)
			return err
		}); err != nil {
			rt.Fatal(err)
		}
		for i := range in {
			in[i].Values = asStored(in[i].Values)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			rt.Fatalf("went in, came back:\n%s", diff)
		}
	})
}

// asStored is what the store keeps of values: the comparator of a component has no column.
func asStored(values []any) []any {
	out := slices.Clone(values)
	for i, v := range out {
		if list, ok := v.([]models.Component); ok {
			list = slices.Clone(list)
			for j := range list {
				if list[j].Value != nil {
					list[j].Value = &models.Quantity{Value: list[j].Value.Value, Unit: list[j].Value.Unit}
				}
			}
			out[i] = list
		}
	}
	return out
}

// readEverything reads all rows back through SQL in order of arrival.
func readEverything(ctx context.Context, tx *Tx) (out []row, err error) {
	rows, err := tx.Query(ctx, `SELECT pid, k, replace(CAST(ent AS VARCHAR), '-', ''), source, version, epoch_us(known_at), retracted, log, part, off, entry,
		label, flag, number, CAST(replace(CAST(amount AS VARCHAR), '.', '') AS BIGINT), coding, concept, epoch_us(seen_lo), epoch_us(seen_hi), seen_off,
		epoch_us(span_sl), epoch_us(span_sh), epoch_us(span_el), epoch_us(span_eh), span_off, quantity, quantity_unit, quantity_cmp, replace(CAST(target AS VARCHAR), '-', ''), panel
		FROM ver_everything ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var ent string
		var known int64
		var label, coding, unit, comparator, target sql.NullString
		var flag sql.NullBool
		var number, amount sql.NullInt64
		var value sql.NullFloat64
		var concept, panel any
		var at, span bounds
		if err := rows.Scan(&r.Head.PID, &r.Head.K, &ent, &r.Head.Source, &r.Head.Version, &known, &r.Head.Retracted, &r.Head.Pos.Log, &r.Head.Pos.Partition, &r.Head.Pos.Offset, &r.Head.Pos.Entry,
			&label, &flag, &number, &amount, &coding, &concept, &at[0], &at[1], &at[4], &span[0], &span[1], &span[2], &span[3], &span[4], &value, &unit, &comparator, &target, &panel); err != nil {
			return nil, err
		}
		id, err := models.ParseKey128(ent)
		if err != nil {
			return nil, err
		}
		r.Head.Ent, r.Head.KnownAt = models.EntityID(id), time.UnixMicro(known).UTC()
		r.Values = []any{text(label), or(flag.Valid, flag.Bool), or(number.Valid, number.Int64), or(amount.Valid, models.Money(amount.Int64)), text(coding), or(concept != nil, textsOf(concept)),
			or(at[0].Valid, models.TimeRange{Lo: at.micros(0), Hi: at.micros(1), Offset: int16(at[4].Int64), Zoned: at[4].Valid}),
			or(span[0].Valid, models.Interval{StartLo: span.micros(0), StartHi: span.micros(1), EndLo: span.micros(2), EndHi: span.micros(3), Offset: int16(span[4].Int64), Zoned: span[4].Valid}),
			or(value.Valid, models.Quantity{Value: value.Float64, Unit: unit.String, Comparator: comparator.String}), nil, or(panel != nil, componentsOf(panel))}
		if target.Valid {
			ref, err := models.ParseKey128(target.String)
			if err != nil {
				return nil, err
			}
			r.Values[9] = models.EntityID(ref)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// bounds are up to four instants and an offset.
type bounds [5]sql.NullInt64

func (b bounds) micros(i int) models.Micros { return models.Micros(b[i].Int64) }

func or(valid bool, v any) any {
	if !valid {
		return nil
	}
	return v
}

func text(s sql.NullString) any { return or(s.Valid, s.String) }

func textsOf(v any) []string {
	if v == nil {
		return nil
	}
	out := []string{}
	for _, s := range v.([]any) {
		out = append(out, s.(string))
	}
	return out
}

func componentsOf(v any) []models.Component {
	if v == nil {
		return nil
	}
	out := []models.Component{}
	for _, part := range v.([]any) {
		m := part.(map[string]any)
		c := models.Component{Code: textsOf(m["code"]), ValueCode: textsOf(m["value_code"])}
		if m["value"] != nil {
			unit, _ := m["unit"].(string)
			c.Value = &models.Quantity{Value: m["value"].(float64), Unit: unit}
		}
		out = append(out, c)
	}
	return out
}

// Every fact type of models can be stored and read, with all its elements absent and with all of them present.
func TestEveryFactTypeCanBeStored(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	r, err := models.ParseFHIRTime("2024-02-29T10:00:00-05:00")
	if err != nil {
		t.Fatal(err)
	}
	sample := map[models.ElementKind]any{
		models.KindText: "x", models.KindFlag: true, models.KindInt: int64(1), models.KindMoney: models.Money(1), models.KindCoding: "s|c", models.KindConcept: []string{"s|c"}, models.KindTime: r, models.KindInterval: r.Point(),
		models.KindQuantity: models.Quantity{Value: 1, Unit: "mg"}, models.KindRef: models.EntityID{1}, models.KindComponents: []models.Component{{Code: []string{"s|c"}, Value: &models.Quantity{Value: 1}}},
	}
	pid := int64(1)
	for _, ft := range models.FactTypes {
		b := NewFactBatch(ft)
		full := make([]any, len(ft.Elements))
		for i, e := range ft.Elements {
			full[i] = sample[e.Kind]
		}
		for i, values := range [][]any{make([]any, len(ft.Elements)), full} {
			if err := b.Append(FactHead{PID: &pid, K: int64(i), Ent: models.EntityID{2}, Source: "clinic", KnownAt: time.Unix(1, 0), Pos: models.Position{Log: "intake"}}, values); err != nil {
				t.Fatalf("%s: %v", ft.Name, err)
			}
		}
		if err := s.Ingest(ctx, func(tx *Tx) error {
			n, err := tx.InsertFacts(ctx, b)
			if n != 2 && err == nil {
				t.Errorf("%s: %d rows", ft.Name, n)
			}
			return err
		}); err != nil {
			t.Fatalf("%s: %v", ft.Name, err)
		}
		for _, c := range ft.Columns() {
			wantNulls := int64(1)
			if strings.HasSuffix(c.Name, "_cmp") { // the sample has no comparator
				wantNulls = 2
			}
			if n := one[int64](t, s, "SELECT count(*) FROM "+ft.VersionTable()+" WHERE "+c.Name+" IS NULL"); n != wantNulls {
				t.Errorf("%s.%s: %d of 2 rows are NULL, want %d", ft.Name, c.Name, n, wantNulls)
			}
		}
		b.Release()
	}
}

// A value that does not fit is refused by name, nothing of its row is added, and the value is not quoted.
func TestBatchRefusesWhatDoesNotFit(t *testing.T) {
	at := func(kind models.ElementKind) int {
		return slices.IndexFunc(everything.Elements, func(e models.Element) bool { return e.Kind == kind })
	}
	early, late := models.MinMicros-1, models.MaxMicros+1000
	for name, c := range map[string]struct {
		kind  models.ElementKind
		value any
		want  models.Kind
	}{
		"wrong type":             {models.KindText, 5, models.KindInternal},
		"flag as text":           {models.KindFlag, "Canary", models.KindInternal},
		"int, not int64":         {models.KindInt, 5, models.KindInternal},
		"int64 as money":         {models.KindMoney, int64(5), models.KindInternal},
		"text as concept":        {models.KindConcept, "Canary", models.KindInternal},
		"time as text":           {models.KindTime, "2024", models.KindInternal},
		"pointer to interval":    {models.KindInterval, &models.Interval{}, models.KindInternal},
		"ref that is not hashed": {models.KindRef, models.Ref{Type: "Patient", ID: "Canary"}, models.KindInternal},
		"ref that was never set": {models.KindRef, models.EntityID{}, models.KindInternal},
		"component":              {models.KindComponents, models.Component{}, models.KindInternal},
		"quantity":               {models.KindQuantity, 5.0, models.KindInternal},
		"not UTF-8":              {models.KindText, "Canary\xff", models.KindInvalid},
		"coding not UTF-8":       {models.KindCoding, "\xff", models.KindInvalid},
		"concept not UTF-8":      {models.KindConcept, []string{"a", "\xff"}, models.KindInvalid},
		"unit not UTF-8":         {models.KindQuantity, models.Quantity{Unit: "\xff"}, models.KindInvalid},
		"NaN":                    {models.KindQuantity, models.Quantity{Value: math.NaN()}, models.KindInvalid},
		"infinite":               {models.KindQuantity, models.Quantity{Value: math.Inf(1)}, models.KindInvalid},
		"component NaN":          {models.KindComponents, []models.Component{{Value: &models.Quantity{Value: math.NaN()}}}, models.KindInvalid},
		"component not UTF-8":    {models.KindComponents, []models.Component{{Code: []string{"\xff"}}}, models.KindInvalid},
		"component value code":   {models.KindComponents, []models.Component{{ValueCode: []string{"\xff"}}}, models.KindInvalid},
		"too much money":         {models.KindMoney, moneyLimit, models.KindInvalid},
		"too little money":       {models.KindMoney, -moneyLimit, models.KindInvalid},
		"before the year 1":      {models.KindTime, models.TimeRange{Lo: early, Hi: 0}, models.KindInvalid},
		"after the year 9999":    {models.KindTime, models.TimeRange{Lo: 0, Hi: late}, models.KindInvalid},
		"infinity of the engine": {models.KindTime, models.TimeRange{Lo: 0, Hi: math.MaxInt64}, models.KindInvalid},
		"reversed time":          {models.KindTime, models.TimeRange{Lo: 1, Hi: 0}, models.KindInternal},
		"interval too late":      {models.KindInterval, models.Interval{EndHi: late}, models.KindInvalid},
		"reversed interval":      {models.KindInterval, models.Interval{StartLo: 1}, models.KindInternal},
	} {
		b := NewFactBatch(everything)
		values := make([]any, len(everything.Elements))
		values[at(c.kind)] = c.value
		err := b.Append(head(1), values)
		want(t, err, c.want, "Everything."+everything.Elements[at(c.kind)].Column)
		if err != nil && strings.Contains(err.Error(), "Canary") {
			t.Errorf("%s: quotes the value: %v", name, err)
		}
		if b.Len() != 0 {
			t.Errorf("%s: the row was counted", name)
		}
		if err := b.Append(head(1), make([]any, len(values))); err != nil || b.Len() != 1 {
			t.Errorf("%s: the batch does not take the next row: %v", name, err)
		}
		b.Release()
	}
}

func TestBatchRefusesHeadsThatDoNotFit(t *testing.T) {
	patient := mustType("Patient")
	values := make([]any, len(patient.Elements))
	for name, change := range map[string]func(*FactHead){
		"no patient":         func(h *FactHead) { h.PID = nil },
		"no entity":          func(h *FactHead) { h.Ent = models.EntityID{} },
		"no source":          func(h *FactHead) { h.Source = "" },
		"source not UTF-8":   func(h *FactHead) { h.Source = "\xff" },
		"no log":             func(h *FactHead) { h.Pos.Log = "" },
		"log not UTF-8":      func(h *FactHead) { h.Pos.Log = "\xff" },
		"no time of receipt": func(h *FactHead) { h.KnownAt = time.Time{} },
	} {
		b, h := NewFactBatch(patient), head(1)
		change(&h)
		if err := b.Append(h, values); models.KindOf(err) != models.KindInternal || b.Len() != 0 {
			t.Errorf("%s: %v, %d rows", name, err, b.Len())
		}
		b.Release()
	}
	b := NewFactBatch(patient)
	defer b.Release()
	want(t, b.Append(head(1), values[1:]), models.KindInternal, "number of values")
	if b.Type().Name != "Patient" {
		t.Errorf("type %s", b.Type().Name)
	}
	clinics := NewFactBatch(mustType("Location"))
	defer clinics.Release()
	h := head(1)
	h.PID = nil
	if err := clinics.Append(h, make([]any, len(clinics.Type().Elements))); err != nil {
		t.Errorf("a type without a patient: %v", err)
	}
}
