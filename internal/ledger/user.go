package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"carereach/models"

	sqlite3 "github.com/mattn/go-sqlite3"
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

// userRecord is a row of table user as stored.
type userRecord struct {
	User
	token []byte // SHA-256
}

const userColumns = "id, name, uid, role, token, created, disabled"

func (u *userRecord) values() []any {
	var uid, disabled any
	if u.UID != nil {
		uid = int64(*u.UID)
	}
	if u.Disabled != nil {
		disabled = micros(*u.Disabled)
	}
	return []any{string(u.ID), u.Name, uid, u.Role, u.token, micros(u.Created), disabled}
}

func (l *Ledger) scanUser(row interface{ Scan(...any) error }) (*userRecord, error) {
	var u userRecord
	var uid, disabled sql.NullInt64
	var created int64
	var tag []byte
	if err := row.Scan(&u.ID, &u.Name, &uid, &u.Role, &u.token, &created, &disabled, &tag); err != nil {
		return nil, err
	}
	if uid.Valid {
		n := int(uid.Int64)
		u.UID = &n
	}
	if disabled.Valid {
		at := instant(disabled.Int64)
		u.Disabled = &at
	}
	u.Created, u.HasToken = instant(created), u.token != nil
	if !l.keys.checkTag(tag, "user", u.values()...) {
		return nil, damaged("user", u.ID, "was changed")
	}
	return &u, nil
}

func (l *Ledger) storeUser(ctx context.Context, tx *sql.Tx, u *userRecord) error {
	err := exec(ctx, tx, "INSERT INTO user ("+userColumns+`, tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,
		uid = excluded.uid, role = excluded.role, token = excluded.token, created = excluded.created, disabled = excluded.disabled, tag = excluded.tag`,
		append(u.values(), l.keys.tag("user", u.values()...))...)
	var se sqlite3.Error
	if errors.As(err, &se) && se.ExtendedCode == sqlite3.ErrConstraintUnique {
		return &models.Error{Kind: models.KindRefused, Message: "ledger: another user has that unix user id", Mend: "disable that user first, or give another uid"}
	}
	return err
}

// AddUser stores a new user; HasToken, Created and Disabled are ignored. An id or uid that is taken is an error of
// models.KindRefused, an empty id, name or role of models.KindUsage. The id of a disabled user stays taken.
func (l *Ledger) AddUser(ctx context.Context, u User) error {
	if u.ID == "" || u.Name == "" || u.Role == "" || (u.UID != nil && *u.UID < 0) {
		return &models.Error{Kind: models.KindUsage, Message: "ledger: a user needs an id, a name and a role", Mend: "give all three"}
	}
	return l.write(ctx, "add a user", func(tx *sql.Tx) error {
		_, err := l.user(ctx, tx, u.ID)
		if err == nil {
			return &models.Error{Kind: models.KindRefused, Message: "ledger: that user id is taken", Mend: "choose another; ids are never used again"}
		}
		if models.KindOf(err) != models.KindNotFound {
			return err
		}
		u.Created, u.Disabled = l.now(), nil
		if err := l.storeUser(ctx, tx, &userRecord{User: u}); err != nil {
			return err
		}
		return l.count(ctx, tx, "user", 1)
	})
}

func noUser() error {
	return &models.Error{Kind: models.KindNotFound, Message: "ledger: there is no such user", Mend: "see carereach user list"}
}

func (l *Ledger) user(ctx context.Context, tx *sql.Tx, id models.UserID) (*userRecord, error) {
	u, err := l.scanUser(tx.QueryRowContext(ctx, "SELECT "+userColumns+", tag FROM user WHERE id = ?", string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noUser()
	}
	return u, err
}

// changeUser reads a user, lets fn change it and stores it.
func (l *Ledger) changeUser(ctx context.Context, doing string, id models.UserID, fn func(*userRecord) error) error {
	return l.write(ctx, doing, func(tx *sql.Tx) error {
		u, err := l.user(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := fn(u); err != nil {
			return err
		}
		return l.storeUser(ctx, tx, u)
	})
}

// SetRole changes a user's role. A disabled user is an error of models.KindRefused.
func (l *Ledger) SetRole(ctx context.Context, id models.UserID, role string) error {
	if role == "" {
		return &models.Error{Kind: models.KindUsage, Message: "ledger: a user needs a role", Mend: "name one"}
	}
	return l.changeUser(ctx, "change a role", id, func(u *userRecord) error {
		u.Role = role
		return u.active()
	})
}

func (u *userRecord) active() error {
	if u.Disabled != nil {
		return &models.Error{Kind: models.KindRefused, Message: "ledger: that user is disabled", Mend: "add a new user"}
	}
	return nil
}

// DisableUser ends a user's access for good: its token and uid identify nobody any more. Repeating it changes nothing.
func (l *Ledger) DisableUser(ctx context.Context, id models.UserID) error {
	return l.changeUser(ctx, "disable a user", id, func(u *userRecord) error {
		if u.Disabled == nil {
			at := l.now()
			u.Disabled, u.token = &at, nil
		}
		return nil
	})
}

// IssueToken gives a user a new token of 256 random bits, which replaces the one before. It is returned this once and only
// its SHA-256 is stored. A disabled user is an error of models.KindRefused.
func (l *Ledger) IssueToken(ctx context.Context, id models.UserID) (string, error) {
	token := hex.EncodeToString(freshKey())
	err := l.changeUser(ctx, "issue a token", id, func(u *userRecord) error {
		u.token = tokenHash(token)
		return u.active()
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// User gives one user, disabled ones included; models.KindNotFound when there is none.
func (l *Ledger) User(ctx context.Context, id models.UserID) (User, error) {
	return l.findUser(ctx, "id = ?", string(id))
}

// UserByUID finds the user with that unix user id. Unknown and disabled users are the same error of models.KindNotFound.
func (l *Ledger) UserByUID(ctx context.Context, uid int) (User, error) {
	return l.findUser(ctx, "uid = ? AND disabled IS NULL", uid)
}

// UserByToken finds the user whose token it is. Unknown tokens and disabled users are the same error of models.KindNotFound.
func (l *Ledger) UserByToken(ctx context.Context, token string) (User, error) {
	return l.findUser(ctx, "token = ? AND disabled IS NULL", tokenHash(token))
}

func (l *Ledger) findUser(ctx context.Context, where string, arg any) (User, error) {
	var out User
	err := l.read(ctx, "find a user", func(tx *sql.Tx) error {
		u, err := l.scanUser(tx.QueryRowContext(ctx, "SELECT "+userColumns+", tag FROM user WHERE "+where, arg))
		if errors.Is(err, sql.ErrNoRows) {
			return noUser()
		}
		if err == nil {
			out = u.User
		}
		return err
	})
	return out, err
}

// Users lists all users by id.
func (l *Ledger) Users(ctx context.Context) ([]User, error) {
	out := []User{}
	err := l.read(ctx, "list users", func(tx *sql.Tx) error {
		return ask(ctx, tx, func(rows *sql.Rows) error {
			u, err := l.scanUser(rows)
			if err == nil {
				out = append(out, u.User)
			}
			return err
		}, "SELECT "+userColumns+", tag FROM user ORDER BY id")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
