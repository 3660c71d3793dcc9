package ingest

import (
	"carereach/ingest/intake"
	"carereach/models"
)

// input is one thing that gets an outcome: a record of the log, or one entry of a Bundle.
type input struct {
	pos      models.Position
	resource string        // resource or event type, for the counts; "" unknown
	event    models.Key128 // key of (tenant, source, event id)
	body     models.Key128 // hash of the content
	facts    []models.Fact
	err      error // *models.Reject, or errIgnored
	raw      []byte
	record   *intake.Record
}

// classified is an input with its outcome.
type classified struct {
	*input
	outcome models.Outcome
	reject  *models.Reject // why, when quarantined
}

// rejected makes the Reject of a quarantined input out of any error a decoder gave.
func rejected(err error) *models.Reject {
	if r, ok := err.(*models.Reject); ok { //nolint:errorlint // decoders give rejects unwrapped, and anything else is bad_value
		return r
	}
	return &models.Reject{Reason: models.ReasonBadValue, Detail: "decoder failed", Mend: "report the input's form, without its content"}
}
