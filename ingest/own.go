package ingest

import (
	"bytes"
	"encoding/json"
	"time"

	"carereach/ingest/intake"
	"carereach/models"
)

// FormatOwn is the format of records that this program writes itself, about a patient named by token: what a user enters
// has a place in the log like everything else, and is replayed with it.
const FormatOwn = "carereach+json"

// OwnSource is the source of such records.
const OwnSource models.Source = "carereach"

// ownRecord is the body of such a record.
type ownRecord struct {
	ID      string               `json:"id"`    // unique among our own records
	Token   string               `json:"token"` // of the patient
	Consent *models.ConsentEvent `json:"consent,omitempty"`
}

// ConsentRecord makes the record of a consent or refusal entered by a user. id must be new, a UUID.
func ConsentRecord(id string, patient models.PatientID, e models.ConsentEvent, at time.Time) (intake.Record, error) {
	body, err := json.Marshal(ownRecord{ID: id, Token: patient.String(), Consent: &e})
	if err != nil {
		return intake.Record{}, err
	}
	return intake.Record{Source: OwnSource, Format: FormatOwn, ReceivedAt: at.UTC(), Body: body}, nil
}

// byToken is the Ref.Type of a subject that is named by its token in place of a source's id.
const byToken = "token"

// ownInput decodes one of our own records.
func (d *decoder) ownInput(in *input) {
	in.resource = "Consent"
	d.contentKey(in)
	var r ownRecord
	dec := json.NewDecoder(bytes.NewReader(in.raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil || r.ID == "" || r.Consent == nil {
		in.err = &models.Reject{Reason: models.ReasonUnknownSchema, Where: "record", Detail: "written by a newer version", Mend: "upgrade, then: carereach ingest dlq retry"}
		return
	}
	if _, err := models.ParsePatientID(r.Token); err != nil {
		in.err = &models.Reject{Reason: models.ReasonBadSubject, Where: "token", Mend: "enter it again"}
		return
	}
	f := models.NewFact("Consent", r.ID)
	f.Subject = models.Ref{Type: byToken, ID: r.Token}
	f.Consent = r.Consent
	f.Set("action", r.Consent.Action)
	f.Set("channel", r.Consent.Channel)
	f.Set("purpose", r.Consent.Purpose)
	if r.Consent.Basis != "" {
		f.Set("basis", r.Consent.Basis)
	}
	f.Set("effective", r.Consent.Effective)
	if r.Consent.Expires != nil {
		f.Set("expires", models.TimeRange{Lo: *r.Consent.Expires, Hi: *r.Consent.Expires, Zoned: true})
	}
	in.facts = []models.Fact{f}
}
