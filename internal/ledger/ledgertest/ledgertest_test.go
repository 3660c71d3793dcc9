package ledgertest

import (
	"testing"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

// Ledgers of two tests share their keys and nothing else; one opened again at the same place has what was stored there.
func TestOpenAt(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	first := OpenAt(t, dir, func() time.Time { return noon })
	ref, err := first.AppendAudit(t.Context(), ledger.AuditEntry{Actor: "ada", Action: "test", Subjects: []models.PatientID{{1}}})
	if err != nil || ref.Seq() != 1 {
		t.Fatal(ref, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := OpenAt(t, dir, nil)
	page, err := again.SearchAudit(t.Context(), ledger.AuditFilter{})
	if err != nil || page.Total != 1 || !page.Rows[0].At.Equal(noon) {
		t.Errorf("page %+v, %v", page, err)
	}
	other := Open(t)
	if page, err := other.SearchAudit(t.Context(), ledger.AuditFilter{}); err != nil || page.Total != 0 {
		t.Errorf("another ledger has %+v, %v", page, err)
	}
	if a, b := again.Keys().PatientToken("t", "s", "1"), other.Keys().PatientToken("t", "s", "1"); a != b {
		t.Errorf("tokens %s and %s differ", a, b)
	}
}
