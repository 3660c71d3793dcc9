package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"carereach/models"
)

// ledgerTally is the row of table tally that counts committed write transactions.
const ledgerTally = "ledger"

// Settings of the ledger's own; their names start with "ledger.".
const (
	settingKeyCheck = "ledger.key."     // + file name: check value of the key
	settingIndex    = "ledger.index"    // rules and phone region that the blind index was made with
	settingSink     = "ledger.sink"     // set once the sink has its first line
	settingErasing  = "ledger.erasing." // + token: an erasure that is not finished yet
)

// Seq gives the number of the last committed write transaction. It grows by one with each, so that a store which notes it can
// tell when it meets an older ledger.
func (l *Ledger) Seq(ctx context.Context) (int64, error) {
	var n int64
	err := l.read(ctx, "read the sequence", func(tx *sql.Tx) error {
		var err error
		n, err = l.tally(ctx, tx, ledgerTally)
		return err
	})
	return n, err
}

// tally reads a checked count; one that was never kept is 0.
func (l *Ledger) tally(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	var n int64
	var tag []byte
	err := tx.QueryRowContext(ctx, "SELECT n, tag FROM tally WHERE name = ?", name).Scan(&n, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !l.keys.checkTag(tag, "tally", name, n) {
		return 0, damaged("tally", name, "was changed outside carereach")
	}
	return n, nil
}

// count adds to a tally. Tables whose rows must not get lost keep one.
func (l *Ledger) count(ctx context.Context, tx *sql.Tx, name string, by int64) error {
	n, err := l.tally(ctx, tx, name)
	if err != nil {
		return err
	}
	n += by
	return exec(ctx, tx, "INSERT INTO tally (name, n, tag) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET n = excluded.n, tag = excluded.tag",
		name, n, l.keys.tag("tally", name, n))
}

// SetSetting stores a small durable fact. Values hold no identifiers. Names that start with "ledger." are the ledger's own.
func (l *Ledger) SetSetting(ctx context.Context, key, value string) error {
	if key == "" || ownSetting(key) {
		return &models.Error{Kind: models.KindUsage, Message: "ledger: a setting needs a name that does not start with ledger.", Mend: "choose another name"}
	}
	return l.write(ctx, "store a setting", func(tx *sql.Tx) error { return l.set(ctx, tx, key, value) })
}

func ownSetting(key string) bool { return len(key) >= 7 && key[:7] == "ledger." }

func (l *Ledger) set(ctx context.Context, tx *sql.Tx, key, value string) error {
	var known bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM setting WHERE key = ?)", key).Scan(&known); err != nil {
		return err
	}
	if !known {
		if err := l.count(ctx, tx, "setting", 1); err != nil {
			return err
		}
	}
	return exec(ctx, tx, "INSERT INTO setting (key, value, tag) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, tag = excluded.tag",
		key, value, l.keys.tag("setting", key, value))
}

// unset forgets a setting.
func (l *Ledger) unset(ctx context.Context, tx *sql.Tx, key string) error {
	res, err := tx.ExecContext(ctx, "DELETE FROM setting WHERE key = ?", key)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return errors.Join(err, l.count(ctx, tx, "setting", -n))
}

// Setting gives a stored fact; ok is false when it was never set.
func (l *Ledger) Setting(ctx context.Context, key string) (value string, ok bool, err error) {
	err = l.read(ctx, "read a setting", func(tx *sql.Tx) error {
		value, ok, err = l.get(ctx, tx, key)
		return err
	})
	return value, ok, err
}

