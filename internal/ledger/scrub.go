package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"carereach/models"
)

// Finding is what is wrong with a table: the first row that failed its check.
type Finding struct {
	Table string `json:"table"`
	What  string `json:"what"`
}

// ScrubReport is the outcome of Scrub.
type ScrubReport struct {
	Rows     map[string]int64 `json:"rows"` // rows checked per table
	Findings []Finding        `json:"findings"`
}

// Scrub reads and checks every row: tags, seals, chain, contents, index and counts, and the file as SQLite sees it. Every table
// is checked even when another has a finding. With findings the error is of models.KindCorruption and names the first.
func (l *Ledger) Scrub(ctx context.Context) (ScrubReport, error) {
	out := ScrubReport{Rows: map[string]int64{}, Findings: []Finding{}}
	var first error
	note := func(table string, n int64, err error) error {
		out.Rows[table] = n
		if err == nil {
			return nil
		}
		if models.KindOf(err) != models.KindCorruption {
			return err
		}
		var e *models.Error
		errors.As(err, &e)
		out.Findings = append(out.Findings, Finding{table, e.Message})
		if first == nil {
			first = err
		}
		return nil
	}
	audit, err := l.VerifyAudit(ctx)
	if err := note("audit", audit.Rows, err); err != nil {
		return out, err
	}
	for _, c := range []struct {
		table string
		check func(context.Context, *sql.Tx) (int64, error)
	}{
		{FileName, l.scrubFile}, {"setting", l.scrubSettings}, {"tally", l.scrubTallies}, {"vault_key", l.scrubKeys}, {"vault", l.scrubVault}, {"consent", l.scrubConsents},
		{"run", l.scrubRuns}, {"user", l.scrubUsers}, {"kpi_value", l.scrubKPIs}, {"tombstone", l.scrubTombstones}, {"valueset", l.scrubValueSets},
	} {
		var n int64
		err := l.read(ctx, "scrub", func(tx *sql.Tx) (err error) {
			n, err = c.check(ctx, tx)
			return err
		})
		if err := note(c.table, n, err); err != nil {
			return out, err
		}
	}
	return out, first
}

// scrubFile asks SQLite whether the file is sound: it looks at structure, not at content.
func (l *Ledger) scrubFile(ctx context.Context, tx *sql.Tx) (int64, error) {
	var verdict string
	if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return 0, err
	}
	if verdict != "ok" {
		return 0, damaged("sqlite_schema", 0, "or a page or index of the file is damaged")
	}
	return 0, ask(ctx, tx, func(rows *sql.Rows) error {
		var table string
		var row, parent, key any
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		return damaged(table, row, "belongs to a row that is missing")
	}, "PRAGMA foreign_key_check")
}

func (l *Ledger) scrubSettings(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var key, value string
		var tag []byte
		if err := rows.Scan(&key, &value, &tag); err != nil {
			return err
		}
		n++
		if !l.keys.checkTag(tag, "setting", key, value) {
			return damaged("setting", key, "was changed outside carereach")
		}
		return nil
	}, "SELECT key, value, tag FROM setting ORDER BY key")
	if err == nil {
		err = l.complete(ctx, tx, "setting", n)
	}
	return n, err
}

func (l *Ledger) scrubTallies(ctx context.Context, tx *sql.Tx) (int64, error) {
	var names []string
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, "SELECT name FROM tally ORDER BY name")
	for i := 0; err == nil && i < len(names); i++ {
		_, err = l.tally(ctx, tx, names[i])
	}
	if err == nil && !slices.Contains(names, ledgerTally) {
		err = damaged("tally", ledgerTally, "is missing")
	}
	return int64(len(names)), err
}

func (l *Ledger) scrubKeys(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	ring := l.keys.keks.Load()
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var token, wrapped []byte
		var kek int
		if err := rows.Scan(&token, &wrapped, &kek); err != nil {
			return err
		}
		n++
		if len(token) != 16 {
			return damaged("vault_key", hexText(token), "was changed")
		}
		_, err := ring.unwrap(models.PatientID(token), wrapped, kek)
		return err
	}, "SELECT token, wrapped, kek FROM vault_key ORDER BY token")
	return n, err
}

