package ledger

import (
	"os"
	"strings"
	"testing"

	"carereach/models"
)

func ptr(n int) *int { return &n }

// A user is found by unix user id or by token, until disabled; then by neither, and the id is never given again.
func TestUsers(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	ada := User{ID: "ada", Name: "Ada Quality", UID: ptr(1000), Role: "quality"}
	for _, u := range []User{ada, {ID: "bot", Name: "Nightly export", Role: "service"}} {
		if err := l.AddUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	got := must[User](t)(l.UserByUID(t.Context(), 1000))
	if got.ID != "ada" || got.Name != ada.Name || *got.UID != 1000 || got.Role != "quality" || got.HasToken || !got.Created.Equal(noon) || got.Disabled != nil {
		t.Errorf("user %+v", got)
	}
	if err := l.SetRole(t.Context(), "ada", "outreach"); err != nil {
		t.Fatal(err)
	}
	old := must[string](t)(l.IssueToken(t.Context(), "bot"))
	secret := must[string](t)(l.IssueToken(t.Context(), "bot"))
	if len(secret) != 64 || secret == old {
		t.Errorf("tokens %q, %q", old, secret)
	}
	if got := must[User](t)(l.UserByToken(t.Context(), secret)); got.ID != "bot" || !got.HasToken {
		t.Errorf("user %+v", got)
	}
	missing := func(_ User, err error) {
		t.Helper()
		wantKind(t, err, models.KindNotFound)
	}
	missing(l.UserByToken(t.Context(), old))
	missing(l.UserByToken(t.Context(), ""))
	missing(l.UserByToken(t.Context(), strings.ToUpper(secret)))
	missing(l.UserByUID(t.Context(), 0))
	missing(l.User(t.Context(), "eve"))
	for range 2 {
		for _, id := range []models.UserID{"ada", "bot"} {
			if err := l.DisableUser(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	missing(l.UserByUID(t.Context(), 1000))
	missing(l.UserByToken(t.Context(), secret))
	if got := must[User](t)(l.User(t.Context(), "ada")); got.Disabled == nil || got.Role != "outreach" {
		t.Errorf("user %+v", got)
	}
	_, err := l.IssueToken(t.Context(), "bot")
	wantKind(t, err, models.KindRefused, "disabled")
	wantKind(t, l.SetRole(t.Context(), "ada", "quality"), models.KindRefused, "disabled")
	wantKind(t, l.AddUser(t.Context(), ada), models.KindRefused, "taken")
	if err := l.AddUser(t.Context(), User{ID: "ada2", Name: "Ada", UID: ptr(1000), Role: "quality"}); err != nil {
		t.Errorf("the uid of a disabled user is not free: %v", err)
	}
	if all := must[[]User](t)(l.Users(t.Context())); len(all) != 3 || all[0].ID != "ada" || all[1].ID != "ada2" || all[2].ID != "bot" {
		t.Errorf("users %+v", all)
	}
	h.close(t, l)
	if b := must[[]byte](t)(os.ReadFile(l.path)); strings.Contains(string(b), secret) {
		t.Error("a token lies in the file")
	}
}

func TestAddUserRefuses(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	if err := l.AddUser(t.Context(), User{ID: "ada", Name: "Ada", UID: ptr(1000), Role: "quality"}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, l.AddUser(t.Context(), User{ID: "bob", Name: "Bob", UID: ptr(1000), Role: "quality"}), models.KindRefused, "unix user id")
	for _, u := range []User{{Name: "x", Role: "x"}, {ID: "x", Role: "x"}, {ID: "x", Name: "x"}, {ID: "x", Name: "x", Role: "x", UID: ptr(-1)}} {
		wantKind(t, l.AddUser(t.Context(), u), models.KindUsage)
	}
	wantKind(t, l.SetRole(t.Context(), "ada", ""), models.KindUsage)
	wantKind(t, l.DisableUser(t.Context(), "eve"), models.KindNotFound)
	if all := must[[]User](t)(l.Users(t.Context())); len(all) != 1 {
		t.Errorf("%d users", len(all))
	}
}

// Nobody becomes somebody else, or comes back, by an edited row.
func TestUserDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for _, change := range []string{"role = 'admin'", "uid = 0", "uid = NULL", "name = 'x'", "created = 0", "disabled = NULL", "token = x'00'", "tag = x'00'", "id = 'root'"} {
		l := openLedger(t)
		if err := l.AddUser(t.Context(), User{ID: "ada", Name: "Ada", UID: ptr(1000), Role: "quality"}); err != nil {
			t.Fatal(err)
		}
		if change == "disabled = NULL" {
			if err := l.DisableUser(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
		}
		raw(t, l, "UPDATE user SET "+change)
		for _, uid := range []int{0, 1000} {
			if u, err := l.UserByUID(t.Context(), uid); err == nil {
				t.Errorf("%s: uid %d is %+v", change, uid, u)
			}
		}
		_, err := l.Users(t.Context())
		wantKind(t, err, models.KindCorruption, "table user")
		_, err = l.Scrub(t.Context())
		wantKind(t, err, models.KindCorruption, "table user")
	}
}
