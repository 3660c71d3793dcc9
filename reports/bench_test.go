package reports

import "testing"

// BenchmarkExecutive100000 reads the executive report of a run with 100,000 patients.
func BenchmarkExecutive100000(b *testing.B) {
	s := openSample(b, 100_000)
	for b.Loop() {
		read(b, s, func(q Querier) error {
			run, err := CurrentRun(b.Context(), q, nil)
			if err != nil {
				return err
			}
			_, err = Executive(b.Context(), q, sampleInputs(), run, sampleRequest())
			return err
		})
	}
}

// BenchmarkEachGap100000 streams all gaps of a run with 100,000 patients.
func BenchmarkEachGap100000(b *testing.B) {
	s := openSample(b, 100_000)
	n := 0
	for b.Loop() {
		n = 0
		read(b, s, func(q Querier) error {
			run, err := CurrentRun(b.Context(), q, nil)
			if err != nil {
				return err
			}
			for _, err := range EachGap(b.Context(), q, run, GapFilter{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
	}
	b.ReportMetric(float64(n), "rows")
}
