package pipeline

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/internal/store"
	"carereach/models"
)

func foldNow(t testing.TB, p *Pipeline) FoldReport {
	t.Helper()
	r, err := p.Fold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantDump(t testing.TB, s *store.Store, all []statement) {
	t.Helper()
	if d := cmp.Diff(foldByHand(all), dumpStore(t, s)); d != "" {
		t.Errorf("folded tables (-by hand +store):\n%s", d)
	}
}

func TestFoldByExample(t *testing.T) {
	merge := statement{rt: "PersonLink", id: 1, patient: 1, version: 1, survivor: 2, linked: true}
	unmerge := statement{rt: "PersonLink", id: 1, patient: 1, version: 2, survivor: 2}
	p1 := statement{rt: "Patient", id: 1, patient: 1, label: "a"}
	p2 := statement{rt: "Patient", id: 2, patient: 2, label: "b"}
	visit := statement{rt: "Encounter", id: 1, patient: 1, version: 1, label: "planned", codes: []string{"x|1", "x|1", "x|2"}}
	done := statement{rt: "Encounter", id: 1, patient: 1, version: 2, label: "finished", codes: []string{"x|2"}}
	gone := statement{rt: "Encounter", id: 1, patient: 1, version: 3, retracted: true}
	for _, c := range []struct {
		why     string
		batches [][]statement
	}{
		{"a visit keeps each of its codes once", [][]statement{{p1, visit}}},
		{"the greater version wins, its codes too", [][]statement{{p1, visit}, {done}}},
		{"an older version that comes late changes nothing", [][]statement{{p1, done}, {visit}}},
		{"a retraction takes the row away", [][]statement{{p1, visit}, {gone}}},
		{"a version that comes after a later retraction stays away", [][]statement{{p1, gone}, {visit}, {done}}},
		{"a merge takes the facts along", [][]statement{{p1, p2, visit}, {merge}}},
		{"facts that come after the merge belong to the survivor", [][]statement{{p1, p2, merge}, {visit}}},
		{"an unmerge gives them back", [][]statement{{p1, p2, visit, merge}, {unmerge}}},
		{"a merge into someone unknown waits", [][]statement{{p1, visit, merge}}},
		{"and holds as soon as the survivor arrives", [][]statement{{p1, visit, merge}, {p2}}},
		{"a subject without its Patient is a stub", [][]statement{{visit}}},
		{"until it arrives", [][]statement{{visit}, {p1}}},
	} {
		t.Run(c.why, func(t *testing.T) {
			s := testStore(t)
			h, p := newHistory(t, s), New(s, nil, Options{})
			for _, b := range c.batches {
				h.add(b...)
				foldNow(t, p)
			}
			wantDump(t, s, slices.Concat(c.batches...))
		})
	}
}

// TestIncrementalFoldEqualsFullFold: whatever the order of arrival and however it is cut into batches, the folded tables
// are those of the rule told in Go, and folding everything anew changes nothing.
func TestIncrementalFoldEqualsFullFold(t *testing.T) {
	s := testStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.Permutation(drawHistory(rt)).Draw(rt, "arrival")
		h, p := newHistory(t, emptied(t, s)), New(s, nil, Options{})
		for rest := all; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			h.add(rest[:n]...)
			rest = rest[n:]
			if rapid.Bool().Draw(rt, "fold") {
				foldNow(t, p)
			}
		}
		foldNow(t, p)
		want := foldByHand(all)
		if d := cmp.Diff(want, dumpStore(t, s)); d != "" {
			rt.Fatalf("incremental fold (-by hand +store):\n%s", d)
		}
		if _, err := p.Refold(context.Background()); err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, dumpStore(t, s)); d != "" {
			rt.Fatalf("full fold (-by hand +store):\n%s", d)
		}
	})
}

// TestPastFoldEqualsThePast: folding what was known at any earlier fold gives the tables that this fold gave, whatever was
// added since.
func TestPastFoldEqualsThePast(t *testing.T) {
	type moment struct {
		known KnownTo
		rows  []string
	}
	arrivals := rapid.Custom(func(t *rapid.T) []statement { return rapid.Permutation(drawHistory(t)).Draw(t, "arrival") })
	s := testStore(t)
	for seed := range 40 {
		h, p := newHistory(t, emptied(t, s)), New(s, nil, Options{})
		var past []moment
		for batch := range slices.Chunk(arrivals.Example(seed), 1+seed%12) {
			h.add(batch...)
			past = append(past, moment{foldNow(t, p).KnownTo, dumpStore(t, s)})
		}
		m := past[seed%len(past)]
		if d := cmp.Diff(m.rows, dumpPast(t, p, m.known)); d != "" {
			t.Fatalf("seed %d: past (-then +now):\n%s", seed, d)
		}
		if d := cmp.Diff(past[len(past)-1].rows, dumpStore(t, s)); d != "" {
			t.Fatalf("seed %d: folding the past changed the present:\n%s", seed, d)
		}
	}
}

