package ledger

import (
	"fmt"
	"testing"

	"carereach/models"
)

// manyPeople makes n identity rows with everything that is indexed.
func manyPeople(n int) ([]IdentityRow, []models.PatientID) {
	rows, ids := make([]IdentityRow, n), make([]models.PatientID, n)
	for i := range rows {
		ids[i] = person2(i)
		rows[i] = IdentityRow{Patient: ids[i], Ent: models.EntityID(ids[i]), Kind: OfPatient, Order: order(1),
			Identity: person(fmt.Sprintf("Family%d", i), fmt.Sprintf("212-555-%04d", i%10000), fmt.Sprintf("p%d@example.org", i), fmt.Sprintf("MRN%07d", i))}
	}
	return rows, ids
}

func BenchmarkPutIdentities(b *testing.B) {
	const batch = 5000
	for b.Loop() {
		b.StopTimer()
		l := openLedger(b)
		rows, _ := manyPeople(batch)
		b.StartTimer()
		if _, err := l.PutIdentities(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// A work list of 5,000 patients with their names.
func BenchmarkIdentities(b *testing.B) {
	l := openLedger(b)
	rows, ids := manyPeople(5000)
	if _, err := l.PutIdentities(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
	ref := show(b, l, ids...)
	for b.Loop() {
		if got, err := l.Identities(b.Context(), ref, ids); err != nil || len(got) != len(ids) {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(len(ids)*b.N)/b.Elapsed().Seconds(), "patients/s")
}

func BenchmarkAppendAudit(b *testing.B) {
	l := openLedger(b)
	for b.Loop() {
		show(b, l, token(1))
	}
}

func BenchmarkVerifyAudit(b *testing.B) {
	l := openLedger(b)
	const rows = 50_000
	acts(b, l, rows)
	for b.Loop() {
		if _, err := l.VerifyAudit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// Every verb that runs without a daemon pays for this.
func BenchmarkOpen(b *testing.B) {
	h := newHome(b)
	l := h.open(b)
	acts(b, l, 5000)
	h.close(b, l)
	for b.Loop() {
		h.close(b, h.open(b))
	}
}
