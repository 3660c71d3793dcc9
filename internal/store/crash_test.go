package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"carereach/models"
)

const loadRows = 50 // facts of one transaction of loadChild

// loadChild stores facts until it is killed and prints the position after each commit. With LOAD_APART set it is the
// control: facts and position go in transactions of their own.
func loadChild() error {
	ctx := context.Background()
	s, err := Open(ctx, folderOptions(os.Getenv("STORE_FOLDER")))
	if err != nil {
		return err
	}
	defer s.Close()
	apart := os.Getenv("LOAD_APART") != ""
	batch := NewFactBatch(mustType("Engagement"))
	for {
		var next int64
		facts := func(tx *Tx) error {
			if err := tx.QueryRow(ctx, "SELECT coalesce(max(next_offset), 0) FROM position").Scan(&next); err != nil {
				return err
			}
			for i := range int64(loadRows) {
				if err := batch.Append(head(next+i), make([]any, len(batch.Type().Elements))); err != nil {
					return err
				}
			}
			_, err := tx.InsertFacts(ctx, batch)
			return err
		}
		position := func(tx *Tx) error {
			n, err := tx.Exec(ctx, "UPDATE position SET next_offset = next_offset + $1", loadRows)
			if err == nil && n == 0 {
				_, err = tx.Exec(ctx, "INSERT INTO position (log, part, next_offset) VALUES ('intake', 0, $1)", loadRows)
			}
			return err
		}
		if apart {
			err = errors.Join(s.Ingest(ctx, facts), s.Ingest(ctx, position))
		} else {
			err = s.Ingest(ctx, func(tx *Tx) error {
				if err := facts(tx); err != nil {
					return err
				}
				return position(tx)
			})
		}
		if err != nil {
			return err
		}
		fmt.Println(next + loadRows)
	}
}

// head makes the head of a fact at an offset of the intake log.
func head(off int64) FactHead {
	pid := off % 97
	return FactHead{PID: &pid, K: off, Ent: models.EntityID{1, byte(off >> 8), byte(off)}, Source: "clinic", KnownAt: time.Unix(1_700_000_000, 0), Pos: models.Position{Log: "intake", Offset: off}}
}

func mustType(name string) models.FactType {
	t, ok := models.FactTypeByName(name)
	if !ok {
		panic("no fact type " + name)
	}
	return t
}

// killed runs loadChild until it has committed a few times and kills it at some moment of the next transaction. It gives
// the last position that the child acknowledged.
func killed(t *testing.T, folder string, env ...string) (acked int64) {
	t.Helper()
	cmd, out := child(t, "load", append(env, "STORE_FOLDER="+folder)...)
	for range 1 + rand.IntN(6) {
		if !out.Scan() {
			t.Fatal("child ended by itself")
		}
		acked, _ = strconv.ParseInt(out.Text(), 10, 64)
	}
	time.Sleep(time.Duration(rand.IntN(12_000)) * time.Microsecond)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for out.Scan() { // what it acknowledged before it died
		acked, _ = strconv.ParseInt(out.Text(), 10, 64)
	}
	_ = cmd.Wait()
	return acked
}

// agree opens the store after a kill and tells whether facts and position agree.
func agree(t *testing.T, folder string) (next int64, err error) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, folderOptions(folder))
	if err != nil {
		t.Fatalf("the store must open after kill -9 without help: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var rows, distinct, top, views int64
	if err := s.Read(ctx, func(tx *Tx) error {
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(next_offset), 0) FROM position").Scan(&next); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM duckdb_views() WHERE NOT internal").Scan(&views); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT count(*), count(DISTINCT off), coalesce(max(off) + 1, 0) FROM ver_engagement").Scan(&rows, &distinct, &top)
	}); err != nil {
		t.Fatal(err)
	}
	if views != 0 {
		t.Errorf("%d views of dead processes are left", views)
	}
	if rows != next || distinct != next || top != next {
		err = fmt.Errorf("position %d, but %d facts, %d distinct, last at %d", next, rows, distinct, top-1)
	}
	return next, err
}

func cycles(t *testing.T) int {
	if testing.Short() {
		t.Log("short: 4 cycles instead of 20")
		return 4
	}
	return 20
}

// Killed at any moment, the store opens by itself, has every row that was acknowledged, none twice, and a position that
// says exactly what it has.
func TestKillLosesNothingAndRepeatsNothing(t *testing.T) {
	folder := t.TempDir()
	for i := range cycles(t) {
		acked := killed(t, folder)
		next, err := agree(t, folder)
		if err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
		if next < acked {
			t.Fatalf("cycle %d: %d were acknowledged, %d are there", i, acked, next)
		}
	}
}

// The control: with the position in a transaction of its own the same test must find facts and position apart. If it does
// not, the test above proves nothing.
func TestKillControlWithoutOneTransactionFails(t *testing.T) {
	folder := t.TempDir()
	for range 60 {
		killed(t, folder, "LOAD_APART=1")
		if _, err := agree(t, folder); err != nil {
			t.Logf("as it must: %v", err)
			return
		}
	}
	t.Fatal("facts and position agreed after 60 kills without a common transaction: the kill never hits between them")
}
