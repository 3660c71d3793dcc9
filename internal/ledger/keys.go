package ledger

import (
	"carereach/models"
)

// Keys holds the secret keys of one installation, each in a file of its own and apart from the data:
//
//	tenant.key  makes patient tokens and entity ids; never rotated
//	kek-N.key   wraps the patients' data keys; rotated by Ledger.RotateKEK
//	index.key   blind indexes for finding a patient by record number, telephone or e-mail
//	rowtag.key  tags that rows carry
//	seal.key    seals intake segments and quarantined inputs
//	audit.key   signs checkpoints of the audit trail (Ed25519 seed)
//
// Its methods do no I/O and are safe for concurrent use.
type Keys struct{}

// CreateKeys makes a fresh set of key files, mode 0600, in dir, which is created with mode 0700. A folder that already
// holds a key file is left alone and is an error of models.KindConfig: replacing keys would lose every identity.
func CreateKeys(dir string) error { return errMissing }

// CreateDemoKeys is CreateKeys with keys derived from seed, so that the same seed gives the same tokens. For the demo and
// for tests only: whoever knows the seed knows the keys.
func CreateDemoKeys(dir, seed string) error { return errMissing }

// LoadKeys reads the key files of dir. A file that is missing, has not exactly 64 hex digits, or may be read or written by
// group or others is an error of models.KindConfig naming the file.
func LoadKeys(dir string) (*Keys, error) { return nil, errMissing }

// KeyID names the sealing key (16 hex digits); it is stored beside what Seal made.
func (k *Keys) KeyID() string { return "" }

// PatientToken gives the token of a patient as src knows them by its own id.
func (k *Keys) PatientToken(tenant string, src models.Source, id string) models.PatientID {
	return models.PatientID{}
}

// Entity gives the id of a resource or fact: a keyed hash of (tenant, source, type, the source's id).
func (k *Keys) Entity(tenant string, src models.Source, typ, id string) models.EntityID {
	return models.EntityID{}
}

// EventKey gives the identity of an event: a keyed hash of (tenant, source, event id).
func (k *Keys) EventKey(tenant string, src models.Source, eventID string) models.Key128 {
	return models.Key128{}
}

// BodyHash gives a keyed hash of a body, equal for equal bytes.
func (k *Keys) BodyHash(body []byte) models.Key128 { return models.Key128{} }

// Seal encrypts plain with AES-256-GCM under the sealing key's subkey for purpose ("intake", "quarantine") and a random
// nonce; aad is authenticated with it. The result is 29 bytes longer than plain. A purpose may seal 2^32 pieces.
func (k *Keys) Seal(purpose string, aad, plain []byte) []byte { return nil }

// Open gives back what Seal sealed with the same purpose and aad; anything else is an error of models.KindCorruption.
func (k *Keys) Open(purpose string, aad, sealed []byte) ([]byte, error) { return nil, errMissing }