func (l *Ledger) scrubVault(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	keys, err := l.newDataKeys(ctx, tx)
	if err != nil {
		return 0, err
	}
	list, err := prepare(ctx, tx, "SELECT kind, value FROM vault_index WHERE ent = ? ORDER BY kind, value")
	if err != nil {
		return 0, err
	}
	err = l.eachRecord(ctx, tx, keys, func(r vaultRow, rec IdentityRecord) error {
		n++
		have, err := indexed(ctx, list, r.ent)
		if err == nil && !slices.Equal(have, l.terms(r.kind, rec.Identity)) {
			err = damaged("vault_index", r.ent, "does not match its record")
		}
		return err
	})
	return n, err
}

// indexed reads the index entries of a record.
func indexed(ctx context.Context, list *sql.Stmt, ent models.EntityID) ([]term, error) {
	rows, err := list.QueryContext(ctx, ent[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []term
	for rows.Next() {
		var t term
		var value []byte
		if err := rows.Scan(&t.kind, &value); err != nil {
			return nil, err
		}
		if len(value) != len(t.value) {
			return nil, damaged("vault_index", ent, "was changed")
		}
		copy(t.value[:], value)
		out = append(out, t)
	}
	return out, rows.Err()
}

// scrubConsents checks every statement, and that each patient has as many as were ever stored.
func (l *Ledger) scrubConsents(ctx context.Context, tx *sql.Tx) (int64, error) {
	tokens := map[models.PatientID]bool{}
	for _, query := range [...]string{"SELECT token FROM consent_head", "SELECT DISTINCT token FROM consent"} {
		err := ask(ctx, tx, func(rows *sql.Rows) error {
			var token []byte
			if err := rows.Scan(&token); err != nil {
				return err
			}
			if len(token) != 16 {
				return damaged("consent_head", hexText(token), "was changed")
			}
			tokens[models.PatientID(token)] = true
			return nil
		}, query)
		if err != nil {
			return 0, err
		}
	}
	keys, err := l.newDataKeys(ctx, tx)
	if err != nil {
		return 0, err
	}
	var n int64
	for id := range tokens {
		var rows []consentRecord
		if rows, err = l.consentsOf(ctx, tx, id); err != nil {
			break
		}
		n += int64(len(rows))
		for i := 0; err == nil && i < len(rows); i++ {
			_, err = rows[i].open(ctx, keys)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = l.complete(ctx, tx, "consent", n)
	}
	return n, err
}

// complete compares the number of rows read with the number ever stored.
func (l *Ledger) complete(ctx context.Context, tx *sql.Tx, table string, n int64) error {
	want, err := l.tally(ctx, tx, table)
	if err == nil && n != want {
		err = damaged(table, fmt.Sprintf("%d of %d", n+1, want), "is missing or too many")
	}
	return err
}

func (l *Ledger) scrubRuns(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		n++
		_, err := l.scanRun(rows)
		return err
	}, "SELECT "+runColumns+", tag FROM run ORDER BY id")
	if err == nil {
		err = l.complete(ctx, tx, "run", n)
	}
	return n, err
}

func (l *Ledger) scrubUsers(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		n++
		_, err := l.scanUser(rows)
		return err
	}, "SELECT "+userColumns+", tag FROM user ORDER BY id")
	if err == nil {
		err = l.complete(ctx, tx, "user", n)
	}
	return n, err
}

func (l *Ledger) scrubKPIs(ctx context.Context, tx *sql.Tx) (int64, error) {
	all, err := l.kpiValues(ctx, tx, -1)
	return int64(len(all)), err
}

func (l *Ledger) scrubTombstones(ctx context.Context, tx *sql.Tx) (int64, error) {
	all, err := l.tombstones(ctx, tx)
	return int64(len(all)), err
}

// scrubValueSets checks every edition and every set that any of them has.
func (l *Ledger) scrubValueSets(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	var editions []string
	var count int64
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var hash string
		err := rows.Scan(&hash)
		editions, count = append(editions, hash), count+1
		return err
	}, "SELECT hash FROM edition ORDER BY seq")
	seen := map[string]bool{}
	for i := 0; err == nil && i < len(editions); i++ {
		var members []member
		members, _, err = l.members(ctx, tx, editions[i])
		for j := 0; err == nil && j < len(members); j++ {
			if !seen[string(members[j].hash)] {
				seen[string(members[j].hash)] = true
				n++
				_, err = readSet(ctx, tx, members[j].hash)
			}
		}
	}
	if err == nil {
		err = l.complete(ctx, tx, "edition", count)
	}
	return n, err
}
