package pipeline

import (
	"encoding/csv"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"carereach/models"
	"carereach/sql"
)

// listRows reads a value set file by the names of its header.
func listRows(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := sql.Files.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) < 2 {
		t.Fatalf("%s: %d lines, %v", file, len(records), err)
	}
	var out []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = r[i]
		}
		out = append(out, row)
	}
	return out
}

// starterSets lists the value sets that ship, by name.
func starterSets(t *testing.T) map[string][]map[string]string {
	t.Helper()
	files, err := fs.Glob(sql.Files, "valuesets/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]map[string]string{}
	for _, file := range files {
		if name := strings.TrimSuffix(strings.TrimPrefix(file, "valuesets/"), ".csv"); name != "map" {
			out[name] = listRows(t, file)
		}
	}
	return out
}

// What ships may be used by anyone: four systems that are in the public domain, and LOINC under its notice. A procedure code
// of five digits would be CPT, which shares the system of HCPCS in some feeds.
func TestStarterCodesAreFree(t *testing.T) {
	forms := map[string]*regexp.Regexp{
		models.SystemLOINC:    regexp.MustCompile(`^[0-9]{3,5}-[0-9]$`),
		models.SystemICD10CM:  regexp.MustCompile(`^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$`),
		models.SystemICD10PCS: regexp.MustCompile(`^[0-9A-HJ-NP-Z]{7}$`),
		models.SystemHCPCS:    regexp.MustCompile(`^[A-V][0-9]{4}$`),
		models.SystemCVX:      regexp.MustCompile(`^[0-9]{2,3}$`),
	}
	for name, rows := range starterSets(t) {
		seen := map[string]bool{}
		for _, row := range rows {
			form, free := forms[row["system"]]
			key := models.CodeKey(row["system"], row["code"])
			switch {
			case !free:
				t.Errorf("%s: system %s does not ship", name, row["system"])
			case !form.MatchString(row["code"]):
				t.Errorf("%s: %s is no code of %s", name, row["code"], row["system"])
			case row["display"] == "":
				t.Errorf("%s: %s has no words", name, key)
			case seen[key]:
				t.Errorf("%s: %s twice", name, key)
			case models.NormalSystem(row["system"]) != row["system"]:
				t.Errorf("%s: %s is not the name under which facts keep the system", name, row["system"])
			}
			seen[key] = true
		}
	}
	notice, err := sql.Files.ReadFile("valuesets/NOTICE.md")
	if err != nil || !strings.Contains(string(notice), "http://loinc.org/license") {
		t.Errorf("LOINC codes ship without their notice: %v", err)
	}
}

// A LOINC code ends with a check digit, so that a mistyped one does not pass.
func TestLOINCCodesCheckOut(t *testing.T) {
	for name, rows := range starterSets(t) {
		for _, row := range rows {
			if row["system"] != models.SystemLOINC {
				continue
			}
			digits, check, _ := strings.Cut(row["code"], "-")
			sum := 0
			for i := range len(digits) {
				d := int(digits[len(digits)-1-i] - '0')
				if i%2 == 0 {
					d = d*2/10 + d*2%10
				}
				sum += d
			}
			if want := string(rune('0' + (10-sum%10)%10)); check != want {
				t.Errorf("%s: %s ends with %s, its check digit is %s", name, row["code"], check, want)
			}
		}
	}
}

// Every set that the map or a relation names ships with codes, every set that ships is named, and a published set is tied
// to a name once.
func TestValueSetNamesAgree(t *testing.T) {
	relations, err := LoadRelations(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	sets, named := starterSets(t), map[string]bool{}
	for _, r := range relations {
		for _, name := range r.ValueSets {
			named[name] = true
			if len(sets[name]) == 0 {
				t.Errorf("sql/%s names the set %s, which has no starter codes", r.Path(), name)
			}
			if !strings.Contains(r.Text, "'"+name+"'") {
				t.Errorf("sql/%s lists the set %s in its header and does not use it", r.Path(), name)
			}
		}
		if r.Layer != "measures" || r.Name == "measure_status" {
			continue
		}
		for name := range sets {
			if strings.Contains(r.Text, "'"+name+"'") && !slices.Contains(r.ValueSets, name) {
				t.Errorf("sql/%s uses the set %s and does not list it in its header", r.Path(), name)
			}
		}
	}
	for name := range sets {
		if !named[name] {
			t.Errorf("no relation names the set %s", name)
		}
	}
	oid := regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)
	seen := map[string]bool{}
	for _, row := range listRows(t, "valuesets/map.csv") {
		if len(sets[row["name"]]) == 0 || !oid.MatchString(row["oid"]) || row["title"] == "" || seen[row["oid"]] {
			t.Errorf("map.csv: %v: no such set, no OID, no title, or an OID twice", row)
		}
		seen[row["oid"]] = true
	}
}

// A measure that one list forgets would be missing from a page without anybody noticing: every rule is in the union, has
// words, has evidence sets that it names itself, and tells its public source.
func TestEveryMeasureIsEverywhere(t *testing.T) {
	relations, err := LoadRelations(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string) string { return sql.Text("measures/" + name + ".sql") }
	measures := 0
	for _, r := range relations {
		if r.Measure == nil {
			continue
		}
		measures++
		id := string(r.Measure.ID)
		if id != r.Name {
			t.Errorf("sql/%s makes measure %s: one name for rule and table", r.Path(), id)
		}
		for _, list := range []string{"measure_span", "measure_words", "measure_status"} {
			if !strings.Contains(text(list), "'"+id+"'") {
				t.Errorf("sql/measures/%s.sql does not know %s", list, id)
			}
		}
		if !regexp.MustCompile(`(?m)^-- .*https://`).MatchString(r.Text) {
			t.Errorf("sql/%s does not tell the published rule it follows", r.Path())
		}
		for _, set := range evidenceSets(text("measure_status"), id) {
			if !slices.Contains(r.ValueSets, set) {
				t.Errorf("measure_status counts %s as evidence of %s, whose rule does not read it", set, id)
			}
		}
	}
	if measures != 5 {
		t.Errorf("%d starter rules, want 5", measures)
	}
}

func evidenceSets(text, measure string) (out []string) {
	for _, m := range regexp.MustCompile(`\('(\w+)', '(\w+)'\)`).FindAllStringSubmatch(text, -1) {
		if m[1] == measure {
			out = append(out, m[2])
		}
	}
	return out
}

// The registry of KPIs and the relations that measure them name each other.
func TestEveryKPIIsMeasured(t *testing.T) {
	relations, err := LoadRelations(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	made, union := map[string]Relation{}, Relation{}
	for _, r := range relations {
		if r.Layer == "kpi" && strings.HasPrefix(r.Name, "kpi_") && r.Name != "kpi_span" {
			made[r.Name] = r
		}
		if r.Name == "kpi" {
			union = r
		}
	}
	for _, d := range models.KPIs {
		if d.Relation == "" {
			continue
		}
		r, ok := made[d.Relation]
		if !ok || !strings.Contains(r.Text, "'"+string(d.ID)+"' AS kpi") || !slices.Contains(union.Needs, d.Relation) {
			t.Errorf("%s: sql/kpi/%s.sql is missing, gives another id, or is not in the union", d.ID, d.Relation)
		}
		delete(made, d.Relation)
	}
	for name := range maps.Keys(made) {
		t.Errorf("sql/kpi/%s.sql measures nothing of the registry", name)
	}
}

// A rule that runs on starter codes says which published sets it could not see; once they are loaded it says nothing.
func TestUnloadedSetsAreNamed(t *testing.T) {
	fsys := files("valuesets/map.csv", "name,oid,title\na,1.2.3,A\na,1.2.4,A too\nb,1.2.5,B\nc,1.2.3,C\n",
		"valuesets/a.csv", "system,code,display\nx,1,one\n", "valuesets/b.csv", "system,code,display\nx,2,two\n", "valuesets/c.csv", "system,code,display\nx,3,three\n")
	for _, c := range []struct {
		loaded []Code
		names  []string
		want   string
	}{
		{nil, []string{"a", "b", "c"}, "1.2.3 1.2.4 1.2.5"},
		{[]Code{{OID: "1.2.4", Key: "x|9"}}, []string{"a", "c"}, "1.2.3"},
		{[]Code{{OID: "1.2.4", Key: "x|9"}}, []string{"b"}, "1.2.5"},
		{[]Code{{OID: "1.2.3", Key: "x|9"}, {OID: "1.2.4", Key: "x|8"}}, []string{"a"}, ""},
	} {
		lists, err := readCodeLists(fsys, c.loaded)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lists.unloaded(c.names), " "); got != c.want {
			t.Errorf("%v with %d loaded codes: %q, want %q", c.names, len(c.loaded), got, c.want)
		}
	}
}
