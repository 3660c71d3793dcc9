package ledger

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"carereach/models"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func tokenBytes(n byte) []byte { id := token(n); return id[:] }

func row(patient, ent byte, version int64, id models.Identity) IdentityRow {
	return IdentityRow{Patient: token(patient), Ent: entity(ent), Kind: OfPatient, Order: order(version), Identity: id}
}

// What a source says about a person comes back word for word, to whoever wrote the audit row first.
func TestIdentityRoundTrip(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	want := models.Identity{
		Names:     []models.HumanName{{Use: "official", Family: "Ōkuma", Given: []string{"Aiko", "M."}, Prefix: []string{"Dr"}}},
		Telecom:   []models.ContactPoint{{System: "phone", Value: "555-0100", Use: "mobile", Rank: 1}},
		Addresses: []models.Address{{Line: []string{"1 Main St"}, City: "Springfield", PostalCode: "01101"}},
	}
	mother := models.Identity{Related: "rp-1", Relation: []string{"MTH"}, Names: []models.HumanName{{Text: "Hana Ōkuma"}}}
	rows := []IdentityRow{
		{Patient: token(1), Ent: entity(9), Kind: OfRelated, Order: order(1), Identity: mother},
		row(1, 200, 1, want), row(2, 3, 1, person("Roe", "", "", "M2")),
	}
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), rows)); n != (PutCount{Stored: 3}) {
		t.Fatalf("count %+v", n)
	}
	got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(1)), token(1)))
	if diff := cmp.Diff([]IdentityRecord{{entity(200), OfPatient, want}, {entity(9), OfRelated, mother}}, got); diff != "" {
		t.Error(diff)
	}
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), rows)); n != (PutCount{Known: 3}) {
		t.Errorf("the same again counts %+v", n)
	}
	all := must[map[models.PatientID][]IdentityRecord](t)(l.Identities(t.Context(), show(t, l, token(1), token(2), token(3)), []models.PatientID{token(3), token(2), token(1)}))
	if len(all) != 2 || len(all[token(1)]) != 2 || len(all[token(2)]) != 1 {
		t.Errorf("identities of three patients: %v", all)
	}
}

// The newest version of each record wins in whatever order and however often versions arrive, and the index follows it.
func TestIdentitiesDoNotDependOnArrival(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	round := byte(0)
	rapid.Check(t, func(rt *rapid.T) {
		round++
		patients := []models.PatientID{{0: 1, 1: round, 15: 1}, {0: 1, 1: round, 15: 2}}
		n := rapid.IntRange(1, 6).Draw(rt, "versions")
		var rows []IdentityRow
		for v := range n {
			rows = append(rows, IdentityRow{
				Patient: rapid.SampledFrom(patients).Draw(rt, "patient"), Ent: models.EntityID{0: 2, 1: round}, Kind: OfPatient, Order: order(int64(v)),
				Identity: person(fmt.Sprintf("Name%d", v), fmt.Sprintf("212-555-%02d%02d", round%100, v), "", fmt.Sprintf("mrn-%d-%d", round, v)),
			})
		}
		arrivals := rapid.Permutation(append(slices.Clone(rows), rapid.SliceOfN(rapid.SampledFrom(rows), 0, 4).Draw(rt, "again")...)).Draw(rt, "arrivals")
		for chunk := range slices.Chunk(arrivals, rapid.IntRange(1, 4).Draw(rt, "batch")) {
			if _, err := l.PutIdentities(t.Context(), chunk); err != nil {
				rt.Fatal(err)
			}
		}
		newest := rows[n-1]
		for _, id := range patients {
			got := must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, id), id))
			if id != newest.Patient && len(got) != 0 {
				rt.Fatalf("record stays with a patient that it left: %v", got)
			}
			if id == newest.Patient && (len(got) != 1 || !cmp.Equal(got[0].Identity, newest.Identity)) {
				rt.Fatalf("got %v, want version %d", got, n-1)
			}
		}
		for v, r := range rows {
			found := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByRecordNumber, r.Identity.Identifiers[0].Value))
			if want := v == n-1; want != slices.Contains(found, newest.Patient) || len(found) > 1 {
				rt.Fatalf("version %d of %d is found as %v", v, n, found)
			}
		}
	})
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

