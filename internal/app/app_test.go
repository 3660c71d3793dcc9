package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// site is a carereach folder of a test, opened and closed as often as the test wants.
type site struct {
	t    testing.TB
	dir  string
	keys string
	app  *App
	now  time.Time
	hook func(string)
}

func newSite(t testing.TB) *site {
	t.Helper()
	root := t.TempDir()
	s := &site{t: t, dir: filepath.Join(root, "data"), keys: filepath.Join(root, "secrets", "keys"), now: demoClock}
	_, err := Init(context.Background(), s.dir, InitArgs{Tenant: "test", Organisation: "Test", Zone: "America/New_York", Keys: s.keys, User: "tester", UID: os.Getuid(), DemoSeed: "test"})
	must(t, err)
	t.Cleanup(s.close)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) open() *App {
	s.t.Helper()
	if s.app != nil {
		return s.app
	}
	cfg, err := LoadConfig(s.dir, nil)
	must(s.t, err)
	s.app, err = Open(context.Background(), s.dir, cfg, Options{Now: func() time.Time { return s.now }, Hooks: s.hook})
	must(s.t, err)
	return s.app
}

func (s *site) close() {
	if s.app != nil {
		must(s.t, s.app.Close())
		s.app = nil
	}
}

// buffer is a Sink that keeps what it gets.
type buffer struct{ bytes.Buffer }

func (*buffer) Progress(Progress) {}

// content is a file that a test hands to a verb.
type content struct{ name, body string }

// contents hands over files of a test.
type contents struct{ files []content }

func (c *contents) Next() (string, io.Reader, error) {
	if len(c.files) == 0 {
		return "", nil, io.EOF
	}
	f := c.files[0]
	c.files = c.files[1:]
	return f.name, strings.NewReader(f.body), nil
}

// try runs a verb and gives its result, the file it wrote and its error.
func (s *site) try(verb string, args, result any, files ...content) (*buffer, error) {
	s.t.Helper()
	a := s.open()
	raw, err := json.Marshal(args)
	must(s.t, err)
	actor, err := a.Actor(context.Background(), os.Getuid(), "")
	must(s.t, err)
	var out buffer
	answer, err := a.Do(context.Background(), verb, &Call{Actor: actor, Files: &contents{files}, Out: &out}, raw)
	if result != nil && len(answer) > 0 {
		must(s.t, json.Unmarshal(answer, result))
	}
	return &out, err
}

// do is try where an error fails the test.
func (s *site) do(verb string, args, result any, files ...content) *buffer {
	s.t.Helper()
	out, err := s.try(verb, args, result, files...)
	if err != nil {
		s.t.Fatalf("%s: %v", verb, err)
	}
	return out
}

// clinicFiles gives the made-up clinic as files of a test.
func clinicFiles(t testing.TB) []content {
	t.Helper()
	var out []content
	src := &embedded{dir: clinic, names: embeddedNames("clinic")}
	for {
		name, r, err := src.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		must(t, err)
		b, err := io.ReadAll(r)
		must(t, err)
		out = append(out, content{name, string(b)})
	}
}

// sums gives the checksums of every published table of a run.
func (s *site) sums(id models.RunID) map[string]string {
	s.t.Helper()
	run, err := s.open().Ledger.Run(context.Background(), id)
	must(s.t, err)
	out := map[string]string{}
	must(s.t, json.Unmarshal([]byte(run.Checksums), &out))
	if len(out) == 0 {
		s.t.Fatalf("run %s has no checksums", id)
	}
	return out
}

func (s *site) analyze() AnalyzeResult {
	s.t.Helper()
	var res AnalyzeResult
	s.do("analyze", AnalyzeArgs{AsOf: DemoAsOf}, &res)
	return res
}

// The same files loaded file by file, in another order and twice, end in the same published rows.
func TestLoadOrderChangesNoPublishedRow(t *testing.T) {
	files := clinicFiles(t)
	first := newSite(t)
	var res IngestResult
	first.do("ingest.file", IngestArgs{}, &res, files...)
	want := first.sums(first.analyze().Run)
	second := newSite(t)
	for i := range files {
		f := files[len(files)-1-i]
		second.do("ingest.file", IngestArgs{}, nil, f)
	}
	var again IngestResult
	second.do("ingest.file", IngestArgs{}, &again, files...)
	if again.Stored != 0 || again.Sum() != res.Sum() {
		t.Errorf("loaded again: %+v, want duplicates and what is ignored only, %d in all", again.Outcomes, res.Sum())
	}
	for table, got := range second.sums(second.analyze().Run) {
		if got != want[table] {
			t.Errorf("%s differs", table)
		}
	}
}

