package ledger

import (
	"slices"
	"testing"
	"time"

	"carereach/models"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// consent makes statement n about a patient, made so many hours after noon.
func consent(n, patient byte, action, channel, purpose string, hours time.Duration) ConsentRow {
	return ConsentRow{Event: eventID(n), Patient: token(patient), Ent: entity(n), Source: "portal", Order: order(int64(n)),
		Consent: models.ConsentEvent{Action: action, Channel: channel, Purpose: purpose, Basis: "written", Effective: point(hours)}}
}

func until(r ConsentRow, hours time.Duration) ConsentRow {
	end := at(hours)
	r.Consent.Expires = &end
	return r
}

func onDay(r ConsentRow) ConsentRow {
	day := models.DateOf(noon)
	r.Consent.Effective = models.TimeRange{Lo: models.Micros(day.Time().UnixMicro()), Hi: models.Micros(day.AddDays(1).Time().UnixMicro()) - 1000}
	return r
}

// One case per rule of precedence: what a person said decides, and doubt never leads to a message.
func TestConsentInForce(t *testing.T) {
	t.Parallel()
	version := func(r ConsentRow, ent byte, v int64) ConsentRow {
		r.Ent, r.Order = entity(ent), order(v)
		return r
	}
	retracted := func(r ConsentRow) ConsentRow {
		r.Retracted = true
		return r
	}
	for name, c := range map[string]struct {
		rows  []ConsentRow
		state ConsentState
		row   int64
	}{
		"nobody ever said anything":                    {nil, ConsentNone, 0},
		"granted":                                      {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 0)}, ConsentGranted, 1},
		"granted for all channels and purposes":        {[]ConsentRow{consent(1, 1, "granted", "any", "any", 0)}, ConsentGranted, 1},
		"granted for another channel":                  {[]ConsentRow{consent(1, 1, "granted", "email", "care_gap", 0)}, ConsentNone, 0},
		"granted for another purpose":                  {[]ConsentRow{consent(1, 1, "granted", "sms", "marketing", 0)}, ConsentNone, 0},
		"granted from tomorrow":                        {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 24)}, ConsentNone, 0},
		"granted, then stopped":                        {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 0), consent(2, 1, "revoked", "sms", "care_gap", 1)}, ConsentRefused, 2},
		"granted, then stopped from tomorrow":          {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 0), consent(2, 1, "revoked", "sms", "care_gap", 24)}, ConsentGranted, 1},
		"granted, then stopped altogether":             {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 0), consent(2, 1, "revoked", "any", "any", 1)}, ConsentRefused, 2},
		"granted, then another channel stopped":        {[]ConsentRow{consent(1, 1, "granted", "sms", "care_gap", 0), consent(2, 1, "revoked", "voice", "any", 1)}, ConsentGranted, 1},
		"stopped, then granted anew":                   {[]ConsentRow{consent(1, 1, "revoked", "any", "any", 0), consent(2, 1, "granted", "sms", "care_gap", 1)}, ConsentGranted, 2},
		"stopped and granted at the same instant":      {[]ConsentRow{consent(1, 1, "revoked", "sms", "care_gap", 0), consent(2, 1, "granted", "sms", "care_gap", 0)}, ConsentRefused, 1},
		"stopped and granted on the same day":          {[]ConsentRow{onDay(consent(1, 1, "revoked", "sms", "any", 0)), onDay(consent(2, 1, "granted", "sms", "any", 0))}, ConsentRefused, 1},
		"granted an hour after a stop of unknown time": {[]ConsentRow{onDay(consent(1, 1, "revoked", "sms", "any", 0)), consent(2, 1, "granted", "sms", "any", 1)}, ConsentRefused, 1},
		"the stop arrives first but was made later":    {[]ConsentRow{consent(2, 1, "revoked", "sms", "any", 1), consent(1, 1, "granted", "sms", "any", 0)}, ConsentRefused, 1},
		"granted until later":                          {[]ConsentRow{until(consent(1, 1, "granted", "sms", "any", 0), 3)}, ConsentGranted, 1},
		"granted until now":                            {[]ConsentRow{until(consent(1, 1, "granted", "sms", "any", 0), 2)}, ConsentExpired, 1},
		"expired":                                      {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 1, "expired", "sms", "any", 1)}, ConsentExpired, 2},
		"expired, then granted anew":                   {[]ConsentRow{consent(1, 1, "expired", "sms", "any", 0), consent(2, 1, "granted", "sms", "any", 1)}, ConsentGranted, 2},
		"stopped, granted for a time that has run out": {[]ConsentRow{consent(1, 1, "revoked", "sms", "any", 0), until(consent(2, 1, "granted", "sms", "any", 1), 2)}, ConsentRefused, 1},
		"stopped, then expired":                        {[]ConsentRow{consent(1, 1, "revoked", "sms", "any", 0), consent(2, 1, "expired", "sms", "any", 1)}, ConsentRefused, 1},
		"the grant was corrected to a stop":            {[]ConsentRow{version(consent(1, 1, "granted", "sms", "any", 0), 7, 1), version(consent(2, 1, "revoked", "sms", "any", 0), 7, 2)}, ConsentRefused, 2},
		"the same, older version last":                 {[]ConsentRow{version(consent(2, 1, "revoked", "sms", "any", 0), 7, 2), version(consent(1, 1, "granted", "sms", "any", 1), 7, 1)}, ConsentRefused, 1},
		"the stop was entered in error":                {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 1, "revoked", "sms", "any", 1), version(retracted(consent(3, 1, "revoked", "sms", "any", 1)), 2, 3)}, ConsentGranted, 1},
		"the grant was entered in error":               {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 0), version(retracted(consent(3, 1, "granted", "sms", "any", 0)), 1, 3)}, ConsentNone, 0},
		"another token of the person stopped":          {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 1), consent(2, 2, "revoked", "sms", "any", 0)}, ConsentRefused, 2},
		"another token of the person granted":          {[]ConsentRow{consent(2, 2, "granted", "sms", "any", 0)}, ConsentGranted, 1},
		"expired for one token, granted for the other": {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 0), until(consent(2, 2, "granted", "sms", "any", 0), 1)}, ConsentGranted, 1},
		"somebody else stopped":                        {[]ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 3, "revoked", "sms", "any", 1)}, ConsentGranted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			must[PutCount](t)(l.PutConsents(t.Context(), c.rows))
			tokens := []models.PatientID{token(2), token(1)}
			got := must[ConsentStanding](t)(l.ConsentInForce(t.Context(), tokens, "sms", "care_gap", noon.Add(2*time.Hour)))
			if want := (ConsentStanding{"sms", "care_gap", c.state, c.row}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			all := must[[]ConsentStanding](t)(l.ConsentsInForce(t.Context(), tokens, noon.Add(2*time.Hour)))
			if len(all) != 24 || !slices.Contains(all, got) {
				t.Errorf("%d standings, with this one: %v", len(all), slices.Contains(all, got))
			}
		})
	}
}

