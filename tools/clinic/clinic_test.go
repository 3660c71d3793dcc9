package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read gives every file below dir by its path.
func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The committed clinic is what this command makes: nobody edits it by hand, and the same seed gives the same bytes.
func TestCommittedClinicIsTheGenerators(t *testing.T) {
	dir := t.TempDir()
	if err := newClinic(7, 120).write(dir); err != nil {
		t.Fatal(err)
	}
	made, have := read(t, dir), read(t, filepath.Join("..", "..", "internal", "app", "clinic"))
	if len(made) != len(have) {
		t.Errorf("%d files are made, %d are committed; run: go run ./tools/clinic", len(made), len(have))
	}
	for name, b := range made {
		if !bytes.Equal(b, have[name]) {
			t.Errorf("%s differs; run: go run ./tools/clinic", name)
		}
	}
}

// Every reference points at a resource of the clinic, and every id is there once, but for the lines that are meant to be broken.
func TestReferencesHold(t *testing.T) {
	c := newClinic(11, 40)
	ids := map[string]bool{}
	for resourceType, list := range c.fhir {
		for _, r := range list {
			key := resourceType + "/" + r["id"].(string)
			if ids[key] {
				t.Errorf("%s is there twice", key)
			}
			ids[key] = true
		}
	}
	for resourceType, list := range c.fhir {
		b, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(b), `"reference":"`)[1:] {
			if target, _, _ := strings.Cut(part, `"`); !ids[target] {
				t.Errorf("%s refers to %s, which is not there", resourceType, target)
			}
		}
	}
}

// The truth that the demo is to find is planted: the first site's patients miss more appointments than the others'.
func TestPlantedNoShows(t *testing.T) {
	c := newClinic(7, 120)
	site := map[string]int{}
	for _, p := range c.people {
		site["Patient/"+p.id] = p.site
	}
	var missed, due [2]int
	for _, a := range c.fhir["Appointment"] {
		who := a["participant"].([]object)[0]["actor"].(object)["reference"].(string)
		i := min(site[who], 1)
		switch a["status"] {
		case "noshow":
			missed[i]++
			due[i]++
		case "fulfilled":
			due[i]++
		}
	}
	first, others := float64(missed[0])/float64(due[0]), float64(missed[1])/float64(due[1])
	if first < 0.18 || others > 0.14 {
		t.Errorf("no-show rates %.3f and %.3f, planted were 0.24 and 0.09", first, others)
	}
}
