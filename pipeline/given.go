package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"carereach/models"
)

// The tables that the runner makes before the first relation, besides the folded ones (cur_*, codes, subject, person).
const (
	// givenRun has one row: the facts of the run. Relations have no other parameter.
	givenRun = "run"
	// givenValueSet has one row per value set name of ours and code key: starter and loaded codes together.
	givenValueSet = "valueset"
	// givenKnownCode has one row per code key that any value set knows, of ours or loaded, named by a rule or not.
	givenKnownCode = "known_code"
	// givenMeasure has one row per measure as its header describes it, and whether it runs in this run: state refused
	// means that the relation of that name is empty because the value sets in reason have no codes. unloaded lists the OIDs
	// of published sets, joined by comma, for which the site has loaded nothing; NULL when it has loaded all.
	givenMeasure = "measure"
	// givenFinding is made after the checks: one row per warning. It is published as check_result.
	givenFinding = "check_result"
)

// The states of a measure in a run.
const (
	MeasureRan     = "ran"
	MeasureRefused = "refused"
)

// givenTables names every table that a relation may read and no relation makes.
func givenTables() map[string]bool {
	given := map[string]bool{givenRun: true, givenValueSet: true, givenKnownCode: true, givenMeasure: true, givenFinding: true,
		"codes": true, "subject": true, "person": true}
	for _, t := range models.FactTypes {
		given[t.CurrentTable()] = true
	}
	return given
}

func columns(pairs ...string) []models.Column {
	var out []models.Column
	for pair := range slices.Chunk(pairs, 2) {
		out = append(out, models.Column{Name: pair[0], Type: pair[1]})
	}
	return out
}

// givenTable is one small table of the run itself.
type givenTable struct {
	name    string
	columns []models.Column
	rows    [][]any
}

func givenBefore(in Inputs, codes codeLists, measures []MeasureState) []givenTable {
	run := givenTable{givenRun, columns("as_of", "DATE", "period_start", "DATE", "period_end", "DATE", "zone", "VARCHAR"),
		[][]any{{in.AsOf, in.Period.Start, in.Period.End, in.Zone}}}
	sets := givenTable{name: givenValueSet, columns: columns("valueset", "VARCHAR", "code", "VARCHAR")}
	for _, name := range slices.Sorted(maps.Keys(codes.byName)) {
		for _, key := range slices.Sorted(maps.Keys(codes.byName[name])) {
			sets.rows = append(sets.rows, []any{name, key})
		}
	}
	known := givenTable{name: givenKnownCode, columns: columns("code", "VARCHAR")}
	for _, key := range slices.Sorted(maps.Keys(codes.known)) {
		known.rows = append(known.rows, []any{key})
	}
	list := givenTable{name: givenMeasure, columns: columns("measure", "VARCHAR", "title", "VARCHAR", "version", "VARCHAR", "direction", "VARCHAR",
		"purpose", "VARCHAR", "state", "VARCHAR", "reason", "VARCHAR", "unloaded", "VARCHAR")}
	for _, m := range measures {
		var reason any
		if m.Reason != "" {
			reason = m.Reason
		}
		var unloaded any
		if m.unloaded != "" {
			unloaded = m.unloaded
		}
		list.rows = append(list.rows, []any{m.ID, m.Title, m.version, m.direction, m.purpose, m.State, reason, unloaded})
	}
	return []givenTable{run, sets, known, list}
}

// judgeMeasures says of every measure whether it can run with the codes that are known.
func judgeMeasures(relations []Relation, codes codeLists) []MeasureState {
	var out []MeasureState
	for _, r := range relations {
		if r.Measure == nil {
			continue
		}
		m := MeasureState{ID: r.Measure.ID, Title: r.Measure.Title, State: MeasureRan,
			unloaded: strings.Join(codes.unloaded(r.ValueSets), ", "),
			relation: r.Name, version: r.Measure.Version, direction: string(r.Measure.Direction), purpose: r.Measure.Purpose}
		if missing := codes.missing(r.ValueSets); len(missing) > 0 {
			m.State = MeasureRefused
			m.Reason = "no codes for " + strings.Join(missing, ", ")
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b MeasureState) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func givenFindings(findings []CheckFinding) givenTable {
	t := givenTable{name: givenFinding, columns: columns("check_name", "VARCHAR", "severity", "VARCHAR", "rows", "BIGINT")}
	for _, f := range findings {
		t.rows = append(t.rows, []any{f.Name, f.Severity, f.Rows})
	}
	return t
}
