package csvmap

import (
	"errors"
	"strings"
	"testing"

	"carereach/models"
)

const good = `name: list
recognise:
  headers: [id, when]
facts:
  - type: Appointment
    id: [id]
    subject: patient
    columns:
      status: {column: status, map: {ok: booked}}
      start: {column: when}
`

func mustLoad(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := Load("list.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A mistake in a mapping file is named with file, line and key, and with the word that was meant.
func TestLoadNamesTheMistake(t *testing.T) {
	change := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the example has no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"key of a block":       {change("columns:", "colums:"), []string{"list.yaml, line 8", "unknown key 'colums'", "did you mean 'columns'?"}},
		"key of the file":      {change("recognise:", "recognize:"), []string{"list.yaml, line 2", "unknown key 'recognize'", "did you mean 'recognise'?"}},
		"unknown top key":      {good + "zome: UTC\n", []string{"line 11", "unknown key 'zome'", "did you mean 'zone'?"}},
		"far from any key":     {good + "elephant: grey\n", []string{"unknown key 'elephant'", "known here:"}},
		"element":              {change("start:", "strat:"), []string{"line 10", "unknown key 'strat'", "did you mean 'start'?"}},
		"key of an element":    {change("{column: when}", "{colunm: when}"), []string{"line 10", "unknown key 'colunm' in facts[0].columns.start", "did you mean 'column'?"}},
		"type":                 {change("Appointment", "Apointment"), []string{"line 5", "no fact type 'Apointment'", "did you mean 'Appointment'?"}},
		"no recognition":       {change("recognise:\n  headers: [id, when]\n", ""), []string{"list.yaml", "nothing says which files"}},
		"no type":              {change("type: Appointment", "# Appointment"), []string{"facts[0]"}},
		"no name":              {change("name: list\n", ""), []string{"has no key 'name'"}},
		"no subject":           {change("    subject: patient\n", ""), []string{"facts[0]", "is about a patient", "add subject"}},
		"subject too many":     {change("Appointment", "Organization"), []string{"is about no patient"}},
		"no id":                {change("    id: [id]\n", ""), []string{"has no key 'id'", "id: hash"}},
		"constant id":          {change("[id]\n    subject", "[\"=x\"]\n    subject"), []string{"the same in every row"}},
		"status word":          {change("ok: booked", "ok: boked"), []string{"line 9", "'boked' is not one of its words", "did you mean 'booked'?"}},
		"reading":              {change("{column: when}", "{column: when, as: tmie}"), []string{"as 'tmie' does not fit start", "did you mean 'time'?"}},
		"reading of a kind":    {change("{column: when}", "{column: when, as: money}"), []string{"as 'money' does not fit start"}},
		"two sources":          {change("{column: when}", "{column: when, const: x}"), []string{"needs one of", "it has 2"}},
		"no source":            {change("{column: when}", "{as: time}"), []string{"needs one of", "it has 0"}},
		"codes without system": {good + "      reason: {column: why}\n", []string{"needs its code system"}},
		"unknown form":         {good + "      reason: {column: why, form: icd10cm}\n", []string{"form 'icd10cm' is not known", "icd-10-cm"}},
		"ref without type":     {good + "      practitioner: {column: who}\n", []string{"does not say what it refers to", "ref:Practitioner"}},
		"unknown zone":         {good + "zone: America/Nowhere\n", []string{"zone \"America/Nowhere\" is not known"}},
		"time format":          {good + "formats: [MM/DD]\n", []string{"\"MM/DD\" is no time format"}},
		"time format letters":  {good + "formats: [dd.mm.yyyy]\n", []string{"\"dd.mm.yyyy\" is no time format"}},
		"key twice":            {good + "name: other\n", []string{"key \"name\" twice"}},
		"alias of two":         {good + "aliases: {id: [nr], when: [NR]}\n", []string{"\"NR\" stands for two columns"}},
		"condition":            {good + "    when: [{column: status}]\n", []string{"when[0] says nothing"}},
		"condition typo":       {good + "    when: [{column: status, equal: x}]\n", []string{"unknown key 'equal' in facts[0].when[0]", "did you mean 'equals'?"}},
		"default received":     {good + "      modality: {column: m, default: received}\n", []string{"only a time may default"}},
		"unit of a text":       {good + "      modality: {column: m, unit: kg}\n", []string{"only a quantity has a unit"}},
		"start of a time":      {good + "      end: {start: a}\n", []string{"only an interval has start and end"}},
		"round of a time":      {good + "      end: {column: a, round: 2}\n", []string{"round is not a number of decimals"}},
		"several columns":      {good + "      end: {columns: [a, b]}\n", []string{"only a list of codes takes several columns"}},
		"identity of a visit":  {good + "    identity: {telecom: [{column: p}]}\n", []string{"a Appointment has no identity"}},
		"consent of a visit":   {good + "    consent: {evidence: p}\n", []string{"has no consent"}},
		"facts and ignore":     {good + "ignore: not needed\n", []string{"either facts or a reason"}},
		"nothing to recognise": {change("  headers: [id, when]\n", "  headers: []\n"), []string{"recognise names neither files nor headers"}},
		"file pattern":         {change("  headers: [id, when]\n", "  files: [\"a[\"]\n"), []string{"file pattern \"a[\" is malformed"}},
		"no YAML":              {"name: [\n", []string{"list.yaml", "not YAML"}},
		"tab":                  {"name: list\n\tfacts: x\n", []string{"not YAML"}},
		"empty":                {"", []string{"the file is empty"}},
		"a text":               {"hello", []string{"the file is not a block of keys"}},
		"two documents":        {good + "---\nname: x\n", []string{"more than one document"}},
		"link with an id":      {strings.ReplaceAll(change("Appointment", "PersonLink"), "status: {column: status, map: {ok: booked}}\n      start: {column: when}", "linked: {const: true}"), []string{"the id of a PersonLink is its subject"}},
		"components":           {strings.ReplaceAll(change("Appointment", "Observation"), "status: {column: status, map: {ok: booked}}\n      start: {column: when}", "component: {column: when}"), []string{"cannot come from CSV"}},
	} {
		_, err := Load("list.yaml", []byte(c.text))
		var e *models.Error
		if !errors.As(err, &e) || e.Kind != models.KindConfig || e.Mend == "" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v\nwants %q", name, err, part)
			}
		}
	}
}

