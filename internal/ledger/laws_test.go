package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

// The rule of consent as a lawyer would write it, without any cleverness: a person may be contacted when some grant that applies
// has begun and not run out, and every revocation and expiry that applies and may have begun was surely over before that grant
// began. Otherwise a revocation that may have begun refuses.
func lawyersRule(statements []Consent, channel, purpose string, now models.Micros) ConsentState {
	applies := func(c models.ConsentEvent) bool {
		return (c.Channel == channel || c.Channel == "any") && (c.Purpose == purpose || c.Purpose == "any") && c.Effective.Lo <= now
	}
	state := ConsentNone
	for _, g := range statements {
		grant := g.Consent
		if !applies(grant) || grant.Action != "granted" {
			continue
		}
		if grant.Expires != nil && *grant.Expires <= now {
			state = ConsentExpired
			continue
		}
		undone := false
		for _, o := range statements {
			if c := o.Consent; applies(c) && c.Action != "granted" && c.Effective.Hi >= grant.Effective.Lo {
				undone = true
			}
		}
		if !undone {
			return ConsentGranted
		}
	}
	for _, o := range statements {
		if !applies(o.Consent) || o.Consent.Action == "granted" {
			continue
		}
		if o.Consent.Action == "revoked" {
			return ConsentRefused
		}
		state = ConsentExpired
	}
	return state
}

// The fold over statements says what the rule says, for any statements and any instant.
func TestStandingFollowsTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		people := grouped(drawStatements(rt))
		for hour := time.Duration(-1); hour < 8; hour++ {
			for _, channel := range []string{"sms", "voice", "mail"} {
				for _, statements := range people {
					got, row := standing(statements, channel, "care_gap", at(hour))
					if want := lawyersRule(statements, channel, "care_gap", at(hour)); got != want {
						rt.Fatalf("%s at hour %d is %s, the rule says %s", channel, hour, got, want)
					}
					if (row == 0) != (got == ConsentNone) {
						rt.Fatalf("%s is decided by row %d", got, row)
					}
				}
			}
		}
	})
}

// What is read back through the database is what the fold was shown.
func TestStoredConsentsJudgeAlike(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	round := byte(0)
	rapid.Check(t, func(rt *rapid.T) {
		round++
		rows := drawStatements(rt)
		tokens := []models.PatientID{{0: 1, 1: round}, {0: 2, 1: round}}
		for i := range rows {
			rows[i].Event[1], rows[i].Ent[1] = round, round
			rows[i].Patient = tokens[rows[i].Patient[0]-1]
		}
		want := strictest(grouped(rows), "sms", "care_gap", at(3))
		if _, err := l.PutConsents(t.Context(), rows); err != nil {
			rt.Fatal(err)
		}
		got := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), tokens, "sms", "care_gap", noon.Add(3*time.Hour)))
		if got.State != want.State {
			rt.Fatalf("stored: %s, in memory: %s", got.State, want.State)
		}
	})
}

// naive filters audit rows the slow way.
func naive(rows []AuditRow, subjects map[int64][]models.PatientID, f AuditFilter) (out []int64) {
	for _, r := range rows {
		action := f.Action == "" || f.Action == r.Action || strings.HasSuffix(f.Action, ".") && strings.HasPrefix(r.Action, f.Action)
		if action && (f.Actor == "" || f.Actor == r.Actor) && (f.Purpose == "" || f.Purpose == r.Purpose) &&
			(f.Subject == nil || slices.Contains(subjects[r.Seq], *f.Subject)) &&
			(f.From.IsZero() || !r.At.Before(f.From)) && (f.To.IsZero() || r.At.Before(f.To)) {
			out = append(out, r.Seq)
		}
	}
	return out
}

