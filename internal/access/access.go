// Package access decides who may see what, and for which purpose. It is the only place that hands out identified data: an
// audit row is written first, and the Grant that follows from it opens the vault for the patients that the row names.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"carereach/internal/ledger"
	"carereach/models"
)

// Purpose is why somebody looks at patients' data, in the words of the HIPAA rules (45 CFR 164.506, 164.512).
type Purpose string

// The purposes.
const (
	Treatment    Purpose = "treatment"
	Payment      Purpose = "payment"
	Operations   Purpose = "operations"    // quality work, outreach lists, reports
	PublicHealth Purpose = "public_health" // reporting to a public-health department
	PatientAsked Purpose = "patient_request"
)

// Purposes lists all of them, for messages and flags.
func Purposes() []Purpose {
	return []Purpose{Treatment, Payment, Operations, PublicHealth, PatientAsked}
}

// ParsePurpose reads a purpose; an unknown one is an error that lists them all.
func ParsePurpose(s string) (Purpose, error) {
	if p := Purpose(s); slices.Contains(Purposes(), p) {
		return p, nil
	}
	names := make([]string, 0, len(Purposes()))
	for _, p := range Purposes() {
		names = append(names, string(p))
	}
	return "", &models.Error{Kind: models.KindUsage, Message: "a purpose is needed to look at identified data", Mend: "use --purpose with one of " + strings.Join(names, ", ")}
}

// Actor is a user whose identity was proven. Only a Guard makes one.
type Actor struct {
	user models.UserID
	name string
}

// User gives the actor's id, as audited; empty for the zero Actor, which may do nothing.
func (a Actor) User() models.UserID { return a.user }

// Name gives the actor's name as shown on lists.
func (a Actor) Name() string { return a.name }

// Grant is the permission to read identified data of the patients named in one audit row, for one purpose. Only a Guard makes
// one, after that row is durable. The zero Grant opens nothing.
type Grant struct {
	actor   Actor
	purpose Purpose
	ref     ledger.AuditRef
}

// Actor gives who holds the grant.
func (g Grant) Actor() Actor { return g.actor }

// Purpose gives what it is for.
func (g Grant) Purpose() Purpose { return g.purpose }

// Audit gives the number of the audit row that it rests on.
func (g Grant) Audit() int64 { return g.ref.Seq() }

// Guard proves actors, writes the audit trail and opens the vault. Safe for concurrent use.
type Guard struct{ ledger *ledger.Ledger }

// New makes a Guard over an open ledger.
func New(l *ledger.Ledger) *Guard { return &Guard{ledger: l} }

// errStranger is what anybody without a user gets, whatever the reason.
var errStranger = &models.Error{Kind: models.KindRefused, Message: "you are not a user of this installation", Mend: "ask an administrator: carereach user add"}

// ActorByUID finds the user of a unix user id that the kernel vouched for.
func (g *Guard) ActorByUID(ctx context.Context, uid int) (Actor, error) {
	u, err := g.ledger.UserByUID(ctx, uid)
	return actor(u, err)
}

// ActorByToken finds the user whose token it is.
func (g *Guard) ActorByToken(ctx context.Context, token string) (Actor, error) {
	u, err := g.ledger.UserByToken(ctx, token)
	return actor(u, err)
}

func actor(u ledger.User, err error) (Actor, error) {
	switch {
	case models.KindOf(err) == models.KindNotFound && err != nil:
		return Actor{}, errStranger
	case err != nil:
		return Actor{}, fmt.Errorf("look up the user: %w", err)
	}
	return Actor{user: u.ID, name: u.Name}, nil
}

// Act is something an actor is about to do.
type Act struct {
	Action   string             // "gaps.list", "patient.show": dotted, without identifiers
	Purpose  Purpose            // why, for what may show a patient; "" for settings and aggregates
	Detail   string             // counts and settings, without identifiers
	Subjects []models.PatientID // whom it is about; none for aggregates and settings
}

