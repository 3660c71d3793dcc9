package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

// world is what a ledger should hold, kept in plain maps beside the real one.
type world struct {
	t      testing.TB
	h      home
	l      *Ledger
	vault  map[models.EntityID]IdentityRow
	stops  map[models.PatientID]bool // patients who said no
	events map[models.Key128]bool
	erased map[models.PatientID]bool
	audits int
	next   int64 // version of the next identity
}

func (w *world) patient(rt *rapid.T) models.PatientID {
	return token(byte(rapid.IntRange(1, 5).Draw(rt, "patient")))
}

func (w *world) put(rt *rapid.T) {
	w.next++
	r := IdentityRow{Patient: w.patient(rt), Ent: entity(byte(rapid.IntRange(1, 4).Draw(rt, "record"))), Kind: OfPatient, Order: order(rapid.Int64Range(1, w.next).Draw(rt, "version"))}
	r.Identity = person(fmt.Sprintf("N%d", w.next), "", "", fmt.Sprintf("M%d", w.next))
	got, err := w.l.PutIdentities(w.t.Context(), []IdentityRow{r})
	if err != nil {
		rt.Fatal(err)
	}
	old, there := w.vault[r.Ent]
	want := PutCount{Stored: 1}
	switch {
	case there && r.Order.Version <= old.Order.Version:
		want = PutCount{Known: 1}
	case w.erased[r.Patient]:
		want = PutCount{Erased: 1}
	default:
		w.vault[r.Ent] = r
	}
	if got != want {
		rt.Fatalf("put %s version %d: %+v, want %+v", r.Ent, r.Order.Version, got, want)
	}
}

func (w *world) stop(rt *rapid.T) {
	id, event := w.patient(rt), models.Key128{15: byte(rapid.IntRange(1, 20).Draw(rt, "event"))}
	_, err := w.l.PutConsents(w.t.Context(), []ConsentRow{{Event: event, Patient: id, Ent: models.EntityID(event), Order: order(1), Consent: models.ConsentEvent{Action: "revoked", Channel: "any", Purpose: "any", Evidence: "e", Effective: point(0)}}})
	if err != nil {
		rt.Fatal(err)
	}
	if !w.events[event] && !w.erased[id] {
		w.events[event], w.stops[id] = true, true
	}
}

func (w *world) erase(rt *rapid.T) {
	id := w.patient(rt)
	if err := w.l.Erase(w.t.Context(), id, "request", noon); err != nil {
		rt.Fatal(err)
	}
	w.erased[id] = true
	maps.DeleteFunc(w.vault, func(_ models.EntityID, r IdentityRow) bool { return r.Patient == id })
}

func (w *world) look(rt *rapid.T) {
	id := w.patient(rt)
	got := must[[]IdentityRecord](w.t)(w.l.Identity(w.t.Context(), show(w.t, w.l, id), id))
	w.audits++
	var want []string
	for _, ent := range slices.SortedFunc(maps.Keys(w.vault), func(a, b models.EntityID) int { return slices.Compare(a[:], b[:]) }) {
		if r := w.vault[ent]; r.Patient == id {
			want = append(want, r.Identity.Names[0].Family)
		}
	}
	var names []string
	for _, r := range got {
		names = append(names, r.Identity.Names[0].Family)
	}
	if !slices.Equal(names, want) {
		rt.Fatalf("patient %s is %v, want %v", id, names, want)
	}
}

func (w *world) find(rt *rapid.T) {
	n := rapid.Int64Range(0, w.next).Draw(rt, "number")
	got := must[[]models.PatientID](w.t)(w.l.FindByIdentifier(w.t.Context(), ByRecordNumber, fmt.Sprintf("M%d", n)))
	var want []models.PatientID
	for _, r := range w.vault {
		if r.Identity.Identifiers[0].Value == fmt.Sprintf("M%d", n) {
			want = append(want, r.Patient)
		}
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("record number %d finds %v, want %v", n, got, want)
	}
}

func (w *world) reopen(rt *rapid.T) {
	if err := w.l.Close(); err != nil {
		rt.Fatal(err)
	}
	l, err := Open(w.t.Context(), w.h.options(w.t))
	if err != nil {
		rt.Fatal(err)
	}
	w.l = l
}

