package models

import "strings"

// language639 maps the three-letter codes (ISO 639-2, terminological and bibliographic) that hospital systems send for
// the languages most asked for to the two letters that BCP 47 prescribes for them.
var language639 = map[string]string{
	"eng": "en", "spa": "es", "zho": "zh", "chi": "zh", "vie": "vi", "kor": "ko", "rus": "ru", "ara": "ar", "fra": "fr", "fre": "fr",
	"hat": "ht", "por": "pt", "pol": "pl", "ita": "it", "deu": "de", "ger": "de", "jpn": "ja", "tgl": "tl", "hin": "hi", "ben": "bn",
	"fas": "fa", "per": "fa", "urd": "ur", "som": "so", "amh": "am", "nep": "ne", "guj": "gu", "pan": "pa", "ell": "el", "gre": "el",
	"hye": "hy", "arm": "hy", "ukr": "uk", "swa": "sw", "mya": "my", "bur": "my", "khm": "km", "lao": "lo", "tha": "th", "tel": "te",
	"tam": "ta", "heb": "he", "tur": "tr", "nld": "nl", "dut": "nl", "ron": "ro", "rum": "ro", "yid": "yi", "kur": "ku", "pus": "ps",
}

// NormalLanguage gives the primary subtag of a language code in lower case: "en-US" and "eng" become "en". Codes without
// a two-letter form keep three ("hmn"). What is no language code ("English", "") becomes "".
func NormalLanguage(code string) string {
	primary := strings.ToLower(strings.TrimSpace(code))
	if i := strings.IndexAny(primary, "-_"); i >= 0 {
		primary = primary[:i]
	}
	if len(primary) < 2 || len(primary) > 3 || strings.Trim(primary, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	switch primary {
	case "und", "mul", "mis", "zxx": // undetermined, several, uncoded, none
		return ""
	}
	if short, ok := language639[primary]; ok {
		return short
	}
	return primary
}
