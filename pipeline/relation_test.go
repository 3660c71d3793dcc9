package pipeline

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/models"
)

func files(pairs ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return out
}

func TestHeaderOfARelation(t *testing.T) {
	relations, err := LoadRelations(files("measures/colorectal.sql", `-- One row per patient eligible for colorectal screening.
-- Rule: a sentence: with colons.
-- needs: run, staging.patients,
-- needs: codes
-- value sets: colonoscopy, fobt
-- measure: colorectal | Colorectal cancer screening | 2026.1 | higher | preventive
-- publishes: gap
SELECT 1 AS x -- needs: nothing, this is no header any more
`))
	if err != nil {
		t.Fatal(err)
	}
	got := relations[0]
	got.Text = ""
	want := Relation{Layer: "measures", Name: "colorectal", Needs: []string{"run", "patients", "codes"}, ValueSets: []string{"colonoscopy", "fobt"}, Publishes: "gap",
		Measure: &Measure{ID: "colorectal", Title: "Colorectal cancer screening", Version: "2026.1", Direction: models.Higher, Purpose: "preventive"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
}

func TestBrokenRelationsAreNamed(t *testing.T) {
	ok := "-- needs: run\nSELECT 1 AS a"
	for _, c := range []struct {
		why   string
		files fstest.MapFS
		want  []string
	}{
		{"no needs line", files("staging/a.sql", "-- A row.\nSELECT 1"), []string{"sql/staging/a.sql", "needs"}},
		{"two files make one table", files("staging/a.sql", ok, "kpi/a.sql", ok), []string{"sql/kpi/a.sql", "sql/staging/a.sql"}},
		{"publishes an unknown table", files("kpi/a.sql", "-- needs: run\n-- publishes: gaps\nSELECT 1"), []string{"sql/kpi/a.sql", "gaps"}},
		{"check without severity", files("checks/a.sql", ok), []string{"sql/checks/a.sql", "severity"}},
		{"severity outside checks", files("kpi/a.sql", "-- needs: run\n-- severity: error\nSELECT 1"), []string{"sql/kpi/a.sql", "severity"}},
		{"unknown severity", files("checks/a.sql", "-- needs: run\n-- severity: fatal\nSELECT 1"), []string{"sql/checks/a.sql", "severity"}},
		{"measure line too short", files("measures/a.sql", "-- needs: run\n-- measure: a | A | 1 | higher\nSELECT 1"), []string{"sql/measures/a.sql", "five parts"}},
		{"measure without direction", files("measures/a.sql", "-- needs: run\n-- measure: a | A | 1 | up | chronic\nSELECT 1"), []string{"sql/measures/a.sql", "higher or lower"}},
		{"measure without purpose", files("measures/a.sql", "-- needs: run\n-- measure: a | A | 1 | lower | cure\nSELECT 1"), []string{"sql/measures/a.sql", "preventive nor chronic"}},
		{"need that nothing makes", files("kpi/a.sql", "-- needs: run, visits\nSELECT 1"), []string{"sql/kpi/a.sql", "visits"}},
		{"ring of needs", files("kpi/a.sql", "-- needs: b\nSELECT 1", "kpi/b.sql", "-- needs: c\nSELECT 1", "kpi/c.sql", "-- needs: b\nSELECT 1"),
			[]string{"sql/kpi/b.sql", "kpi/b.sql needs kpi/c.sql needs kpi/b.sql"}},
		{"makes what the runner makes", files("staging/run.sql", ok), []string{"sql/staging/run.sql"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			relations, err := LoadRelations(c.files)
			if err == nil {
				_, err = inOrder(relations, map[string]bool{"run": true})
			}
			if err == nil || models.KindOf(err) != models.KindConfig {
				t.Fatalf("error %v, want one of kind config", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func TestIndependentRelationsKeepTheOrderOfLayers(t *testing.T) {
	relations, err := LoadRelations(files("checks/a.sql", "-- needs: run\n-- severity: error\nSELECT 1", "kpi/b.sql", "-- needs: run\nSELECT 1",
		"staging/z.sql", "-- needs: run\nSELECT 1", "staging/y.sql", "-- needs: z\nSELECT 1", "staging/readme.txt", "no relation"))
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := inOrder(relations, map[string]bool{"run": true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range ordered {
		names = append(names, r.Name)
	}
	if d := cmp.Diff([]string{"z", "y", "b", "a"}, names); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
}

// TestEveryNeedComesFirst draws relations whose needs point at earlier ones of a hidden order and shuffles them.
func TestEveryNeedComesFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "relations")
		all := make([]Relation, n)
		for i := range all {
			all[i] = Relation{Layer: "kpi", Name: string(rune('a' + i)), Needs: []string{"run"}}
			for j := range i {
				if rapid.Bool().Draw(t, "needs") {
					all[i].Needs = append(all[i].Needs, all[j].Name)
				}
			}
		}
		ordered, err := inOrder(rapid.Permutation(all).Draw(t, "files"), map[string]bool{"run": true})
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]int{}
		for i, r := range ordered {
			at[r.Name] = i + 1
		}
		if len(at) != n {
			t.Fatalf("%d relations of %d", len(at), n)
		}
		for _, r := range ordered {
			for _, need := range r.Needs {
				if need != "run" && at[need] >= at[r.Name] {
					t.Errorf("%s comes before %s, which it needs", r.Name, need)
				}
			}
		}
	})
}

func TestMeasuresComeByID(t *testing.T) {
	ms, err := Measures(files("measures/b.sql", "-- needs: run\n-- measure: b | B | 1 | higher | chronic\nSELECT 1",
		"measures/a.sql", "-- needs: run\n-- measure: a | A | 1 | lower | chronic\nSELECT 1", "kpi/k.sql", "-- needs: run\nSELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(ms, []models.MeasureID{"a", "b"}, func(m Measure, id models.MeasureID) bool { return m.ID == id }) {
		t.Errorf("measures %v", ms)
	}
}
