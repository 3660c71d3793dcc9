package pipeline

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"carereach/models"
)

func TestStarterAndLoadedCodesAreOneSet(t *testing.T) {
	fsys := files("valuesets/colonoscopy.csv", "# free codes\nsystem,code,display\nHCPCS,G0105,Screening colonoscopy\n",
		"valuesets/map.csv", "title,oid,name\nColonoscopy,1.2.3,colonoscopy\nFlu,1.2.4,influenza\nMore flu,1.2.5,influenza\n")
	lists, err := readCodeLists(fsys, []Code{
		{"1.2.3", "http://snomed.info/sct|73761001"}, {"1.2.4", "cvx|1"}, {"1.2.5", "cvx|2"}, {"1.2.5", "cvx|1"}, {"9.9", "http://loinc.org|1-1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"colonoscopy": {"http://snomed.info/sct|73761001", models.SystemHCPCS + "|G0105"}, "influenza": {"cvx|1", "cvx|2"}}
	for name, codes := range want {
		if d := cmp.Diff(codes, slices.Sorted(maps.Keys(lists.byName[name]))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if !lists.known["http://loinc.org|1-1"] || len(lists.known) != 5 {
		t.Errorf("known codes %v: a set without a name of ours counts too", lists.known)
	}
	if d := cmp.Diff([]string{"mammography"}, lists.missing([]string{"colonoscopy", "mammography", "influenza"})); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

func TestAMappedNameWithoutLoadedCodesIsMissing(t *testing.T) {
	lists, err := readCodeLists(files("valuesets/map.csv", "name,oid,title\nmammography,1.2.3,Mammography\n", "valuesets/empty.csv", "system,code\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"mammography", "empty"}, lists.missing([]string{"mammography", "empty"})); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

func TestBrokenValueSetFilesAreNamed(t *testing.T) {
	for _, c := range []struct {
		why   string
		files fstest.MapFS
		want  string
	}{
		{"empty file", files("valuesets/a.csv", ""), "sql/valuesets/a.csv has no header"},
		{"column missing", files("valuesets/a.csv", "system,display\nx,y\n"), "no column code"},
		{"cut short", files("valuesets/a.csv", "system,code\nHCPCS\n"), "sql/valuesets/a.csv is malformed"},
		{"code empty", files("valuesets/a.csv", "system,code\nHCPCS,G0105\nHCPCS,\n"), "line 3"},
		{"map without oid", files("valuesets/map.csv", "name,title\na,b\n"), "no column oid"},
	} {
		t.Run(c.why, func(t *testing.T) {
			_, err := readCodeLists(c.files, nil)
			if err == nil || models.KindOf(err) != models.KindConfig || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want kind config and %q", err, c.want)
			}
		})
	}
}
