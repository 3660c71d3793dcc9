package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"carereach/models"
)

// The engine quotes values in its errors. None of them may reach an error of ours, however it was met.
func TestErrorsQuoteNoValues(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, "CREATE TABLE v (u UUID, i TINYINT, d DATE, name VARCHAR NOT NULL UNIQUE CHECK (name <> 'Janet Canary'))", "INSERT INTO v (name) VALUES ('Jane Canary')")
	for query, args := range map[string][]any{
		"INSERT INTO v (u, name) VALUES ($1, 'x')":                                            {"Jane Canary"},
		"INSERT INTO v (u, name) SELECT CAST($1 AS UUID), 'x'":                                {"Jane 'O''Canary"},
		"SELECT strptime($1, '%Y-%m-%d')":                                                     {"Jane Canary"},
		"SELECT CAST($1 AS DATE)":                                                             {"19710405\nCanary"},
		"SELECT CAST(CAST($1 AS BIGINT) AS TINYINT)":                                          {int64(5551234567)},
		"SELECT json_extract($1, '$.x')":                                                      {"{Canary"},
		"INSERT INTO v (name) VALUES ($1)":                                                    {"Jane Canary"},
		"INSERT INTO v (name) VALUES ($1) ":                                                   {"Janet Canary"},
		"SELECT CAST(name AS INTEGER) FROM v":                                                 {},
		"SELECT CAST($1 AS DECIMAL(4,2))":                                                     {"5551234567.89"},
		"SELECT CAST([$1] AS INTEGER[])":                                                      {"Canary"},
		"SELECT chr(CAST($1 AS INTEGER)), date_trunc(CAST($2 AS VARCHAR), DATE '2020-01-01')": {int64(65), "Canary"},
	} {
		byExec := s.Ingest(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, query, args...)
			return err
		})
		byRow := s.Ingest(ctx, func(tx *Tx) error {
			var v any
			return tx.QueryRow(ctx, query, args...).Scan(&v)
		})
		swallowed := s.Ingest(ctx, func(tx *Tx) error {
			_, _ = tx.Exec(ctx, query, args...)
			return nil
		})
		for how, err := range map[string]error{"Exec": byExec, "QueryRow": byRow, "swallowed": swallowed} {
			if err == nil {
				t.Errorf("%s by %s: meant to fail", query, how)
				continue
			}
			for _, leak := range []string{"Canary", "Jane", "5551234567", "555", "19710405"} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("%s by %s quotes a value: %v", query, how, err)
				}
			}
		}
	}
}

// Errors about the text of a statement keep their words: they help whoever writes it and hold no values.
func TestErrorsAboutStatementsKeepTheirWords(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for query, word := range map[string]string{"SELECT nothing FROM counter": "nothing", "SELECT * FROM no_such_table": "no_such_table", "SELEC 1": "SELEC", "INSERT INTO counter (name) VALUES ('k')": "counter.value"} {
		err := s.Ingest(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v; want it to name %s", query, err, word)
		}
	}
}

// The kind of an error says what can be done about it.
func TestFaultsHaveKinds(t *testing.T) {
	for message, kind := range map[string]models.Kind{
		"IO Error: Could not write file \"/x\": No space left on device":                                                       models.KindUnavail,
		"FATAL Error: Failed: database has been invalidated because of a previous fatal error":                                 models.KindUnavail,
		"Out of Memory Error: could not allocate block of size 256.0 KiB (57.1 MiB/57.2 MiB used)":                             models.KindUnavail,
		"Out of Memory Error: failed to offload data block of size 256.0 KiB (95.3 MiB/95.3 MiB used).":                        models.KindUnavail,
		"IO Error: Could not set lock on file \"/x\": Conflicting lock is held in /usr/bin/carereach (PID 4711). See also ...": models.KindUnavail,
		"IO Error: The file \"/x\" exists, but it is not a valid DuckDB database file!":                                        models.KindCorruption,
		"IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and 67.":    models.KindCorruption,
		"IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 3":         models.KindCorruption,
		"Serialization Error: Failed to deserialize: field id mismatch":                                                        models.KindCorruption,
		"Catalog Error: Table with name x does not exist!":                                                                     models.KindInternal,
		"Conversion Error: Could not convert string 'x' to INT32":                                                              models.KindInternal,
	} {
		typ := duckdb.ErrorTypeInvalid
		switch {
		case strings.HasPrefix(message, "IO"):
			typ = duckdb.ErrorTypeIO
		case strings.HasPrefix(message, "FATAL"):
			typ = duckdb.ErrorTypeFatal
		}
		err := explain(&duckdb.Error{Type: typ, Msg: message})
		if models.KindOf(err) != kind {
			t.Errorf("%s: kind %s, want %s", message, models.KindOf(err), kind)
		}
		if again := explain(err); again != err { //nolint:errorlint // the very same value is meant
			t.Errorf("explained twice: %v", again)
		}
		if fatal(err) != (typ == duckdb.ErrorTypeFatal) {
			t.Errorf("%s: fatal %v", message, fatal(err))
		}
	}
	plain := errors.New("plain")
	if explain(plain) != plain || explain(nil) != nil { //nolint:errorlint // the very same value is meant
		t.Error("errors that are not the engine's come back as they are")
	}
}
