package ledger

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"carereach/models"
)

// errErased says that a patient has a tombstone instead of a data key.
var errErased = errors.New("erased")

// dataKeys finds and makes the patients' data keys inside one transaction. Used by one goroutine. Its statements end with the
// transaction.
type dataKeys struct {
	ring           *kekRing
	tx             *sql.Tx
	sel, gone, ins *sql.Stmt
	cached         cipher.AEAD // key of the patient asked for last
	cachedFor      models.PatientID
}

func (l *Ledger) newDataKeys(ctx context.Context, tx *sql.Tx) (*dataKeys, error) {
	d := &dataKeys{ring: l.keys.keks.Load(), tx: tx}
	var err error
	if d.sel, err = prepare(ctx, tx, "SELECT wrapped, kek FROM vault_key WHERE token = ?"); err != nil {
		return nil, err
	}
	return d, nil
}

// find gives a patient's data key; nil when there is none.
func (d *dataKeys) find(ctx context.Context, id models.PatientID) (cipher.AEAD, error) {
	if d.cached != nil && d.cachedFor == id {
		return d.cached, nil
	}
	var wrapped []byte
	var kek int
	err := d.sel.QueryRowContext(ctx, id[:]).Scan(&wrapped, &kek)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.unwrap(id, wrapped, kek)
}

// unwrap gives the data key that was stored for a patient.
func (d *dataKeys) unwrap(id models.PatientID, wrapped []byte, kek int) (cipher.AEAD, error) {
	if d.cached != nil && d.cachedFor == id {
		return d.cached, nil
	}
	key, err := d.ring.unwrap(id, wrapped, kek)
	if err != nil {
		return nil, err
	}
	d.cached, d.cachedFor = newAEAD(key), id
	return d.cached, nil
}

// get gives a patient's data key and makes one when there is none; errErased for an erased patient.
func (d *dataKeys) get(ctx context.Context, id models.PatientID) (cipher.AEAD, error) {
	key, err := d.find(ctx, id)
	if err != nil || key != nil {
		return key, err
	}
	if d.gone == nil {
		d.gone, err = prepare(ctx, d.tx, "SELECT EXISTS (SELECT 1 FROM tombstone WHERE token = ?)")
		if err != nil {
			return nil, err
		}
		if d.ins, err = prepare(ctx, d.tx, "INSERT INTO vault_key (token, wrapped, kek) VALUES (?, ?, ?)"); err != nil {
			return nil, err
		}
	}
	var erased bool
	if err := d.gone.QueryRowContext(ctx, id[:]).Scan(&erased); err != nil {
		return nil, err
	}
	if erased {
		return nil, errErased
	}
	fresh := freshKey()
	if _, err := d.ins.ExecContext(ctx, id[:], d.ring.wrap(id, fresh), d.ring.current); err != nil {
		return nil, err
	}
	d.cached, d.cachedFor = newAEAD(fresh), id
	return d.cached, nil
}

func (r *kekRing) wrap(id models.PatientID, key []byte) []byte {
	return sealWith(r.aeads[r.current], wrapAAD(id, r.current), key)
}

func (r *kekRing) unwrap(id models.PatientID, wrapped []byte, kek int) ([]byte, error) {
	a := r.aeads[kek]
	if a == nil {
		return nil, &models.Error{Kind: models.KindConfig, Message: fmt.Sprintf("ledger: %s is missing and identities are sealed under it", kekFile(kek)), Mend: "bring it back from where the keys are kept"}
	}
	key, ok := openWith(a, wrapAAD(id, kek), wrapped)
	if !ok || len(key) != keyBytes {
		return nil, damaged("vault_key", id, "cannot be opened")
	}
	return key, nil
}

func wrapAAD(id models.PatientID, kek int) []byte {
	return appendValue(appendValue(appendText(nil, "vault_key.wrapped 1"), id[:]), int64(kek))
}

// rewrapBatch is the number of data keys that one transaction of a rotation wraps again.
const rewrapBatch = 2000

// RotateReport tells what RotateKEK did.
type RotateReport struct {
	KEK       int   // version that wraps every data key now
	Rewrapped int64 // data keys that were wrapped again
}