// Every shipped mapping loads, has a name of its own, a title and a recognition, and comes back from its text.
func TestShippedMappings(t *testing.T) {
	seen := map[string]bool{}
	all := Shipped()
	for i, m := range all {
		if seen[m.Name] || seen[m.Hash()] || m.Title == "" || len(m.headers) == 0 && len(m.files) == 0 {
			t.Errorf("%s: twice, without title or recognition", m.Name)
		}
		seen[m.Name], seen[m.Hash()] = true, true
		if i > 0 && all[i-1].Name > m.Name {
			t.Errorf("%s is out of order", m.Name)
		}
		again, err := Load(m.Name, m.Text())
		if err != nil || again.Hash() != m.Hash() || len(again.blocks) != len(m.blocks) {
			t.Errorf("%s read again: %v", m.Name, err)
		}
	}
	for _, name := range []string{"appointments", "contacts", "consents", "synthea-patients", "tuva-medical"} {
		if !seen[name] {
			t.Errorf("no mapping %s", name)
		}
	}
}

// Whatever a mapping file holds, it loads or is refused as configuration; what loads maps rows without a panic.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good), []byte(`{"id":"1","when":"2024-01-01","patient":"p"}`))
	for _, m := range Shipped() {
		f.Add(m.Text(), []byte(`{"id":"1","patientid":"p","start":"2024-01-01","amount":"1.5"}`))
	}
	f.Add([]byte("a: &a [*a]"), []byte("{}"))
	f.Fuzz(func(t *testing.T, text, row []byte) {
		m, err := Load("fuzz.yaml", text)
		if err != nil {
			var e *models.Error
			if !errors.As(err, &e) || e.Kind != models.KindConfig {
				t.Fatalf("Load: %v", err)
			}
			return
		}
		facts, err := m.FactsJSON(row, received)
		var reject *models.Reject
		if err != nil && !errors.As(err, &reject) && !errors.Is(err, ErrIgnored) {
			t.Fatalf("FactsJSON: %v", err)
		}
		if (err == nil) != (len(facts) > 0) {
			t.Fatalf("%d facts with %v", len(facts), err)
		}
		for _, f := range facts {
			if f.ID == "" {
				t.Fatal("a fact without id")
			}
		}
	})
}
