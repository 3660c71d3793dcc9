package app

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/internal/store"
	"carereach/models"
)

// shared opens a file of the third-party data, plain or gzip; the test skips where it is absent.
func shared(t *testing.T, parts ...string) io.Reader {
	t.Helper()
	path := filepath.Join(append([]string{sharedData(t)}, parts...)...)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("third-party data are not here: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	must(t, err)
	return z
}

// sharedFiles gives the files of one of its folders.
func sharedFiles(t *testing.T, folder string) []content {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(sharedData(t), folder))
	if err != nil {
		t.Skipf("third-party data are not here: %v", err)
	}
	var out []content
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(sharedData(t), folder, e.Name()))
		must(t, err)
		out = append(out, content{e.Name(), string(b)})
	}
	return out
}

// resource is what the independent count reads of a FHIR resource.
type resource struct {
	ResourceType, ID, Status, BirthDate string
	Class                               struct{ Code string }
	Subject                             struct{ Reference string }
	Period, PerformedPeriod             struct{ Start, End string }
	Code                                struct {
		Coding []struct{ System, Code string }
	}
}

// resources reads the lines of the folder's files of one type.
func resources(t *testing.T, files []content, name string) []resource {
	t.Helper()
	var out []resource
	for _, f := range files {
		if !strings.HasPrefix(f.name, name+".") {
			continue
		}
		s := bufio.NewScanner(strings.NewReader(string(gunzip(t, f.body))))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			var r resource
			must(t, json.Unmarshal(s.Bytes(), &r))
			out = append(out, r)
		}
	}
	return out
}

// colonoscopies counts by hand, from the files alone: the patients of 45 to 75 with a visit in 24 months, and for each who had one
// in ten years the latest colonoscopy.
func colonoscopies(t *testing.T, files []content) (eligible int, latest map[string]string) {
	t.Helper()
	codes := map[string]bool{}
	r := csv.NewReader(shared(t, "measure-packages", "edition-2025", "valuesets.csv.gz"))
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		must(t, err)
		if rec[0] == "2.16.840.1.113883.3.464.1003.108.12.1020" {
			codes[rec[3]+"|"+rec[4]] = true
		}
	}
	visited := map[string]bool{}
	for _, e := range resources(t, files, "Encounter") {
		if e.Status == "finished" && e.Class.Code == "AMB" && e.Period.Start[:10] > "2019-04-01" && e.Period.Start[:10] <= "2021-04-01" {
			visited[e.Subject.Reference] = true
		}
	}
	when := map[string]string{}
	latest = map[string]string{}
	in := map[string]bool{}
	for _, p := range resources(t, files, "Patient") {
		if p.BirthDate > "1945-04-01" && p.BirthDate <= "1976-04-01" && visited["Patient/"+p.ID] {
			in["Patient/"+p.ID] = true
		}
	}
	for _, p := range resources(t, files, "Procedure") {
		for _, c := range p.Code.Coding {
			end := p.PerformedPeriod.End
			if codes[c.System+"|"+c.Code] && p.Status == "completed" && in[p.Subject.Reference] && end[:10] > "2011-04-01" && end[:10] <= "2021-04-01" && end > when[p.Subject.Reference] {
				when[p.Subject.Reference], latest[p.Subject.Reference] = end, p.ID
			}
		}
	}
	return len(in), latest
}

// The main job on real input: every resource has one outcome, every eligible patient with a colonoscopy in time is closed by
// that very resource, and what no source sends says so.
func TestSyntheaMainJob(t *testing.T) {
	files := sharedFiles(t, "fhir-synthea-20")
	eligible, latest := colonoscopies(t, files)
	if eligible != 9 || len(latest) != 6 {
		t.Fatalf("the independent count finds %d eligible and %d with a colonoscopy; by hand 9 and 6", eligible, len(latest))
	}
	s := newSite(t)
	sets, err := io.ReadAll(shared(t, "measure-packages", "edition-2025", "valuesets.csv.gz"))
	must(t, err)
	s.do("valueset.load", None{}, nil, content{"valuesets.csv", string(sets)})
	var res IngestResult
	s.do("ingest.file", IngestArgs{}, &res, files...)
	if res.Outcomes != (models.Outcomes{Stored: 5114, Ignored: 98}) {
		t.Errorf("outcomes %+v", res.Outcomes)
	}
	asOf := models.NewDate(2021, 4, 1)
	s.do("analyze", AnalyzeArgs{AsOf: asOf}, nil)
	var page GapPage
	args := GapsArgs{}
	args.Measure = "colorectal_screening"
	s.do("gaps.list", args, &page)
	keys := s.open().Ledger.Keys()
	want := map[string]string{} // by token: the evidence
	for patient, procedure := range latest {
		want[keys.PatientToken("test", "files", strings.TrimPrefix(patient, "Patient/")).String()] = keys.Entity("test", "files", "Procedure", procedure).String()
	}
	closed := 0
	for _, g := range page.Rows {
		if g.Status == "closed" && g.ClosedBy == "care" {
			closed++
			if want[g.Patient] != g.Evidence {
				t.Errorf("a gap is closed by another resource than the latest colonoscopy in time")
			}
		} else if want[g.Patient] != "" {
			t.Errorf("a patient with a colonoscopy in time has status %s", g.Status)
		}
	}
	if int(page.Total) != eligible || closed != len(latest) {
		t.Errorf("%d gap rows, %d closed by care; want %d and %d", page.Total, closed, eligible, len(latest))
	}
	s.saysWhatIsNotThere(t)
}

