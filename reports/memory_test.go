package reports

import (
	"testing"

	"carereach/internal/store"
)

// openSample gives an in-memory store with the sample run.
func openSample(t testing.TB, patients int) *store.Store {
	t.Helper()
	s, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	if err := s.Pipeline(t.Context(), func(tx *store.Tx) error { fillSample(t, tx, patients); return nil }); err != nil {
		t.Fatalf("fill sample: %v", err)
	}
	return s
}

// read runs fn over one snapshot of the sample.
func read(t testing.TB, s *store.Store, fn func(q Querier) error) {
	t.Helper()
	if err := s.Read(t.Context(), func(tx *store.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}
