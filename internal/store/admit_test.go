package store

import (
	"slices"
	"strings"
	"testing"
)

func TestFirstWords(t *testing.T) {
	for query, words := range map[string]string{
		"":                                     "",
		"SELECT 1":                             "SELECT",
		"  \n\tselect 1;":                      "SELECT",
		"SELECT 1; commit":                     "SELECT COMMIT",
		"SELECT 'a; commit'":                   "SELECT",
		"SELECT 'it''s; commit'; ROLLBACK":     "SELECT ROLLBACK",
		`SELECT 1 AS "a; commit"; END`:         "SELECT END",
		"-- a; commit\nSELECT 1 -- ; commit\n": "SELECT",
		"/* a; commit */ SELECT /* ; */ 1":     "SELECT",
		"-- only a comment; commit":            "",
		"/* open; commit":                      "",
		"SELECT 'open; commit":                 "SELECT",
		";;; COMMIT ;":                         "COMMIT",
		"(SELECT 1); BEGIN":                    "SELECT BEGIN",
		"INSERT INTO t VALUES (1);\n-- then\nCOMMIT;\nBEGIN TRANSACTION": "INSERT COMMIT BEGIN",
		"UPDATE t SET a = 1": "UPDATE",
		"COMMITTED":          "COMMITTED",
		"END_OF_THINGS":      "END_OF_THINGS",
		"1; 2; SET x = 1":    "SET",
	} {
		if got := strings.Join(firstWords(query), " "); got != words {
			t.Errorf("%q: %q, want %q", query, got, words)
		}
	}
}

// Whatever the text, the guard comes to an end, and finds a COMMIT that stands alone in the text.
func FuzzFirstWords(f *testing.F) {
	for _, s := range []string{"SELECT 1", "'", "\"", "--", "/*", ";", "'';", "a'b;c\"d", "\xff;COMMIT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		firstWords(query)
		if strings.ContainsAny(query, `'"-/`) {
			return
		}
		if !slices.Contains(firstWords(query+";COMMIT"), "COMMIT") {
			t.Errorf("no COMMIT found after %q", query)
		}
	})
}
