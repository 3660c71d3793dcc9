package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"carereach/ingest"
	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/reports"
)

// PatientArgs name a patient by token.
type PatientArgs struct {
	Token   string       `json:"token"`
	Purpose string       `json:"purpose"`
	AsOf    *models.Date `json:"as_of"`  // run whose gaps are shown; nil: the newest
	Limit   int64        `json:"limit"`  // rows of the history; 0 is 50
	Reason  string       `json:"reason"` // of an erasure
}

// PatientShown is the one page about a patient.
type PatientShown struct {
	Token    string                          `json:"token"`
	Tokens   []string                        `json:"tokens"` // of all records merged into the person
	Person   Person                          `json:"person"`
	Profile  *reports.Profile                `json:"profile"` // nil: no run is published yet
	History  reports.List[reports.Happening] `json:"history"`
	Consents []ledger.ConsentStanding        `json:"consents"` // where anything was ever said
	Seen     ledger.AuditPage                `json:"seen"`     // who looked, newest first
}

func (c *Call) patientShow(ctx context.Context, in PatientArgs) (PatientShown, error) {
	out := PatientShown{Consents: []ledger.ConsentStanding{}}
	id, err := models.ParsePatientID(in.Token)
	if err != nil {
		return out, err
	}
	tokens, err := c.personTokens(ctx, id)
	if err != nil {
		return out, err
	}
	grant, err := c.app.Guard.Grant(ctx, c.Actor, access.Act{Action: "patient.show", Purpose: access.Purpose(in.Purpose), Subjects: tokens})
	if err != nil {
		return out, err
	}
	out.Token = id.String()
	var records []ledger.IdentityRecord
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, t.String())
		more, err := c.app.Guard.Identity(ctx, grant, t)
		if err != nil {
			return out, fmt.Errorf("open the vault: %w", err)
		}
		records = append(records, more...)
	}
	out.Person = personOf(records)
	if err := c.readFacts(ctx, in, tokens, &out); err != nil {
		return out, err
	}
	if out.Consents, err = c.spoken(ctx, tokens); err != nil {
		return out, err
	}
	out.Seen, err = c.app.Ledger.SearchAudit(ctx, ledger.AuditFilter{Subject: &id, Limit: 20})
	return out, err
}

// readFacts reads what the analytics store knows.
func (c *Call) readFacts(ctx context.Context, in PatientArgs, tokens []models.PatientID, out *PatientShown) error {
	limit := in.Limit
	if limit <= 0 {
		limit = 50
	}
	return c.app.Store.Read(ctx, func(tx *store.Tx) error {
		run, err := reports.CurrentRun(ctx, tx, in.AsOf)
		switch {
		case err == nil:
			profile, err := reports.ReadProfile(ctx, tx, run, tokens)
			if err != nil {
				return err
			}
			out.Profile = &profile
		case in.AsOf != nil || models.KindOf(err) != models.KindNotFound:
			return err
		}
		out.History, err = reports.History(ctx, tx, tokens[0], limit)
		return err
	})
}

// spoken gives the standing of every channel and purpose about which anything was said.
func (c *Call) spoken(ctx context.Context, tokens []models.PatientID) ([]ledger.ConsentStanding, error) {
	standing, err := c.app.Ledger.ConsentsInForce(ctx, tokens, c.app.now())
	out := []ledger.ConsentStanding{}
	for _, s := range standing {
		if s.State != ledger.ConsentNone {
			out = append(out, s)
		}
	}
	return out, err
}

// personTokens gives the tokens of the person that a token belongs to; an unknown token is the same error as one that is
// erased.
func (c *Call) personTokens(ctx context.Context, id models.PatientID) ([]models.PatientID, error) {
	tokens, err := c.app.Ingester.PersonTokens(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, &models.Error{Kind: models.KindNotFound, Message: "no patient has this token", Mend: "copy a token from a list, or look the patient up: carereach patient find"}
	}
	return tokens, nil
}

// FindArgs look for a patient. The value comes as a file, never as an argument.
type FindArgs struct {
	By      ledger.IdentifierKind `json:"by"` // mrn, phone, email
	Purpose string                `json:"purpose"`
}

// Found is the tokens of the patients with an identifier.
type Found struct {
	Total int      `json:"total"`
	Shown int      `json:"shown"`
	Rows  []string `json:"rows"`
}

func (c *Call) patientFind(ctx context.Context, in FindArgs) (Found, error) {
	out := Found{Rows: []string{}}
	_, content, err := c.Files.Next()
	if err != nil {
		return out, &models.Error{Kind: models.KindUsage, Message: "nothing to look for", Mend: "write the record number, telephone number or e-mail address to standard input", Cause: err}
	}
	raw, err := io.ReadAll(io.LimitReader(content, 4096))
	if err != nil {
		return out, fmt.Errorf("read the identifier: %w", err)
	}
	purpose, err := access.ParsePurpose(in.Purpose)
	if err != nil {
		return out, err
	}
	ids, err := c.app.Guard.Find(ctx, c.Actor, purpose, in.By, strings.TrimSpace(string(raw)))
	for _, id := range ids {
		out.Rows = append(out.Rows, id.String())
	}
	out.Total, out.Shown = len(ids), len(ids)
	return out, err
}

// Erased tells what an erasure removed.
type Erased struct {
	Tokens []string `json:"tokens"` // of all records of the person
	ingest.ForgetReport
}

// patientErase makes a person unreadable for good: keys first, then facts, then the bytes they came in. Repeating it finishes
// what a crash left.
func (c *Call) patientErase(ctx context.Context, in PatientArgs) (Erased, error) {
	var out Erased
	id, err := models.ParsePatientID(in.Token)
	if err != nil {
		return out, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return out, &models.Error{Kind: models.KindUsage, Message: "an erasure needs a reason", Mend: "say it with --reason, without names"}
	}
	tokens, err := c.erasable(ctx, id)
	if err != nil {
		return out, err
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "patient.erase", Purpose: access.PatientAsked, Subjects: tokens, Detail: "reason recorded with the tombstone"}); err != nil {
		return out, err
	}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, t.String())
		if err := c.app.Ledger.Erase(ctx, t, in.Reason, c.app.now()); err != nil {
			return out, fmt.Errorf("erase from the ledger: %w", err)
		}
	}
	if out.ForgetReport, err = c.app.Ingester.Forget(ctx, tokens); err != nil {
		return out, err
	}
	_, err = c.app.Pipeline.Fold(ctx)
	return out, err
}

// erasable gives the tokens of a person, also when an earlier erasure was cut short.
func (c *Call) erasable(ctx context.Context, id models.PatientID) ([]models.PatientID, error) {
	tokens, err := c.personTokens(ctx, id)
	if err == nil {
		return tokens, nil
	}
	gone, gerr := c.app.Ledger.Erased(ctx)
	if gerr != nil {
		return nil, errors.Join(err, gerr)
	}
	if _, ok := gone[id]; ok {
		return []models.PatientID{id}, nil
	}
	return nil, err
}
