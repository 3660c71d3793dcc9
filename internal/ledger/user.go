package ledger

import (
	"context"
	"time"

	"carereach/models"
)

// User is somebody who may use this installation.
type User struct {
	ID       models.UserID `json:"id"`
	Name     string        `json:"name"`
	UID      *int          `json:"uid"` // unix user id that proves who it is at the socket; nil: by token only
	Role     string        `json:"role"`
	HasToken bool          `json:"has_token"`
	Created  time.Time     `json:"created"`
	Disabled *time.Time    `json:"disabled"`
}

// AddUser stores a new user; HasToken, Created and Disabled are ignored. An id or uid that is taken is an error of
// models.KindRefused, an empty id, name or role of models.KindUsage.
func (l *Ledger) AddUser(ctx context.Context, u User) error { return errMissing }

// SetRole changes a user's role.
func (l *Ledger) SetRole(ctx context.Context, id models.UserID, role string) error { return errMissing }

// DisableUser ends a user's access for good: its token and uid identify nobody any more. Repeating it changes nothing.
func (l *Ledger) DisableUser(ctx context.Context, id models.UserID) error { return errMissing }

// IssueToken gives a user a new token of 256 random bits, which replaces the one before. It is returned this once and only
// its SHA-256 is stored.
func (l *Ledger) IssueToken(ctx context.Context, id models.UserID) (string, error) {
	return "", errMissing
}

// User gives one user, disabled ones included; models.KindNotFound when there is none.
func (l *Ledger) User(ctx context.Context, id models.UserID) (User, error) { return User{}, errMissing }

// UserByUID finds the user with that unix user id. Unknown and disabled users are the same error of models.KindNotFound.
func (l *Ledger) UserByUID(ctx context.Context, uid int) (User, error) { return User{}, errMissing }

// UserByToken finds the user whose token it is. Unknown tokens and disabled users are the same error of models.KindNotFound.
func (l *Ledger) UserByToken(ctx context.Context, token string) (User, error) {
	return User{}, errMissing
}

// Users lists all users by id.
func (l *Ledger) Users(ctx context.Context) ([]User, error) { return nil, errMissing }
