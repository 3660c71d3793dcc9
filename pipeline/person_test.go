package pipeline

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPersonsByExample(t *testing.T) {
	for _, c := range []struct {
		why   string
		links map[int64]int64
		want  map[int64]int64
		rings []int64
	}{
		{"nobody merged", nil, map[int64]int64{}, nil},
		{"one merge", map[int64]int64{1: 2}, map[int64]int64{1: 2}, nil},
		{"a chain ends at its last patient", map[int64]int64{1: 2, 2: 3, 3: 4}, map[int64]int64{1: 4, 2: 4, 3: 4}, nil},
		{"two into one", map[int64]int64{1: 3, 2: 3}, map[int64]int64{1: 3, 2: 3}, nil},
		{"merged into itself is a ring of one", map[int64]int64{1: 1}, map[int64]int64{}, []int64{1}},
		{"a ring merges nobody", map[int64]int64{1: 2, 2: 1}, map[int64]int64{}, []int64{1, 2}},
		{"a chain into a ring ends where it enters", map[int64]int64{1: 2, 2: 3, 3: 4, 4: 3, 9: 4}, map[int64]int64{1: 3, 2: 3, 9: 4}, []int64{3, 4}},
	} {
		t.Run(c.why, func(t *testing.T) {
			got, rings := resolvePersons(c.links)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("survivors (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.rings, rings); d != "" {
				t.Errorf("rings (-want +got):\n%s", d)
			}
		})
	}
}

// TestPersonsOfRandomMerges compares with a slow reading of the same rule: walk from each patient, stop at a patient
// that is not merged or that lies on a ring.
func TestPersonsOfRandomMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		links := rapid.MapOfN(rapid.Int64Range(1, 12), rapid.Int64Range(1, 12), 0, 12).Draw(t, "links")
		onRing := func(pid int64) bool {
			at := pid
			for range len(links) {
				next, ok := links[at]
				if !ok {
					return false
				}
				if at = next; at == pid {
					return true
				}
			}
			return false
		}
		want, wantRings := map[int64]int64{}, []int64(nil)
		for _, pid := range slices.Sorted(maps.Keys(links)) {
			if onRing(pid) {
				wantRings = append(wantRings, pid)
				continue
			}
			at := pid
			for !onRing(at) {
				next, ok := links[at]
				if !ok {
					break
				}
				at = next
			}
			want[pid] = at
		}
		got, rings := resolvePersons(links)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("survivors (-want +got):\n%s", d)
		}
		if d := cmp.Diff(wantRings, rings); d != "" {
			t.Errorf("rings (-want +got):\n%s", d)
		}
		for pid, s := range got {
			if _, merged := got[s]; merged {
				t.Errorf("survivor %d of %d is merged itself", s, pid)
			}
		}
	})
}

func TestPersonsOfALongChainTakeLinearTime(t *testing.T) {
	const n = 200_000
	links := make(map[int64]int64, n)
	for i := range int64(n) {
		links[i] = i + 1
	}
	got, rings := resolvePersons(links)
	if len(got) != n || got[0] != n || len(rings) != 0 {
		t.Fatalf("%d merged, first ends at %d, %d in rings", len(got), got[0], len(rings))
	}
}
