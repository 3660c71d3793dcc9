package store

import (
	"strings"

	"carereach/models"
)

// admit refuses statements that would change the connection or the engine for whoever uses it next, or end the
// transaction. (CALL enable_logging passes the engine's lock and leaves it unusable: tried.) It is a guard against slips,
// not against malice: SQL is code. What ends the transaction in spite of it is found before COMMIT.
func (t *Tx) admit(query string) error {
	for _, word := range firstWords(query) {
		switch word {
		case "BEGIN", "START", "COMMIT", "ROLLBACK", "ABORT", "END", "USE", "SET", "RESET", "CALL", "PRAGMA", "ATTACH", "DETACH", "INSTALL", "LOAD":
			return t.fail(&models.Error{Kind: models.KindInternal, Message: "statement " + word + " has no place inside a transaction of the store"})
		}
	}
	return nil
}

// firstWords gives the first word of every statement in a text, in capitals.
func firstWords(query string) []string {
	var words []string
	for start := true; query != ""; {
		switch c := query[0]; {
		case strings.HasPrefix(query, "--"):
			query = after(query, "\n", 2)
		case strings.HasPrefix(query, "/*"):
			query = after(query, "*/", 2)
		case c == '\'' || c == '"':
			query = after(query, query[:1], 1) // a doubled quote reads as two texts in a row
			start = false
		case c == ';':
			query, start = query[1:], true
		case start && letter(c):
			n := 1
			for n < len(query) && (letter(query[n]) || query[n] == '_') {
				n++
			}
			words = append(words, strings.ToUpper(query[:n]))
			query, start = query[n:], false
		default:
			query = query[1:]
			start = start && strings.IndexByte(" \t\r\n(", c) >= 0
		}
	}
	return words
}

// after gives what follows the next end in text, which is looked for behind the first skip bytes.
func after(text, end string, skip int) string {
	_, rest, _ := strings.Cut(text[skip:], end)
	return rest
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
