package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// AuditEntry is one act to be recorded before it happens. Detail holds no identifiers.
type AuditEntry struct {
	Actor    string             // user id, or "system"; never empty
	Purpose  string             // treatment, care_gap, operations ...; empty for acts of the system
	Action   string             // patient.show, list.export, user.add ...; never empty
	Denied   bool               // the act was refused; such a row unlocks nothing
	Subjects []models.PatientID // whom it is about; none for acts about no patient
	Detail   string             // at most 2,000 bytes
}

// AuditRow is a row of the audit trail.
type AuditRow struct {
	Seq      int64             `json:"seq"`
	At       time.Time         `json:"at"`
	Actor    string            `json:"actor"`
	Purpose  string            `json:"purpose"`
	Action   string            `json:"action"`
	Denied   bool              `json:"denied"`
	Subject  *models.PatientID `json:"-"`                // the only patient it is about
	Subjects int               `json:"subjects"`         // number of patients it is about
	List     string            `json:"list,omitempty"`   // hash of the sorted token list when there are several
	Detail   string            `json:"detail,omitempty"` //
	Hash     string            `json:"hash"`             // link of the chain
}

// AuditRef points at a row of the audit trail that AppendAudit made. Only the ledger makes one.
type AuditRef struct {
	seq  int64
	hash [32]byte
}

// Seq gives the number of the audit row; 0 for the zero AuditRef, which unlocks nothing.
func (r AuditRef) Seq() int64 { return r.seq }

// AppendAudit appends one row and returns when it is durable in the ledger and in the sink. When it fails the act must not
// happen.
func (l *Ledger) AppendAudit(ctx context.Context, e AuditEntry) (AuditRef, error) {
	return AuditRef{}, errMissing
}

// AppendAudits appends several rows in one transaction, all or none.
func (l *Ledger) AppendAudits(ctx context.Context, es []AuditEntry) ([]AuditRef, error) {
	return nil, errMissing
}

// AuditFilter selects audit rows; zero fields select all.
type AuditFilter struct {
	Actor    string
	Purpose  string
	Action   string // exact, or a prefix when it ends in "."
	Subject  *models.PatientID
	From, To time.Time // From <= at < To
	Offset   int
	Limit    int // 0 is 100; at most 10,000
}

// AuditPage is one page of a search, newest row first.
type AuditPage struct {
	Rows  []AuditRow `json:"rows"`
	Total int        `json:"total"`
}

// SearchAudit finds rows, those about a list that holds the subject included.
func (l *Ledger) SearchAudit(ctx context.Context, f AuditFilter) (AuditPage, error) {
	return AuditPage{}, errMissing
}

// AuditSubjects gives the patients an audit row is about, in order of their token.
func (l *Ledger) AuditSubjects(ctx context.Context, seq int64) ([]models.PatientID, error) {
	return nil, errMissing
}

// AuditCheck is the outcome of VerifyAudit.
type AuditCheck struct {
	Rows        int64  `json:"rows"`
	Head        string `json:"head"`        // hash of the newest row
	Checkpoints int64  `json:"checkpoints"` // signed checkpoints of the sink that were compared
}

// VerifyAudit walks the whole trail. A row edited, deleted, moved or cut off, and a sink that says otherwise, is an error
// of models.KindCorruption naming the first row concerned.
func (l *Ledger) VerifyAudit(ctx context.Context) (AuditCheck, error) {
	return AuditCheck{}, errMissing
}
