package store

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

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
type FactBatch struct{}

// NewFactBatch makes an empty batch for facts of type t.
func NewFactBatch(t models.FactType) *FactBatch { return &FactBatch{} }

// Append adds one version. values has one entry per element of the type, in order: nil, or the Go type that
// models.ElementKind names, with models.EntityID in place of models.Ref. Nothing is added when a value does not fit; the
// error (KindInvalid for a value the store cannot hold, KindInternal for a wrong Go type) names the element, not the value.
func (b *FactBatch) Append(h FactHead, values []any) error { return nil }

// Len gives the number of versions in the batch.
func (b *FactBatch) Len() int { return 0 }

// Type gives the fact type of the batch.
func (b *FactBatch) Type() models.FactType { return models.FactType{} }

// Reader hands the collected versions over as a one-shot stream for Tx.WithArrow and empties the batch. The caller
// releases the reader, which frees the rows.
func (b *FactBatch) Reader() (array.RecordReader, error) { return nil, nil }

// Release drops what was collected and frees it.
func (b *FactBatch) Release() {}
