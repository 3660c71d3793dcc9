package ingest

import (
	"context"
	"time"

	"carereach/internal/store"
	"carereach/models"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// rowSet builds the few small tables that a batch hands to SQL beside its facts.
type rowSet struct {
	schema *arrow.Schema
	b      *array.RecordBuilder
}

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func newRowSet(fields ...arrow.Field) *rowSet {
	s := arrow.NewSchema(fields, nil)
	return &rowSet{schema: s, b: array.NewRecordBuilder(memory.DefaultAllocator, s)}
}

// add appends one row of Key128, int64, string, []byte or time.Time values, in the order of the fields.
func (r *rowSet) add(values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case models.Key128:
			r.b.Field(i).(*extensions.UUIDBuilder).Append([16]byte(v))
		case int64:
			r.b.Field(i).(*array.Int64Builder).Append(v)
		case string:
			r.b.Field(i).(*array.StringBuilder).Append(v)
		case []byte:
			r.b.Field(i).(*array.BinaryBuilder).Append(v)
		case time.Time:
			r.b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
		}
	}
}

// with makes the rows readable as view while fn runs, and frees them. Without rows fn is not called.
func (r *rowSet) with(ctx context.Context, tx *store.Tx, view string, fn func() error) error {
	defer r.b.Release()
	rec := r.b.NewRecordBatch()
	defer rec.Release()
	if rec.NumRows() == 0 {
		return nil
	}
	reader, err := array.NewRecordReader(r.schema, []arrow.RecordBatch{rec})
	if err != nil {
		return err
	}
	defer reader.Release()
	return tx.WithArrow(ctx, view, reader, fn)
}

// The column types of rowSets.
var (
	uuidType  = extensions.NewUUIDType()
	intType   = arrow.PrimitiveTypes.Int64
	textType  = arrow.BinaryTypes.String
	bytesType = arrow.BinaryTypes.Binary
	timeType  = arrow.FixedWidthTypes.Timestamp_us
)
