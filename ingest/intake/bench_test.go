package intake

import (
	"fmt"
	"testing"
)

// ndjson makes records like lines of an Observation export, 1 to 1.5 kB each.
func ndjson(n int) ([]Record, int64) {
	const line = `{"resourceType":"Observation","id":"%08x-4f1d-%04x-9b1c-%012x","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"%d-%d","display":"Blood pressure panel with all children optional"}]},"subject":{"reference":"Patient/%08x-4f1d-%04x-9b1c-%012x"},"encounter":{"reference":"Encounter/%08x-4f1d-%04x-9b1c-%012x"},"effectiveDateTime":"20%02d-%02d-%02dT09:15:%02d-05:00","issued":"2020-03-01T09:15:22.123-05:00","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":%d.%d,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`
	out := make([]Record, n)
	total := int64(0)
	x := uint64(1)
	next := func(m uint64) uint64 { x = x*6364136223846793005 + 1442695040888963407; return (x >> 33) % m }
	for i := range out {
		body := fmt.Appendf(nil, line, next(1<<31), next(1<<16), next(1<<31), next(90000), next(10), next(1<<31), next(1<<16), next(1<<31),
			next(1<<31), next(1<<16), next(1<<31), next(26), 1+next(12), 1+next(28), next(60), 40+next(160), next(10))
		out[i] = Record{Source: "clinic-a", Format: FormatFHIR, Name: "Observation.ndjson", Line: int64(i + 1), ReceivedAt: noon, Body: body}
		total += int64(len(body))
	}
	return out, total
}

func BenchmarkAppend(b *testing.B) {
	records, size := ndjson(8000) // about 8 MB, as the loader appends
	l := mustOpen(b, b.TempDir(), sealerOf("k1"), Options{})
	b.SetBytes(size)
	for b.Loop() {
		if _, _, err := l.Append(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	records, size := ndjson(8000)
	l := mustOpen(b, b.TempDir(), sealerOf("k1"), Options{})
	for range 8 {
		if _, _, err := l.Append(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(8 * size)
	b.ResetTimer()
	for b.Loop() {
		for from := int64(0); from < l.End(); {
			got, err := l.Fetch(b.Context(), from, 16<<20)
			if err != nil {
				b.Fatal(err)
			}
			from = got.Next
		}
	}
	st := l.newest().size
	b.ReportMetric(float64(8*size)/float64(st), "ratio")
}
