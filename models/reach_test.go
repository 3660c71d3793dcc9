package models

import "testing"

// What is marked old reaches nobody, a text number is a mobile, a town alone takes no letter.
func TestReach(t *testing.T) {
	for name, c := range map[string]struct {
		id   *Identity
		want Reach
	}{
		"nothing known":       {nil, Reach{}},
		"home telephone":      {&Identity{Telecom: []ContactPoint{{System: "phone", Use: "home", Value: "1"}}}, Reach{Phone: true}},
		"mobile":              {&Identity{Telecom: []ContactPoint{{System: "phone", Use: "mobile", Value: "1"}}}, Reach{Phone: true, Mobile: true}},
		"text number":         {&Identity{Telecom: []ContactPoint{{System: "sms", Value: "1"}}}, Reach{Phone: true, Mobile: true}},
		"old mobile":          {&Identity{Telecom: []ContactPoint{{System: "phone", Use: "old", Value: "1"}}}, Reach{}},
		"empty value, fax":    {&Identity{Telecom: []ContactPoint{{System: "email"}, {System: "fax", Value: "1"}}}, Reach{}},
		"e-mail and a street": {&Identity{Telecom: []ContactPoint{{System: "email", Value: "a"}}, Addresses: []Address{{Line: []string{"1 St"}}}}, Reach{Email: true, Address: true}},
		"town, former street": {&Identity{Addresses: []Address{{City: "X"}, {Use: "old", Line: []string{"1 St"}}}}, Reach{}},
	} {
		if got := c.id.Reach(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
