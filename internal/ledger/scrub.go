package ledger

import "context"

// Finding is one row that failed its check.
type Finding struct {
	Table string `json:"table"`
	Row   string `json:"row"`
	What  string `json:"what"`
}

// ScrubReport is the outcome of Scrub.
type ScrubReport struct {
	Rows     map[string]int64 `json:"rows"` // rows checked per table
	Findings []Finding        `json:"findings"`
}

// Scrub reads and checks every row: tags, seals, chain, contents and counts. With findings (at most 100 are listed) the
// error is of models.KindCorruption naming the first.
func (l *Ledger) Scrub(ctx context.Context) (ScrubReport, error) { return ScrubReport{}, errMissing }
