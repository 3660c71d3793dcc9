package reports

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"carereach/models"
	statements "carereach/sql"
)

// Profile is what a run and the current facts say about one patient. It holds no identifiers.
type Profile struct {
	Run       models.RunID `json:"run"`
	AsOf      models.Date  `json:"as_of"`
	InRun     bool         `json:"in_run"` // false: not among the patients of the run (a stub, merged away, or arrived later)
	Age       *int64       `json:"age"`
	Sex       string       `json:"sex,omitempty"`
	Race      string       `json:"race,omitempty"`
	Ethnicity string       `json:"ethnicity,omitempty"`
	Language  string       `json:"language,omitempty"`
	County    string       `json:"county,omitempty"`
	ZIP3      string       `json:"zip3,omitempty"`
	Site      string       `json:"site,omitempty"`
	PCP       string       `json:"pcp,omitempty"`
	Payer     string       `json:"payer,omitempty"`
	LastVisit *models.Date `json:"last_visit_on"`
	NextVisit *models.Date `json:"next_visit_on"`
	Deceased  bool         `json:"deceased"`
	Reach     []string     `json:"reach"` // channels allowed and reachable
	Gaps      []Gap        `json:"gaps"`
}

// ReadProfile reads the profile of one patient, whose tokens are those of the person: merged records count as one.
func ReadProfile(ctx context.Context, q Querier, run Run, tokens []models.PatientID) (Profile, error) {
	p := Profile{Run: run.ID, AsOf: run.AsOf, Reach: []string{}, Gaps: []Gap{}}
	for _, token := range tokens {
		if err := p.readSpine(ctx, q, run, token); err != nil {
			return p, err
		}
		gaps, err := all(ctx, q, "gaps of a patient", "reports/patient_gaps.sql", []any{string(run.ID), token.String()}, scanGap)
		if err != nil {
			return p, err
		}
		p.Gaps = append(p.Gaps, gaps...)
	}
	return p, nil
}

func (p *Profile) readSpine(ctx context.Context, q Querier, run Run, token models.PatientID) error {
	var age sql.NullInt64
	var texts [9]sql.NullString
	var last, next sql.NullTime
	var deceased sql.NullBool
	var can [5]sql.NullBool
	err := q.QueryRow(ctx, statements.Text("reports/patient_row.sql"), string(run.ID), token.String()).Scan(&age, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5], &texts[6], &texts[7], &texts[8],
		&last, &next, &deceased, &can[0], &can[1], &can[2], &can[3], &can[4])
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the patient's row: %w", err)
	}
	p.InRun = true
	if age.Valid {
		p.Age = &age.Int64
	}
	for i, to := range []*string{&p.Sex, &p.Race, &p.Ethnicity, &p.Language, &p.County, &p.ZIP3, &p.Site, &p.PCP, &p.Payer} {
		*to = texts[i].String
	}
	p.LastVisit, p.NextVisit, p.Deceased = dateOf(last), dateOf(next), deceased.Bool
	for i, name := range []string{"sms", "email", "voice", "mail", "call"} {
		if can[i].Bool {
			p.Reach = append(p.Reach, name)
		}
	}
	return nil
}

// Happening is one thing that is known of a patient, from the current facts.
type Happening struct {
	Kind   string     `json:"kind"`
	At     *time.Time `json:"at"`                 // UTC; nil when the day is not known
	Day    bool       `json:"day_only,omitempty"` // the source gave a day without a clock time: At is its midnight in UTC
	Status string     `json:"status,omitempty"`
	What   string     `json:"what,omitempty"` // codes, a value with its unit, an amount
	Ent    string     `json:"ent"`            // the resource, as evidence names it
}

// History lists what is known of a patient over all merged records, newest first, at most limit rows.
func History(ctx context.Context, q Querier, token models.PatientID, limit int64) (List[Happening], error) {
	list := List[Happening]{Rows: []Happening{}}
	for row, err := range each(ctx, q, "history of a patient", "reports/patient_events.sql", []any{token.String(), limit}, func(rows *sql.Rows) (h Happening, err error) {
		var at sql.NullTime
		err = rows.Scan(&h.Kind, &at, &h.Day, &h.Status, &h.What, &h.Ent, &list.Total)
		if at.Valid && at.Time.Year() > 1 {
			utc := at.Time.UTC()
			h.At = &utc
		}
		return h, err
	}) {
		if err != nil {
			return list, err
		}
		list.Rows = append(list.Rows, row)
	}
	list.Shown = int64(len(list.Rows))
	return list, nil
}
