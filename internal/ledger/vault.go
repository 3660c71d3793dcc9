package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// Order decides between versions of one record: the greatest (Version, KnownAt, Pos) wins.
type Order struct {
	Version int64
	KnownAt time.Time
	Pos     models.Position
}

// RecordKind says whose identity a vault record holds.
type RecordKind string

// The patient's own record, or that of a person related to them.
const (
	OfPatient RecordKind = "patient"
	OfRelated RecordKind = "related"
)

// IdentityRow is one version of what a source says about who a patient is. An empty Identity takes an earlier one back.
type IdentityRow struct {
	Patient  models.PatientID
	Ent      models.EntityID // of the Patient or RelatedPerson resource
	Kind     RecordKind
	Order    Order
	Identity models.Identity
}

// PutCount says what became of the rows of one call; the parts sum to the rows given.
type PutCount struct {
	Stored int // new or newer
	Known  int // the same or an older version
	Erased int // held back: the person is erased
}

// IdentityRecord is one record of the vault, opened.
type IdentityRecord struct {
	Ent      models.EntityID
	Kind     RecordKind
	Identity models.Identity
}

// IdentifierKind is a kind of identifier by which a patient can be found.
type IdentifierKind string

// Record numbers are those of the patient; telephone and e-mail also those of persons related to them.
const (
	ByRecordNumber IdentifierKind = "mrn"
	ByPhone        IdentifierKind = "phone"
	ByEmail        IdentifierKind = "email"
)

// PutIdentities seals the rows into the vault in one transaction. Per record (Ent) the newest Order wins, whatever the order
// of calls; repeating a call changes nothing.
func (l *Ledger) PutIdentities(ctx context.Context, rows []IdentityRow) (PutCount, error) {
	return PutCount{}, errMissing
}

// Identity opens the vault records of one patient, the patient's own first. ref must be a row of this ledger's audit trail
// that allows and names this patient, else models.KindRefused. An unknown or erased patient has no records.
func (l *Ledger) Identity(ctx context.Context, ref AuditRef, id models.PatientID) ([]IdentityRecord, error) {
	return nil, errMissing
}

// Identities is Identity for many patients at once; ref must name all of them. Patients without records are left out.
func (l *Ledger) Identities(ctx context.Context, ref AuditRef, ids []models.PatientID) (map[models.PatientID][]IdentityRecord, error) {
	return nil, errMissing
}

// FindByIdentifier gives the patients with that record number, telephone number or e-mail address, in order of their token;
// none is no error. The value is compared in its normal form (E.164 for telephones).
func (l *Ledger) FindByIdentifier(ctx context.Context, kind IdentifierKind, value string) ([]models.PatientID, error) {
	return nil, errMissing
}

// RotateReport tells what RotateKEK did.
type RotateReport struct {
	KEK       int   // version that wraps every data key now
	Rewrapped int64 // data keys that were wrapped again
}

// RotateKEK wraps every data key with a new key-encryption key, whose file it adds to keyDir. It may be stopped at any moment:
// calling it again finishes what was begun. Old key files stay, because older backups need them; see RetireKEKs.
func (l *Ledger) RotateKEK(ctx context.Context, keyDir string) (RotateReport, error) {
	return RotateReport{}, errMissing
}

// RetireKEKs deletes the files of key-encryption keys that wrap no data key any more and gives their versions. Backups made
// before the rotation can no longer open identities, those of erased persons included.
func (l *Ledger) RetireKEKs(ctx context.Context, keyDir string) ([]int, error) {
	return nil, errMissing
}
