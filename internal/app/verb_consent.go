package app

import (
	"context"
	"fmt"

	"carereach/ingest"
	"carereach/ingest/intake"
	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/models"

	"github.com/google/uuid"
)

// ConsentArgs name a patient and, for a withdrawal, what is withdrawn.
type ConsentArgs struct {
	Token   string `json:"token"`
	Purpose string `json:"purpose"` // of looking: treatment, operations ...
	Channel string `json:"channel"` // sms, voice, email, mail, portal, push, any
	About   string `json:"about"`   // treatment, care_gap, marketing, survey, any
	Basis   string `json:"basis"`   // how it was said, in a word: telephone, letter, visit
}

// ConsentShown is what a person said, and what it amounts to.
type ConsentShown struct {
	Tokens   []string                 `json:"tokens"`
	Standing []ledger.ConsentStanding `json:"standing"`
	Total    int                      `json:"total"`
	Shown    int                      `json:"shown"`
	Rows     []ConsentSaid            `json:"rows"`
}

// ConsentSaid is one statement, without its evidence.
type ConsentSaid struct {
	ID        int64         `json:"id"`
	Source    models.Source `json:"source"`
	Action    string        `json:"action"`
	Channel   string        `json:"channel"`
	Purpose   string        `json:"purpose"`
	Basis     string        `json:"basis,omitempty"`
	KnownAt   string        `json:"known_at"`
	Retracted bool          `json:"retracted"`
}

func (c *Call) consentShow(ctx context.Context, in ConsentArgs) (ConsentShown, error) {
	out := ConsentShown{Rows: []ConsentSaid{}}
	id, err := models.ParsePatientID(in.Token)
	if err != nil {
		return out, err
	}
	tokens, err := c.personTokens(ctx, id)
	if err != nil {
		return out, err
	}
	if _, err := c.app.Guard.Grant(ctx, c.Actor, access.Act{Action: "consent.show", Purpose: access.Purpose(in.Purpose), Subjects: tokens}); err != nil {
		return out, err
	}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, t.String())
	}
	if out.Standing, err = c.spoken(ctx, tokens); err != nil {
		return out, err
	}
	said, err := c.app.Ledger.ConsentHistory(ctx, tokens)
	for _, s := range said {
		out.Rows = append(out.Rows, ConsentSaid{ID: s.ID, Source: s.Source, Action: s.Consent.Action, Channel: s.Consent.Channel, Purpose: s.Consent.Purpose, Basis: s.Consent.Basis,
			KnownAt: s.Order.KnownAt.UTC().Format("2006-01-02T15:04:05Z"), Retracted: s.Retracted})
	}
	out.Total, out.Shown = len(out.Rows), len(out.Rows)
	return out, err
}

// Revoked is a withdrawal that is in force.
type Revoked struct {
	ID       string                   `json:"id"`
	Standing []ledger.ConsentStanding `json:"standing"`
}

// consentRevoke records a withdrawal. It is durable in the log, in force in the ledger, and known to the lists of the next run
// when it returns.
func (c *Call) consentRevoke(ctx context.Context, in ConsentArgs) (Revoked, error) {
	var out Revoked
	patient, err := models.ParsePatientID(in.Token)
	if err != nil {
		return out, err
	}
	if err := checkWords(in); err != nil {
		return out, err
	}
	tokens, err := c.personTokens(ctx, patient)
	if err != nil {
		return out, err
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "consent.revoke", Purpose: access.PatientAsked, Subjects: tokens, Detail: "channel " + in.Channel + ", purpose " + in.About}); err != nil {
		return out, err
	}
	now := c.app.now().UTC()
	at := models.Micros(now.UnixMicro())
	id := uuid.NewString()
	rec, err := ingest.ConsentRecord(id, patient, models.ConsentEvent{Action: "revoked", Channel: in.Channel, Purpose: in.About, Basis: in.Basis, CapturedBy: string(c.Actor.User()),
		Effective: models.TimeRange{Lo: at, Hi: at, Zoned: true}}, now)
	if err != nil {
		return out, err
	}
	if _, _, err := c.app.Log.Append(ctx, []intake.Record{rec}); err != nil {
		return out, fmt.Errorf("write the withdrawal to the log: %w", err)
	}
	rep, err := c.app.drain(ctx, ingest.DrainOptions{AcceptQuarantine: true})
	if err != nil {
		return out, fmt.Errorf("the withdrawal is in the log and not yet in force: %w", err)
	}
	if rep.Outcomes.Stored == 0 {
		return out, &models.Error{Kind: models.KindInternal, Message: "the withdrawal was written and not taken", Mend: "look at: carereach ingest dlq list"}
	}
	if _, err := c.app.Pipeline.Fold(ctx); err != nil {
		return out, err
	}
	out.ID = id
	out.Standing, err = c.spoken(ctx, tokens)
	return out, err
}

// consentWords are the words that a withdrawal may use.
var consentWords = map[string][]string{
	"channel": {"sms", "voice", "email", "mail", "portal", "push", "any"},
	"purpose": {"treatment", "care_gap", "marketing", "survey", "any"},
}

func checkWords(in ConsentArgs) error {
	for _, w := range []struct{ what, value string }{{"channel", in.Channel}, {"purpose", in.About}} {
		ok := false
		list := ""
		for _, word := range consentWords[w.what] {
			ok = ok || word == w.value
			list += " " + word
		}
		if !ok {
			return &models.Error{Kind: models.KindUsage, Message: "unknown " + w.what, Mend: "use one of" + list}
		}
	}
	return nil
}
