package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"carereach/models"
)

// LogEnd says how far one partition of a log is read: every record below Next is known.
type LogEnd struct {
	Log       string `json:"log"`
	Partition int32  `json:"part"`
	Next      int64  `json:"next"`
}

// KnownTo says what was known: how far each log was read. A partition that is not named was not read at all.
type KnownTo []LogEnd

// Sorted gives the positions in the order in which they are hashed; k itself is left alone.
func (k KnownTo) Sorted() KnownTo {
	out := slices.Clone(k)
	slices.SortFunc(out, func(a, b LogEnd) int {
		return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// Inputs are everything that decides what a run publishes. Two runs with equal inputs are one run.
type Inputs struct {
	AsOf      models.Date   `json:"as_of"`
	Period    models.Period `json:"period"`
	Zone      string        `json:"zone"`
	KnownTo   KnownTo       `json:"known_to"`
	ValueSets string        `json:"value_sets"` // edition of the loaded value sets
	KPI       KPIInputs     `json:"kpi"`
	Config    string        `json:"config"` // hash of the site's configuration
	Code      string        `json:"code"`   // CodeHash of the binary
}

// ParseInputs reads what Canonical wrote.
func ParseInputs(text string) (Inputs, error) {
	var in Inputs
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return Inputs{}, &models.Error{Kind: models.KindCorruption, Message: "inputs of a run cannot be read", Mend: "restore the ledger from a backup", Cause: err}
	}
	return in, nil
}

// Canonical writes the inputs as JSON in one way only: fields in the order of the struct, log positions sorted.
func (in Inputs) Canonical() string {
	in.KnownTo = in.KnownTo.Sorted()
	if in.KnownTo == nil {
		in.KnownTo = KnownTo{}
	}
	b, err := json.Marshal(in)
	if err != nil {
		panic("pipeline: inputs that cannot be written: " + err.Error()) // dates, strings and integers always can
	}
	return string(b)
}

// RunID gives the id of the run with these inputs: the first 32 hex digits of the SHA-256 of Canonical.
func (in Inputs) RunID() models.RunID {
	sum := sha256.Sum256([]byte(in.Canonical()))
	return models.RunID(hex.EncodeToString(sum[:])[:32])
}