func (w *world) rotate(rt *rapid.T) {
	if _, err := w.l.RotateKEK(w.t.Context(), w.h.keys); err != nil {
		rt.Fatal(err)
	}
	if rapid.Bool().Draw(rt, "retire") {
		if _, err := w.l.RetireKEKs(w.t.Context(), w.h.keys); err != nil {
			rt.Fatal(err)
		}
	}
}

// check compares everything.
func (w *world) check(rt *rapid.T) {
	report, err := w.l.Scrub(w.t.Context())
	if err != nil {
		rt.Fatal(err)
	}
	for table, want := range map[string]int{"vault": len(w.vault), "consent": len(w.events), "tombstone": len(w.erased), "audit": w.audits} {
		if got := int(report.Rows[table]); got != want {
			rt.Fatalf("%d rows of %s, want %d", got, table, want)
		}
	}
	for n := byte(1); n <= 5; n++ {
		want := ConsentNone
		if w.stops[token(n)] {
			want = ConsentRefused
		}
		got := must[ConsentStanding](w.t)(w.l.ConsentInForce(w.t.Context(), []models.PatientID{token(n)}, "sms", "survey", noon.Add(time.Hour)))
		if got.State != want {
			rt.Fatalf("patient %d is %s, want %s", n, got.State, want)
		}
	}
}

// Any sequence of loads, stops, erasures, looks, restarts and key rotations leaves the ledger as simple maps would be left.
func TestLedgerAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHome(t)
		w := &world{t: t, h: h, l: h.open(t), vault: map[models.EntityID]IdentityRow{}, stops: map[models.PatientID]bool{}, events: map[models.Key128]bool{}, erased: map[models.PatientID]bool{}}
		defer func() { _ = w.l.Close() }()
		rt.Repeat(map[string]func(*rapid.T){"put": w.put, "put more": w.put, "stop": w.stop, "erase": w.erase, "look": w.look, "find": w.find, "reopen": w.reopen, "rotate": w.rotate, "check": w.check})
		w.check(rt)
	})
}

// Loading, looking, erasing and rotating at once: nobody who is there is lost, nobody erased comes back, and nothing is damaged.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	rows, ids := manyPeople(60)
	must[PutCount](t)(l.PutIdentities(t.Context(), rows))
	var wg sync.WaitGroup
	again := func(n int, fn func(i int) error) {
		wg.Go(func() {
			for i := range n {
				if err := fn(i); err != nil && !errors.Is(err, context.Canceled) && models.KindOf(err) != models.KindPartial {
					t.Error(err)
				}
			}
		})
	}
	again(3, func(int) error { _, err := l.RotateKEK(t.Context(), h.keys); return err })
	again(20, func(i int) error { return l.Erase(t.Context(), ids[i], "request", noon) })
	again(20, func(int) error { _, err := l.PutIdentities(t.Context(), rows); return err })
	again(20, func(i int) error {
		ref, err := l.AppendAudit(t.Context(), AuditEntry{Actor: "ada", Action: "list.show", Subjects: ids})
		if err != nil {
			return err
		}
		got, err := l.Identities(t.Context(), ref, ids)
		if err == nil && len(got) < 40 {
			err = fmt.Errorf("look %d finds %d people", i, len(got))
		}
		return err
	})
	again(3, func(i int) error { return l.BackupTo(t.Context(), filepath.Join(h.data, fmt.Sprintf("b%d", i))) })
	wg.Wait()
	for i := range 20 {
		if err := l.Erase(t.Context(), ids[i], "request", noon); err != nil { // finishes what readers held up
			t.Fatal(err)
		}
	}
	if n := must[PutCount](t)(l.PutIdentities(t.Context(), rows)); n != (PutCount{Known: 40, Erased: 20}) {
		t.Errorf("count %+v", n)
	}
	if _, err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	if versions := kekVersions(t, l); len(versions) != 1 || versions[4] != 40 {
		t.Errorf("data keys by version: %v", versions)
	}
}
