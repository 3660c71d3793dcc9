// Package sql embeds every statement and relation that is written by hand, and the value set lists that ship with the
// product. One relation, one file; the file name is the table name and the folder is its layer.
package sql

import "embed"

// Files holds the folders of this package: schema, ledger, ingest, fold, pipeline, staging, measures, targets, kpi, checks,
// functions, reports and valuesets.
//
//go:embed */*
var Files embed.FS

// Text gives the text of one file, "staging/patients.sql". A name that is not embedded is a fault of the caller and
// panics: the set of files is fixed when the binary is built.
func Text(name string) string {
	b, err := Files.ReadFile(name)
	if err != nil {
		panic("sql: no file " + name)
	}
	return string(b)
}