// Deleting analytics.duckdb loses nothing: the next start rebuilds it and publishes every retained run again, equal.
func TestRebuildPublishesTheSameRuns(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	early := models.NewDate(2026, time.March, 31)
	var march AnalyzeResult
	s.do("analyze", AnalyzeArgs{AsOf: early}, &march)
	june := s.analyze()
	before := s.gaps(early)
	s.close()
	must(t, os.Remove(filepath.Join(s.dir, storeFile)))
	for _, id := range []models.RunID{march.Run, june.Run} {
		sums := s.sums(id)
		if len(sums) != len(models.Published) {
			t.Errorf("run %s has %d checksums, want %d", id, len(sums), len(models.Published))
		}
	}
	if says, _, err := s.open().Ledger.Setting(context.Background(), settingReplay); err != nil || says != "" {
		t.Errorf("the replay says %q, %v", says, err)
	}
	if got := s.gaps(early); got != before || before == "" {
		t.Error("the gap list of the older run changed")
	}
	if again := s.analyze(); again.Run != june.Run || !again.Existing {
		t.Errorf("the same inputs gave run %s, existing %v; want %s", again.Run, again.Existing, june.Run)
	}
}

func (s *site) gaps(asOf models.Date) string {
	s.t.Helper()
	return s.do("gaps.list", GapsArgs{ListArgs: ListArgs{AsOf: &asOf, Format: "csv"}}, nil).String()
}