func drawStatements(t *rapid.T) []ConsentRow {
	var rows []ConsentRow
	for i := range rapid.IntRange(0, 8).Draw(t, "statements") {
		r := consent(byte(i+1), byte(rapid.IntRange(1, 2).Draw(t, "patient")), rapid.SampledFrom(consentActions).Draw(t, "action"),
			rapid.SampledFrom([]string{"sms", "voice", "any"}).Draw(t, "channel"), rapid.SampledFrom([]string{"care_gap", "survey", "any"}).Draw(t, "purpose"), time.Duration(rapid.IntRange(0, 4).Draw(t, "hour")))
		if r.Consent.Action == "granted" && rapid.Bool().Draw(t, "ends") {
			r = until(r, time.Duration(rapid.IntRange(0, 6).Draw(t, "end")))
		}
		if rapid.Bool().Draw(t, "vague") {
			r.Consent.Effective.Hi += 3600_000_000
		}
		rows = append(rows, r)
	}
	return rows
}

// grouped gives the statements the way the ledger reads them, by token.
func grouped(rows []ConsentRow) [][]Consent {
	var records [2][]consentRecord
	for i, r := range rows {
		p := r.Patient[0] - 1
		records[p] = append(records[p], consentRecord{Consent: Consent{ID: int64(i + 1), ConsentRow: r}, ord: r.Order.bytes()})
	}
	return [][]Consent{winners(records[0]), winners(records[1])}
}

