// Package pipeline turns stored facts into published rows: it folds versions into current facts, runs the relations of
// one as-of date, checks what came out and publishes it as one run, whole or not at all.
//
// A run is a pure function of its inputs (as-of date, what was known, value sets, KPI inputs, configuration, code). Its
// id is the hash of those inputs, so the same question asked twice is answered by the same rows.
package pipeline
