package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"carereach/internal/store"
	"carereach/models"
)

// A statement is one version of one fact as a test tells it: small numbers stand for patients and resources.
type statement struct {
	rt        string // Patient, PersonLink, Encounter, Observation, Practitioner
	id        int    // resource id inside its type
	patient   int    // its subject; Patient 3 is about patient 3
	version   int64
	retracted bool
	codes     []string // Encounter.type, Observation.code
	survivor  int      // PersonLink
	linked    bool
	label     string // Practitioner.label, Encounter.status, Patient.city
}

// history stores statements the way ingest does and remembers how far it came.
type history struct {
	t    testing.TB
	s    *store.Store
	off  int64
	seen map[int]bool
}

func newHistory(t testing.TB, s *store.Store) *history {
	return &history{t: t, s: s, seen: map[int]bool{}}
}

func testStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.OpenMemory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// emptied takes every fact and fold out of a store, so that a property can use one store for all its draws.
func emptied(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	names := []string{"subject", "person", "position", "codes", "fold_state"}
	for _, ft := range models.FactTypes {
		names = append(names, ft.VersionTable(), ft.CurrentTable())
	}
	for _, pt := range models.Published {
		names = append(names, "pub."+pt.Name)
	}
	names = append(names, "pub.run", "pub.current")
	err := s.Pipeline(context.Background(), func(tx *store.Tx) error {
		for _, name := range names {
			if _, err := tx.Exec(context.Background(), "DELETE FROM "+name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pidOf(patient int) int64 { return int64(patient)<<40 | int64(patient) }

func tokenOf(patient int) models.PatientID {
	var p models.PatientID
	p[0], p[15] = byte(patient), byte(patient)
	return p
}

func entOf(rt string, id int) string {
	kind := slices.Index([]string{"Patient", "PersonLink", "Encounter", "Observation", "Practitioner"}, rt) + 1
	return fmt.Sprintf("%08x-0000-0000-0000-%012x", kind, id)
}

// add commits statements as one batch of log "files", partition 0, one record each.
func (h *history) add(batch ...statement) {
	h.t.Helper()
	var texts []string
	for _, rt := range []string{"Patient", "PersonLink", "Encounter", "Observation", "Practitioner"} {
		var rows []string
		for i, st := range batch {
			if st.rt == rt {
				rows = append(rows, st.row(h.off+int64(i)))
			}
		}
		if len(rows) == 0 {
			continue
		}
		ft, _ := models.FactTypeByName(rt)
		columns := `pid, k, ent, source, version, known_at, retracted, log, part, "off", entry, ` + map[string]string{"Patient": "city",
			"PersonLink": "survivor, linked", "Encounter": "status, type", "Observation": "code", "Practitioner": "label"}[rt]
		texts = append(texts, "INSERT INTO "+ft.VersionTable()+" ("+columns+") VALUES "+strings.Join(rows, ", "))
	}
	for _, st := range batch {
		if st.rt == "Practitioner" || h.seen[st.patient] {
			continue
		}
		h.seen[st.patient] = true
		token := tokenOf(st.patient)
		texts = append(texts, fmt.Sprintf("INSERT INTO subject VALUES (%d, '%s', %d, TRUE)", pidOf(st.patient), token, token.Bucket()))
	}
	h.off += int64(len(batch))
	texts = append(texts, "DELETE FROM position", fmt.Sprintf("INSERT INTO position VALUES ('files', 0, %d)", h.off))
	err := h.s.Ingest(context.Background(), func(tx *store.Tx) error {
		for _, text := range texts {
			if _, err := tx.Exec(context.Background(), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// row writes the statement as a row of its version table; off is its offset and its row key.
func (st statement) row(off int64) string {
	pid := strconv.FormatInt(pidOf(st.patient), 10)
	list := "['" + strings.Join(st.codes, "', '") + "']"
	if len(st.codes) == 0 {
		list = "NULL"
	}
	var own string
	switch st.rt {
	case "Patient":
		own = "'" + st.label + "'"
	case "PersonLink":
		own = fmt.Sprintf("'%s', %t", entOf("Patient", st.survivor), st.linked)
	case "Encounter":
		own = "'" + st.label + "', " + list
	case "Observation":
		own = list
	case "Practitioner":
		own, pid = "'"+st.label+"'", "NULL"
	}
	return fmt.Sprintf("(%s, %d, '%s', 'ehr', %d, TIMESTAMP '2026-01-01' + to_seconds(%d), %t, 'files', 0, %d, 0, %s)",
		pid, off, entOf(st.rt, st.id), st.version, off, st.retracted, off, own)
}

// dump gives the folded tables as lines without row keys and arrival times, which depend on the order of arrival.
func dump(t testing.TB, on statements) []string {
	t.Helper()
	ctx := context.Background()
	rows, err := on.Query(ctx, `
		WITH cur AS (
			SELECT 'Patient' AS rt, pid, pid0, k, ent, version, city AS label FROM cur_patient
			UNION ALL SELECT 'PersonLink', pid, pid0, k, ent, version, CAST(survivor AS VARCHAR) || CAST(linked AS VARCHAR) FROM cur_person_link
			UNION ALL SELECT 'Encounter', pid, pid0, k, ent, version, status || coalesce(array_to_string(type, ' '), '') FROM cur_encounter
			UNION ALL SELECT 'Observation', pid, pid0, k, ent, version, coalesce(array_to_string(code, ' '), '') FROM cur_observation
			UNION ALL SELECT 'Practitioner', pid, pid0, k, ent, version, label FROM cur_practitioner)
		SELECT 'cur ' || rt || ' ' || concat_ws(' ', coalesce(pid & 255, -1), coalesce(pid0 & 255, -1), ent, version, label) FROM cur
		UNION ALL SELECT 'code ' || c.rt || ' ' || concat_ws(' ', c.pid & 255, cur.ent, c.code) FROM codes AS c LEFT JOIN cur ON cur.rt = c.rt AND cur.k = c.k
		UNION ALL SELECT 'person ' || concat_ws(' ', pid & 255, survivor & 255) FROM person
		UNION ALL SELECT 'subject ' || concat_ws(' ', pid & 255, stub) FROM subject`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// dumpStore is dump over a snapshot of the store.
func dumpStore(t testing.TB, s *store.Store) (out []string) {
	t.Helper()
	err := s.Read(context.Background(), func(tx *store.Tx) error {
		out = dump(t, tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// foldByHand is the rule of folding told in Go, one statement after the other: what dump must give.
func foldByHand(all []statement) []string {
	type entity struct {
		rt string
		id int
	}
	winner := map[entity]statement{}
	patients, known := map[int]bool{}, map[int]bool{}
	for _, st := range all {
		e := entity{st.rt, st.id}
		if w, ok := winner[e]; !ok || st.version > w.version {
			winner[e] = st
		}
		if st.rt == "Patient" {
			known[st.patient] = true
		}
		if st.rt != "Practitioner" {
			patients[st.patient] = true
		}
	}
	newest := map[int]statement{}
	for e, st := range winner {
		if e.rt == "PersonLink" && !st.retracted && (newest[st.patient].rt == "" || st.version > newest[st.patient].version) {
			newest[st.patient] = st
		}
	}
	into := map[int64]int64{}
	for patient, st := range newest {
		if st.linked && known[st.survivor] {
			into[int64(patient)] = int64(st.survivor)
		}
	}
	person, _ := resolvePersons(into) // held to its rule by person_test.go
	var out []string
	for e, st := range winner {
		if st.retracted {
			continue
		}
		pid, pid0 := int64(st.patient), int64(st.patient)
		if s, merged := person[pid]; merged {
			pid = s
		}
		if st.rt == "Practitioner" {
			pid, pid0 = -1, -1
		}
		label := st.label
		switch st.rt {
		case "PersonLink":
			label = fmt.Sprintf("%s%t", entOf("Patient", st.survivor), st.linked)
		case "Encounter", "Observation":
			label += strings.Join(st.codes, " ")
		}
		out = append(out, fmt.Sprintf("cur %s %d %d %s %d %s", st.rt, pid, pid0, entOf(e.rt, e.id), st.version, label))
		for _, c := range slices.Compact(slices.Sorted(slices.Values(st.codes))) {
			out = append(out, fmt.Sprintf("code %s %d %s %s", st.rt, pid, entOf(e.rt, e.id), c))
		}
	}
	for pid, s := range person {
		out = append(out, fmt.Sprintf("person %d %d", pid, s))
	}
	for patient := range maps.Keys(patients) {
		out = append(out, fmt.Sprintf("subject %d %t", patient, !known[patient]))
	}
	slices.Sort(out)
	return out
}

// drawHistory draws versions, retractions, merges and their undoing over a handful of patients. No two statements about
// one entity, and no two about the merges of one patient, have the same version: such ties are decided by arrival.
func drawHistory(t *rapid.T) []statement {
	const patients = 5
	patient := rapid.IntRange(1, patients)
	var out []statement
	for i := range rapid.IntRange(1, 30).Draw(t, "statements") {
		st := statement{version: int64(i), retracted: rapid.IntRange(0, 4).Draw(t, "retracted") == 0, label: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "label")}
		st.rt = rapid.SampledFrom([]string{"Patient", "PersonLink", "PersonLink", "Encounter", "Observation", "Practitioner"}).Draw(t, "type")
		switch st.rt {
		case "Patient":
			st.patient = patient.Draw(t, "patient")
			st.id = st.patient
		case "PersonLink":
			st.id = rapid.IntRange(0, 2*patients-1).Draw(t, "link") // two statements about each patient
			st.patient = st.id%patients + 1
			st.survivor, st.linked = patient.Draw(t, "survivor"), rapid.IntRange(0, 3).Draw(t, "linked") > 0
			st.label = ""
		case "Practitioner":
			st.id = rapid.IntRange(0, 1).Draw(t, "id")
		default:
			st.id = rapid.IntRange(0, 9).Draw(t, "id")
			st.patient = st.id%patients + 1
			st.codes = rapid.SliceOfN(rapid.SampledFrom([]string{"x|1", "x|2", "y|1"}), 0, 3).Draw(t, "codes")
			if st.rt == "Observation" {
				st.label = ""
			}
		}
		out = append(out, st)
	}
	return out
}