// Laws of precedence: order of arrival is nothing, a stop always stops, silence is no consent, and more tokens of a person never
// soften a refusal.
func TestConsentLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawStatements(t)
		now := at(time.Duration(rapid.IntRange(0, 7).Draw(t, "now")))
		people := grouped(rows)
		got := strictest(people, "sms", "care_gap", now)
		if shuffled := strictest(grouped(rapid.Permutation(rows).Draw(t, "shuffled")), "sms", "care_gap", now); shuffled.State != got.State {
			t.Fatalf("order of arrival changes %s to %s", got.State, shuffled.State)
		}
		if swapped := strictest([][]Consent{people[1], people[0]}, "sms", "care_gap", now); swapped.State != got.State {
			t.Fatalf("order of tokens changes %s to %s", got.State, swapped.State)
		}
		for _, p := range people {
			if one, _ := standing(p, "sms", "care_gap", now); one == ConsentRefused && got.State != ConsentRefused {
				t.Fatalf("a token refused, the person is %s", got.State)
			}
		}
		if got.State == ConsentGranted && !slices.ContainsFunc(rows, func(r ConsentRow) bool { return r.Consent.Action == "granted" }) {
			t.Fatal("granted without a grant")
		}
		stop := consent(99, byte(rapid.IntRange(1, 2).Draw(t, "who")), "revoked", rapid.SampledFrom([]string{"sms", "any"}).Draw(t, "stopped"), "any", 0)
		stop.Consent.Effective = models.TimeRange{Lo: now, Hi: now}
		if after := strictest(grouped(append(rows, stop)), "sms", "care_gap", now); after.State != ConsentRefused {
			t.Fatalf("a stop just now leaves %s", after.State)
		}
	})
}

// Replaying a log, whole or in part, adds nothing; a word that the contract does not have stores nothing.
func TestPutConsentsOnce(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	rows := []ConsentRow{consent(1, 1, "granted", "sms", "any", 0), consent(2, 1, "revoked", "sms", "any", 1), consent(3, 2, "granted", "email", "survey", 0)}
	rows[0].Consent.Evidence = "signed form 12"
	if n := must[PutCount](t)(l.PutConsents(t.Context(), append(rows, rows[0]))); n != (PutCount{Stored: 3, Known: 1}) {
		t.Errorf("count %+v", n)
	}
	before := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(1), token(2)}))
	if n := must[PutCount](t)(l.PutConsents(t.Context(), append([]ConsentRow{consent(4, 2, "granted", "sms", "any", 0)}, rows...))); n != (PutCount{Stored: 1, Known: 3}) {
		t.Errorf("replay counts %+v", n)
	}
	after := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(2), token(1)}))
	if len(after) != 4 || !cmp.Equal(after[:3], before) {
		t.Errorf("history changes from %v to %v", before, after)
	}
	if !cmp.Equal(after[1].Consent, rows[1].Consent) || after[1].Order != rows[1].Order || after[1].Source != "portal" {
		t.Errorf("got %+v, want %+v", after[1], rows[1])
	}
	for _, bad := range []ConsentRow{consent(5, 1, "perhaps", "sms", "any", 0), consent(5, 1, "granted", "pigeon", "any", 0), consent(5, 1, "granted", "sms", "fun", 0)} {
		_, err := l.PutConsents(t.Context(), []ConsentRow{consent(6, 1, "granted", "sms", "any", 0), bad})
		wantKind(t, err, models.KindInvalid)
	}
	if got := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(1)})); len(got) != 2 {
		t.Errorf("%d statements, want 2", len(got))
	}
	_, err := l.ConsentInForce(t.Context(), nil, "sms", "any", noon)
	wantKind(t, err, models.KindUsage, "nobody")
}

