package csvmap

import (
	"bytes"
	"fmt"
	"testing"
)

// Reading and mapping rows of a plain appointment list, as bytes of the file a second.
func BenchmarkAppointments(b *testing.B) {
	var file bytes.Buffer
	file.WriteString("appointment_id,patient_id,status,start,end,provider,location,visit_type,modality,notes\n")
	for i := range 2000 {
		fmt.Fprintf(&file, "a%d,p%d,Completed,2025-03-%02d 09:30,2025-03-%02d 10:00,d%d,l%d,follow-up,video,\"a note, quoted\"\n", i, i%300, 1+i%28, 1+i%28, i%9, i%4)
	}
	m := mapping(b, "appointments")
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		for range 2000 {
			row, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.Facts(r.Header(), row.Cells, received); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// mapping gives one of the shipped mappings.
func mapping(t testing.TB, name string) *Mapping {
	t.Helper()
	for _, m := range Shipped() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no mapping %s", name)
	return nil
}
