package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// ConsentRow is one consent statement as received.
type ConsentRow struct {
	Event     models.Key128 // identity of the input; a second row with the same key is not stored
	Patient   models.PatientID
	Ent       models.EntityID // the consent record that this is a version of
	Source    models.Source
	Order     Order
	Retracted bool // entered in error
	Consent   models.ConsentEvent
}

// Consent is a stored consent statement. Evidence and CapturedBy are sealed and come back only from ConsentEvidence.
type Consent struct {
	ID int64 `json:"id"`
	ConsentRow
}

// ConsentState is what the statements of a person amount to for one channel and purpose.
type ConsentState string

// The states. ConsentNone: nobody ever said anything.
const (
	ConsentGranted ConsentState = "granted"
	ConsentRefused ConsentState = "refused"
	ConsentExpired ConsentState = "expired"
	ConsentNone    ConsentState = "none"
)

// ConsentStanding is the state of one channel and purpose, with the row that decides it.
type ConsentStanding struct {
	Channel string       `json:"channel"`
	Purpose string       `json:"purpose"`
	State   ConsentState `json:"state"`
	Row     int64        `json:"row,omitempty"` // id of the deciding row; 0 for none
}

// PutConsents appends statements in one transaction; rows whose event is already there are counted as known.
func (l *Ledger) PutConsents(ctx context.Context, rows []ConsentRow) (PutCount, error) {
	return PutCount{}, errMissing
}

// ConsentHistory gives every statement about the tokens of one person in order of arrival, without evidence.
func (l *Ledger) ConsentHistory(ctx context.Context, tokens []models.PatientID) ([]Consent, error) {
	return nil, errMissing
}

// ConsentEvidence opens evidence and captured-by of the statements about one patient, by row id; see Identity for ref.
func (l *Ledger) ConsentEvidence(ctx context.Context, ref AuditRef, id models.PatientID) (map[int64]models.ConsentEvent, error) {
	return nil, errMissing
}

// ConsentInForce says whether a person, known by all of tokens, may be contacted at the instant at. A statement counts for its
// channel and purpose or for all of them ("any"). A grant stands unless it expired or a refusal was made at the same time or
// later, and over several tokens the strictest wins: refused, then granted, then expired, then none.
func (l *Ledger) ConsentInForce(ctx context.Context, tokens []models.PatientID, channel, purpose string, at time.Time) (ConsentStanding, error) {
	return ConsentStanding{}, errMissing
}

// ConsentsInForce is ConsentInForce for every channel and purpose, in a fixed order.
func (l *Ledger) ConsentsInForce(ctx context.Context, tokens []models.PatientID, at time.Time) ([]ConsentStanding, error) {
	return nil, errMissing
}
