package ingest

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"time"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// QuarantineFilter selects quarantined inputs; zero fields select all.
type QuarantineFilter struct {
	ID            int64
	State         string // open, released, dropped
	Reason        models.QuarantineReason
	Limit, Offset int // Limit 0 is 100
}

// QuarantineRow is one input set aside. Place names the element or column, never its value.
type QuarantineRow struct {
	ID       int64                   `json:"id"`
	Position string                  `json:"position"`
	Source   models.Source           `json:"source"`
	Resource string                  `json:"resource"`
	Reason   models.QuarantineReason `json:"reason"`
	Place    string                  `json:"place"`
	Detail   string                  `json:"detail"`
	Mend     string                  `json:"mend"`
	KnownAt  time.Time               `json:"known_at"`
	State    string                  `json:"state"`

	pos models.Position
}

// QuarantineList is one page of the quarantine; Total says how many there are.
type QuarantineList struct {
	Total int64           `json:"total"`
	Shown int             `json:"shown"`
	Rows  []QuarantineRow `json:"rows"`
}

// Quarantine lists inputs that were set aside, oldest first.
func (in *Ingester) Quarantine(ctx context.Context, f QuarantineFilter) (QuarantineList, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	list := QuarantineList{Rows: []QuarantineRow{}}
	filter := []any{f.State, f.State, string(f.Reason), string(f.Reason), f.ID, f.ID}
	err := in.store.Read(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRow(ctx, sql.Text("ingest/quarantine_count.sql"), filter...).Scan(&list.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql.Text("ingest/quarantine_list.sql"), append(filter, f.Limit, f.Offset)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r QuarantineRow
			if err := rows.Scan(&r.ID, &r.pos.Log, &r.pos.Partition, &r.pos.Offset, &r.pos.Entry, &r.Source, &r.Resource, &r.Reason, &r.Place, &r.Detail, &r.Mend, &r.KnownAt, &r.State); err != nil {
				return err
			}
			r.Position = r.pos.String()
			list.Rows = append(list.Rows, r)
		}
		return rows.Err()
	})
	list.Shown = len(list.Rows)
	if err != nil {
		return list, fmt.Errorf("list quarantine: %w", err)
	}
	return list, nil
}

// Content opens the bytes of one quarantined input. They may identify patients: the caller has written an audit row first.
func (in *Ingester) Content(ctx context.Context, id int64) ([]byte, error) {
	var ek key128
	var sealed []byte
	err := in.store.Read(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, sql.Text("ingest/quarantine_sealed.sql"), id).Scan(&ek, &sealed)
	})
	if errors.Is(err, dbsql.ErrNoRows) || (err == nil && sealed == nil) {
		return nil, &models.Error{Kind: models.KindNotFound, Message: fmt.Sprintf("no content of quarantine row %d", id), Mend: "carereach ingest dlq list shows the rows"}
	}
	if err != nil {
		return nil, fmt.Errorf("read quarantine row %d: %w", id, err)
	}
	plain, err := in.keys.Open(sealPurpose, ek[:], sealed)
	if err != nil {
		return nil, fmt.Errorf("open quarantine row %d: %w", id, err)
	}
	return plain, nil
}

// RetryReport tells what a retry did; the three add up to what was tried.
type RetryReport struct {
	Tried    int64            `json:"tried"`
	Released int64            `json:"released"`
	Kept     int64            `json:"kept"` // still rejected, or an id that was reused
	Reasons  map[string]int64 `json:"reasons"`
}

// Retry decodes open quarantined inputs again, by a newer version or a mended mapping, and takes those that are sound now.
// A reused id is never released: which of the two bodies is true only the source can say.
func (in *Ingester) Retry(ctx context.Context, f QuarantineFilter) (RetryReport, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	rep := RetryReport{Reasons: map[string]int64{}}
	f.State, f.Limit = "open", 1000
	for {
		list, err := in.Quarantine(ctx, f)
		if err != nil || len(list.Rows) == 0 {
			return rep, err
		}
		released := 0
		for _, r := range list.Rows {
			ok, err := in.retryOne(ctx, r)
			if err != nil {
				return rep, fmt.Errorf("retry quarantine row %d: %w", r.ID, err)
			}
			rep.Tried++
			if ok {
				rep.Released++
				released++
				continue
			}
			rep.Kept++
			rep.Reasons[string(r.Reason)]++
		}
		f.Offset += len(list.Rows) - released // those released are no longer in the list
	}
}

// retryOne takes one quarantined input if it is sound now.
func (in *Ingester) retryOne(ctx context.Context, r QuarantineRow) (bool, error) {
	if r.Reason == models.ReasonIDReused {
		return false, nil
	}
	found, err := in.again(ctx, r.pos)
	if err != nil || found == nil || (found.err != nil && !errors.Is(found.err, errIgnored)) {
		return false, err
	}
	outcome := models.Stored
	if found.err != nil {
		outcome = models.Ignored
	}
	b := &batch{in: in, inputs: []*input{found}, all: []classified{{input: found, outcome: outcome}}, pids: map[models.PatientID]int64{}, ents: map[entityKey]models.EntityID{}}
	err = in.store.Ingest(ctx, func(tx *store.Tx) error { return b.release(ctx, tx, r, outcome) })
	return err == nil, err
}

// again reads the record at pos from the log and decodes it, and gives the input with pos's entry; nil when it is gone.
func (in *Ingester) again(ctx context.Context, pos models.Position) (*input, error) {
	fetched, err := in.log.Fetch(ctx, pos.Offset, 1)
	if err != nil || len(fetched.Records) == 0 {
		return nil, err
	}
	if err := in.define(ctx, fetched.Records[:1], in.log.End()); err != nil {
		return nil, err
	}
	for _, one := range in.decoders[0].record(&fetched.Records[0]) {
		if one.pos.Entry == pos.Entry {
			return one, nil
		}
	}
	return nil, nil
}

// release moves one input out of quarantine: facts, the row's state and the counts in one transaction.
func (b *batch) release(ctx context.Context, tx *store.Tx, r QuarantineRow, outcome models.Outcome) error {
	if err := b.toLedger(ctx); err != nil {
		return err
	}
	if err := b.subjects(ctx, tx); err != nil {
		return err
	}
	if err := b.facts(ctx, tx); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, sql.Text("ingest/release.sql"), r.ID)
	if err != nil {
		return err
	}
	if n != 1 {
		return errors.New("somebody else released it")
	}
	var o models.Outcomes
	o.Add(models.Quarantined, -1)
	o.Add(outcome, 1)
	_, err = tx.Exec(ctx, sql.Text("ingest/add_tally.sql"), r.pos.Log, r.pos.Partition, r.pos.Offset, r.pos.Offset+1, string(r.Source), r.Resource, o.Stored, o.Duplicate, o.Ignored, o.Quarantined)
	return err
}
