package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carereach/ingest/csvmap"
	"carereach/ingest/intake"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
)

// bench is an open installation with everything that a load touches.
type bench struct {
	t      testing.TB
	dir    string
	keys   *ledger.Keys
	store  *store.Store
	ledger *ledger.Ledger
	log    *intake.Log
	in     *Ingester
}

// sealer gives the log the installation's key.
type sealer struct{ keys *ledger.Keys }

func (s sealer) Seal(aad, plain []byte) []byte           { return s.keys.Seal("intake", aad, plain) }
func (s sealer) Open(aad, sealed []byte) ([]byte, error) { return s.keys.Open("intake", aad, sealed) }
func (s sealer) KeyID() string                           { return s.keys.KeyID() }

var received = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	keys := filepath.Join(b.dir, "keys")
	must(t, ledger.CreateDemoKeys(keys, "ingest tests"))
	var err error
	b.keys, err = ledger.LoadKeys(keys)
	must(t, err)
	b.ledger, err = ledger.Open(context.Background(), ledger.Options{Dir: b.dir, Sink: filepath.Join(b.dir, "sink"), Keys: b.keys})
	must(t, err)
	b.log, err = intake.Open(context.Background(), filepath.Join(b.dir, "intake"), sealer{b.keys}, intake.Options{})
	must(t, err)
	t.Cleanup(func() {
		must(t, b.store.Close())
		must(t, b.log.Close())
		must(t, b.ledger.Close())
	})
	b.rebuild()
	return b
}

// rebuild starts from an empty analytics store over the same log and ledger.
func (b *bench) rebuild() {
	b.t.Helper()
	if b.store != nil {
		must(b.t, b.store.Close())
	}
	var err error
	b.store, err = store.OpenMemory(context.Background())
	must(b.t, err)
	b.in, err = New(context.Background(), b.store, b.ledger, b.log, Options{Tenant: "test", Workers: 2, StopShare: 0.5, StopMin: 100})
	must(b.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fhirRecord(body string) intake.Record {
	return intake.Record{Source: "ehr", Format: intake.FormatFHIR, Name: "x.ndjson", ReceivedAt: received, Body: []byte(body)}
}

// load appends the records and takes them.
func (b *bench) load(records ...intake.Record) models.Outcomes {
	b.t.Helper()
	if len(records) > 0 {
		_, _, err := b.log.Append(context.Background(), records)
		must(b.t, err)
	}
	rep, err := b.in.Drain(context.Background(), DrainOptions{})
	must(b.t, err)
	return rep.Outcomes
}

func (b *bench) count(query string, args ...any) (n int64) {
	b.t.Helper()
	must(b.t, b.store.Read(context.Background(), func(tx *store.Tx) error { return tx.QueryRow(context.Background(), query, args...).Scan(&n) }))
	return n
}

func patientJSON(id, family string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"gender":"female","birthDate":"1961-02-03","name":[{"family":%q}],"telecom":[{"system":"phone","use":"mobile","value":"802-555-0100"}]}`, id, family)
}

func observationJSON(id, patient, value string, version int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"meta":{"versionId":"%d"},"status":"final","subject":{"reference":"Patient/%s"},"code":{"coding":[{"system":"http://loinc.org","code":"4548-4"}]},"effectiveDateTime":"2026-03-04","valueQuantity":{"value":%s,"code":"%%"}}`,
		id, version, patient, value)
}

