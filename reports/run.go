package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"carereach/models"
	statements "carereach/sql"
)

// Querier reads one snapshot of the analytics store; *store.Tx inside Store.Read is one. Everything of one report or
// list is read through one Querier, so that it is of one moment.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Run is a published run: what every number and list of a report belongs to.
type Run struct {
	ID          models.RunID    `json:"run"`
	AsOf        models.Date     `json:"as_of"`
	Period      models.Period   `json:"period"`
	Zone        string          `json:"zone"`
	Inputs      json.RawMessage `json:"inputs,omitempty"` // as the pipeline wrote them: known_to, value sets, configuration, code
	PublishedAt time.Time       `json:"published_at"`
}

// CurrentRun gives the newest run of an as-of date; of the newest as-of date when asOf is nil. There being none is an
// error of models.KindNotFound that says how to make one.
func CurrentRun(ctx context.Context, q Querier, asOf *models.Date) (Run, error) {
	var day any
	if asOf != nil {
		day = asOf.Time()
	}
	run, err := scanRun(q.QueryRow(ctx, statements.Text("reports/current_run.sql"), day))
	if !errors.Is(err, sql.ErrNoRows) {
		return run, err
	}
	if asOf != nil {
		return Run{}, &models.Error{Kind: models.KindNotFound, Message: "no run is published for " + asOf.String(), Mend: "run: carereach analyze --as-of " + asOf.String()}
	}
	return Run{}, &models.Error{Kind: models.KindNotFound, Message: "no run is published yet", Mend: "run: carereach analyze --as-of YYYY-MM-DD"}
}

// RunByID gives a published run that is cited by its id, current or not. An unknown id is models.KindNotFound.
func RunByID(ctx context.Context, q Querier, id models.RunID) (Run, error) {
	run, err := scanRun(q.QueryRow(ctx, statements.Text("reports/run_by_id.sql"), string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, &models.Error{Kind: models.KindNotFound, Message: "no published run has this id", Mend: "list the runs, or make a new one: carereach analyze --as-of YYYY-MM-DD"}
	}
	return run, err
}

func scanRun(row *sql.Row) (Run, error) {
	var id, zone, inputs string
	var asOf, start, end, published time.Time
	if err := row.Scan(&id, &asOf, &start, &end, &zone, &inputs, &published); err != nil {
		return Run{}, fmt.Errorf("read published run: %w", err)
	}
	return Run{ID: models.RunID(id), AsOf: models.DateOf(asOf), Period: models.Period{Start: models.DateOf(start), End: models.DateOf(end)},
		Zone: zone, Inputs: json.RawMessage(inputs), PublishedAt: published.UTC()}, nil
}