// However staff or another system write a number, it finds the patient; what is nobody's finds nobody.
func TestFindByIdentifier(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	a := person("Doe", "(212) 555-0147", "Jane.Doe@Example.org", " mr-007 ")
	a.Identifiers = append(a.Identifiers, models.Identifier{Value: "untyped"}, models.Identifier{Type: "SS", Value: "999-12-3456"})
	a.Telecom = append(a.Telecom, models.ContactPoint{System: "sms", Value: "+44 20 7946 0018"}, models.ContactPoint{System: "fax", Value: "212-555-0999"}, models.ContactPoint{System: "phone", Value: "ext. only"})
	mother := person("Doe", "212 555 0148", "", "not-the-childs")
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{
		row(2, 2, 1, a), row(1, 1, 1, person("Roe", "212.555.0147", "", "MR-008")),
		{Patient: token(2), Ent: entity(3), Kind: OfRelated, Order: order(1), Identity: mother},
	}))
	both, second := []models.PatientID{token(1), token(2)}, []models.PatientID{token(2)}
	for _, c := range []struct {
		kind  IdentifierKind
		value string
		want  []models.PatientID
	}{
		{ByPhone, "+1 212 555 0147", both}, {ByPhone, "2125550147", both}, {ByPhone, "tel:+1-212-555-0147", both}, {ByPhone, "+442079460018", second},
		{ByPhone, "212-555-0148", second}, {ByPhone, "212-555-0999", nil}, {ByPhone, "212-555-0146", nil}, {ByPhone, "", nil}, {ByPhone, "no digits", nil},
		{ByEmail, "jane.doe@example.org", second}, {ByEmail, " MAILTO:Jane.Doe@EXAMPLE.org ", second}, {ByEmail, "jane@example.org", nil},
		{ByRecordNumber, "MR-007", second}, {ByRecordNumber, "mr-007", second}, {ByRecordNumber, "ＭＲ-007", second}, {ByRecordNumber, "UNTYPED", second}, {ByRecordNumber, "007", nil},
		{ByRecordNumber, "999-12-3456", nil}, {ByRecordNumber, "not-the-childs", nil}, {IdentifierKind("ssn"), "999-12-3456", nil},
	} {
		got := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), c.kind, c.value))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %q finds %v, want %v", c.kind, c.value, got, c.want)
		}
	}
}

