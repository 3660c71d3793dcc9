package app

import (
	"context"
	"time"

	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/models"
)

// UserArgs describe a user.
type UserArgs struct {
	ID    models.UserID `json:"id"`
	Name  string        `json:"name"`
	UID   *int          `json:"uid"`
	Role  string        `json:"role"`
	Token bool          `json:"token"` // give a token as well
}

// UserResult is a user after a change. Token is shown this once.
type UserResult struct {
	ledger.User
	Token string `json:"token,omitempty"`
}

func (c *Call) userAdd(ctx context.Context, in UserArgs) (UserResult, error) {
	if !nameForm.MatchString(string(in.ID)) {
		return UserResult{}, &models.Error{Kind: models.KindUsage, Message: "the user id is not valid", Mend: "use lower-case letters, digits and hyphens"}
	}
	if in.UID == nil && !in.Token {
		return UserResult{}, &models.Error{Kind: models.KindUsage, Message: "a user needs a way to prove who it is", Mend: "give --uid, or --token"}
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "user.add", Detail: string(in.ID)}); err != nil {
		return UserResult{}, err
	}
	role := in.Role
	if role == "" {
		role = "user"
	}
	if err := c.app.Ledger.AddUser(ctx, ledger.User{ID: in.ID, Name: in.Name, UID: in.UID, Role: role}); err != nil {
		return UserResult{}, err
	}
	return c.userWith(ctx, in.ID, in.Token)
}

func (c *Call) userWith(ctx context.Context, id models.UserID, issue bool) (UserResult, error) {
	var out UserResult
	var err error
	if issue {
		if out.Token, err = c.app.Ledger.IssueToken(ctx, id); err != nil {
			return out, err
		}
	}
	out.User, err = c.app.Ledger.User(ctx, id)
	return out, err
}

func (c *Call) userToken(ctx context.Context, in UserArgs) (UserResult, error) {
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "user.token", Detail: string(in.ID)}); err != nil {
		return UserResult{}, err
	}
	return c.userWith(ctx, in.ID, true)
}

func (c *Call) userDisable(ctx context.Context, in UserArgs) (UserResult, error) {
	if in.ID == c.Actor.User() {
		return UserResult{}, &models.Error{Kind: models.KindRefused, Message: "nobody disables their own user", Mend: "ask another user"}
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "user.disable", Detail: string(in.ID)}); err != nil {
		return UserResult{}, err
	}
	if err := c.app.Ledger.DisableUser(ctx, in.ID); err != nil {
		return UserResult{}, err
	}
	return c.userWith(ctx, in.ID, false)
}

// UserList is every user, disabled ones included.
type UserList struct {
	Total int           `json:"total"`
	Shown int           `json:"shown"`
	Rows  []ledger.User `json:"rows"`
}

func (c *Call) userList(ctx context.Context, _ None) (UserList, error) {
	users, err := c.app.Ledger.Users(ctx)
	return UserList{Total: len(users), Shown: len(users), Rows: users}, err
}

// AuditArgs select rows of the audit trail.
type AuditArgs struct {
	Actor   string     `json:"actor"`
	Purpose string     `json:"purpose"`
	Action  string     `json:"action"`
	Token   string     `json:"token"` // of a patient
	From    *time.Time `json:"from"`
	To      *time.Time `json:"to"`
	Limit   int        `json:"limit"`
	Offset  int        `json:"offset"`
}

// AuditList is one page of the audit trail.
type AuditList struct {
	Total int               `json:"total"`
	Shown int               `json:"shown"`
	Rows  []ledger.AuditRow `json:"rows"`
}

func (c *Call) auditSearch(ctx context.Context, in AuditArgs) (AuditList, error) {
	f := ledger.AuditFilter{Actor: in.Actor, Purpose: in.Purpose, Action: in.Action, Limit: in.Limit, Offset: in.Offset}
	if in.From != nil {
		f.From = *in.From
	}
	if in.To != nil {
		f.To = *in.To
	}
	if in.Token != "" {
		id, err := models.ParsePatientID(in.Token)
		if err != nil {
			return AuditList{}, err
		}
		f.Subject = &id
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "audit.search"}); err != nil {
		return AuditList{}, err
	}
	page, err := c.app.Ledger.SearchAudit(ctx, f)
	return AuditList{Total: page.Total, Shown: len(page.Rows), Rows: page.Rows}, err
}

// AuditChecked is the outcome of a check of the whole trail and of every tagged row.
type AuditChecked struct {
	ledger.AuditCheck
	Scrub ledger.ScrubReport `json:"scrub"`
}

func (c *Call) auditVerify(ctx context.Context, _ None) (AuditChecked, error) {
	var out AuditChecked
	var err error
	if out.AuditCheck, err = c.app.Ledger.VerifyAudit(ctx); err != nil {
		return out, err
	}
	out.Scrub, err = c.app.Ledger.Scrub(ctx)
	return out, err
}
