package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/internal/ledger"
	"carereach/models"
	"carereach/reports"
)

// loaded is a site with the made-up clinic in it and one published run.
func loaded(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	s.analyze()
	return s
}

// What was set aside is listed by reason, shown without its content, and with its content for a purpose only, which is audited.
func TestQuarantineVerbs(t *testing.T) {
	s := loaded(t)
	var list Quarantine
	s.do("ingest.dlq.list", DLQArgs{State: "open"}, &list)
	if list.Total != 5 || list.Shown != 5 {
		t.Fatalf("%d of %d rows, want the five broken lines of the clinic", list.Shown, list.Total)
	}
	var one Quarantine
	s.do("ingest.dlq.list", DLQArgs{Reason: models.ReasonBadTime}, &one)
	if one.Total != 1 || one.Rows[0].Place == "" || one.Rows[0].Mend == "" {
		t.Errorf("by reason: %+v", one)
	}
	var shown DLQShown
	s.do("ingest.dlq.show", DLQArgs{ID: one.Rows[0].ID}, &shown)
	if shown.Content != "" {
		t.Error("the content is shown without being asked for")
	}
	if _, err := s.try("ingest.dlq.show", DLQArgs{ID: one.Rows[0].ID, Content: true}, nil); models.KindOf(err) != models.KindUsage {
		t.Errorf("content without a purpose: %v", err)
	}
	s.do("ingest.dlq.show", DLQArgs{ID: one.Rows[0].ID, Content: true, Purpose: "operations"}, &shown)
	if !strings.Contains(shown.Content, "2026-02-30") {
		t.Errorf("the content is not what came in: %q", shown.Content)
	}
	var audit AuditList
	s.do("audit.search", AuditArgs{Action: "ingest.dlq.content"}, &audit)
	if audit.Total != 1 || audit.Rows[0].Purpose != "operations" {
		t.Errorf("audit rows of the content shown: %+v", audit)
	}
	var retried Retried
	s.do("ingest.dlq.retry", DLQArgs{}, &retried)
	if retried.Tried != 5 || retried.Kept != 5 || retried.Released != 0 {
		t.Errorf("lines that are as broken as before: %+v", retried)
	}
	if _, err := s.try("ingest.dlq.show", DLQArgs{ID: 999}, nil); models.KindOf(err) != models.KindNotFound {
		t.Errorf("a row that is not there: %v", err)
	}
}

