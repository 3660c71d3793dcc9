package store

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"carereach/models"
)

// openDamaged opens the store and reads every column of every fact. It gives the rows read, or the error that stopped it.
func openDamaged(t *testing.T, opts Options) (int64, string, error) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, opts)
	if err != nil {
		return 0, "", err
	}
	defer s.Close()
	var rows int64
	var sum string
	err = s.Read(ctx, func(tx *Tx) (err error) {
		rows, sum, err = Checksum(ctx, tx, "ver_engagement", []string{"ent", "known_at", "log", "off", "verb", "at_lo"}, "")
		return err
	})
	return rows, sum, err
}

// filled makes a store with facts and gives their checksum.
func filled(t *testing.T, opts Options, checkpoint bool) string {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, s, "INSERT INTO ver_engagement (ent, known_at, log, off, verb, at_lo) SELECT CAST(md5(CAST(range AS VARCHAR)) AS UUID), TIMESTAMP '2026-01-01', 'intake', range, md5(CAST(range * 7 AS VARCHAR)), TIMESTAMP '2026-01-01' + to_seconds(range) FROM range(5000)")
	sum := sumOf(t, s, "ver_engagement", []string{"ent", "known_at", "log", "off", "verb", "at_lo"}, "")
	if checkpoint {
		if err := s.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return sum
}

// A file that is something else is refused with words on what to do, and is not touched.
func TestForeignFilesAreRefused(t *testing.T) {
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for name, content := range map[string][]byte{"text": []byte(strings.Repeat("patient,name\n", 1000)), "random": random, "zeros": make([]byte, 300_000), "short": []byte("DUCK"), "empty header": make([]byte, 12), "SQLite": append([]byte("SQLite format 3\x00"), make([]byte, 8192)...)} {
		opts := folderOptions(t.TempDir())
		if err := os.WriteFile(opts.Path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), opts)
		want(t, err, models.KindCorruption, "rebuilt from the logs")
		if after, err := os.ReadFile(opts.Path); err != nil || string(after) != string(content) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// A file of another version of the engine is refused the same way.
func TestOtherEngineVersionsAreRefused(t *testing.T) {
	opts := folderOptions(t.TempDir())
	filled(t, opts, true)
	b, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	if string(b[8:12]) != "DUCK" {
		t.Fatalf("header %q", b[:16])
	}
	b[12] = 200 // storage version
	if err := os.WriteFile(opts.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(context.Background(), opts)
	want(t, err, models.KindCorruption, "rebuilt from the logs")
}

// A flipped bit anywhere in the file never gives wrong rows: it is refused, or lies where nothing is stored.
func TestFlippedBitsNeverGiveWrongRows(t *testing.T) {
	opts := folderOptions(t.TempDir())
	sum := filled(t, opts, true)
	whole, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := openDamaged(t, opts); err != nil || got != sum {
		t.Fatalf("the file as it was: %s, %v; want %s", got, err, sum)
	}
	found, flips := 0, 60
	if testing.Short() {
		flips = 10
	}
	for i := range flips {
		b := append([]byte{}, whole...)
		at := rand.IntN(len(b))
		if i < 12 {
			at = i * 1024 // the headers
		}
		b[at] ^= 1 << rand.IntN(8)
		if err := os.WriteFile(opts.Path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		rows, got, err := openDamaged(t, opts)
		switch {
		case err != nil:
			found++
			if k := models.KindOf(err); k != models.KindCorruption {
				t.Errorf("flip at %d: kind %s: %v", at, k, err)
			}
		case got != sum:
			t.Errorf("flip at %d: %d rows with another content, and no error", at, rows)
		}
	}
	t.Logf("%d of %d flips were found, the rest lay where nothing is stored", found, flips)
	if found == 0 {
		t.Error("no flip was found: the test proves nothing")
	}
}

// A flipped bit in the log is refused, never skipped; a log cut short opens with an older commit, whole.
func TestDamagedLog(t *testing.T) {
	folder := t.TempDir()
	killed(t, folder)
	opts := folderOptions(folder)
	log, err := os.ReadFile(opts.Path + ".wal")
	if err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(log []byte) {
		for path, b := range map[string][]byte{opts.Path: main, opts.Path + ".wal": log} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	restore(log)
	full, err := agree(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range 15 {
		b := append([]byte{}, log...)
		b[rand.IntN(len(b))] ^= 1 << rand.IntN(8)
		restore(b)
		s, err := Open(context.Background(), opts)
		if err == nil {
			rows, next := one[int64](t, s, "SELECT count(*) FROM ver_engagement"), one[int64](t, s, "SELECT coalesce(max(next_offset), 0) FROM position")
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if rows != next || next > full {
				t.Errorf("a damaged log gave %d facts at position %d", rows, next)
			}
			continue
		}
		refused++
		want(t, err, models.KindCorruption, "rebuilt from the logs")
	}
	if refused == 0 {
		t.Error("no damage of the log was found: the test proves nothing")
	}
	for range 8 {
		restore(log[:rand.IntN(len(log))])
		next, err := agree(t, folder)
		if err != nil {
			t.Errorf("log cut short: %v", err)
		}
		if next > full {
			t.Errorf("position %d out of nothing", next)
		}
	}
}
