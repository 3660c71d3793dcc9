package ledger

import (
	"bytes"
	"context"
	"crypto/cipher"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"carereach/models"
)

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

// PutIdentities seals the rows into the vault in one transaction. Per record (Ent) the newest Order wins, whatever the order
// of calls; a newer version may also move a record to another patient. Repeating a call changes nothing.
func (l *Ledger) PutIdentities(ctx context.Context, rows []IdentityRow) (PutCount, error) {
	var n PutCount
	if len(rows) == 0 {
		return n, nil
	}
	err := l.write(ctx, "seal identities", func(tx *sql.Tx) error {
		v, err := l.newVaultWriter(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := v.put(ctx, r, &n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return PutCount{}, err
	}
	return n, nil
}

// vaultWriter holds prepared statements, which end with their transaction.
type vaultWriter struct {
	*dataKeys
	l                                  *Ledger
	find, store, clearIndex, writeTerm *sql.Stmt
}

func (l *Ledger) newVaultWriter(ctx context.Context, tx *sql.Tx) (*vaultWriter, error) {
	v := &vaultWriter{l: l}
	var errs [5]error
	v.dataKeys, errs[0] = l.newDataKeys(ctx, tx)
	v.find, errs[1] = prepare(ctx, tx, "SELECT ord FROM vault WHERE ent = ?")
	v.store, errs[2] = prepare(ctx, tx, `INSERT INTO vault (ent, token, kind, ord, sealed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (ent) DO UPDATE
		SET token = excluded.token, kind = excluded.kind, ord = excluded.ord, sealed = excluded.sealed`)
	v.clearIndex, errs[3] = prepare(ctx, tx, "DELETE FROM vault_index WHERE ent = ?")
	v.writeTerm, errs[4] = prepare(ctx, tx, "INSERT INTO vault_index (kind, value, ent) VALUES (?, ?, ?)")
	return v, errors.Join(errs[:]...)
}

func (v *vaultWriter) put(ctx context.Context, r IdentityRow, n *PutCount) error {
	if r.Kind != OfPatient && r.Kind != OfRelated {
		return &models.Error{Kind: models.KindInternal, Message: "ledger: an identity row is of neither a patient nor a related person"}
	}
	ord := r.Order.bytes()
	var have []byte
	err := v.find.QueryRowContext(ctx, r.Ent[:]).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && bytes.Compare(ord, have) <= 0 {
		n.Known++
		return nil
	}
	key, err := v.get(ctx, r.Patient)
	if errors.Is(err, errErased) {
		n.Erased++
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := json.Marshal(r.Identity)
	if err != nil {
		return err
	}
	if _, err := v.store.ExecContext(ctx, r.Ent[:], r.Patient[:], string(r.Kind), ord, sealWith(key, vaultAAD(r.Ent, r.Patient, r.Kind, ord), plain)); err != nil {
		return err
	}
	n.Stored++
	return v.index(ctx, r.Ent, r.Kind, r.Identity)
}

// index replaces the index entries of a record.
func (v *vaultWriter) index(ctx context.Context, ent models.EntityID, kind RecordKind, id models.Identity) error {
	if _, err := v.clearIndex.ExecContext(ctx, ent[:]); err != nil {
		return err
	}
	for _, t := range v.l.terms(kind, id) {
		if _, err := v.writeTerm.ExecContext(ctx, string(t.kind), t.value[:], ent[:]); err != nil {
			return err
		}
	}
	return nil
}

// vaultAAD binds sealed bytes to their row: they open nowhere else, and not beside another order.
func vaultAAD(ent models.EntityID, id models.PatientID, kind RecordKind, ord []byte) []byte {
	b := appendText(nil, "vault.sealed 1")
	for _, v := range []any{ent[:], id[:], string(kind), ord} {
		b = appendValue(b, v)
	}
	return b
}

// Identity opens the vault records of one patient, the patient's own first. ref must be a row of this ledger's audit trail
// that allows and names this patient, else models.KindRefused. An unknown or erased patient has no records.
func (l *Ledger) Identity(ctx context.Context, ref AuditRef, id models.PatientID) ([]IdentityRecord, error) {
	found, err := l.Identities(ctx, ref, []models.PatientID{id})
	return found[id], err
}

// identityChunk is the number of patients that one statement opens.
const identityChunk = 500

// Identities is Identity for many patients at once; ref must name all of them. Patients without records are left out.
func (l *Ledger) Identities(ctx context.Context, ref AuditRef, ids []models.PatientID) (map[models.PatientID][]IdentityRecord, error) {
	out := make(map[models.PatientID][]IdentityRecord, len(ids))
	err := l.read(ctx, "open identities", func(tx *sql.Tx) error {
		if err := l.unlocks(ctx, tx, ref, ids); err != nil {
			return err
		}
		keys, err := l.newDataKeys(ctx, tx)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(sortedTokens(ids), identityChunk) {
			if err := openChunk(ctx, tx, keys, chunk, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// openChunk opens the records of some patients, the patients' own before those of related persons.
func openChunk(ctx context.Context, tx *sql.Tx, keys *dataKeys, ids []models.PatientID, out map[models.PatientID][]IdentityRecord) error {
	list, err := json.Marshal(texts(ids))
	if err != nil {
		return err
	}
	return ask(ctx, tx, func(rows *sql.Rows) error {
		var r vaultRow
		var wrapped []byte
		var kek sql.NullInt64
		if err := r.scan(rows, &wrapped, &kek); err != nil {
			return err
		}
		if !kek.Valid {
			return damaged("vault_key", r.id, "is missing")
		}
		key, err := keys.unwrap(r.id, wrapped, int(kek.Int64))
		if err != nil {
			return err
		}
		rec, err := openRecord(key, r.ent, r.id, r.kind, r.ord, r.sealed)
		out[r.id] = append(out[r.id], rec)
		return err
	}, `SELECT v.ent, v.token, v.kind, v.ord, v.sealed, k.wrapped, k.kek FROM vault v LEFT JOIN vault_key k ON k.token = v.token
		WHERE v.token IN (SELECT unhex(value) FROM json_each(?)) ORDER BY v.token, v.kind, v.ent`, string(list))
}

func texts(ids []models.PatientID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

func openRecord(key cipher.AEAD, ent models.EntityID, id models.PatientID, kind RecordKind, ord, sealed []byte) (IdentityRecord, error) {
	rec := IdentityRecord{Ent: ent, Kind: kind}
	plain, ok := openWith(key, vaultAAD(ent, id, kind, ord), sealed)
	if !ok || json.Unmarshal(plain, &rec.Identity) != nil {
		return rec, damaged("vault", ent, "cannot be opened")
	}
	return rec, nil
}

// FindByIdentifier gives the patients with that record number, telephone number or e-mail address, in order of their token;
// none is no error. The value is compared in its normal form (E.164 for telephones). What the index says is checked against
// the sealed record.
func (l *Ledger) FindByIdentifier(ctx context.Context, kind IdentifierKind, value string) ([]models.PatientID, error) {
	want, ok := l.term(kind, value)
	if !ok {
		return nil, nil
	}
	var found []models.PatientID
	err := l.read(ctx, "find by identifier", func(tx *sql.Tx) error {
		keys, err := l.newDataKeys(ctx, tx)
		if err != nil {
			return err
		}
		var hits []vaultRow
		err = ask(ctx, tx, func(rows *sql.Rows) error {
			var h vaultRow
			err := h.scan(rows)
			hits = append(hits, h)
			return err
		}, "SELECT v.ent, v.token, v.kind, v.ord, v.sealed FROM vault_index i JOIN vault v ON v.ent = i.ent WHERE i.kind = ? AND i.value = ?", string(kind), want.value[:])
		for i := 0; err == nil && i < len(hits); i++ {
			err = l.confirm(ctx, keys, hits[i], want)
			found = append(found, hits[i].id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return sortedTokens(found), nil
}

// vaultRow is a row of table vault as stored.
type vaultRow struct {
	ent         models.EntityID
	id          models.PatientID
	kind        RecordKind
	ord, sealed []byte
}

// scan reads the row's columns, and more that follow them.
func (r *vaultRow) scan(rows *sql.Rows, more ...any) error {
	var ent, token []byte
	if err := rows.Scan(append([]any{&ent, &token, &r.kind, &r.ord, &r.sealed}, more...)...); err != nil {
		return err
	}
	if len(ent) != 16 || len(token) != 16 {
		return damaged("vault", hexText(ent), "was changed")
	}
	r.ent, r.id = models.EntityID(ent), models.PatientID(token)
	return nil
}

// open opens a stored row.
func (r *vaultRow) open(ctx context.Context, keys *dataKeys) (IdentityRecord, error) {
	key, err := keys.find(ctx, r.id)
	if err == nil && key == nil {
		err = damaged("vault_key", r.id, "is missing")
	}
	if err != nil {
		return IdentityRecord{}, err
	}
	return openRecord(key, r.ent, r.id, r.kind, r.ord, r.sealed)
}

// confirm makes sure that a record really has the identifier under which the index lists it.
func (l *Ledger) confirm(ctx context.Context, keys *dataKeys, r vaultRow, want term) error {
	rec, err := r.open(ctx, keys)
	if err != nil {
		return err
	}
	if !slices.Contains(l.terms(r.kind, rec.Identity), want) {
		return damaged("vault_index", r.ent, "points at a record that has no such identifier")
	}
	return nil
}

// reindex makes the blind index anew from the sealed records.
func (l *Ledger) reindex(ctx context.Context, tx *sql.Tx) error {
	v, err := l.newVaultWriter(ctx, tx)
	if err != nil {
		return err
	}
	return l.eachRecord(ctx, tx, v.dataKeys, func(r vaultRow, rec IdentityRecord) error { return v.index(ctx, r.ent, r.kind, rec.Identity) })
}

// eachRecord opens every record of the vault.
func (l *Ledger) eachRecord(ctx context.Context, tx *sql.Tx, keys *dataKeys, fn func(vaultRow, IdentityRecord) error) error {
	return ask(ctx, tx, func(rows *sql.Rows) error {
		var r vaultRow
		if err := r.scan(rows); err != nil {
			return err
		}
		rec, err := r.open(ctx, keys)
		if err != nil {
			return err
		}
		return fn(r, rec)
	}, "SELECT ent, token, kind, ord, sealed FROM vault ORDER BY ent")
}