// saysWhatIsNotThere checks that what these data cannot give is said in words.
func (s *site) saysWhatIsNotThere(t *testing.T) {
	t.Helper()
	var kpis KPIList
	s.do("kpi.list", KPIArgs{}, &kpis)
	for _, k := range kpis.Rows {
		if k.ID == "no_show_rate" && (k.Value != nil || !strings.Contains(k.Reason, "no source sends appointments")) {
			t.Errorf("no-show rate: value %v, reason %q", k.Value, k.Reason)
		}
	}
	var measures MeasureList
	s.do("measure.list", AsOfArgs{}, &measures)
	for _, m := range measures.Rows {
		if m.ID == "breast_screening" && (m.Supply != 0 || !strings.Contains(m.SupplyNote, "no source ever sent")) {
			t.Errorf("breast screening: supply %d, note %q", m.Supply, m.SupplyNote)
		}
	}
	args := GapsArgs{}
	args.Measure, args.Status = "breast_screening", models.GapOpen
	var open GapPage
	s.do("gaps.list", args, &open)
	for _, g := range open.Rows {
		if g.Reason != string(models.ReasonNotFound) {
			t.Errorf("an open breast gap has reason %s", g.Reason)
		}
	}
	if open.Total == 0 {
		t.Error("no open breast gap")
	}
}

// sumOf adds a column of a CSV file as exact decimals, rounded per row to cents as the mapping says.
func sumOf(t *testing.T, r io.Reader, column string, when func(map[string]string) bool) *big.Rat {
	t.Helper()
	in := csv.NewReader(r)
	head, err := in.Read()
	must(t, err)
	sum := new(big.Rat)
	for {
		rec, err := in.Read()
		if err == io.EOF {
			return sum
		}
		must(t, err)
		row := map[string]string{}
		for i, h := range head {
			row[strings.ToUpper(h)] = rec[i]
		}
		if row[column] == "" || !when(row) {
			continue
		}
		v, ok := new(big.Rat).SetString(row[column])
		if !ok {
			t.Fatalf("column %s holds no number", column)
		}
		cents, ok := new(big.Rat).SetString(v.FloatString(2))
		if !ok {
			t.Fatal("no cents")
		}
		sum.Add(sum, cents)
	}
}

func anyRow(map[string]string) bool { return true }

// Claims loaded by mapping file add up in the store to what the source says, to the cent.
func TestClaimsEqualTheSource(t *testing.T) {
	s := newSite(t)
	var res IngestResult
	s.do("ingest.file", IngestArgs{}, &res, sharedFiles(t, "claims-tuva")...)
	if res.Quarantined != 0 || res.Sum() != 219+6075+612 {
		t.Errorf("outcomes %+v", res.Outcomes)
	}
	want := sumOf(t, shared(t, "claims-tuva", "medical_claim_sample.csv.gz"), "PAID_AMOUNT", anyRow)
	want.Add(want, sumOf(t, shared(t, "claims-tuva", "pharmacy_claim_sample.csv"), "PAID_AMOUNT", anyRow))
	if got := s.amount("SELECT CAST(sum(paid) AS VARCHAR) FROM cur_claim"); got.Cmp(want) != 0 {
		t.Errorf("paid %s, the source says %s", got.FloatString(4), want.FloatString(4))
	}
	other := newSite(t)
	other.do("ingest.file", IngestArgs{}, &res, sharedFiles(t, "synthea-csv-27")...)
	if res.Quarantined != 0 {
		t.Errorf("synthea: outcomes %+v", res.Outcomes)
	}
	charged := sumOf(t, shared(t, "synthea-csv-27", "claims_transactions.csv.gz"), "AMOUNT", func(row map[string]string) bool { return row["TYPE"] == "CHARGE" })
	if got := other.amount("SELECT CAST(sum(billed) AS VARCHAR) FROM cur_claim"); got.Cmp(charged) != 0 {
		t.Errorf("billed %s, the source says %s", got.FloatString(4), charged.FloatString(4))
	}
}

// amount reads one exact decimal.
func (s *site) amount(query string) *big.Rat {
	s.t.Helper()
	var text string
	must(s.t, s.open().Store.Read(context.Background(), func(tx *store.Tx) error { return tx.QueryRow(context.Background(), query).Scan(&text) }))
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		s.t.Fatalf("%q is no amount", text)
	}
	return v
}
