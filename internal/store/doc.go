// Package store keeps analytics.duckdb: pseudonymous facts, what is folded from them, and what runs publish. It opens the
// file, locks it down, brings its schema up to date and hands out transactions. It knows no patients and no rules; every
// stage owns its statements.
//
// The file can be deleted and rebuilt from the logs. How far it has read is a row committed together with the facts, so
// that after any crash facts and positions agree.
//
// One process owns the file. Inside it there are two write connections, ingest and pipeline, each used by one caller at a
// time, and a pool of readers that never wait for writers.
package store
