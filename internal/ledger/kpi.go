package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// KPIKind says what an entered value is.
type KPIKind string

// A value of one month that no event gives, the value to compare with, or the value to reach.
const (
	KPIImport   KPIKind = "import"
	KPIBaseline KPIKind = "baseline"
	KPITarget   KPIKind = "target"
)

// KPIValue is one entered value.
type KPIValue struct {
	Seq     int64        `json:"seq"` // order of entry, given by the ledger
	Kind    KPIKind      `json:"kind"`
	KPI     models.KPIID `json:"kpi"`
	From    models.Date  `json:"from"`  // import: first day of the month; baseline, target: first day it holds
	Site    string       `json:"site"`  // "" all sites
	Value   string       `json:"value"` // plain decimal text; "" takes an earlier value back
	Source  string       `json:"source"`
	Owner   string       `json:"owner"`
	Entered time.Time    `json:"entered"` // given by the ledger
}

// KPIState names a state of the entered values: everything up to Seq, with a hash over what is in force then.
type KPIState struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// PutKPIValues appends values in one transaction and gives the state that results and how many were new. A value equal to the
// one in force is not stored again. Malformed values are errors of models.KindInvalid and store nothing.
func (l *Ledger) PutKPIValues(ctx context.Context, vs []KPIValue) (KPIState, int, error) {
	return KPIState{}, 0, errMissing
}

// KPIState gives the present state.
func (l *Ledger) KPIState(ctx context.Context) (KPIState, error) { return KPIState{}, errMissing }

// KPIValues lists what was in force when the state was seq (negative: now): per kind, KPI, first day and site the value
// entered last, ordered by these.
func (l *Ledger) KPIValues(ctx context.Context, seq int64) ([]KPIValue, error) {
	return nil, errMissing
}

// KPIHistory lists every value ever entered for a KPI ("" all of them), in order of entry.
func (l *Ledger) KPIHistory(ctx context.Context, kpi models.KPIID) ([]KPIValue, error) {
	return nil, errMissing
}