// Evidence and who took it down come back only with an audit row.
func TestConsentEvidence(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	r := until(consent(1, 1, "granted", "sms", "any", 0), 5)
	r.Consent.Evidence, r.Consent.CapturedBy = "signed form 12", "front desk"
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{r, consent(2, 1, "revoked", "sms", "any", 1)}))
	history := must[[]Consent](t)(l.ConsentHistory(t.Context(), []models.PatientID{token(1)}))
	if c := history[0].Consent; c.Evidence != "" || c.CapturedBy != "" || *c.Expires != at(5) {
		t.Errorf("history shows %+v", c)
	}
	_, err := l.ConsentEvidence(t.Context(), show(t, l, token(2)), token(1))
	wantKind(t, err, models.KindRefused)
	got := must[map[int64]models.ConsentEvent](t)(l.ConsentEvidence(t.Context(), show(t, l, token(1)), token(1)))
	if len(got) != 2 || !cmp.Equal(got[1], r.Consent) {
		t.Errorf("got %+v", got)
	}
}

// A statement changed or lost behind our back stops the question, whichever column it was: a lost opt-out is a message to
// somebody who said no.
func TestConsentDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"event":     "UPDATE consent SET event = x'000102030405060708090a0b0c0d0e0f' WHERE id = 2",
		"record":    "UPDATE consent SET ent = (SELECT ent FROM consent WHERE id = 1) WHERE id = 2",
		"source":    "UPDATE consent SET source = 'x' WHERE id = 2",
		"order":     "UPDATE consent SET ord = CAST(x'00' || substr(ord, 2) AS BLOB) WHERE id = 2",
		"retracted": "UPDATE consent SET retracted = 1 WHERE id = 2",
		"action":    "UPDATE consent SET action = 'granted' WHERE id = 2",
		"channel":   "UPDATE consent SET channel = 'mail' WHERE id = 2",
		"purpose":   "UPDATE consent SET purpose = 'survey' WHERE id = 2",
		"basis":     "UPDATE consent SET basis = '' WHERE id = 2",
		"from":      "UPDATE consent SET effective_lo = effective_lo - 1 WHERE id = 2",
		"to":        "UPDATE consent SET effective_hi = effective_hi + 1 WHERE id = 2",
		"offset":    "UPDATE consent SET effective_off = NULL WHERE id = 2",
		"expires":   "UPDATE consent SET expires = 1 WHERE id = 2",
		"evidence":  "UPDATE consent SET sealed = NULL WHERE id = 2",
		"tag":       "UPDATE consent SET tag = (SELECT tag FROM consent WHERE id = 1) WHERE id = 2",
		"moved":     "UPDATE consent SET token = (SELECT token FROM consent WHERE id = 3), n = 2 WHERE id = 2",
		"lost":      "DELETE FROM consent WHERE id = 2",
		"first":     "DELETE FROM consent WHERE id = 1",
		"all":       "DELETE FROM consent WHERE id < 3",
		"head":      "UPDATE consent_head SET n = 1 WHERE n = 2",
		"head lost": "DELETE FROM consent_head WHERE n = 2",
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			stop := consent(2, 1, "revoked", "sms", "any", 1)
			stop.Consent.Evidence = "text message STOP"
			must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "granted", "sms", "any", 0), stop, consent(3, 2, "granted", "sms", "any", 0)}))
			raw(t, l, query)
			_, err := l.ConsentInForce(t.Context(), []models.PatientID{token(1)}, "sms", "care_gap", noon.Add(2*time.Hour))
			wantKind(t, err, models.KindCorruption, "consent", "restore")
			_, err = l.Scrub(t.Context())
			wantKind(t, err, models.KindCorruption, "consent")
		})
	}
}

// A whole patient's statements lost together with their count leave the other patients readable; the scrub still misses them.
func TestScrubCountsConsents(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	must[PutCount](t)(l.PutConsents(t.Context(), []ConsentRow{consent(1, 1, "revoked", "sms", "any", 0), consent(3, 2, "granted", "sms", "any", 0)}))
	raw(t, l, "DELETE FROM consent WHERE id = 1")
	raw(t, l, "DELETE FROM consent_head WHERE token = ?", tokenBytes(1))
	_, err := l.Scrub(t.Context())
	wantKind(t, err, models.KindCorruption, "table consent", "missing")
	raw(t, l, "UPDATE tally SET n = 1 WHERE name = 'consent'")
	_, err = l.Scrub(t.Context())
	wantKind(t, err, models.KindCorruption, "tally")
}
