package ingest

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"strings"
	"time"

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
	Stubs    int64          `json:"stubs"`  // patients named by facts whose Patient has not arrived
	Newest   *time.Time     `json:"newest"` // when the newest fact was received; nil: none yet
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
		var newest dbsql.NullTime
		if err := tx.QueryRow(ctx, newestFact()).Scan(&newest); err != nil {
			return err
		}
		if newest.Valid {
			at := newest.Time.UTC()
			st.Newest = &at
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

// newestFact selects when the newest fact of any type was received.
func newestFact() string {
	parts := make([]string, 0, len(models.FactTypes))
	for _, t := range models.FactTypes {
		parts = append(parts, "SELECT max(known_at) AS at FROM "+t.VersionTable())
	}
	return "SELECT max(m.at) FROM (" + strings.Join(parts, " UNION ALL ") + ") AS m"
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

// PersonTokens gives the tokens of every record merged into the person that a token belongs to, that token's own record
// first; none when the token is unknown.
func (in *Ingester) PersonTokens(ctx context.Context, id models.PatientID) ([]models.PatientID, error) {
	var out []models.PatientID
	err := in.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, sql.Text("ingest/merged_tokens.sql"), id.String())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			token, err := models.ParsePatientID(text)
			if err != nil {
				return err
			}
			if token == id {
				out = append([]models.PatientID{id}, out...)
				continue
			}
			out = append(out, token)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look up the person: %w", err)
	}
	return out, nil
}
