package pipeline

import (
	"context"
	"time"

	"carereach/models"
)

// Register is what the pipeline asks of the ledger: the run register, the value sets that the site loaded, and which KPI
// inputs are in force. Nothing else of the ledger is reachable from here.
type Register interface {
	// ValueSetEdition names the newest edition of the value sets that the site loaded; "" when it loaded none.
	ValueSetEdition(ctx context.Context) (string, error)
	// ValueSets gives the codes of an edition. An edition that is not kept is an error of models.KindNotFound.
	ValueSets(ctx context.Context, edition string) ([]Code, error)
	// KPIInputs names the KPI imports, baselines and targets in force now.
	KPIInputs(ctx context.Context) (KPIInputs, error)
	// ErasedSince counts the patients erased at or after a moment: facts that runs of before rest on are gone.
	ErasedSince(ctx context.Context, at time.Time) (int, error)
	// Start records that a run is about to be made. Recording a started or failed run again is no error.
	Start(ctx context.Context, r Record) error
	// Finish records that a started run is published, with a checksum per published table. Repeating it changes nothing.
	Finish(ctx context.Context, id models.RunID, p Publication) error
	// Fail records that a started run was not published, and why.
	Fail(ctx context.Context, id models.RunID, reason string) error
	// Runs lists the records of the register in order of publication, those not published last.
	Runs(ctx context.Context) ([]Record, error)
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
	// Retained says that a rebuild of the store publishes the run again.
	Retained bool
	Publication
}

// Publication is what the register keeps of a published run.
type Publication struct {
	Seq  int64             // order of publication in this installation
	At   time.Time         // when it was published
	Sums map[string]string // checksum per published table, store.Checksum
}
