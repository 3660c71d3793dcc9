package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"carereach/models"
)

// The engine commits an aborted transaction without an error and without its rows. Whoever swallows the error of a
// statement must learn of it.
func TestSwallowedErrorIsNeverCommitted(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for name, bad := range map[string]string{
		"conversion":  "INSERT INTO counter (name, value) SELECT 'bad', CAST('x' || range AS BIGINT) FROM range(3)",
		"constraint":  "INSERT INTO counter (name, value) VALUES (NULL, 1)",
		"binder":      "INSERT INTO counter (name, nothing) VALUES ('bad', 1)",
		"parser":      "INSERT INTO counter VALUES VALUES",
		"no such":     "SELECT * FROM nothing",
		"read failed": "SELECT CAST('x' AS BIGINT)",
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Ingest(ctx, func(tx *Tx) error {
				if _, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('good', 1)"); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, bad); err == nil {
					t.Error("the statement was meant to fail")
				}
				return nil // swallowed
			})
			if err == nil {
				t.Error("Ingest returned nil: the batch is lost and nobody knows")
			}
			if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 0 {
				t.Errorf("%d rows of a failed transaction were kept", n)
			}
		})
	}
}

// The same by way of Query and QueryRow, whose errors are easier to overlook.
func TestSwallowedErrorOfAQueryIsNeverCommitted(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for name, query := range map[string]func(*Tx){
		"Query":    func(tx *Tx) { _, _ = texts(tx.Query(ctx, "SELECT CAST('x' AS BIGINT)")) },
		"QueryRow": func(tx *Tx) { _ = tx.QueryRow(ctx, "SELECT CAST('x' AS BIGINT)") },
		"Scan":     func(tx *Tx) { var n int; _ = tx.QueryRow(ctx, "SELECT CAST('x' AS BIGINT)").Scan(&n) },
	} {
		if err := s.Ingest(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('good', 1)")
			query(tx)
			return err
		}); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 0 {
		t.Errorf("%d rows were kept", n)
	}
}

// Reading no row is an answer, not a failure.
func TestNoRowIsNoFailure(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	if err := s.Ingest(ctx, func(tx *Tx) error {
		var n int64
		if err := tx.QueryRow(ctx, "SELECT value FROM counter WHERE name = 'k'").Scan(&n); err == nil {
			t.Error("there is no row")
		}
		_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('k', 1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// A statement that ends the transaction by itself would leave the rest of fn uncommitted or committed at random, one that
// changes the connection would change it for everybody after.
func TestStatementsOfTheConnectionAreRefused(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
	for _, q := range []string{"COMMIT", "rollback", "COMMIT; BEGIN TRANSACTION", "DELETE FROM counter; COMMIT; BEGIN", "-- a comment\n  Commit", "DELETE FROM counter;\n-- then\nCOMMIT;\nBEGIN", "START TRANSACTION",
		"USE pub", "SET search_path = 'pub'", "RESET search_path", "ABORT", "END",
		"PRAGMA enable_profiling", "CALL enable_logging(storage = 'file', storage_path = '/tmp')", "ATTACH ':memory:' AS m", "DETACH memory", "INSTALL httpfs", "LOAD httpfs"} {
		for _, run := range []func(context.Context, func(*Tx) error) error{s.Ingest, s.Pipeline, s.Read} {
			err := run(ctx, func(tx *Tx) error {
				_, _ = tx.Exec(ctx, q)
				return nil
			})
			want(t, err, models.KindInternal, "no place inside a transaction")
			err = run(ctx, func(tx *Tx) error {
				_, err := texts(tx.Query(ctx, q))
				return err
			})
			want(t, err, models.KindInternal, "no place inside a transaction")
		}
	}
	execute(t, s, "UPDATE counter SET value = 2", "SELECT 'a; commit'")
	if n := one[int64](t, s, "SELECT value FROM counter"); n != 2 {
		t.Errorf("value %d", n)
	}
}

// What gets around that guard is found before COMMIT, and the connection is usable afterwards.
func TestEndedTransactionIsFound(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for _, end := range []string{"COMMIT", "ROLLBACK", "COMMIT; BEGIN TRANSACTION", "ROLLBACK; BEGIN TRANSACTION"} {
		err := s.Ingest(ctx, func(tx *Tx) error {
			_, err := tx.conn.ExecContext(ctx, end)
			return err
		})
		want(t, err, models.KindInternal, "ended the transaction")
		if err := s.Ingest(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('after', 1)")
			return err
		}); err != nil {
			t.Fatalf("the connection is not usable after %s: %v", end, err)
		}
	}
}

// A context that ends in the middle of a statement stops it and undoes the transaction; the connection works on.
func TestCancelledStatementRollsBack(t *testing.T) {
	s := inMemory(t)
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		start := time.Now()
		err := s.Ingest(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('k', 1)"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) SELECT 'n', a.range * b.range FROM range(1000000) a, range(1000000) b WHERE a.range = -b.range")
			return err
		})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the statement went on for %v", took)
		}
		if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 0 {
			t.Errorf("%d rows of a cancelled transaction were kept", n)
		}
	}
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)")
}

