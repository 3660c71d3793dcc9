package pipeline

import (
	"context"
	"testing"
)

func BenchmarkSmallFold(b *testing.B) {
	s := testStore(b)
	h, p := newHistory(b, s), New(s, nil, Options{})
	h.add(statement{rt: "Patient", id: 1, patient: 1})
	if _, err := p.Fold(context.Background()); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		b.StopTimer()
		h.add(statement{rt: "Encounter", id: i, patient: 1, codes: []string{"x|1"}})
		b.StartTimer()
		if _, err := p.Fold(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
