package pipeline

import (
	"maps"
	"slices"
)

// resolvePersons follows the newest merge of each patient to the patient that stands for the person at the end of the
// chain. links holds one entry per merged patient: whom it was merged into. The answer has an entry for every patient
// that is not its own survivor. Merges that form a ring say nothing that can be acted on: all of them are left out, and
// the ring's patients are returned in ascending order; chains that lead into a ring end at its first patient.
//
// The answer depends on links alone, not on the order in which they were stated.
func resolvePersons(links map[int64]int64) (survivor map[int64]int64, rings []int64) {
	const unseen, walking, settled = 0, 1, 2
	state := make(map[int64]int, len(links))
	end := make(map[int64]int64, len(links)) // settled patients: end of the chain
	inRing := map[int64]bool{}
	for _, start := range slices.Sorted(maps.Keys(links)) {
		var trail []int64
		at := start
		for {
			next, linked := links[at]
			if state[at] == walking { // the trail met itself: from the first meeting on it is a ring
				for i := slices.Index(trail, at); i < len(trail); i++ {
					inRing[trail[i]] = true
				}
			}
			if state[at] != unseen || !linked {
				break
			}
			state[at] = walking
			trail = append(trail, at)
			at = next
		}
		stop := at
		if e, known := end[at]; known {
			stop = e
		}
		for _, pid := range slices.Backward(trail) {
			if inRing[pid] {
				stop = pid
			}
			end[pid] = stop
			state[pid] = settled
		}
	}
	survivor = make(map[int64]int64, len(links))
	for pid, e := range end {
		if pid != e {
			survivor[pid] = e
		}
	}
	return survivor, slices.Sorted(maps.Keys(inRing))
}