func (l *Ledger) get(ctx context.Context, tx *sql.Tx, key string) (string, bool, error) {
	var value string
	var tag []byte
	err := tx.QueryRowContext(ctx, "SELECT value, tag FROM setting WHERE key = ?", key).Scan(&value, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if !l.keys.checkTag(tag, "setting", key, value) {
		return "", false, damaged("setting", key, "was changed outside carereach")
	}
	return value, true, nil
}

// checkKeys stores check values of the keys in a new ledger, and refuses keys that are not those of an old one.
func (l *Ledger) checkKeys(ctx context.Context) error {
	var fresh bool
	if err := l.writer.QueryRowContext(ctx, "SELECT count(*) = 0 FROM setting").Scan(&fresh); err != nil {
		return fault("check the keys", err)
	}
	if fresh {
		return l.write(ctx, "note the keys", func(tx *sql.Tx) error {
			for name, check := range l.keys.allChecks() {
				if err := l.set(ctx, tx, settingKeyCheck+name, check); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return compareKeys(ctx, l.writer, l.keys)
}

// allChecks gives the check value of every key by the name of its file.
func (k *Keys) allChecks() map[string]string {
	out := map[string]string{}
	for name, check := range k.checks {
		out[name] = check
	}
	ring := k.keks.Load()
	for v, check := range ring.checks {
		out[kekFile(v)] = check
	}
	return out
}

// compareKeys reads check values without their tags, because the key of the tags may be the wrong one.
func compareKeys(ctx context.Context, db *sql.DB, k *Keys) error {
	mine := k.allChecks()
	for name, check := range mine {
		var noted string
		err := db.QueryRowContext(ctx, "SELECT value FROM setting WHERE key = ?", settingKeyCheck+name).Scan(&noted)
		if errors.Is(err, sql.ErrNoRows) && kekName.MatchString(name) {
			continue // made by a rotation that was stopped before its first row
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fault("check the keys", err)
		}
		if noted != check {
			return &models.Error{Kind: models.KindConfig, Message: "ledger: " + name + " is not the key that this ledger was made with", Mend: "point keys at this installation's own key folder; nothing was changed"}
		}
	}
	return checkKEKs(ctx, db, k)
}

// checkKEKs makes sure that every data key can be unwrapped.
func checkKEKs(ctx context.Context, db *sql.DB, k *Keys) error {
	var lowest, highest sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT (SELECT min(kek) FROM vault_key), (SELECT max(kek) FROM vault_key)").Scan(&lowest, &highest); err != nil {
		return fault("check the keys", err)
	}
	ring := k.keks.Load()
	for _, v := range []sql.NullInt64{lowest, highest} {
		if v.Valid && ring.aeads[int(v.Int64)] == nil {
			return &models.Error{Kind: models.KindConfig, Message: fmt.Sprintf("ledger: %s is missing and identities are sealed under it", kekFile(int(v.Int64))), Mend: "bring it back from where the keys are kept"}
		}
	}
	return nil
}

// indexVersion grows when normalIdentifier changes; the index is then made anew.
const indexVersion = "1"

// checkIndex makes the blind index anew when it was made under another phone region or by other rules.
func (l *Ledger) checkIndex(ctx context.Context) error {
	want := indexVersion + " " + l.region
	noted, ok, err := l.Setting(ctx, settingIndex)
	if err != nil || noted == want {
		return err
	}
	return l.write(ctx, "make the index", func(tx *sql.Tx) error {
		if ok {
			if err := l.reindex(ctx, tx); err != nil {
				return err
			}
		}
		return l.set(ctx, tx, settingIndex, want)
	})
}

// Health is the state of the ledger for doctor.
type Health struct {
	Path        string `json:"path"`
	Bytes       int64  `json:"bytes"`
	WALBytes    int64  `json:"wal_bytes"`
	Schema      int64  `json:"schema"`
	Journal     string `json:"journal"`     // wal
	Synchronous string `json:"synchronous"` // full
	Seq         int64  `json:"seq"`
	AuditSeq    int64  `json:"audit_seq"`
	SinkSeq     int64  `json:"sink_seq"`
	KEK         int    `json:"kek"` // version of the key that wraps data keys
}

// Health reads the state of the ledger.
func (l *Ledger) Health(ctx context.Context) (Health, error) {
	h := Health{Path: l.path, Bytes: fileSize(l.path), WALBytes: fileSize(l.path + "-wal"), KEK: l.keys.keks.Load().current}
	var level int64
	err := l.read(ctx, "read the state", func(tx *sql.Tx) error {
		var err error
		if h.Seq, err = l.tally(ctx, tx, ledgerTally); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(seq), 0) FROM audit), (SELECT max(version_id) FROM goose_db_version),
			(SELECT journal_mode FROM pragma_journal_mode), (SELECT synchronous FROM pragma_synchronous)`).Scan(&h.AuditSeq, &h.Schema, &h.Journal, &level)
	})
	if err != nil {
		return Health{}, err
	}
	h.Synchronous = "not full"
	if level == 2 {
		h.Synchronous = "full"
	}
	if l.sink != nil {
		h.SinkSeq = l.sink.head().Seq
	}
	return h, nil
}

func hexText(b []byte) string { return hex.EncodeToString(b) }
