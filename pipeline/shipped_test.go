package pipeline

import (
	"context"
	"testing"
)

// TestShippedRelationsRunOverNothing: on a store without facts every shipped relation runs and gives the columns of its
// published table.
func TestShippedRelationsRunOverNothing(t *testing.T) {
	s := testStore(t)
	p := New(s, openNotebook(t, ""), Options{})
	res, err := p.Run(context.Background(), RunRequest{AsOf: day})
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows["patient"] != 0 || res.Rows["measure_status"] == 0 {
		t.Errorf("rows %v", res.Rows)
	}
	for _, m := range res.Measures {
		t.Logf("%s %s %s", m.ID, m.State, m.Reason)
	}
}
