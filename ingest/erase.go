package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"carereach/ingest/intake"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// ForgetReport tells what was removed.
type ForgetReport struct {
	Facts     int64 `json:"facts"`     // versions of facts
	Published int64 `json:"published"` // rows of published runs
	Records   int   `json:"records"`   // inputs emptied in the intake log
}

// Forget removes what the analytics store and the intake log hold about patients whom the ledger has erased: facts,
// published rows about them, and the bytes they came in. It can be repeated; a crash in between leaves the rest to the
// next call. Aggregates that were published before stay as they were.
func (in *Ingester) Forget(ctx context.Context, tokens []models.PatientID) (ForgetReport, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	erased, err := in.ledger.Erased(ctx)
	if err != nil {
		return ForgetReport{}, fmt.Errorf("read tombstones: %w", err)
	}
	gone := map[models.PatientID]ledger.Tombstone{}
	for _, t := range tokens {
		stone, ok := erased[t]
		if !ok {
			return ForgetReport{}, &models.Error{Kind: models.KindRefused, Message: "the ledger has not erased this patient", Mend: "use: carereach patient erase"}
		}
		gone[t] = stone
	}
	in.erased = erased
	var rep ForgetReport
	if rep.Records, err = in.redactAll(ctx, gone); err != nil {
		return rep, fmt.Errorf("empty the intake log: %w", err)
	}
	err = in.store.Ingest(ctx, func(tx *store.Tx) error {
		for _, t := range tokens {
			if err := rep.forget(ctx, tx, t); err != nil {
				return err
			}
		}
		return noteErasures(ctx, tx, int64(len(erased)))
	})
	if err != nil {
		return rep, fmt.Errorf("delete facts: %w", err)
	}
	return rep, in.store.Checkpoint(ctx)
}

// forget deletes every row of one patient.
func (rep *ForgetReport) forget(ctx context.Context, tx *store.Tx, token models.PatientID) error {
	pids, err := pidsOf(ctx, tx, token)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		for _, t := range models.FactTypes {
			n, err := tx.Exec(ctx, "DELETE FROM "+t.VersionTable()+" WHERE pid = ?", pid)
			if err != nil {
				return err
			}
			rep.Facts += n
			if _, err := tx.Exec(ctx, "DELETE FROM "+t.CurrentTable()+" WHERE pid0 = ?", pid); err != nil {
				return err
			}
		}
		for _, q := range []string{"DELETE FROM codes WHERE pid = $1", "DELETE FROM person WHERE pid = $1 OR survivor = $1", "DELETE FROM subject WHERE pid = $1"} {
			if _, err := tx.Exec(ctx, q, pid); err != nil {
				return err
			}
		}
	}
	for _, t := range models.Published {
		if !slices.ContainsFunc(t.Columns, func(c models.Column) bool { return c.Name == "patient_id" }) {
			continue
		}
		n, err := tx.Exec(ctx, "DELETE FROM pub."+t.Name+" WHERE patient_id = ?", token.String())
		if err != nil {
			return err
		}
		rep.Published += n
	}
	return nil
}

func pidsOf(ctx context.Context, tx *store.Tx, token models.PatientID) ([]int64, error) {
	rows, err := tx.Query(ctx, sql.Text("ingest/forget.sql"), token.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pids []int64
	for rows.Next() {
		var pid int64
		if err := rows.Scan(&pid); err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, rows.Err()
}

// redactAll empties every record about the patients, and the quarantined copies of the same records.
func (in *Ingester) redactAll(ctx context.Context, gone map[models.PatientID]ledger.Tombstone) (int, error) {
	return in.redact(ctx, nil, gone)
}

// redact empties the records at offsets (nil: all) as far as they are about the patients.
func (in *Ingester) redact(ctx context.Context, offsets []int64, gone map[models.PatientID]ledger.Tombstone) (int, error) {
	if err := in.defineFrom(ctx, in.log.End()); err != nil {
		return 0, err
	}
	d := in.decoders[0]
	var touched []int64
	n, err := in.log.Redact(ctx, offsets, func(rec intake.Record) ([]byte, bool) {
		keep, redact := d.without(&rec, gone)
		if redact {
			touched = append(touched, rec.Offset)
		}
		return keep, redact
	})
	if err != nil {
		return n, err
	}
	return n, in.store.Ingest(ctx, func(tx *store.Tx) error {
		for _, off := range touched {
			if _, err := tx.Exec(ctx, sql.Text("ingest/drop_quarantine.sql"), intakeLog, 0, off); err != nil {
				return err
			}
		}
		return nil
	})
}

// without gives what may be kept of a record when the patients are gone, and whether anything has to go.
func (d *decoder) without(rec *intake.Record, gone map[models.PatientID]ledger.Tombstone) (keep []byte, redact bool) {
	if rec.Format == formatMapping || (rec.Redacted && len(rec.Body) == 0) {
		return rec.Body, false
	}
	inputs := d.record(rec)
	about := make([]bool, len(inputs))
	for i, one := range inputs {
		about[i] = d.about(one, gone)
		redact = redact || about[i]
	}
	if !redact || len(inputs) < 2 {
		return nil, redact
	}
	return withoutEntries(rec.Body, inputs, about), true
}

// about reports whether an input names one of the patients. Of what could not be decoded, every word is tried as the id of
// a patient.
func (d *decoder) about(in *input, gone map[models.PatientID]ledger.Tombstone) bool {
	is := func(subject models.Ref) bool {
		_, ok := gone[d.token(in.record.Source, subject)]
		return ok
	}
	for i := range in.facts {
		if s := in.facts[i].Subject; s.ID != "" && is(s) {
			return true
		}
	}
	if in.err == nil {
		return false
	}
	// What was ignored or rejected has no facts, and may still hold the name of somebody erased.
	for _, word := range words.FindAll(in.raw, -1) {
		if is(models.Ref{Type: "Patient", ID: string(word)}) {
			return true
		}
	}
	return false
}

// words finds what could be an id inside broken text.
var words = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9._-]*`)

// withoutEntries gives a Bundle in which the entries about erased patients are replaced by an empty Basic resource, so that
// the other entries keep their places. A Bundle that cannot be taken apart is emptied.
func withoutEntries(body []byte, inputs []*input, about []bool) []byte {
	var bundle map[string]json.RawMessage
	var entries []json.RawMessage
	if err := errors.Join(json.Unmarshal(body, &bundle), json.Unmarshal(bundle["entry"], &entries)); err != nil {
		return nil
	}
	for i, gone := range about {
		if e := int(inputs[i].pos.Entry); gone && e < len(entries) {
			entries[e] = json.RawMessage(`{"resource":{"resourceType":"Basic","id":"erased"}}`)
		}
	}
	list, err := json.Marshal(entries)
	if err != nil {
		return nil
	}
	bundle["entry"] = list
	out, err := json.Marshal(bundle)
	if err != nil {
		return nil
	}
	return out
}

// erasureLog is the position that counts erasures: a run made after one has other inputs than a run made before it, and so
// another id.
const erasureLog = "erasure"

// noteErasures records how many patients are erased in what the store knows.
func noteErasures(ctx context.Context, tx *store.Tx, n int64) error {
	if n == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "DELETE FROM position WHERE log = ?", erasureLog); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sql.Text("ingest/add_position.sql"), erasureLog, 0, n)
	return err
}
