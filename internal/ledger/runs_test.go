package ledger

import (
	"slices"
	"testing"
	"time"

	"carereach/models"
)

func started(id models.RunID) Run {
	return Run{ID: id, AsOf: models.DateOf(noon), Inputs: `{"as_of":"2026-06-30"}`, KnownTo: "[]", State: RunStarted, StartedAt: noon}
}

func published(id models.RunID) Run {
	r := started(id)
	r.State, r.Checksums, r.Seq, r.PublishedAt, r.Retained = RunPublished, `{"gap":"1"}`, 1, noon.Add(time.Minute), true
	return r
}

// A run is started, perhaps fails, is published once, and from then on keeps what it was.
func TestRunRegister(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	put := func(r Run) {
		t.Helper()
		if err := l.PutRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := must[Run](t)(l.Run(t.Context(), r.ID)); got != r {
			t.Errorf("got %+v, want %+v", got, r)
		}
	}
	put(started("r1"))
	put(started("r1"))
	failed := started("r1")
	failed.State, failed.Reason = RunFailed, "checks found errors"
	put(failed)
	put(started("r1"))
	done := published("r1")
	put(done)
	put(done)
	done.Retained, done.Cited = false, true
	put(done)
	later := done
	later.StartedAt = noon.Add(time.Hour) // the first start counts
	if err := l.PutRun(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if got := must[Run](t)(l.Run(t.Context(), "r1")); got != done {
		t.Errorf("got %+v, want %+v", got, done)
	}
	for name, spoil := range map[string]func(*Run){
		"inputs":    func(r *Run) { r.Inputs = "{}" },
		"as of":     func(r *Run) { r.AsOf++ },
		"known to":  func(r *Run) { r.KnownTo = "{}" },
		"checksums": func(r *Run) { r.Checksums = "{}" },
		"seq":       func(r *Run) { r.Seq = 7 },
		"time":      func(r *Run) { r.PublishedAt = noon },
		"unpublish": func(r *Run) { r.State, r.PublishedAt = RunFailed, time.Time{} },
		"restart":   func(r *Run) { r.State, r.PublishedAt = RunStarted, time.Time{} },
	} {
		r := done
		spoil(&r)
		err := l.PutRun(t.Context(), r)
		wantKind(t, err, models.KindRefused, "never changes")
		if got := must[Run](t)(l.Run(t.Context(), "r1")); got != done {
			t.Errorf("%s: the run became %+v", name, got)
		}
	}
	_, err := l.Run(t.Context(), "r9")
	wantKind(t, err, models.KindNotFound)
	for _, bad := range []Run{{}, {ID: "x"}, {ID: "x", State: "odd"}, {ID: "x", State: RunPublished}, {ID: "x", State: RunStarted, PublishedAt: noon}} {
		wantKind(t, l.PutRun(t.Context(), bad), models.KindInternal)
	}
}

func TestRunsAreListedInOrderOfPublication(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	second, first, open, past := published("a"), published("b"), started("c"), published("d")
	second.Seq, past.Seq, past.AsOf, past.Retained = 3, 2, past.AsOf-30, false
	for _, r := range []Run{second, open, past, first} {
		if err := l.PutRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	day := past.AsOf
	for name, c := range map[string]struct {
		f    RunFilter
		want []models.RunID
	}{
		"all":      {RunFilter{}, []models.RunID{"b", "d", "a", "c"}},
		"state":    {RunFilter{State: RunStarted}, []models.RunID{"c"}},
		"day":      {RunFilter{AsOf: &day}, []models.RunID{"d"}},
		"retained": {RunFilter{Retained: true}, []models.RunID{"b", "a"}},
	} {
		var got []models.RunID
		for _, r := range must[[]Run](t)(l.Runs(t.Context(), c.f)) {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRunDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for _, change := range []string{"as_of = as_of + 1", "inputs = '{}'", "known_to = ''", "checksums = ''", "state = 'failed'", "reason = 'x'", "seq = 9", "started_at = 0", "published_at = NULL",
		"retained = 0", "cited = 1", "tag = x'00'", "id = 'r2'"} {
		l := openLedger(t)
		if err := l.PutRun(t.Context(), published("r1")); err != nil {
			t.Fatal(err)
		}
		raw(t, l, "UPDATE run SET "+change)
		_, err := l.Runs(t.Context(), RunFilter{})
		wantKind(t, err, models.KindCorruption, "table run")
		_, err = l.Scrub(t.Context())
		wantKind(t, err, models.KindCorruption, "table run")
	}
	l := openLedger(t)
	if err := l.PutRun(t.Context(), published("r1")); err != nil {
		t.Fatal(err)
	}
	raw(t, l, "DELETE FROM run")
	_, err := l.Scrub(t.Context())
	wantKind(t, err, models.KindCorruption, "table run", "missing")
}
