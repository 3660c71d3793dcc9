package ingest

import (
	"context"
	"fmt"

	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// Status is what was taken in so far. The four outcomes add up to the inputs of the log.
type Status struct {
	models.Outcomes
	Read     int64          `json:"read"` // records of the intake log read
	End      int64          `json:"end"`  // records it holds; the difference waits to be read
	Types    []TypeStatus   `json:"types"`
	Reasons  []ReasonStatus `json:"quarantine"`
	Patients int64          `json:"patients"`
	Stubs    int64          `json:"stubs"` // patients named by facts whose Patient has not arrived
}

// TypeStatus is the outcomes of one source and type.
type TypeStatus struct {
	Source   models.Source `json:"source"`
	Resource string        `json:"resource"`
	models.Outcomes
}

// ReasonStatus counts the open quarantine of one reason and type.
type ReasonStatus struct {
	Reason   models.QuarantineReason `json:"reason"`
	Resource string                  `json:"resource"`
	N        int64                   `json:"n"`
}

// Status counts the committed outcomes, by SQL over what is stored.
func (in *Ingester) Status(ctx context.Context) (Status, error) {
	st := Status{End: in.log.End(), Types: []TypeStatus{}, Reasons: []ReasonStatus{}}
	err := in.store.Read(ctx, func(tx *store.Tx) error {
		var err error
		if st.Read, err = position(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE stub) FROM subject").Scan(&st.Patients, &st.Stubs); err != nil {
			return err
		}
		if err := st.types(ctx, tx); err != nil {
			return err
		}
		return st.reasons(ctx, tx)
	})
	if err != nil {
		return st, fmt.Errorf("read ingest status: %w", err)
	}
	return st, nil
}

func (st *Status) types(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, sql.Text("ingest/outcomes.sql"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t TypeStatus
		if err := rows.Scan(&t.Source, &t.Resource, &t.Stored, &t.Duplicate, &t.Ignored, &t.Quarantined); err != nil {
			return err
		}
		st.Types = append(st.Types, t)
		addOutcomes(&st.Outcomes, t.Outcomes)
	}
	return rows.Err()
}

func (st *Status) reasons(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, sql.Text("ingest/quarantine_reasons.sql"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r ReasonStatus
		if err := rows.Scan(&r.Reason, &r.Resource, &r.N); err != nil {
			return err
		}
		st.Reasons = append(st.Reasons, r)
	}
	return rows.Err()
}