// A context that ended while fn did something else is noticed before COMMIT.
func TestCancelledContextIsNotCommitted(t *testing.T) {
	s := inMemory(t)
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Ingest(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('k', 1)")
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 0 {
		t.Error("a row was kept")
	}
	if err := s.Ingest(ctx, func(*Tx) error { t.Error("fn ran under an ended context"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A panic of fn is the caller's, but not at the price of the connection.
func TestPanicRollsBack(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Ingest(ctx, func(tx *Tx) error {
			_, _ = tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('k', 1)")
			panic("fn")
		})
	}()
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 2)")
	if err := s.Ingest(ctx, func(*Tx) error { return nil }); err != nil {
		t.Error(err)
	}
	if n := one[int64](t, s, "SELECT sum(value)::BIGINT FROM counter"); n != 2 {
		t.Errorf("sum %d, want 2", n)
	}
}

// Two callers of one write connection take turns; the other write connection goes on meanwhile.
func TestWritersTakeTurns(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 0)")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				if err := s.Ingest(ctx, func(tx *Tx) error {
					_, err := tx.Exec(ctx, "UPDATE counter SET value = value + 1 WHERE name = 'k'")
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := one[int64](t, s, "SELECT value FROM counter"); n != 40 {
		t.Errorf("%d of 40 updates", n)
	}
	err := s.Ingest(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO counter (name, value) VALUES ('ingest', 1)")
		execute(t, s, "INSERT INTO person (pid, survivor) VALUES (1, 2)") // the pipeline's connection does not wait
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 2 {
		t.Errorf("%d counters", n)
	}
}

// Waiting for a turn ends with the context.
func TestWaitingForAWriterEnds(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	if err := s.Ingest(ctx, func(*Tx) error {
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		if err := s.Ingest(short, func(*Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("second Ingest: %v", err)
		}
		if err := s.Checkpoint(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Checkpoint: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Two writers that change the same row: the second is told, and nothing of it is kept.
func TestConflictIsReported(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	execute(t, s, "INSERT INTO position (log, part, next_offset) VALUES ('intake', 0, 1)")
	if err := s.Ingest(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE position SET next_offset = 2"); err != nil {
			return err
		}
		err := s.Pipeline(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, "UPDATE position SET next_offset = 3")
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "Conflict") {
			t.Errorf("second update of one row: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](t, s, "SELECT next_offset FROM position"); n != 2 {
		t.Errorf("next_offset %d", n)
	}
}

// All that Read sees is one commit, from before its first statement, whatever others commit meanwhile.
func TestReadIsOneSnapshot(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	if err := s.Read(ctx, func(tx *Tx) error {
		execute(t, s, "INSERT INTO counter (name, value) VALUES ('k', 1)", "INSERT INTO pub.gap (run_id) VALUES ('r')")
		for _, table := range []string{"counter", "pub.gap"} {
			var n int64
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				return err
			}
			if n != 0 {
				t.Errorf("%s: %d rows of a later commit are seen", table, n)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](t, s, "SELECT count(*) FROM counter"); n != 1 {
		t.Errorf("a later Read sees %d rows", n)
	}
}

func TestReadCannotWrite(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for _, q := range []string{"INSERT INTO counter (name, value) VALUES ('k', 1)", "CREATE TABLE t (i INTEGER)", "DROP TABLE counter", "UPDATE counter SET value = 1 RETURNING value"} {
		if err := s.Read(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, q)
			return err
		}); err == nil {
			t.Errorf("%s: worked in a Read", q)
		}
	}
}

// Rows that fn forgot to close end with the transaction and hold nothing up.
func TestForgottenRowsAreClosed(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	for _, run := range []func(context.Context, func(*Tx) error) error{s.Read, s.Ingest, s.Pipeline} {
		for range 20 {
			if err := run(ctx, func(tx *Tx) error {
				rows, err := tx.Query(ctx, "SELECT * FROM range(100000)") //nolint:sqlclosecheck // left open is what is tried
				if err == nil && (!rows.Next() || rows.Err() != nil) {
					t.Error("no row")
				}
				_ = tx.QueryRow(ctx, "SELECT 1") // never scanned
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Readers are many: as many as ask, none waits for the other.
func TestReadersRunTogether(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	const readers = 20
	var inside, group sync.WaitGroup
	inside.Add(readers)
	for range readers {
		group.Go(func() {
			if err := s.Read(ctx, func(tx *Tx) error {
				inside.Done()
				inside.Wait() // every reader is inside at once
				var n int64
				return tx.QueryRow(ctx, "SELECT count(*) FROM counter").Scan(&n)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// Words of the domain can be parameters, and come back as what they were.
func TestParameters(t *testing.T) {
	ctx, s := context.Background(), inMemory(t)
	id := models.EntityID{0xab, 2, 0xff}
	date, at, money := models.NewDate(2024, time.February, 29), models.Micros(1_700_000_000_123_456), models.Money(-125000)
	var none *models.EntityID
	if err := s.Pipeline(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TABLE p (id UUID, token UUID, key UUID, none UUID, d DATE, t TIMESTAMP, m DECIMAL(18,4), nd DATE, codes VARCHAR[], raw BLOB)"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO p VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", id, models.PatientID(id), models.Key128(id), none, date, at, money, (*models.Date)(nil), []string{"a|1", "b|2"}, []byte{0, 1})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got := one[string](t, s, "SELECT concat_ws(' ', replace(CAST(id AS VARCHAR), '-', ''), id = token AND token = key, none IS NULL, d, epoch_us(t), m, nd IS NULL, codes, hex(raw)) FROM p")
	if wantText := "ab02ff00000000000000000000000000 true true 2024-02-29 1700000000123456 -12.5000 true [a|1, b|2] 0001"; got != wantText {
		t.Errorf("got  %s\nwant %s", got, wantText)
	}
	for _, q := range []string{"SELECT count(*) FROM p WHERE id = $1", "SELECT count(*) FROM p WHERE id IN (SELECT CAST($1 AS UUID))"} {
		if n := one[int64](t, s, q, &id); n != 1 {
			t.Errorf("%s: found %d rows", q, n)
		}
	}
	for q, v := range map[string]any{"d = $1": date, "t = $1": at, "m = $1": money} {
		if n := one[int64](t, s, "SELECT count(*) FROM p WHERE "+q, v); n != 1 {
			t.Errorf("%s: found %d rows", q, n)
		}
	}
}
