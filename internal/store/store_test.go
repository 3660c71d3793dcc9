package store

import (
	"context"
	"testing"
	"time"
)

func inMemory(t testing.TB) *Store {
	t.Helper()
	s, err := OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenTwiceFast(t *testing.T) {
	for range 5 {
		t0 := time.Now()
		s, err := OpenMemory(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(t0))
		s.Close()
	}
}
