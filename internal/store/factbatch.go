package store

import (
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"carereach/models"
)

// FactHead is what every version of every fact carries: models.VersionColumns.
type FactHead struct {
	PID       *int64 // nil for types without a patient
	K         int64
	Ent       models.EntityID
	Source    models.Source
	Version   int64
	KnownAt   time.Time
	Retracted bool
	Pos       models.Position
}

// FactBatch collects versions of one fact type for one InsertFacts. It is used by one goroutine.
type FactBatch struct {
	kind     models.FactType
	view     string // name of the arrow view
	insert   string // the statement that stores it
	rows     int
	record   *array.RecordBuilder
	head     headColumns
	elements []elementColumns
}

// NewFactBatch makes an empty batch for facts of type t.
func NewFactBatch(t models.FactType) *FactBatch {
	columns := versionTable(t).columns
	fields := make([]arrow.Field, len(columns))
	names := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrowType(c.Type), Nullable: true}
		names[i] = c.Name
	}
	b := &FactBatch{kind: t, view: "arrow_" + t.Table, record: array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))}
	list := strings.Join(names, ", ")
	b.insert = "INSERT INTO " + t.VersionTable() + " (" + list + ") SELECT " + list + " FROM " + b.view
	b.head = newHeadColumns(b.record)
	next := len(models.VersionColumns)
	for _, e := range t.Elements {
		n := len(e.Columns())
		b.elements = append(b.elements, newElementColumns(e, b.record.Fields()[next:next+n]))
		next += n
	}
	return b
}

// Append adds one version. values has one entry per element of the type, in order: nil, or the Go type that
// models.ElementKind names, with models.EntityID in place of models.Ref. An empty Unit or Comparator is stored as NULL.
// Nothing is added when a value does not fit; the error (KindInvalid for a value that the store cannot hold,
// KindInternal for what only a fault of the caller can bring) names the element, not the value.
func (b *FactBatch) Append(h FactHead, values []any) error {
	if len(values) != len(b.elements) {
		return b.unfit("", misuse("wrong number of values"))
	}
	if err := h.check(b.kind); err != nil {
		return b.unfit("", err)
	}
	for i, e := range b.elements {
		if values[i] == nil {
			continue
		}
		if err := e.check(values[i]); err != nil {
			return b.unfit(e.name(), err)
		}
	}
	b.head.add(h)
	for i, e := range b.elements {
		e.add(values[i])
	}
	b.rows++
	return nil
}

// unfit says which element cannot be stored.
func (b *FactBatch) unfit(element string, why *models.Error) error {
	where := b.kind.Name
	if element != "" {
		where += "." + element
	}
	return &models.Error{Kind: why.Kind, Message: where + " cannot be stored: " + why.Message, Mend: why.Mend}
}

// Len gives the number of versions in the batch.
func (b *FactBatch) Len() int { return b.rows }

// Type gives the fact type of the batch.
func (b *FactBatch) Type() models.FactType { return b.kind }

// Reader hands the collected versions over as a one-shot stream for Tx.WithArrow and empties the batch. The caller
// releases the reader, which frees the rows.
func (b *FactBatch) Reader() (array.RecordReader, error) {
	record := b.record.NewRecordBatch()
	defer record.Release()
	b.rows = 0
	return array.NewRecordReader(record.Schema(), []arrow.RecordBatch{record})
}

// Release frees the batch, which is not used afterwards.
func (b *FactBatch) Release() { b.record.Release() }