// A target counts from the day it is set for; a value entered after a run waits for the next one, and the answer says so.
func TestGoalsTakePartInTheNextRun(t *testing.T) {
	s := loaded(t)
	rate := func() (reports.KPIValue, bool) {
		var list KPIList
		s.do("kpi.list", KPIArgs{}, &list)
		for _, k := range list.Rows {
			if k.ID == "no_show_rate" {
				return k, list.Outdated
			}
		}
		t.Fatal("no no-show rate")
		return reports.KPIValue{}, false
	}
	if k, old := rate(); k.Target != nil || k.Value == nil || old {
		t.Fatalf("before: %+v, outdated %v", k, old)
	}
	s.do("kpi.goal", GoalArgs{Kind: ledger.KPITarget, KPI: "no_show_rate", Value: "0.10", From: models.NewDate(2026, 1, 1), Note: "board"}, nil)
	if k, old := rate(); k.Target != nil || !old {
		t.Errorf("a published run is judged by what came later: %+v, outdated %v", k.Target, old)
	}
	first, _ := rate()
	s.analyze()
	if k, old := rate(); k.Target == nil || old || k.Value.Cmp(*first.Value) != 0 {
		t.Errorf("after the next run: target %v, value %v, outdated %v", k.Target, k.Value, old)
	}
	for name, bad := range map[string]GoalArgs{
		"percent":  {Kind: ledger.KPITarget, KPI: "no_show_rate", Value: "10"},
		"no kind":  {Kind: ledger.KPIImport, KPI: "no_show_rate", Value: "0.1"},
		"no value": {Kind: ledger.KPITarget, KPI: "no_show_rate", Value: "ten"},
	} {
		if _, err := s.try("kpi.goal", bad, nil); models.KindOf(err) != models.KindUsage && models.KindOf(err) != models.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list says how many rows it left out; an identified one needs a purpose, names everybody in its audit row, and starts with who
// the patient is.
func TestLists(t *testing.T) {
	s := loaded(t)
	args := GapsArgs{}
	args.Status, args.Limit = models.GapOpen, 3
	var page GapPage
	s.do("gaps.list", args, &page)
	if page.Shown != 3 || page.Total <= 3 || len(page.Rows) != 3 {
		t.Errorf("%d of %d rows", page.Shown, page.Total)
	}
	for name, bad := range map[string]ListArgs{"format": {Format: "pdf"}, "purpose": {Format: "csv", Identified: true}, "unknown purpose": {Format: "csv", Identified: true, Purpose: "curiosity"}} {
		out, err := s.try("gaps.list", GapsArgs{ListArgs: bad}, nil)
		if models.KindOf(err) != models.KindUsage || out.Len() > 0 {
			t.Errorf("%s: %d bytes, %v", name, out.Len(), err)
		}
	}
	args.Limit = 0
	args.ListArgs = ListArgs{Format: "csv", Identified: true, Purpose: "operations"}
	var written Exported
	file := s.do("gaps.list", args, &written)
	lines := strings.Split(strings.TrimSpace(file.String()), "\r\n")
	if int64(len(lines)-1) != written.Shown || written.Shown != page.Total || !strings.HasPrefix(lines[0], "name,record_number,phone") {
		t.Errorf("%d lines, %+v, heading %.40s", len(lines), written, lines[0])
	}
	if !strings.Contains(file.String(), "MRN-") {
		t.Error("an identified list names nobody")
	}
	var audit AuditList
	s.do("audit.search", AuditArgs{Action: "gaps.list", Purpose: "operations", Token: page.Rows[0].Patient}, &audit)
	if audit.Total < 1 || audit.Rows[0].Subjects < 2 {
		t.Errorf("the audit row does not name the patients of the list: %+v", audit.Rows)
	}
	var counts GapCounts
	s.do("gaps.list", GapsArgs{Count: true}, &counts)
	var sum int64
	for _, r := range counts.Rows {
		sum += r.N
	}
	if sum != counts.Total || sum == 0 {
		t.Errorf("counts add up to %d of %d", sum, counts.Total)
	}
}

// What cannot be done says why, by kind; nothing is written.
func TestRefusals(t *testing.T) {
	s := newSite(t)
	early := models.NewDate(2020, 1, 1)
	for name, c := range map[string]struct {
		verb string
		args any
		want models.Kind
	}{
		"no run":          {"measure.list", AsOfArgs{AsOf: &early}, models.KindNotFound},
		"unknown report":  {"report.build", ReportArgs{Name: "weather"}, models.KindUsage},
		"bad source name": {"ingest.file", IngestArgs{Source: "My Source"}, models.KindUsage},
		"broken mapping":  {"ingest.file", IngestArgs{MappingName: "m.yaml", Mapping: "colums: x"}, models.KindConfig},
		"no KPI file":     {"kpi.import", None{}, models.KindUsage},
		"bad token":       {"patient.show", PatientArgs{Token: "zz", Purpose: "treatment"}, models.KindUsage},
		"user without id": {"user.add", UserArgs{ID: "Not Valid", Token: true}, models.KindUsage},
		"user no proof":   {"user.add", UserArgs{ID: "bob", Name: "Bob"}, models.KindUsage},
		"disable oneself": {"user.disable", UserArgs{ID: "tester"}, models.KindRefused},
		"nothing to find": {"patient.find", FindArgs{By: ledger.ByPhone, Purpose: "treatment"}, models.KindUsage},
	} {
		if out, err := s.try(c.verb, c.args, nil); models.KindOf(err) != c.want || err == nil || out.Len() > 0 {
			t.Errorf("%s: %d bytes, %v; want kind %s", name, out.Len(), err, c.want)
		}
	}
}

// A load that stopped for its quarantine is not taken by the next verb, until the operator accepts it; and without the
// backup key there is no backup.
func TestStoppedLoadStaysStopped(t *testing.T) {
	s := newSite(t)
	bad := content{"feed.ndjson", strings.Repeat(`{"resourceType":"Observation","status":"final"}`+"\n", 1) + manyBad(150)}
	if _, err := s.try("ingest.file", IngestArgs{}, nil, bad); models.KindOf(err) != models.KindQuality {
		t.Fatalf("a feed of broken lines: %v", err)
	}
	s.close()
	var st IngestStatus
	s.do("ingest.status", None{}, &st)
	if st.Read != 0 || st.Quarantined != 0 || st.End == 0 {
		t.Errorf("the next verb took what was stopped: %+v", st)
	}
	var res IngestResult
	s.do("ingest.file", IngestArgs{AcceptQuarantine: true}, &res)
	if res.Pending.Quarantined != 151 {
		t.Errorf("accepted by the operator: %+v", res.Pending)
	}
	must(t, os.Remove(filepath.Join(s.keys, backupKeyFile)))
	if out, err := s.try("backup.create", None{}, nil); models.KindOf(err) != models.KindConfig || out.Len() > 0 {
		t.Errorf("a backup without its key: %v", err)
	}
}

// manyBad gives n different lines without a subject.
func manyBad(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`{"resourceType":"Observation","id":"n` + strings.Repeat("x", i+1) + `","status":"final"}` + "\n")
	}
	return b.String()
}
