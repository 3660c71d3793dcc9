package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"carereach/models"
)

// Tombstone is what is left of an erased patient: enough to hold back everything that a replay brings.
type Tombstone struct {
	Patient models.PatientID
	Reason  string
	At      time.Time
}

const maxReason = 200

// Erase makes a patient's identity unreadable for good: it destroys the data key, deletes vault and index rows and the
// evidence of consents, leaves a tombstone in ledger and sink, and rewrites the file so that no freed page holds the key. The
// statements of consent stay, without evidence. Every token of a merged person is erased by a call of its own. Reason holds
// no identifiers. Repeating it changes nothing, and finishes what a crash or an error of models.KindPartial left undone.
func (l *Ledger) Erase(ctx context.Context, token models.PatientID, reason string, at time.Time) error {
	if reason == "" || len(reason) > maxReason || !utf8.ValidString(reason) {
		return &models.Error{Kind: models.KindUsage, Message: "ledger: an erasure needs a reason of at most 200 bytes", Mend: "name the request, not the person"}
	}
	err := l.write(ctx, "erase a patient", func(tx *sql.Tx) error {
		return l.shred(ctx, tx, Tombstone{token, reason, at})
	})
	if err != nil {
		return err
	}
	return l.finishErasures(ctx)
}

// shred deletes what can open or find the patient and leaves the tombstone. The erasure stays noted until finishErasures has
// dealt with what the file and the sink still need. A patient erased before is left as is.
func (l *Ledger) shred(ctx context.Context, tx *sql.Tx, t Tombstone) error {
	id := t.Patient[:]
	var done bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM tombstone WHERE token = ?)", id).Scan(&done); err != nil || done {
		return err
	}
	for _, query := range [...]string{
		"DELETE FROM vault_index WHERE ent IN (SELECT ent FROM vault WHERE token = ?)",
		"DELETE FROM vault WHERE token = ?",
		"DELETE FROM vault_key WHERE token = ?",
	} {
		if err := exec(ctx, tx, query, id); err != nil {
			return err
		}
	}
	if err := l.dropEvidence(ctx, tx, t.Patient); err != nil {
		return err
	}
	err := exec(ctx, tx, "INSERT INTO tombstone (token, reason, at, tag) VALUES (?, ?, ?, ?)", id, t.Reason, micros(t.At), l.keys.tag("tombstone", id, t.Reason, micros(t.At)))
	return errors.Join(err, l.count(ctx, tx, "tombstone", 1), l.noteErasure(ctx, tx, t))
}

func (l *Ledger) dropEvidence(ctx context.Context, tx *sql.Tx, id models.PatientID) error {
	rows, err := l.consentsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.sealed == nil {
			continue
		}
		r.sealed = nil
		if err := exec(ctx, tx, "UPDATE consent SET sealed = NULL, tag = ? WHERE id = ?", l.keys.tag("consent", r.values()...), r.ID); err != nil {
			return err
		}
	}
	return nil
}

// noteErasure remembers that an erasure is to be finished.
func (l *Ledger) noteErasure(ctx context.Context, tx *sql.Tx, t Tombstone) error {
	return l.set(ctx, tx, settingErasing+t.Patient.String(), strconv.FormatInt(micros(t.At), 10)+" "+t.Reason)
}

// noteErasures remembers erasures that the sink knows and this older ledger does not.
func (l *Ledger) noteErasures(ctx context.Context, tx *sql.Tx, erased map[models.PatientID]Tombstone) error {
	have, err := l.tombstones(ctx, tx)
	if err != nil {
		return err
	}
	for id, t := range erased {
		if _, ok := have[id]; !ok {
			err = errors.Join(err, l.noteErasure(ctx, tx, t))
		}
	}
	return err
}

// finishErasures does, for every erasure noted, what is left to do: shred, rewrite the file, tell the sink.
func (l *Ledger) finishErasures(ctx context.Context) error {
	var open []Tombstone
	err := l.read(ctx, "look for unfinished erasures", func(tx *sql.Tx) (err error) {
		open, err = l.notedErasures(ctx, tx)
		return err
	})
	if err != nil || len(open) == 0 {
		return err
	}
	err = l.write(ctx, "erase patients", func(tx *sql.Tx) error {
		for _, t := range open {
			if err := l.shred(ctx, tx, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range open {
		if err := l.sink.add(sinkLine{Kind: sinkErased, At: micros(t.At), Token: t.Patient.String(), Reason: t.Reason}); err != nil {
			return err
		}
	}
	if err := l.rewrite(ctx); err != nil {
		return err
	}
	return l.write(ctx, "finish erasures", func(tx *sql.Tx) error {
		for _, t := range open {
			if err := l.unset(ctx, tx, settingErasing+t.Patient.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Ledger) notedErasures(ctx context.Context, tx *sql.Tx) ([]Tombstone, error) {
	var keys []string
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	}, "SELECT key FROM setting WHERE substr(key, 1, ?) = ? ORDER BY key", len(settingErasing), settingErasing)
	if err != nil {
		return nil, err
	}
	out := make([]Tombstone, 0, len(keys))
	for _, key := range keys {
		value, _, err := l.get(ctx, tx, key)
		if err != nil {
			return nil, err
		}
		at, reason, _ := strings.Cut(value, " ")
		us, errAt := strconv.ParseInt(at, 10, 64)
		id, errID := models.ParsePatientID(strings.TrimPrefix(key, settingErasing))
		if errAt != nil || errID != nil {
			return nil, damaged("setting", key, "was changed")
		}
		out = append(out, Tombstone{id, reason, instant(us)})
	}
	return out, nil
}

// rewrite writes the file anew and empties the write-ahead log, so that neither holds what was deleted.
func (l *Ledger) rewrite(ctx context.Context) error {
	if _, err := l.writer.ExecContext(ctx, "VACUUM"); err != nil {
		return fault("rewrite the ledger", err)
	}
	var busy, pages, moved int64
	if err := l.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return fault("empty the write-ahead log", err)
	}
	if busy != 0 {
		return &models.Error{Kind: models.KindPartial, Message: "ledger: the person is erased, but readers keep old pages in the write-ahead log", Mend: "erase again when running reads have ended; nobody else's data is concerned"}
	}
	return nil
}

// Erased gives the tombstones of all erased patients.
func (l *Ledger) Erased(ctx context.Context) (map[models.PatientID]Tombstone, error) {
	var out map[models.PatientID]Tombstone
	err := l.read(ctx, "read tombstones", func(tx *sql.Tx) (err error) {
		out, err = l.tombstones(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// tombstones reads all tombstones, checked and complete.
func (l *Ledger) tombstones(ctx context.Context, tx *sql.Tx) (map[models.PatientID]Tombstone, error) {
	want, err := l.tally(ctx, tx, "tombstone")
	if err != nil {
		return nil, err
	}
	out := map[models.PatientID]Tombstone{}
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var token, tag []byte
		var reason string
		var at int64
		if err := rows.Scan(&token, &reason, &at, &tag); err != nil {
			return err
		}
		if len(token) != 16 || !l.keys.checkTag(tag, "tombstone", token, reason, at) {
			return damaged("tombstone", hexText(token), "was changed")
		}
		out[models.PatientID(token)] = Tombstone{models.PatientID(token), reason, instant(at)}
		return nil
	}, "SELECT token, reason, at, tag FROM tombstone")
	if err == nil && int64(len(out)) != want {
		err = damaged("tombstone", want, "is missing")
	}
	return out, err
}