func dumpPast(t testing.TB, p *Pipeline, known KnownTo) (out []string) {
	t.Helper()
	ctx := context.Background()
	main, err := p.catalog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := p.store.Scratch(ctx, "past")
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	err = scratch.Snapshot(ctx, func(tx *store.Tx) error {
		if err := foldPast(ctx, tx, main, known); err != nil {
			return err
		}
		out = dump(t, tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNothingNewIsNothingToFold(t *testing.T) {
	s := testStore(t)
	h, p := newHistory(t, s), New(s, nil, Options{})
	h.add(statement{rt: "Patient", id: 1, patient: 1}, statement{rt: "Encounter", id: 1, patient: 1})
	first := foldNow(t, p)
	if !first.Full || first.Versions != 2 || first.Come != 2 || first.Gone != 0 {
		t.Errorf("first fold %+v", first)
	}
	second := foldNow(t, p)
	if second.Full || second.Versions != 0 || second.Folded != first.Folded {
		t.Errorf("second fold %+v", second)
	}
	if d := cmp.Diff(KnownTo{{"files", 0, 2}}, second.KnownTo); d != "" {
		t.Errorf("known to (-want +got):\n%s", d)
	}
	h.add(statement{rt: "Encounter", id: 1, patient: 1, version: 1}, statement{rt: "Encounter", id: 2, patient: 3})
	third := foldNow(t, p)
	if third.Full || third.Versions != 2 || third.Come != 2 || third.Gone != 1 || third.Stubs != 1 {
		t.Errorf("third fold %+v", third)
	}
}

func TestOtherRulesFoldEverythingAnew(t *testing.T) {
	s := testStore(t)
	h, p := newHistory(t, s), New(s, nil, Options{})
	h.add(statement{rt: "Patient", id: 1, patient: 1})
	foldNow(t, p)
	err := s.Pipeline(context.Background(), func(tx *store.Tx) error {
		if _, err := tx.Exec(context.Background(), "DELETE FROM cur_patient"); err != nil {
			return err
		}
		_, err := tx.Exec(context.Background(), "UPDATE fold_state SET value = 'of an older binary' WHERE name = 'rules'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := foldNow(t, p); !r.Full {
		t.Errorf("fold %+v after a change of rules", r)
	}
	wantDump(t, s, []statement{{rt: "Patient", id: 1, patient: 1}})
}

func TestRingsOfMergesAreReported(t *testing.T) {
	s := testStore(t)
	h, p := newHistory(t, s), New(s, nil, Options{})
	all := []statement{
		{rt: "Patient", id: 1, patient: 1}, {rt: "Patient", id: 2, patient: 2}, {rt: "Patient", id: 3, patient: 3},
		{rt: "PersonLink", id: 1, patient: 1, survivor: 2, linked: true}, {rt: "PersonLink", id: 2, patient: 2, survivor: 1, linked: true},
		{rt: "PersonLink", id: 3, patient: 3, survivor: 9, linked: true},
	}
	h.add(all...)
	r := foldNow(t, p)
	if r.RingCount != 2 || r.Waiting != 1 || r.Moved != 0 {
		t.Errorf("fold %+v, want a ring of two and one merge that waits", r)
	}
	if d := cmp.Diff(r.Merges, foldNow(t, p).Merges); d != "" {
		t.Errorf("a fold without anything new tells otherwise (-first +second):\n%s", d)
	}
	if d := cmp.Diff([]models.PatientID{tokenOf(1), tokenOf(2)}, r.Rings); d != "" {
		t.Errorf("ring (-want +got):\n%s", d)
	}
	wantDump(t, s, all)
}

// TestRowKeysGivenAgainAreFolded: erasing the newest versions frees their row keys; what gets them next is new.
func TestRowKeysGivenAgainAreFolded(t *testing.T) {
	s := testStore(t)
	h, p := newHistory(t, s), New(s, nil, Options{})
	stays := []statement{{rt: "Patient", id: 1, patient: 1}}
	h.add(stays...)
	h.add(statement{rt: "Patient", id: 2, patient: 2}, statement{rt: "Encounter", id: 2, patient: 2})
	foldNow(t, p)
	err := s.Ingest(context.Background(), func(tx *store.Tx) error {
		for _, table := range []string{"ver_patient", "ver_encounter", "cur_patient", "cur_encounter", "subject"} {
			if _, err := tx.Exec(context.Background(), "DELETE FROM "+table+" WHERE pid = $1", pidOf(2)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	foldNow(t, p)
	h.off = 1
	late := statement{rt: "Encounter", id: 5, patient: 1}
	h.add(late)
	if r := foldNow(t, p); r.Come != 1 {
		t.Errorf("fold %+v of a version whose row key was used before", r)
	}
	wantDump(t, s, append(stays, late))
}

// TestFailedFoldLeavesNothing: a fold that stops at any of its points leaves the tables as they were.
func TestFailedFoldLeavesNothing(t *testing.T) {
	for _, point := range []string{HookFoldBegun, HookFoldPersons, HookFoldType, HookFoldDone} {
		t.Run(point, func(t *testing.T) {
			s := testStore(t)
			h, armed := newHistory(t, s), false
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			p := New(s, nil, Options{Hooks: func(at string) {
				if armed && at == point {
					cancel()
				}
			}})
			all := []statement{{rt: "Patient", id: 1, patient: 1}, {rt: "Patient", id: 2, patient: 2}, {rt: "Encounter", id: 1, patient: 1, codes: []string{"x|1"}}}
			h.add(all...)
			foldNow(t, p)
			before := dumpStore(t, s)
			late := []statement{{rt: "PersonLink", id: 1, patient: 1, survivor: 2, linked: true}, {rt: "Encounter", id: 1, patient: 1, version: 1, codes: []string{"x|2"}}}
			h.add(late...)
			armed = true
			if _, err := p.Fold(ctx); err == nil {
				t.Fatal("a fold whose context ended came to its end")
			}
			if d := cmp.Diff(before, dumpStore(t, s)); d != "" {
				t.Errorf("tables after a failed fold (-before +after):\n%s", d)
			}
			armed = false
			foldNow(t, p)
			wantDump(t, s, append(all, late...))
		})
	}
}
