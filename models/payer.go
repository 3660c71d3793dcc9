package models

import "strings"

// payerWords maps words that occur in payer names to the class we keep. Order decides: the first hit wins.
var payerWords = []struct{ word, class string }{
	{"dual", "dual"}, {"medicare", "medicare"}, {"medicaid", "medicaid"}, {"chip", "medicaid"},
	{"no_insurance", "self-pay"}, {"no insurance", "self-pay"}, {"uninsured", "self-pay"}, {"self", "self-pay"}, {"none", "self-pay"},
	{"tricare", "military"}, {"veteran", "military"},
	{"private", "commercial"}, {"commercial", "commercial"}, {"blue cross", "commercial"}, {"aetna", "commercial"}, {"cigna", "commercial"},
	{"humana", "commercial"}, {"united", "commercial"}, {"anthem", "commercial"}, {"kaiser", "commercial"}, {"ppo", "commercial"}, {"hmo", "commercial"},
}

// PayerClass folds a payer's display name into medicare, medicaid, dual, commercial, military, self-pay or other. Payer
// names are free text that has held members' names, so only the class is kept in the analytics store; "" stays "".
func PayerClass(display string) string {
	text := strings.ToLower(strings.TrimSpace(display))
	if text == "" {
		return ""
	}
	for _, w := range payerWords {
		if strings.Contains(text, w.word) {
			return w.class
		}
	}
	return "other"
}