// A backup restores to a folder that gives the same runs; a cut or damaged one and a wrong key are refused.
func TestBackupDrill(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	run := s.analyze()
	var made BackupResult
	file := s.do("backup.create", None{}, &made)
	want := s.gaps(DemoAsOf)
	checked, err := VerifyBackup(context.Background(), bytes.NewReader(file.Bytes()), s.keys, t.TempDir())
	if err != nil || checked.Intake.Records == 0 || checked.Manifest.Tenant != "test" {
		t.Fatalf("verify: %+v, %v", checked, err)
	}
	for _, cut := range []int{10, file.Len() / 2, file.Len() - 1} {
		if _, err := VerifyBackup(context.Background(), bytes.NewReader(file.Bytes()[:cut]), s.keys, t.TempDir()); models.KindOf(err) != models.KindCorruption {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	flipped := bytes.Clone(file.Bytes())
	flipped[len(flipped)/2] ^= 1
	if _, err := VerifyBackup(context.Background(), bytes.NewReader(flipped), s.keys, t.TempDir()); models.KindOf(err) != models.KindCorruption {
		t.Errorf("one flipped bit: %v", err)
	}
	other := newSite(t)
	if _, err := VerifyBackup(context.Background(), bytes.NewReader(file.Bytes()), other.keys, t.TempDir()); err == nil {
		t.Error("a backup was opened with another installation's key")
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := RestoreBackup(context.Background(), bytes.NewReader(file.Bytes()), s.keys, dir, "tester", func(Progress) {}); err != nil {
		t.Fatalf("restore: %v", err)
	}
	s.close()
	restored := &site{t: t, dir: dir, keys: s.keys, now: s.now}
	t.Cleanup(restored.close)
	if got := restored.gaps(DemoAsOf); got != want {
		t.Error("the restored folder lists other gaps")
	}
	if res := restored.analyze(); res.Run != run.Run || !res.Existing {
		t.Errorf("the restored folder made run %s, want %s as it was", res.Run, run.Run)
	}
	if _, err := RestoreBackup(context.Background(), bytes.NewReader(file.Bytes()), s.keys, dir, "tester", func(Progress) {}); models.KindOf(err) != models.KindConfig {
		t.Errorf("a folder in use was overwritten: %v", err)
	}
}

// An erased patient is on no list, on no page and in no rebuild; what is left says so.
func TestErasePatient(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	before := s.analyze()
	token := s.open().Ledger.Keys().PatientToken("test", "files", "p-0001").String()
	if _, err := s.try("patient.erase", PatientArgs{Token: token}, nil); models.KindOf(err) != models.KindUsage {
		t.Errorf("without a reason: %v", err)
	}
	var gone Erased
	s.do("patient.erase", PatientArgs{Token: token, Reason: "asked in writing"}, &gone)
	if gone.Facts == 0 || gone.Records == 0 || gone.Published == 0 {
		t.Errorf("erased %+v", gone)
	}
	check := func(when string) {
		t.Helper()
		if _, err := s.try("patient.show", PatientArgs{Token: token, Purpose: "treatment"}, nil); models.KindOf(err) != models.KindNotFound {
			t.Errorf("%s: the page of an erased patient: %v", when, err)
		}
		if strings.Contains(s.gaps(DemoAsOf), token) {
			t.Errorf("%s: the erased patient is on the gap list", when)
		}
	}
	check("after the erasure")
	after := s.analyze()
	if after.Run == before.Run {
		t.Error("a run after an erasure must have another id")
	}
	check("in a new run")
	s.close()
	must(t, os.Remove(filepath.Join(s.dir, storeFile)))
	check("after a rebuild")
	if n := s.analyze(); n.Run != after.Run || !n.Existing {
		t.Errorf("the run after the erasure was not made again: %s, want %s", n.Run, after.Run)
	}
}

// A user without an account, a wrong token and a missing purpose get nothing; what is shown is audited first.
func TestAccessIsDeniedAndAudited(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	a := s.open()
	if _, err := a.Actor(context.Background(), os.Getuid()+1, ""); models.KindOf(err) != models.KindRefused {
		t.Errorf("a stranger's uid: %v", err)
	}
	if _, err := a.Actor(context.Background(), os.Getuid(), "no such token"); models.KindOf(err) != models.KindRefused {
		t.Errorf("a wrong token must not fall back to the uid: %v", err)
	}
	token := a.Ledger.Keys().PatientToken("test", "files", "p-0002").String()
	if _, err := s.try("patient.show", PatientArgs{Token: token}, nil); models.KindOf(err) != models.KindUsage {
		t.Errorf("without a purpose: %v", err)
	}
	var shown PatientShown
	s.do("patient.show", PatientArgs{Token: token, Purpose: "treatment"}, &shown)
	if shown.Person.Name == "" || shown.Person.RecordNumber == "" || shown.History.Total == 0 {
		t.Errorf("the page is empty: %+v", shown.Person)
	}
	if shown.Seen.Total != 1 || shown.Seen.Rows[0].Action != "patient.show" || shown.Seen.Rows[0].Actor != "tester" {
		t.Errorf("the page's own audit row is not there: %+v", shown.Seen)
	}
	var added UserResult
	s.do("user.add", UserArgs{ID: "nurse", Name: "Nurse", Token: true}, &added)
	if actor, err := a.Actor(context.Background(), -1, added.Token); err != nil || actor.User() != "nurse" {
		t.Errorf("the new user's token: %v, %v", actor, err)
	}
	s.do("user.disable", UserArgs{ID: "nurse"}, nil)
	if _, err := a.Actor(context.Background(), -1, added.Token); models.KindOf(err) != models.KindRefused {
		t.Errorf("a disabled user's token: %v", err)
	}
	var checked AuditChecked
	s.do("audit.verify", None{}, &checked)
	if checked.Rows < 4 {
		t.Errorf("audit trail %+v", checked.AuditCheck)
	}
}

// A withdrawal takes effect at once in the ledger and takes the channel off the target list of the next run.
func TestRevokedConsentLeavesTheTargetList(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	s.analyze()
	channels := func() map[string]string {
		var list struct {
			Rows []struct{ Patient, Channels string }
		}
		s.do("targets.list", TargetsArgs{}, &list)
		out := map[string]string{}
		for _, r := range list.Rows {
			out[r.Patient] = r.Channels
		}
		return out
	}
	var token string
	for p, ch := range channels() {
		if strings.Contains(ch, "sms") {
			token = p
		}
	}
	if token == "" {
		t.Fatal("nobody of the clinic can be reached by SMS")
	}
	var out Revoked
	s.do("consent.revoke", ConsentArgs{Token: token, Channel: "sms", About: "any", Basis: "telephone"}, &out)
	var refused bool
	for _, st := range out.Standing {
		refused = refused || (st.Channel == "sms" && st.State == "refused")
	}
	if !refused {
		t.Errorf("the ledger does not refuse SMS: %+v", out.Standing)
	}
	s.now = s.now.Add(time.Hour)
	tomorrow := DemoAsOf.AddDays(1)
	s.do("analyze", AnalyzeArgs{AsOf: tomorrow}, nil)
	if ch := channels()[token]; strings.Contains(ch, "sms") {
		t.Errorf("the next list still says %q", ch)
	}
	if _, err := s.try("consent.revoke", ConsentArgs{Token: token, Channel: "carrier pigeon", About: "any"}, nil); models.KindOf(err) != models.KindUsage {
		t.Errorf("unknown channel: %v", err)
	}
}