func eventJSON(id, body string) intake.Record {
	r := fhirRecord(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/ehr","type":"org.example.resource","datacontenttype":"application/fhir+json","data":%s}`, id, body))
	r.Format = intake.FormatEvent
	return r
}

// Every input has exactly one outcome and the outcomes add up to the inputs, in the report and in the committed rows.
func TestEveryInputHasOneOutcome(t *testing.T) {
	b := newBench(t)
	got := b.load(
		fhirRecord(patientJSON("p1", "Quillfeather")),
		fhirRecord(patientJSON("p1", "Quillfeather")),
		fhirRecord(observationJSON("o1", "p1", "7.1", 1)),
		fhirRecord(`{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"Patient/p1"}}`),
		fhirRecord(`{"resourceType":"Observation","id":"o2"`),
		fhirRecord(strings.Replace(observationJSON("o3", "p1", "7.1", 1), "2026-03-04", "2026-02-30", 1)),
		fhirRecord(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":`+observationJSON("o4", "p1", "6.0", 1)+`},{"resource":{"resourceType":"Observation","id":"o5","status":"final"}}]}`),
		fhirRecord(`{"resourceType":"Bundle","type":"collection"}`),
	)
	want := models.Outcomes{Stored: 3, Duplicate: 1, Ignored: 2, Quarantined: 3}
	if got != want {
		t.Errorf("outcomes %+v, want %+v", got, want)
	}
	st, err := b.in.Status(context.Background())
	must(t, err)
	if st.Outcomes != want || st.Read != st.End || st.End != 8 {
		t.Errorf("committed %+v, read %d of %d", st.Outcomes, st.Read, st.End)
	}
	if n := b.count("SELECT count(*) FROM ver_observation"); n != 2 {
		t.Errorf("%d observations are stored, want 2", n)
	}
	if n := b.count("SELECT count(*) FROM subject WHERE stub"); n != 1 {
		t.Errorf("%d patients, want 1", n)
	}
}

// The same event again is a duplicate; the same id with another body is set aside, once; the first body stands.
func TestReusedEventID(t *testing.T) {
	b := newBench(t)
	first, second := eventJSON("e1", observationJSON("o1", "p1", "7.1", 1)), eventJSON("e1", observationJSON("o1", "p1", "9.9", 2))
	if got := b.load(first, first, second); got != (models.Outcomes{Stored: 1, Duplicate: 1, Quarantined: 1}) {
		t.Errorf("in one batch: %+v", got)
	}
	if got := b.load(second, first, second); got != (models.Outcomes{Duplicate: 3}) {
		t.Errorf("once more: %+v", got)
	}
	list, err := b.in.Quarantine(context.Background(), QuarantineFilter{})
	must(t, err)
	if list.Total != 1 || list.Rows[0].Reason != models.ReasonIDReused {
		t.Errorf("quarantine %+v", list)
	}
	rep, err := b.in.Retry(context.Background(), QuarantineFilter{})
	must(t, err)
	if rep.Released != 0 || rep.Kept != 1 {
		t.Errorf("a reused id must not be released: %+v", rep)
	}
}

// facts gives what the version tables hold apart from the keys and places that depend on the order of arrival.
func (b *bench) facts() map[string]string {
	b.t.Helper()
	sums := map[string]string{}
	for _, ft := range models.FactTypes {
		columns := []string{"ent", "source", "version", "known_at", "retracted"}
		for _, c := range ft.Columns() {
			columns = append(columns, c.Name)
		}
		must(b.t, b.store.Read(context.Background(), func(tx *store.Tx) error {
			n, sum, err := store.Checksum(context.Background(), tx, ft.VersionTable(), columns, "")
			sums[ft.Name] = fmt.Sprintf("%d %s", n, sum)
			return err
		}))
	}
	return sums
}

// Whatever the order, the batches and the repetitions, the same facts are stored, once each.
func TestOrderAndRepetitionChangeNothing(t *testing.T) {
	records := []intake.Record{fhirRecord(patientJSON("p1", "A")), fhirRecord(patientJSON("p2", "B"))}
	for i := range 12 {
		records = append(records, fhirRecord(observationJSON(fmt.Sprintf("o%d", i%5), fmt.Sprintf("p%d", 1+i%2), fmt.Sprintf("%d.5", 5+i), i)))
	}
	plain := newBench(t)
	plain.load(records...)
	want := plain.facts()
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := newBench(t)
		queue := append(append([]intake.Record{}, records...), records[:rng.IntN(len(records))]...)
		rng.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
		var sum int64
		for len(queue) > 0 {
			n := 1 + rng.IntN(len(queue))
			o := b.load(queue[:n]...)
			sum += o.Sum()
			queue = queue[n:]
		}
		got := b.facts()
		for name, w := range want {
			if got[name] != w {
				t.Errorf("seed %d: %s: %s, want %s", seed, name, got[name], w)
			}
		}
		if st, err := b.in.Status(context.Background()); err != nil || st.Sum() != sum || st.Stored != int64(len(records)) {
			t.Errorf("seed %d: outcomes %+v, %v", seed, st.Outcomes, err)
		}
	}
}

// A store that is deleted comes back from the log with the same facts and the same outcomes.
func TestRebuildFromTheLog(t *testing.T) {
	b := newBench(t)
	b.load(fhirRecord(patientJSON("p1", "A")), fhirRecord(observationJSON("o1", "p1", "7.1", 1)), fhirRecord(`{"resourceType":"Obs`))
	b.load(eventJSON("e1", observationJSON("o1", "p1", "8.2", 2)), fhirRecord(patientJSON("p1", "A")))
	want := b.facts()
	before, err := b.in.Status(context.Background())
	must(t, err)
	b.rebuild()
	b.load()
	after, err := b.in.Status(context.Background())
	must(t, err)
	if before.Outcomes != after.Outcomes {
		t.Errorf("outcomes %+v, after the rebuild %+v", before.Outcomes, after.Outcomes)
	}
	for name, got := range b.facts() {
		if got != want[name] {
			t.Errorf("%s differs after the rebuild", name)
		}
	}
}

// A feed that suddenly changes its form is not set aside as a whole: the load stops, says why, and loses nothing.
func TestTooMuchQuarantineStopsTheLoad(t *testing.T) {
	b := newBench(t)
	b.load(fhirRecord(patientJSON("p1", "A")))
	var bad []intake.Record
	for i := range 150 {
		bad = append(bad, fhirRecord(fmt.Sprintf(`{"resourceType":"Observation","id":"n%d","status":"final"}`, i)))
	}
	_, _, err := b.log.Append(context.Background(), bad)
	must(t, err)
	_, err = b.in.Drain(context.Background(), DrainOptions{})
	if models.KindOf(err) != models.KindQuality || !strings.Contains(err.Error(), "missing_subject") {
		t.Fatalf("want a stop that names the reason, got %v", err)
	}
	if n := b.count("SELECT count(*) FROM quarantine"); n != 0 {
		t.Errorf("%d rows were set aside by the batch that was refused", n)
	}
	rep, err := b.in.Drain(context.Background(), DrainOptions{AcceptQuarantine: true})
	if err != nil || rep.Outcomes.Quarantined != 150 {
		t.Errorf("accepted by the operator: %+v, %v", rep.Outcomes, err)
	}
}

// What is set aside keeps its bytes, sealed: they come back for whoever may see them and are not readable in the store.
func TestQuarantinedBytesAreSealed(t *testing.T) {
	b := newBench(t)
	body := `{"resourceType":"Patient","name":[{"family":"Quillfeather"}]}`
	b.load(fhirRecord(body))
	list, err := b.in.Quarantine(context.Background(), QuarantineFilter{State: "open", Reason: models.ReasonNoID})
	must(t, err)
	if list.Total != 1 || list.Shown != 1 {
		t.Fatalf("quarantine %+v", list)
	}
	got, err := b.in.Content(context.Background(), list.Rows[0].ID)
	if err != nil || string(got) != body {
		t.Errorf("content %q, %v", got, err)
	}
	if n := b.count("SELECT count(*) FROM quarantine WHERE contains(CAST(sealed AS VARCHAR), 'Quillfeather') OR contains(concat_ws(' ', place, detail, mend), 'Quillfeather')"); n != 0 {
		t.Error("the name is readable in the quarantine")
	}
	if _, err := b.in.Content(context.Background(), 999); models.KindOf(err) != models.KindNotFound {
		t.Errorf("a row that is not there: %v", err)
	}
}

// Rows of a mapping that nobody knew are taken once the mapping is in the log.
func TestRetryAfterTheMappingArrives(t *testing.T) {
	b := newBench(t)
	m := own(t, "appointments")
	header := csvmap.NewHeader([]string{"Appointment ID", "Patient ID", "Start", "Status"})
	row := intake.Record{Source: "desk", Format: intake.FormatCSV + m.Hash(), ReceivedAt: received, Body: csvmap.EncodeRow(header, []string{"a1", "p1", "2026-07-02 09:00", "booked"})}
	if got := b.load(row); got.Quarantined != 1 {
		t.Fatalf("unknown mapping: %+v", got)
	}
	if got := b.load(intake.Record{Source: "desk", Format: intake.FormatMapping, Name: m.Name + ".yaml", ReceivedAt: received, Body: m.Text()}); got.Sum() != 0 {
		t.Errorf("a mapping is no input: %+v", got)
	}
	rep, err := b.in.Retry(context.Background(), QuarantineFilter{})
	must(t, err)
	if rep.Tried != 1 || rep.Released != 1 {
		t.Errorf("retry %+v", rep)
	}
	st, err := b.in.Status(context.Background())
	must(t, err)
	if st.Stored != 1 || st.Quarantined != 0 || b.count("SELECT count(*) FROM ver_appointment") != 1 {
		t.Errorf("after the retry %+v", st.Outcomes)
	}
	if rep, err = b.in.Retry(context.Background(), QuarantineFilter{}); err != nil || rep.Tried != 0 {
		t.Errorf("a second retry has nothing to do: %+v, %v", rep, err)
	}
}

// own gives a mapping of the site: a shipped one with a remark of its own.
func own(t *testing.T, name string) *csvmap.Mapping {
	t.Helper()
	for _, m := range csvmap.Shipped() {
		if m.Name == name {
			mine, err := csvmap.Load("ours.yaml", append([]byte("# ours\n"), m.Text()...))
			must(t, err)
			return mine
		}
	}
	t.Fatalf("no shipped mapping %s", name)
	return nil
}

// An erased person is gone from the store and the log, stays away when the log is read again, and is held back when the source
// sends more; the neighbours in the same Bundle stay.
func TestForget(t *testing.T) {
	b := newBench(t)
	bundle := fhirRecord(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + observationJSON("o1", "p1", "7.1", 1) + `},{"resource":` + observationJSON("o2", "p2", "6.5", 1) + `}]}`)
	b.load(fhirRecord(patientJSON("p1", "Quillfeather")), fhirRecord(patientJSON("p2", "Other")), bundle, fhirRecord(`{"resourceType":"Observation","id":"x","subject":{"reference":"Patient/p1"`))
	gone := b.keys.PatientToken("test", "ehr", "p1")
	if _, err := b.in.Forget(context.Background(), []models.PatientID{gone}); models.KindOf(err) != models.KindRefused {
		t.Fatalf("facts must not go before the keys: %v", err)
	}
	must(t, b.ledger.Erase(context.Background(), gone, "asked for", received))
	rep, err := b.in.Forget(context.Background(), []models.PatientID{gone})
	must(t, err)
	if rep.Facts != 2 || rep.Records != 3 {
		t.Errorf("forgot %+v, want 2 facts and 3 records", rep)
	}
	check := func(when string) {
		t.Helper()
		if n := b.count("SELECT count(*) FROM ver_observation"); n != 1 {
			t.Errorf("%s: %d observations, want the neighbour's", when, n)
		}
		if n := b.count("SELECT count(*) FROM subject"); n != 1 {
			t.Errorf("%s: %d patients, want the neighbour", when, n)
		}
		if n := b.count("SELECT count(*) FROM quarantine WHERE state = 'open'"); n != 0 {
			t.Errorf("%s: %d quarantined inputs are left", when, n)
		}
	}
	check("after the erasure")
	b.rebuild()
	b.load()
	check("after a rebuild")
	if got := b.load(fhirRecord(observationJSON("o9", "p1", "7.7", 1))); got != (models.Outcomes{Ignored: 1}) {
		t.Errorf("news of an erased person: %+v", got)
	}
	batch, err := b.log.Fetch(context.Background(), b.log.End()-1, 1<<20)
	must(t, err)
	if !batch.Records[0].Redacted || len(batch.Records[0].Body) != 0 {
		t.Error("the record about an erased person was kept in the log")
	}
}

// A withdrawal that a user enters has a place in the log, is in the ledger and among the facts, and is replayed.
func TestOwnConsentRecord(t *testing.T) {
	b := newBench(t)
	b.load(fhirRecord(patientJSON("p1", "A")))
	patient := b.keys.PatientToken("test", "ehr", "p1")
	at := models.Micros(received.UnixMicro())
	rec, err := ConsentRecord("7f0c", patient, models.ConsentEvent{Action: "revoked", Channel: "sms", Purpose: "any", Effective: models.TimeRange{Lo: at, Hi: at, Zoned: true}}, received)
	must(t, err)
	if got := b.load(rec, rec); got != (models.Outcomes{Stored: 1, Duplicate: 1}) {
		t.Fatalf("outcomes %+v", got)
	}
	check := func(when string) {
		t.Helper()
		s, err := b.ledger.ConsentInForce(context.Background(), []models.PatientID{patient}, "sms", "treatment", received.Add(time.Hour))
		if err != nil || s.State != ledger.ConsentRefused {
			t.Errorf("%s: %+v, %v", when, s, err)
		}
		if n := b.count("SELECT count(*) FROM ver_consent AS c JOIN subject AS s ON s.pid = c.pid JOIN ver_patient AS p ON p.pid = s.pid WHERE c.action = 'revoked'"); n != 1 {
			t.Errorf("%s: %d facts about the same patient", when, n)
		}
	}
	check("entered")
	b.rebuild()
	b.load()
	check("rebuilt")
	history, err := b.ledger.ConsentHistory(context.Background(), []models.PatientID{patient})
	if err != nil || len(history) != 1 {
		t.Errorf("%d statements after a replay, %v", len(history), err)
	}
}

// The identifiers of a Patient are in the vault and not in the store.
func TestIdentifiersGoToTheVault(t *testing.T) {
	b := newBench(t)
	b.load(fhirRecord(patientJSON("p1", "Quillfeather")))
	id := b.keys.PatientToken("test", "ehr", "p1")
	ref, err := b.ledger.AppendAudit(context.Background(), ledger.AuditEntry{Actor: "test", Purpose: "treatment", Action: "patient.show", Subjects: []models.PatientID{id}})
	must(t, err)
	records, err := b.ledger.Identity(context.Background(), ref, id)
	if err != nil || len(records) != 1 || records[0].Identity.Names[0].Family != "Quillfeather" {
		t.Fatalf("vault: %+v, %v", records, err)
	}
	if n := b.count("SELECT count(*) FROM ver_patient AS p WHERE contains(CAST(p AS VARCHAR), 'Quillfeather') OR contains(CAST(p AS VARCHAR), '5550100')"); n != 0 {
		t.Error("an identifier is in the analytics store")
	}
	found, err := b.ledger.FindByIdentifier(context.Background(), ledger.ByPhone, "(802) 555-0100")
	if err != nil || len(found) != 1 || found[0] != id {
		t.Errorf("found %v, %v", found, err)
	}
}

// A store that has read further than the log goes is refused: the log was cut or replaced.
func TestStoreAheadOfTheLog(t *testing.T) {
	b := newBench(t)
	b.load(fhirRecord(patientJSON("p1", "A")))
	must(t, b.store.Ingest(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE position SET next_offset = 99 WHERE log = 'intake'")
		return err
	}))
	if _, err := New(context.Background(), b.store, b.ledger, b.log, Options{Tenant: "test"}); models.KindOf(err) != models.KindCorruption {
		t.Errorf("want a refusal, got %v", err)
	}
}
