package event

import (
	"encoding/json"
	"errors"
	"testing"

	"carereach/models"
)

// Whatever arrives, the answer is an event, or a reject; facts, a reject, FHIR or ignored. Never a panic, never an error of
// another kind, and the same bytes give the same answer.
func FuzzParse(f *testing.F) {
	for _, topic := range Topics() {
		for _, verb := range Verbs(topic) {
			whole, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "1", "source": "s", "type": TypePrefix + topic + "." + verb + ".v1", "time": "2025-01-01T00:00:00Z",
				"data": map[string]any{"patient": map[string]string{"system": "s", "value": "p"}, "appointment_id": "a", "status": "booked", "start": "2025-01-01T00:00:00Z", "lines": []any{map[string]any{"paid": "1.10"}}}})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(whole)
		}
	}
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AA=="}`))
	f.Add([]byte("{\"id\":\"\x00\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, err := Parse(raw)
		again, err2 := Parse(raw)
		var r *models.Reject
		if err != nil {
			if !errors.As(err, &r) || err2 == nil || err.Error() != err2.Error() {
				t.Fatalf("Parse: %v, then %v", err, err2)
			}
			return
		}
		if ev.ID == "" || ev.Type == "" || ev.Source == "" {
			t.Fatalf("accepted without an id, source or type: %+v", ev)
		}
		facts, err := (&Decoder{}).Facts(ev, received)
		_, err2 = (&Decoder{}).Facts(again, received)
		switch {
		case (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error():
			t.Fatalf("Facts: %v, then %v", err, err2)
		case err == nil && len(facts) == 0:
			t.Fatal("no facts and no reason")
		case err != nil && !errors.As(err, &r) && !errors.Is(err, ErrFHIR) && !errors.Is(err, ErrIgnored):
			t.Fatalf("an error of another kind: %v", err)
		}
	})
}