// The normal form of a normal form is itself: what is indexed can be looked up by what is shown.
func TestNormalIdentifierIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]IdentifierKind{ByPhone, ByEmail, ByRecordNumber}).Draw(t, "kind")
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[+(]?[0-9]{1,3}[) -][0-9]{3}[- .]?[0-9]{2,6}( ?x[0-9]+)?`), rapid.StringMatching(`[A-Za-z.]+@[A-Za-z]+\.org`)).Draw(t, "value")
		once := normalIdentifier(kind, value, "US")
		if twice := normalIdentifier(kind, once, "US"); twice != once {
			t.Fatalf("%s %q becomes %q, then %q", kind, value, once, twice)
		}
	})
}

// No row, no name: an access that no audit row names is refused, whatever else the ledger holds.
func TestIdentityNeedsItsAuditRow(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1")), row(2, 2, 1, person("Roe", "", "", "M2"))}))
	other := newHome(t).open(t)
	denied, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "eve", Action: "patient.show", Denied: true, Subjects: []models.PatientID{token(1)}})
	if err != nil {
		t.Fatal(err)
	}
	forged := show(t, l, token(1))
	forged.hash[3] ^= 1
	list := show(t, l, token(1), token(3))
	for name, c := range map[string]struct {
		ref AuditRef
		ids []models.PatientID
	}{
		"no row":             {AuditRef{}, []models.PatientID{token(1)}},
		"not yet a row":      {AuditRef{seq: 99, hash: list.hash}, []models.PatientID{token(1)}},
		"another patient":    {show(t, l, token(2)), []models.PatientID{token(1)}},
		"no patient":         {show(t, l), []models.PatientID{token(1)}},
		"a denied row":       {denied, []models.PatientID{token(1)}},
		"another ledger's":   {show(t, other, token(1)), []models.PatientID{token(1)}},
		"a made-up hash":     {forged, []models.PatientID{token(1)}},
		"not all on a list":  {list, []models.PatientID{token(1), token(2)}},
		"one not on a list":  {list, []models.PatientID{token(2)}},
		"unknown, no row":    {AuditRef{}, []models.PatientID{token(77)}},
		"list of one, other": {show(t, l, token(2), token(2)), []models.PatientID{token(1)}},
	} {
		got, err := l.Identities(t.Context(), c.ref, c.ids)
		if models.KindOf(err) != models.KindRefused || got != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if got := must[[]IdentityRecord](t)(l.Identity(t.Context(), list, token(1))); len(got) != 1 {
		t.Errorf("a list that names the patient opens %d records", len(got))
	}
	ref := show(t, l, token(2))
	raw(t, l, "UPDATE audit SET subject = ? WHERE seq = ?", tokenBytes(1), ref.seq)
	_, err = l.Identity(t.Context(), ref, token(1))
	wantKind(t, err, models.KindCorruption, "table audit")
}

// Nothing that names or reaches a person lies in any file of the data folder in clear.
func TestVaultFilesHoldNoIdentifiers(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	canaries := []string{"Zyxwvut", "2125550199", "212-555-0199", "canary@example.org", "CANARY-MRN", "canary evidence", "Front Desk Person", "Canary Street"}
	id := person("Zyxwvut", "212-555-0199", "canary@example.org", "CANARY-MRN")
	id.Addresses = []models.Address{{Line: []string{"Canary Street"}}}
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, id)}))
	c := consent(1, 1, "granted", "sms", "any", 0)
	c.Consent.Evidence, c.Consent.CapturedBy = "canary evidence", "Front Desk Person"
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{c}))
	must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByEmail, "canary@example.org"))
	must[[]IdentityRecord](t)(l.Identity(t.Context(), show(t, l, token(1)), token(1)))
	backup := filepath.Join(h.data, "copy.db")
	if err := l.BackupTo(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	for range 2 { // with the log beside the file, then without
		files := 0
		err := filepath.WalkDir(filepath.Dir(h.data), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			b, err := os.ReadFile(path)
			for _, c := range canaries {
				if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(c))) {
					t.Errorf("%q lies in clear in %s", c, filepath.Base(path))
				}
			}
			return err
		})
		if err != nil || files < 9 {
			t.Fatalf("searched %d files, %v", files, err)
		}
		h.close(t, l)
	}
}

// A record moved, exchanged or edited behind our back is reported with its table and row, never returned.
func TestVaultDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ query, table string }{
		"sealed bit":        {"UPDATE vault SET sealed = CAST(substr(sealed, 1, 20) || x'000000' || substr(sealed, 24) AS BLOB) WHERE ent = (SELECT min(ent) FROM vault)", "vault"},
		"sealed exchanged":  {"UPDATE vault SET sealed = (SELECT sealed FROM vault ORDER BY ent DESC LIMIT 1)", "vault"},
		"owner exchanged":   {"UPDATE vault SET token = (SELECT max(token) FROM vault_key)", "vault"},
		"order":             {"UPDATE vault SET ord = CAST(x'ffffffffffffffff' || substr(ord, 9) AS BLOB)", "vault"},
		"kind":              {"UPDATE vault SET kind = 'related'", "vault"},
		"data key bit":      {"UPDATE vault_key SET wrapped = CAST(substr(wrapped, 1, 20) || x'000000' || substr(wrapped, 24) AS BLOB)", "vault_key"},
		"data key swapped":  {"UPDATE vault_key SET wrapped = (SELECT wrapped FROM vault_key ORDER BY token DESC LIMIT 1)", "vault_key"},
		"data key lost":     {"DELETE FROM vault_key", "vault"},
		"index entry lost":  {"DELETE FROM vault_index WHERE kind = 'mrn'", "vault_index"},
		"index entry moved": {"UPDATE vault_index SET ent = (SELECT max(ent) FROM vault) WHERE ent = (SELECT min(ent) FROM vault)", "vault_index"},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "", "", "M1")), row(2, 2, 1, person("Roe", "212-555-0100", "", "M2"))}))
			ref := show(t, l, token(1))
			raw(t, l, c.query)
			report, err := l.Scrub(t.Context())
			wantKind(t, err, models.KindCorruption)
			if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return strings.Contains(f.What, "table "+c.table) }) {
				t.Errorf("findings %v do not name table %s", report.Findings, c.table)
			}
			if c.table == "vault_index" {
				found, err := l.FindByIdentifier(t.Context(), ByRecordNumber, "M1")
				if len(found) != 0 {
					t.Errorf("a lost or moved index entry finds %v, %v", found, err)
				}
				return
			}
			got, err := l.Identity(t.Context(), ref, token(1))
			if err == nil && len(got) > 0 {
				t.Errorf("damaged identity is returned: %v", got)
			}
		})
	}
}

// Writers and readers at once: every acknowledged identity is there, and no reader sees half of one.
func TestVaultConcurrentUse(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 15 {
				n := byte(w*15 + i)
				_, err := l.PutIdentities(t.Context(), []IdentityRow{row(n, n, 1, person("P", "", "", fmt.Sprintf("M%d", n)))})
				if err != nil {
					t.Error(err)
				}
				ref, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "patient.show", Subjects: []models.PatientID{token(n)}})
				if err != nil {
					t.Error(err)
				}
				if got, err := l.Identity(t.Context(), ref, token(n)); err != nil || len(got) != 1 {
					t.Errorf("identity %d: %v, %v", n, got, err)
				}
			}
		})
	}
	wg.Wait()
	if check := must[AuditCheck](t)(l.VerifyAudit(t.Context())); check.Rows != 60 {
		t.Errorf("%d audit rows, want 60", check.Rows)
	}
	if report := must[ScrubReport](t)(l.Scrub(t.Context())); report.Rows["vault"] != 60 {
		t.Errorf("%d vault rows, want 60", report.Rows["vault"])
	}
}

// A phone region corrected later does not lose anybody: the index is made anew.
func TestPhoneRegionChanges(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	must[PutCount](t)(l.PutIdentities(t.Context(), []IdentityRow{row(1, 1, 1, person("Doe", "020 7946 0018", "", "M1"))}))
	h.close(t, l)
	o := h.options(t)
	o.PhoneRegion = "GB"
	l = must[*Ledger](t)(Open(t.Context(), o))
	defer l.Close()
	if got := must[[]models.PatientID](t)(l.FindByIdentifier(t.Context(), ByPhone, "+44 20 7946 0018")); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}
