package pipeline

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

var update = flag.Bool("update", false, "write expected output anew")

func publishedNames() []string {
	var out []string
	for _, t := range models.Published {
		out = append(out, t.Name)
	}
	return out
}

func TestDataDictionaryIsUpToDate(t *testing.T) {
	const file = "../docs/data-dictionary.md"
	if *update {
		if err := os.WriteFile(file, []byte(Dictionary()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(Dictionary(), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("docs/data-dictionary.md differs from the code; run go test ./pipeline -run Dictionary -update (-code +file):\n%s", d)
	}
}

func TestDataDictionaryNamesEveryColumn(t *testing.T) {
	text := Dictionary()
	for _, table := range models.Published {
		_, section, found := strings.Cut(text, "### pub."+table.Name+"\n")
		section, _, _ = strings.Cut(section, "### ")
		for _, c := range table.Columns {
			if !found || !strings.Contains(section, "| `"+c.Name+"` | "+c.Type+" | "+c.Doc) {
				t.Errorf("pub.%s.%s is not explained", table.Name, c.Name)
			}
		}
	}
	for _, ft := range models.FactTypes {
		_, section, found := strings.Cut(text, "### "+ft.CurrentTable()+"\n")
		section, _, _ = strings.Cut(section, "### ")
		for _, c := range ft.Columns() {
			if !found || !strings.Contains(section, "| `"+c.Name+"` | "+c.Type+" |") {
				t.Errorf("%s.%s is not explained", ft.CurrentTable(), c.Name)
			}
		}
	}
}
