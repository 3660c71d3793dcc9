package pipeline

import (
	"context"
	"time"

	"carereach/models"
)

// Register is what the pipeline asks of the ledger: the run register, the value sets that the site loaded, and which KPI
// inputs are in force. Nothing else of the ledger is reachable from here.
type Register interface {
	// ValueSets gives the loaded value sets of an edition; the newest one when edition is "". An edition that is not kept
	// is an error of models.KindNotFound.
	ValueSets(ctx context.Context, edition string) (ValueSets, error)
	// KPIInputs names the KPI imports, baselines and targets in force now.
	KPIInputs(ctx context.Context) (KPIInputs, error)
	// Start records that a run is about to be published. Recording the same run again, not yet published, is no error.
	Start(ctx context.Context, r Record) error
	// Finish records that the run is published, with a checksum per published table. Repeating it changes nothing.
	Finish(ctx context.Context, id models.RunID, p Publication) error
	// Fail records that a started run was not published, and why.
	Fail(ctx context.Context, id models.RunID, reason string) error
	// Runs lists the records of the register that are retained, in order of publication, started ones last.
	Runs(ctx context.Context) ([]Record, error)
}

// ValueSets is one edition of the value sets that a site loaded.
type ValueSets struct {
	Edition string // hash over the content; "" when nothing was ever loaded
	Codes   []Code
}

// Code is one member of a published value set, with its key "system|code".
type Code struct {
	OID string
	Key string
}

// KPIInputs names a state of the KPI imports, baselines and targets in the ledger.
type KPIInputs struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// The states of a run in the register.
const (
	StateStarted   = "started"
	StatePublished = "published"
	StateFailed    = "failed"
)

// Record is one run of the register.
type Record struct {
	ID     models.RunID
	Inputs Inputs
	State  string
	Reason string // why it failed
	Publication
}

// Publication is what the register keeps of a published run.
type Publication struct {
	Seq  int64             // order of publication in this installation
	At   time.Time         // when it was published
	Sums map[string]string // checksum per published table, store.Checksum
}