// Record writes the audit row of an act that shows no identifiers: a change, an aggregate, a pseudonymous list. The act may
// happen only when it returns nil.
func (g *Guard) Record(ctx context.Context, who Actor, act Act) error {
	_, err := g.audit(ctx, who, act)
	return err
}

// Grant writes the audit row of an act that shows identified data of act.Subjects, and gives the permission to read it.
// Without subjects there is nothing to permit, which is an error.
func (g *Guard) Grant(ctx context.Context, who Actor, act Act) (Grant, error) {
	if _, err := ParsePurpose(string(act.Purpose)); err != nil {
		return Grant{}, err
	}
	if len(act.Subjects) == 0 {
		return Grant{}, &models.Error{Kind: models.KindNotFound, Message: "nobody to show", Mend: "choose other filters"}
	}
	ref, err := g.audit(ctx, who, act)
	if err != nil {
		return Grant{}, err
	}
	return Grant{actor: who, purpose: act.Purpose, ref: ref}, nil
}

func (g *Guard) audit(ctx context.Context, who Actor, act Act) (ledger.AuditRef, error) {
	if who.user == "" {
		return ledger.AuditRef{}, errStranger
	}
	ref, err := g.ledger.AppendAudit(ctx, ledger.AuditEntry{Actor: string(who.user), Purpose: string(act.Purpose), Action: act.Action, Subjects: act.Subjects, Detail: act.Detail})
	if err != nil {
		return ledger.AuditRef{}, &models.Error{Kind: models.KindUnavail, Message: "the audit trail cannot be written, so nothing is shown or changed", Mend: "carereach doctor says what is wrong with the ledger", Cause: err}
	}
	return ref, nil
}

// Identity opens the vault records of a patient that the grant names.
func (g *Guard) Identity(ctx context.Context, grant Grant, id models.PatientID) ([]ledger.IdentityRecord, error) {
	return g.ledger.Identity(ctx, grant.ref, id)
}

// Identities opens the vault records of many patients that the grant names; those without records are left out.
func (g *Guard) Identities(ctx context.Context, grant Grant, ids []models.PatientID) (map[models.PatientID][]ledger.IdentityRecord, error) {
	return g.ledger.Identities(ctx, grant.ref, ids)
}

// Find gives the tokens of the patients with an identifier. Looking for a person is itself audited, before the look-up.
func (g *Guard) Find(ctx context.Context, who Actor, purpose Purpose, kind ledger.IdentifierKind, value string) ([]models.PatientID, error) {
	if _, err := ParsePurpose(string(purpose)); err != nil {
		return nil, err
	}
	if _, err := g.audit(ctx, who, Act{Action: "patient.find", Purpose: purpose, Detail: "by " + string(kind)}); err != nil {
		return nil, err
	}
	ids, err := g.ledger.FindByIdentifier(ctx, kind, value)
	if err != nil {
		return nil, fmt.Errorf("find patient: %w", err)
	}
	return ids, nil
}

// Bootstrap makes the first user of a new installation. It refuses when there is any user already.
func (g *Guard) Bootstrap(ctx context.Context, u ledger.User) (Actor, error) {
	users, err := g.ledger.Users(ctx)
	if err != nil {
		return Actor{}, err
	}
	if len(users) > 0 {
		return Actor{}, &models.Error{Kind: models.KindRefused, Message: "this installation has users already", Mend: "ask one of them: carereach user add"}
	}
	if _, err := g.ledger.AppendAudit(ctx, ledger.AuditEntry{Actor: "system", Action: "user.add", Detail: "first user " + string(u.ID)}); err != nil {
		return Actor{}, errors.Join(errStranger, err)
	}
	if err := g.ledger.AddUser(ctx, u); err != nil {
		return Actor{}, fmt.Errorf("add the first user: %w", err)
	}
	return Actor{user: u.ID, name: u.Name}, nil
}