// Searching finds what reading everything and looking would find, page by page.
func TestSearchAuditAgainstReadingAll(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	o, tick := h.options(t), noon
	o.Now = func() time.Time { return tick }
	l := must[*Ledger](t)(Open(t.Context(), o))
	defer l.Close()
	subjects := map[int64][]models.PatientID{}
	rapid.Check(t, func(rt *rapid.T) {
		tick = tick.Add(time.Minute)
		e := AuditEntry{Actor: rapid.SampledFrom([]string{"ada", "bob"}).Draw(rt, "actor"), Purpose: rapid.SampledFrom([]string{"", "treatment"}).Draw(rt, "purpose"),
			Action: rapid.SampledFrom([]string{"list.show", "list.export", "listing", "patient.show"}).Draw(rt, "action")}
		for range rapid.IntRange(0, 3).Draw(rt, "subjects") {
			e.Subjects = append(e.Subjects, token(byte(rapid.IntRange(1, 4).Draw(rt, "subject"))))
		}
		ref, err := l.AppendAudit(t.Context(), e)
		if err != nil {
			rt.Fatal(err)
		}
		subjects[ref.Seq()] = e.Subjects
		all := must[AuditPage](t)(l.SearchAudit(t.Context(), AuditFilter{Limit: 10_000}))
		f := AuditFilter{Actor: rapid.SampledFrom([]string{"", "ada", "eve"}).Draw(rt, "by"), Purpose: rapid.SampledFrom([]string{"", "treatment"}).Draw(rt, "for"),
			Action: rapid.SampledFrom([]string{"", "list.", "list.show", "patient."}).Draw(rt, "doing")}
		if rapid.Bool().Draw(rt, "about one") {
			id := token(byte(rapid.IntRange(1, 5).Draw(rt, "about")))
			f.Subject = &id
		}
		if rapid.Bool().Draw(rt, "between") {
			f.From = noon.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "from")) * time.Minute)
			f.To = f.From.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "minutes")) * time.Minute)
		}
		want := naive(all.Rows, subjects, f)
		f.Limit = rapid.IntRange(1, 5).Draw(rt, "page")
		var got []int64
		for {
			page := must[AuditPage](t)(l.SearchAudit(t.Context(), f))
			if page.Total != len(want) {
				rt.Fatalf("total %d, want %d", page.Total, len(want))
			}
			if len(page.Rows) == 0 {
				break
			}
			for _, r := range page.Rows {
				got = append(got, r.Seq)
			}
			f.Offset += f.Limit
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%+v finds %v, want %v", f, got, want)
		}
	})
}

// Two people who are added at once with the same unix user id: one of them is refused, whoever comes first.
func TestOnlyOneUserPerUID(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	var wg sync.WaitGroup
	var added, refused atomic.Int32
	for i := range 8 {
		wg.Go(func() {
			err := l.AddUser(t.Context(), User{ID: models.UserID(fmt.Sprint("u", i)), Name: "N", UID: ptr(1000), Role: "quality"})
			switch {
			case err == nil:
				added.Add(1)
			case models.KindOf(err) == models.KindRefused:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if added.Load() != 1 || refused.Load() != 7 {
		t.Errorf("%d added, %d refused", added.Load(), refused.Load())
	}
	if report := must[ScrubReport](t)(l.Scrub(t.Context())); report.Rows["user"] != 1 {
		t.Errorf("%d users", report.Rows["user"])
	}
}

// Writes from many goroutines are counted one by one, and entered values keep one order.
func TestConcurrentWritesAreCounted(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	before := must[int64](t)(l.Seq(t.Context()))
	var wg sync.WaitGroup
	for w := range 5 {
		wg.Go(func() {
			for i := range 6 {
				if err := l.SetSetting(t.Context(), fmt.Sprintf("s%d", w), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
				if _, _, err := l.PutKPIValues(t.Context(), []KPIValue{entered(KPITarget, models.KPIID(fmt.Sprint("k", w)), june.AddDays(i), "1")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if after := must[int64](t)(l.Seq(t.Context())); after != before+60 {
		t.Errorf("sequence went from %d to %d, want 60 more", before, after)
	}
	history := must[[]KPIValue](t)(l.KPIHistory(t.Context(), ""))
	if len(history) != 30 {
		t.Errorf("%d values", len(history))
	}
	for i, v := range history {
		if v.Seq != int64(i+1) {
			t.Errorf("value %d has number %d", i+1, v.Seq)
		}
	}
	must[ScrubReport](t)(l.Scrub(t.Context()))
}

// The content of a value set gives back its codes, whatever characters they hold.
func FuzzValueSetContent(f *testing.F) {
	f.Add(sct, "1", "2")
	f.Add("urn:oid:1.2", "a|b", "é")
	f.Add("x", "1\n", "")
	f.Fuzz(func(t *testing.T, system, a, b string) {
		v := ValueSet{OID: "1.1", Codes: []Coding{{system, a}, {system, b}, {system, a}}}
		content, n, err := v.content()
		if err != nil {
			wantKind(t, err, models.KindInvalid)
			return
		}
		got := map[Coding]bool{}
		for line := range strings.Lines(string(content)) {
			system, code := models.SplitCode(strings.TrimSuffix(line, "\n"))
			got[Coding{system, code}] = true
		}
		if want := map[Coding]bool{{system, a}: true, {system, b}: true}; len(got) != n || len(got) != len(want) || !got[Coding{system, a}] || !got[Coding{system, b}] {
			t.Errorf("%q comes back as %v", v.Codes, got)
		}
	})
}
