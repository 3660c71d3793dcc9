package pipeline

import (
	"testing"
	"testing/fstest"
)

func TestCodeHashNamesWhatMakesRows(t *testing.T) {
	if a, b := CodeHash(), CodeHash(); a != b || len(a) != 32 {
		t.Fatalf("code hash %q, then %q", a, b)
	}
	base := codeHash(clinicRules())
	for _, c := range []struct {
		why, file, text string
		same            bool
	}{
		{"a relation", "kpi/people_list.sql", "-- needs: run\nSELECT 1 AS a", false},
		{"a comment in a relation", "staging/people.sql", "-- needs: run\n-- A word.\nSELECT 1 AS a", false},
		{"a new check", "checks/new.sql", "-- needs: run\n-- severity: error\nSELECT 1 AS a", false},
		{"a function", "functions/duckdb.sql", "CREATE OR REPLACE MACRO one_more(n) AS n + 2;", false},
		{"a starter value set", "valuesets/wellness.csv", "system,code\nx,2\n", false},
		{"a statement of reports, which only reads what is published", "reports/list.sql", "SELECT 1", true},
		{"a case", "testdata/people/a.txtar", "A sentence.", true},
	} {
		rules := clinicRules()
		rules[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		if same := codeHash(rules) == base; same != c.same {
			t.Errorf("%s: the hash stays the same: %t", c.why, same)
		}
	}
}
