package models

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNormalLanguage(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"en-US", "en"}, {"EN", "en"}, {"es_MX", "es"}, {" pt ", "pt"}, {"spa", "es"}, {"chi", "zh"}, {"zho", "zh"}, {"zh-Hant-TW", "zh"}, {"hmn", "hmn"},
		{"und", ""}, {"English", ""}, {"", ""}, {"e", ""}, {"12", ""}, {"-US", ""}, {"é1", ""},
	} {
		if got := NormalLanguage(c.in); got != c.want {
			t.Errorf("NormalLanguage(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNormalLanguageIsIdempotent(t *testing.T) {
	for three, two := range language639 {
		if len(three) != 3 || len(two) != 2 {
			t.Errorf("%q -> %q: want three letters to two", three, two)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := NormalLanguage(rapid.StringMatching(`[A-Za-z]{0,4}([-_][A-Z]{2})?`).Draw(t, "code"))
		if twice := NormalLanguage(once); twice != once {
			t.Fatalf("%q becomes %q", once, twice)
		}
	})
}
