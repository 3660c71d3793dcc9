package access

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"carereach/internal/ledger"
	"carereach/models"
)

func open(t *testing.T) (*Guard, *ledger.Ledger) {
	t.Helper()
	dir := t.TempDir()
	must(t, ledger.CreateDemoKeys(filepath.Join(dir, "keys"), "access tests"))
	keys, err := ledger.LoadKeys(filepath.Join(dir, "keys"))
	must(t, err)
	l, err := ledger.Open(context.Background(), ledger.Options{Dir: dir, Sink: filepath.Join(dir, "sink"), Keys: keys})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return New(l), l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func bootstrap(t *testing.T, g *Guard) Actor {
	t.Helper()
	uid := 1000
	who, err := g.Bootstrap(context.Background(), ledger.User{ID: "ada", Name: "Ada", UID: &uid, Role: "administrator"})
	must(t, err)
	return who
}

// put seals an identity for a patient.
func put(t *testing.T, l *ledger.Ledger, id string) models.PatientID {
	t.Helper()
	token := l.Keys().PatientToken("t", "ehr", id)
	_, err := l.PutIdentities(context.Background(), []ledger.IdentityRow{{Patient: token, Ent: l.Keys().Entity("t", "ehr", "Patient", id), Kind: ledger.OfPatient,
		Identity: models.Identity{Names: []models.HumanName{{Family: "Family-" + id}}, Identifiers: []models.Identifier{{Type: "MR", Value: "MRN-" + id}}}}})
	must(t, err)
	return token
}

func rows(t *testing.T, l *ledger.Ledger) int {
	t.Helper()
	page, err := l.SearchAudit(context.Background(), ledger.AuditFilter{})
	must(t, err)
	return page.Total
}

// A grant opens the patients that its audit row names, and nobody else; the row is there before anything is read.
func TestGrantOpensWhatItNames(t *testing.T) {
	g, l := open(t)
	who := bootstrap(t, g)
	one, other := put(t, l, "1"), put(t, l, "2")
	before := rows(t, l)
	grant, err := g.Grant(context.Background(), who, Act{Action: "patient.show", Purpose: Treatment, Subjects: []models.PatientID{one}})
	must(t, err)
	if rows(t, l) != before+1 || grant.Audit() == 0 || grant.Purpose() != Treatment || grant.Actor().User() != "ada" {
		t.Errorf("the grant rests on no audit row of its own: %+v", grant)
	}
	records, err := g.Identity(context.Background(), grant, one)
	if err != nil || len(records) != 1 || records[0].Identity.Names[0].Family != "Family-1" {
		t.Errorf("the patient named: %v, %v", records, err)
	}
	if _, err := g.Identity(context.Background(), grant, other); models.KindOf(err) != models.KindRefused {
		t.Errorf("another patient: %v", err)
	}
	if _, err := g.Identities(context.Background(), grant, []models.PatientID{one, other}); models.KindOf(err) != models.KindRefused {
		t.Errorf("a list with another patient: %v", err)
	}
	if _, err := g.Identity(context.Background(), Grant{}, one); models.KindOf(err) != models.KindRefused {
		t.Errorf("a grant made by hand: %v", err)
	}
}

// Without a purpose, a subject or a proven actor there is no grant, and no audit row says that there was one.
func TestNoGrant(t *testing.T) {
	g, l := open(t)
	who := bootstrap(t, g)
	one := []models.PatientID{put(t, l, "1")}
	before := rows(t, l)
	for name, c := range map[string]struct {
		who  Actor
		act  Act
		want models.Kind
	}{
		"no purpose":      {who, Act{Action: "x", Subjects: one}, models.KindUsage},
		"unknown purpose": {who, Act{Action: "x", Purpose: "curiosity", Subjects: one}, models.KindUsage},
		"nobody":          {who, Act{Action: "x", Purpose: Operations}, models.KindNotFound},
		"a stranger":      {Actor{}, Act{Action: "x", Purpose: Operations, Subjects: one}, models.KindRefused},
	} {
		if _, err := g.Grant(context.Background(), c.who, c.act); models.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := g.Record(context.Background(), Actor{}, Act{Action: "x"}); models.KindOf(err) != models.KindRefused {
		t.Errorf("a stranger's act: %v", err)
	}
	if n := rows(t, l); n != before {
		t.Errorf("%d audit rows of grants that were not given", n-before)
	}
}

// When the trail cannot be written nothing is shown.
func TestFailsClosedWithoutTheTrail(t *testing.T) {
	g, l := open(t)
	who := bootstrap(t, g)
	one := put(t, l, "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the ledger refuses to write
	if _, err := g.Grant(ctx, who, Act{Action: "patient.show", Purpose: Treatment, Subjects: []models.PatientID{one}}); models.KindOf(err) != models.KindUnavail {
		t.Errorf("a grant without a trail: %v", err)
	}
	if ids, err := g.Find(ctx, who, Treatment, ledger.ByRecordNumber, "MRN-1"); err == nil || ids != nil {
		t.Errorf("found %v without a trail", ids)
	}
}

// Looking for a person is audited by the kind of identifier and never by its value.
func TestFindIsAudited(t *testing.T) {
	g, l := open(t)
	who := bootstrap(t, g)
	one := put(t, l, "1")
	ids, err := g.Find(context.Background(), who, Treatment, ledger.ByRecordNumber, "MRN-1")
	if err != nil || len(ids) != 1 || ids[0] != one {
		t.Fatalf("found %v, %v", ids, err)
	}
	page, err := l.SearchAudit(context.Background(), ledger.AuditFilter{Action: "patient.find"})
	must(t, err)
	if page.Total != 1 || !strings.Contains(page.Rows[0].Detail, "mrn") || strings.Contains(page.Rows[0].Detail, "MRN-1") {
		t.Errorf("audit %+v", page.Rows)
	}
	if _, err := g.Find(context.Background(), who, "", ledger.ByRecordNumber, "MRN-1"); models.KindOf(err) != models.KindUsage {
		t.Errorf("without a purpose: %v", err)
	}
}

// The first user is made once; whoever is unknown or disabled gets one and the same answer.
func TestActors(t *testing.T) {
	g, l := open(t)
	bootstrap(t, g)
	if _, err := g.Bootstrap(context.Background(), ledger.User{ID: "eve", Name: "Eve", Role: "x"}); models.KindOf(err) != models.KindRefused {
		t.Errorf("a second first user: %v", err)
	}
	if who, err := g.ActorByUID(context.Background(), 1000); err != nil || who.User() != "ada" || who.Name() != "Ada" {
		t.Errorf("by uid: %+v, %v", who, err)
	}
	must(t, l.AddUser(context.Background(), ledger.User{ID: "bob", Name: "Bob", Role: "user"}))
	token, err := l.IssueToken(context.Background(), "bob")
	must(t, err)
	if who, err := g.ActorByToken(context.Background(), token); err != nil || who.User() != "bob" {
		t.Errorf("by token: %+v, %v", who, err)
	}
	must(t, l.DisableUser(context.Background(), "bob"))
	_, disabled := g.ActorByToken(context.Background(), token)
	_, unknown := g.ActorByToken(context.Background(), "no such token")
	_, stranger := g.ActorByUID(context.Background(), 4242)
	for _, err := range []error{disabled, unknown, stranger} {
		if models.KindOf(err) != models.KindRefused || err.Error() != errStranger.Error() {
			t.Errorf("the answer tells more than it should: %v", err)
		}
	}
}
