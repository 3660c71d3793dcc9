package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// Tombstone is what is left of an erased patient: enough to hold back everything that a replay brings.
type Tombstone struct {
	Patient models.PatientID
	Reason  string
	At      time.Time
}

// Erase makes a patient's identity unreadable for good: it destroys the data key, deletes vault and index rows and the
// evidence of consents, leaves a tombstone in ledger and sink, and rewrites the file so that no freed page holds the key. The
// statements of consent stay, without evidence. Every token of a merged person is erased by a call of its own. Repeating it
// finishes what a crash or a models.KindPartial error left undone.
func (l *Ledger) Erase(ctx context.Context, token models.PatientID, reason string, at time.Time) error {
	return errMissing
}

// Erased gives the tombstones of all erased patients.
func (l *Ledger) Erased(ctx context.Context) (map[models.PatientID]Tombstone, error) {
	return nil, errMissing
}