// RotateKEK wraps every data key with a new key-encryption key, whose file it adds to keyDir. It may be stopped at any moment:
// calling it again finishes what was begun. Old key files stay, because older backups need them; see RetireKEKs.
func (l *Ledger) RotateKEK(ctx context.Context, keyDir string) (RotateReport, error) {
	ring := l.keys.keks.Load()
	var old int64
	err := l.read(ctx, "look for older keys", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM vault_key WHERE kek < ?", ring.current).Scan(&old)
	})
	if err != nil {
		return RotateReport{}, err
	}
	if old == 0 { // nothing was left unfinished
		if ring, err = l.addKEK(keyDir); err != nil {
			return RotateReport{}, err
		}
	}
	out := RotateReport{KEK: ring.current}
	err = l.write(ctx, "note the new key", func(tx *sql.Tx) error {
		return l.set(ctx, tx, settingKeyCheck+kekFile(ring.current), ring.checks[ring.current])
	})
	for n := int64(1); err == nil && n > 0; out.Rewrapped += n {
		n = 0
		err = l.write(ctx, "wrap data keys", func(tx *sql.Tx) error {
			n, err = rewrap(ctx, tx, ring)
			return err
		})
	}
	return out, err
}

// addKEK makes the file of the next version and begins to use it.
func (l *Ledger) addKEK(keyDir string) (*kekRing, error) {
	present, err := readKEKs(keyDir)
	if err != nil {
		return nil, err
	}
	ring := l.keys.keks.Load()
	if present.current != ring.current || present.checks[ring.current] != ring.checks[ring.current] {
		return nil, keyFault(keyDir, "folder is not the one that this ledger's keys came from", "name the key folder of the configuration", nil)
	}
	version, key := ring.current+1, freshKey()
	if err := writeKey(filepath.Join(keyDir, kekFile(version)), key); err != nil {
		return nil, err
	}
	if err := syncDir(keyDir); err != nil {
		return nil, err
	}
	ring = ring.with(version, key)
	l.keys.keks.Store(ring)
	return ring, nil
}

// rewrap wraps one batch of data keys with the newest key and tells how many.
func rewrap(ctx context.Context, tx *sql.Tx, ring *kekRing) (int64, error) {
	type row struct {
		id      models.PatientID
		wrapped []byte
	}
	var batch []row
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		var token, wrapped []byte
		var kek int
		if err := rows.Scan(&token, &wrapped, &kek); err != nil {
			return err
		}
		if len(token) != 16 {
			return damaged("vault_key", hexText(token), "was changed")
		}
		id := models.PatientID(token)
		key, err := ring.unwrap(id, wrapped, kek)
		if err == nil {
			batch = append(batch, row{id, ring.wrap(id, key)})
		}
		return err
	}, "SELECT token, wrapped, kek FROM vault_key WHERE kek < ? LIMIT ?", ring.current, rewrapBatch)
	if err != nil {
		return 0, err
	}
	for _, r := range batch {
		if err := exec(ctx, tx, "UPDATE vault_key SET wrapped = ?, kek = ? WHERE token = ?", r.wrapped, ring.current, r.id[:]); err != nil {
			return 0, err
		}
	}
	return int64(len(batch)), nil
}

// RetireKEKs deletes the files of key-encryption keys that wrap no data key any more and gives their versions. Backups made
// before the rotation can no longer open identities, those of erased persons included.
func (l *Ledger) RetireKEKs(ctx context.Context, keyDir string) ([]int, error) {
	var gone []int
	for _, v := range l.keys.keks.Load().versions() {
		ring := l.keys.keks.Load()
		if v == ring.current {
			continue
		}
		err := l.write(ctx, "retire a key", func(tx *sql.Tx) error { // holds writers off while the file goes
			var used bool
			if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM vault_key WHERE kek = ?)", v).Scan(&used); err != nil || used {
				return err
			}
			if err := os.Remove(filepath.Join(keyDir, kekFile(v))); err != nil && !errors.Is(err, os.ErrNotExist) {
				return keyFault(filepath.Join(keyDir, kekFile(v)), "cannot be deleted", "check owner and mode of its folder", err)
			}
			gone = append(gone, v)
			return l.unset(ctx, tx, settingKeyCheck+kekFile(v))
		})
		if err != nil {
			return gone, err
		}
		if len(gone) > 0 && gone[len(gone)-1] == v {
			l.keys.keks.Store(ring.with(v, nil))
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, syncDir(keyDir)
}
