package store

import (
	"math"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/extensions"

	"carereach/models"
)

// arrowType gives the Arrow type of a column of models. A column type that facts do not use is a fault of models and panics.
func arrowType(duck string) arrow.DataType {
	switch duck {
	case "VARCHAR":
		return arrow.BinaryTypes.String
	case "BOOLEAN":
		return arrow.FixedWidthTypes.Boolean
	case "BIGINT":
		return arrow.PrimitiveTypes.Int64
	case "INTEGER":
		return arrow.PrimitiveTypes.Int32
	case "SMALLINT":
		return arrow.PrimitiveTypes.Int16
	case "DOUBLE":
		return arrow.PrimitiveTypes.Float64
	case "DECIMAL(18,4)":
		return &arrow.Decimal128Type{Precision: 18, Scale: 4}
	case "TIMESTAMP":
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case "UUID":
		return extensions.NewUUIDType()
	case "VARCHAR[]":
		return arrow.ListOf(arrow.BinaryTypes.String)
	case componentsType:
		return arrow.ListOf(arrow.StructOf(
			arrow.Field{Name: "code", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
			arrow.Field{Name: "value", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
			arrow.Field{Name: "unit", Type: arrow.BinaryTypes.String, Nullable: true},
			arrow.Field{Name: "value_code", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}))
	}
	panic("store: no arrow type for column type " + duck)
}

const componentsType = "STRUCT(code VARCHAR[], value DOUBLE, unit VARCHAR, value_code VARCHAR[])[]"

// invalid is a value that no store could hold, misuse a fault of the caller.
func invalid(message, mend string) *models.Error {
	return &models.Error{Kind: models.KindInvalid, Message: message, Mend: mend}
}

func misuse(message string) *models.Error {
	return &models.Error{Kind: models.KindInternal, Message: message}
}

// headColumns are the builders of models.VersionColumns.
type headColumns struct {
	pid, k, version, off *array.Int64Builder
	ent                  *extensions.UUIDBuilder
	source, log          *array.StringBuilder
	knownAt              *array.TimestampBuilder
	retracted            *array.BooleanBuilder
	part, entry          *array.Int32Builder
}

// newHeadColumns finds the builders by column name, so that the order is models' alone.
func newHeadColumns(r *array.RecordBuilder) headColumns {
	var h headColumns
	for i, c := range models.VersionColumns {
		f := r.Field(i)
		switch c.Name {
		case "pid":
			h.pid = f.(*array.Int64Builder)
		case "k":
			h.k = f.(*array.Int64Builder)
		case "ent":
			h.ent = f.(*extensions.UUIDBuilder)
		case "source":
			h.source = f.(*array.StringBuilder)
		case "version":
			h.version = f.(*array.Int64Builder)
		case "known_at":
			h.knownAt = f.(*array.TimestampBuilder)
		case "retracted":
			h.retracted = f.(*array.BooleanBuilder)
		case "log":
			h.log = f.(*array.StringBuilder)
		case "part":
			h.part = f.(*array.Int32Builder)
		case "off":
			h.off = f.(*array.Int64Builder)
		case "entry":
			h.entry = f.(*array.Int32Builder)
		default:
			panic("store: no value for version column " + c.Name)
		}
	}
	return h
}

// check finds heads that only a fault of the caller can bring.
func (h FactHead) check(t models.FactType) *models.Error {
	switch {
	case t.Subject && h.PID == nil:
		return misuse("it has no patient")
	case models.Key128(h.Ent).IsZero():
		return misuse("it has no entity id")
	case h.Source == "" || !utf8.ValidString(string(h.Source)):
		return misuse("it has no source")
	case h.Pos.Log == "" || !utf8.ValidString(h.Pos.Log):
		return misuse("it has no position")
	case h.KnownAt.Year() < 1970 || h.KnownAt.Year() > 9999:
		return misuse("it has no time of receipt")
	}
	return nil
}

func (c headColumns) add(h FactHead) {
	if h.PID == nil {
		c.pid.AppendNull()
	} else {
		c.pid.Append(*h.PID)
	}
	c.k.Append(h.K)
	c.ent.AppendBytes(h.Ent)
	c.source.Append(string(h.Source))
	c.version.Append(h.Version)
	c.knownAt.Append(arrow.Timestamp(h.KnownAt.UnixMicro()))
	c.retracted.Append(h.Retracted)
	c.log.Append(h.Pos.Log)
	c.part.Append(h.Pos.Partition)
	c.off.Append(h.Pos.Offset)
	c.entry.Append(h.Pos.Entry)
}

// elementColumns are the builders of one element. add takes nil, or a value that check found fit.
type elementColumns interface {
	name() string
	check(v any) *models.Error
	add(v any)
}

// element is what all kinds share.
type element struct{ models.Element }

func (e element) name() string { return e.Column }

func newElementColumns(e models.Element, f []array.Builder) elementColumns {
	base := element{e}
	switch e.Kind {
	case models.KindText, models.KindCoding:
		return &textColumn{base, f[0].(*array.StringBuilder)}
	case models.KindFlag:
		return &flagColumn{base, f[0].(*array.BooleanBuilder)}
	case models.KindInt:
		return &intColumn{base, f[0].(*array.Int64Builder)}
	case models.KindMoney:
		return &moneyColumn{base, f[0].(*array.Decimal128Builder)}
	case models.KindConcept:
		return &conceptColumn{base, newTextList(f[0].(*array.ListBuilder))}
	case models.KindTime:
		return &timeColumns{base, times(f[:2]), f[2].(*array.Int16Builder)}
	case models.KindInterval:
		return &intervalColumns{base, times(f[:4]), f[4].(*array.Int16Builder)}
	case models.KindQuantity:
		return &quantityColumns{base, f[0].(*array.Float64Builder), f[1].(*array.StringBuilder), f[2].(*array.StringBuilder)}
	case models.KindRef:
		return &refColumn{base, f[0].(*extensions.UUIDBuilder)}
	case models.KindComponents:
		return newComponentsColumn(base, f[0].(*array.ListBuilder))
	}
	panic("store: no builder for the kind of element " + e.Column)
}

func badType() *models.Error { return misuse("value has the wrong Go type for its kind") }

func checkText(s string) *models.Error {
	if !utf8.ValidString(s) {
		return invalid("text is not UTF-8", "convert the file to UTF-8")
	}
	return nil
}

func checkTexts(list []string) *models.Error {
	for _, s := range list {
		if err := checkText(s); err != nil {
			return err
		}
	}
	return nil
}

type textColumn struct {
	element
	b *array.StringBuilder
}

func (c *textColumn) check(v any) *models.Error {
	s, ok := v.(string)
	if !ok {
		return badType()
	}
	return checkText(s)
}

func (c *textColumn) add(v any) {
	if v == nil {
		c.b.AppendNull()
		return
	}
	c.b.Append(v.(string))
}

type flagColumn struct {
	element
	b *array.BooleanBuilder
}

func (c *flagColumn) check(v any) *models.Error {
	if _, ok := v.(bool); !ok {
		return badType()
	}
	return nil
}

func (c *flagColumn) add(v any) {
	if v == nil {
		c.b.AppendNull()
		return
	}
	c.b.Append(v.(bool))
}

type intColumn struct {
	element
	b *array.Int64Builder
}

func (c *intColumn) check(v any) *models.Error {
	if _, ok := v.(int64); !ok {
		return badType()
	}
	return nil
}

func (c *intColumn) add(v any) {
	if v == nil {
		c.b.AppendNull()
		return
	}
	c.b.Append(v.(int64))
}

// moneyLimit is what DECIMAL(18,4) cannot hold any more.
const moneyLimit = models.Money(1_000_000_000_000_000_000)

type moneyColumn struct {
	element
	b *array.Decimal128Builder
}

func (c *moneyColumn) check(v any) *models.Error {
	m, ok := v.(models.Money)
	if !ok {
		return badType()
	}
	if m <= -moneyLimit || m >= moneyLimit {
		return invalid("amount is too large", "correct it at the source")
	}
	return nil
}

func (c *moneyColumn) add(v any) {
	if v == nil {
		c.b.AppendNull()
		return
	}
	c.b.Append(decimal128.FromI64(int64(v.(models.Money))))
}

type refColumn struct {
	element
	b *extensions.UUIDBuilder
}

func (c *refColumn) check(v any) *models.Error {
	id, ok := v.(models.EntityID)
	if !ok {
		return badType()
	}
	if models.Key128(id).IsZero() {
		return misuse("reference was not resolved")
	}
	return nil
}

func (c *refColumn) add(v any) {
	if v == nil {
		c.b.AppendNull()
		return
	}
	c.b.AppendBytes(v.(models.EntityID))
}

// checkInstants refuses instants outside the years 1 to 9999, the engine's infinities among them.
func checkInstants(list ...models.Micros) *models.Error {
	for _, m := range list {
		if m < models.MinMicros || m >= models.MaxMicros+millisecond {
			return invalid("time lies outside the years 1 to 9999", "correct it at the source")
		}
	}
	return nil
}

// millisecond is the width of the last instant, models.MaxMicros.
const millisecond = models.Micros(time.Millisecond / time.Microsecond)

func times(f []array.Builder) []*array.TimestampBuilder {
	out := make([]*array.TimestampBuilder, len(f))
	for i := range f {
		out[i] = f[i].(*array.TimestampBuilder)
	}
	return out
}

func addInstants(to []*array.TimestampBuilder, list ...models.Micros) {
	for i, m := range list {
		to[i].Append(arrow.Timestamp(m))
	}
}

func addOffset(to *array.Int16Builder, offset int16, zoned bool) {
	if !zoned {
		to.AppendNull()
		return
	}
	to.Append(offset)
}

func addNulls(to []*array.TimestampBuilder, offset *array.Int16Builder) {
	for _, b := range to {
		b.AppendNull()
	}
	offset.AppendNull()
}

type timeColumns struct {
	element
	bounds []*array.TimestampBuilder // lo, hi
	offset *array.Int16Builder
}

func (c *timeColumns) check(v any) *models.Error {
	r, ok := v.(models.TimeRange)
	if !ok {
		return badType()
	}
	if r.Lo > r.Hi {
		return misuse("its range of time is reversed")
	}
	return checkInstants(r.Lo, r.Hi)
}

func (c *timeColumns) add(v any) {
	if v == nil {
		addNulls(c.bounds, c.offset)
		return
	}
	r := v.(models.TimeRange)
	addInstants(c.bounds, r.Lo, r.Hi)
	addOffset(c.offset, r.Offset, r.Zoned)
}

type intervalColumns struct {
	element
	bounds []*array.TimestampBuilder // sl, sh, el, eh
	offset *array.Int16Builder
}

func (c *intervalColumns) check(v any) *models.Error {
	i, ok := v.(models.Interval)
	if !ok {
		return badType()
	}
	if i.StartLo > i.StartHi || i.EndLo > i.EndHi {
		return misuse("its range of time is reversed")
	}
	return checkInstants(i.StartLo, i.StartHi, i.EndLo, i.EndHi)
}

func (c *intervalColumns) add(v any) {
	if v == nil {
		addNulls(c.bounds, c.offset)
		return
	}
	i := v.(models.Interval)
	addInstants(c.bounds, i.StartLo, i.StartHi, i.EndLo, i.EndHi)
	addOffset(c.offset, i.Offset, i.Zoned)
}

func checkQuantity(q models.Quantity) *models.Error {
	if math.IsNaN(q.Value) || math.IsInf(q.Value, 0) {
		return invalid("value is not a finite number", "correct it at the source")
	}
	return checkTexts([]string{q.Unit, q.Comparator})
}

// addKnown stores the empty text, which says that nothing was said, as NULL.
func addKnown(to *array.StringBuilder, s string) {
	if s == "" {
		to.AppendNull()
		return
	}
	to.Append(s)
}

type quantityColumns struct {
	element
	value            *array.Float64Builder
	unit, comparator *array.StringBuilder
}

func (c *quantityColumns) check(v any) *models.Error {
	q, ok := v.(models.Quantity)
	if !ok {
		return badType()
	}
	return checkQuantity(q)
}

func (c *quantityColumns) add(v any) {
	if v == nil {
		c.value.AppendNull()
		c.unit.AppendNull()
		c.comparator.AppendNull()
		return
	}
	q := v.(models.Quantity)
	c.value.Append(q.Value)
	addKnown(c.unit, q.Unit)
	addKnown(c.comparator, q.Comparator)
}

// textList builds a list of texts.
type textList struct {
	list *array.ListBuilder
	item *array.StringBuilder
}

func newTextList(b *array.ListBuilder) textList {
	return textList{list: b, item: b.ValueBuilder().(*array.StringBuilder)}
}

// add appends a list; a nil one, unlike an empty one, is NULL.
func (l textList) add(values []string) {
	if values == nil {
		l.list.AppendNull()
		return
	}
	l.list.Append(true)
	for _, s := range values {
		l.item.Append(s)
	}
}

type conceptColumn struct {
	element
	b textList
}

func (c *conceptColumn) check(v any) *models.Error {
	list, ok := v.([]string)
	if !ok {
		return badType()
	}
	return checkTexts(list)
}

func (c *conceptColumn) add(v any) {
	list, _ := v.([]string)
	c.b.add(list)
}

type componentsColumn struct {
	element
	list            *array.ListBuilder
	item            *array.StructBuilder
	code, valueCode textList
	value           *array.Float64Builder
	unit            *array.StringBuilder
}

func newComponentsColumn(e element, b *array.ListBuilder) *componentsColumn {
	item := b.ValueBuilder().(*array.StructBuilder)
	return &componentsColumn{element: e, list: b, item: item,
		code: newTextList(item.FieldBuilder(0).(*array.ListBuilder)), value: item.FieldBuilder(1).(*array.Float64Builder),
		unit: item.FieldBuilder(2).(*array.StringBuilder), valueCode: newTextList(item.FieldBuilder(3).(*array.ListBuilder))}
}

func (c *componentsColumn) check(v any) *models.Error {
	list, ok := v.([]models.Component)
	if !ok {
		return badType()
	}
	for _, part := range list {
		if part.Value != nil {
			if err := checkQuantity(*part.Value); err != nil {
				return err
			}
		}
		if err := checkTexts(part.Code); err != nil {
			return err
		}
		if err := checkTexts(part.ValueCode); err != nil {
			return err
		}
	}
	return nil
}

func (c *componentsColumn) add(v any) {
	list, _ := v.([]models.Component)
	if list == nil {
		c.list.AppendNull()
		return
	}
	c.list.Append(true)
	for _, part := range list {
		c.item.Append(true)
		c.code.add(part.Code)
		c.valueCode.add(part.ValueCode)
		if part.Value == nil {
			c.value.AppendNull()
			c.unit.AppendNull()
			continue
		}
		c.value.Append(part.Value.Value)
		addKnown(c.unit, part.Value.Unit)
	}
}
