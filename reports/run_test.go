package reports

import (
	"errors"
	"strings"
	"testing"
	"time"

	"carereach/internal/store"
	"carereach/models"
)

func TestCurrentRun(t *testing.T) {
	read(t, openSample(t, 1), func(q Querier) error {
		run, err := CurrentRun(t.Context(), q, nil)
		if err != nil {
			return err
		}
		if run.ID != sampleRun || run.AsOf != sampleAsOf || run.Zone != "America/New_York" || run.Period != models.CalendarYear(sampleAsOf) || !run.PublishedAt.Equal(time.Date(2026, time.July, 1, 6, 12, 0, 0, time.UTC)) {
			t.Errorf("newest: %+v", run)
		}
		if seq := run.kpiSeq(); seq != 7 {
			t.Errorf("KPI inputs of state %d, want 7", seq)
		}
		may := models.NewDate(2026, time.May, 31)
		if run, err = CurrentRun(t.Context(), q, &may); err != nil || run.ID != otherRun || run.kpiSeq() != -1 {
			t.Errorf("of May: %+v, %v", run, err)
		}
		june := models.NewDate(2026, time.June, 1)
		_, err = CurrentRun(t.Context(), q, &june)
		var e *models.Error
		if !errors.As(err, &e) || e.Kind != models.KindNotFound || !strings.Contains(e.Mend, "carereach analyze --as-of 2026-06-01") {
			t.Errorf("a day without a run: %v", err)
		}
		if _, err = RunByID(t.Context(), q, "none"); models.KindOf(err) != models.KindNotFound {
			t.Errorf("unknown id: %v", err)
		}
		return nil
	})
}

func TestCurrentRunOfEmptyStore(t *testing.T) {
	s, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read(t, s, func(q Querier) error {
		if _, err := CurrentRun(t.Context(), q, nil); models.KindOf(err) != models.KindNotFound || !strings.Contains(err.Error(), "carereach analyze") {
			t.Errorf("%v", err)
		}
		return nil
	})
}
