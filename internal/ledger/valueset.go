package ledger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"carereach/models"
)

// ValueSet is one published list of codes.
type ValueSet struct {
	OID     string
	Version string
	Title   string
	Codes   []Coding
}

// Coding is a code of a code system, named as in the facts (models.NormalSystem).
type Coding struct {
	System string
	Code   string
}

// ValueSetInfo is a value set without its codes.
type ValueSetInfo struct {
	OID     string `json:"oid"`
	Version string `json:"version"`
	Title   string `json:"title"`
	Codes   int    `json:"codes"`
}

// Edition is a state of the loaded value sets: for every OID the set loaded last.
type Edition struct {
	Hash     string    `json:"hash"` // over the content; "" when nothing was ever loaded
	LoadedAt time.Time `json:"loaded_at"`
	Sets     int       `json:"sets"`
	Codes    int       `json:"codes"`
}

// content writes the codes as sorted lines of system|code, each once, and counts them.
func (v ValueSet) content() ([]byte, int, error) {
	lines := make([]string, 0, len(v.Codes))
	size := 0
	for _, c := range v.Codes {
		if c.System == "" || c.Code == "" || strings.Contains(c.System, "|") || strings.ContainsAny(c.System+c.Code, "\n\r\x00") {
			return nil, 0, invalidSet(v.OID, "has a code without a system, or one with a line break")
		}
		lines = append(lines, models.CodeKey(c.System, c.Code))
		size += len(c.System) + len(c.Code) + 2
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	out := make([]byte, 0, size)
	for _, line := range lines {
		out = append(append(out, line...), '\n')
	}
	return out, len(lines), nil
}

func invalidSet(oid, what string) error {
	return &models.Error{Kind: models.KindInvalid, Message: "value set " + oid + " " + what, Mend: "load the file as it was published, whole"}
}

// setHash names a set by all of its content.
func setHash(oid, version, title string, content []byte) [32]byte {
	b := appendText(nil, "carereach value set 1")
	for _, s := range [...]string{oid, version, title} {
		b = appendText(b, s)
	}
	return sha256.Sum256(appendValue(b, content))
}

// member is one set of an edition.
type member struct {
	oid  string
	hash []byte
}

// editionHash names an edition by its sets, which are in order of their OID.
func editionHash(members []member) string {
	b := appendText(nil, "carereach value sets 1")
	for _, m := range members {
		b = appendValue(appendText(b, m.oid), m.hash)
	}
	sum := sha256.Sum256(b)
	return hexText(sum[:])
}

// LoadValueSets stores sets in one transaction: they replace those of the same OID, the others stay. Codes given twice in a
// set count once. The edition that results is kept for ever. Loading the same again changes nothing. An empty list, a set
// without OID or codes, and an OID given twice are errors of models.KindInvalid and store nothing.
func (l *Ledger) LoadValueSets(ctx context.Context, sets []ValueSet) (Edition, error) {
	if len(sets) == 0 {
		return Edition{}, &models.Error{Kind: models.KindInvalid, Message: "no value set to load", Mend: "load a file with columns oid, version, title, system, code"}
	}
	var out Edition
	err := l.write(ctx, "load value sets", func(tx *sql.Tx) error {
		current, seq, err := l.members(ctx, tx, "")
		if err != nil {
			return err
		}
		next := map[string][]byte{}
		for _, m := range current {
			next[m.oid] = m.hash
		}
		if err := l.storeSets(ctx, tx, sets, next); err != nil {
			return err
		}
		members := make([]member, 0, len(next))
		for oid, hash := range next {
			members = append(members, member{oid, hash})
		}
		slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.oid, b.oid) })
		if hash := editionHash(members); seq == 0 || hash != editionHash(current) {
			if err := l.storeEdition(ctx, tx, seq+1, hash, members); err != nil {
				return err
			}
			seq++
		}
		out, err = l.edition(ctx, tx, seq)
		return err
	})
	if err != nil {
		return Edition{}, err
	}
	return out, nil
}

// storeSets stores the sets and enters their hashes in next.
func (l *Ledger) storeSets(ctx context.Context, tx *sql.Tx, sets []ValueSet, next map[string][]byte) error {
	seen := map[string]bool{}
	for _, v := range sets {
		if v.OID == "" {
			return invalidSet("without an OID", "cannot be loaded")
		}
		if seen[v.OID] {
			return invalidSet(v.OID, "is given twice")
		}
		seen[v.OID] = true
		content, n, err := v.content()
		if err != nil {
			return err
		}
		if n == 0 {
			return invalidSet(v.OID, "has no codes")
		}
		hash := setHash(v.OID, v.Version, v.Title, content)
		err = exec(ctx, tx, "INSERT INTO valueset (hash, oid, version, title, codes, content) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			hash[:], v.OID, v.Version, v.Title, n, content)
		if err != nil {
			return err
		}
		next[v.OID] = bytes.Clone(hash[:])
	}
	return nil
}

func (l *Ledger) storeEdition(ctx context.Context, tx *sql.Tx, seq int64, hash string, members []member) error {
	at := micros(l.now())
	err := exec(ctx, tx, "INSERT INTO edition (seq, hash, loaded_at, tag) VALUES (?, ?, ?, ?)", seq, hash, at, l.keys.tag("edition", seq, hash, at))
	for i := 0; err == nil && i < len(members); i++ {
		err = exec(ctx, tx, "INSERT INTO edition_set (edition, oid, hash) VALUES (?, ?, ?)", seq, members[i].oid, members[i].hash)
	}
	return errors.Join(err, l.count(ctx, tx, "edition", 1))
}

// members gives the sets of an edition ("" is the current one) in order of their OID, checked against its hash, and its
// number; 0 when nothing was ever loaded.
func (l *Ledger) members(ctx context.Context, tx *sql.Tx, edition string) ([]member, int64, error) {
	var seq, at int64
	var hash string
	var tag []byte
	query, args := "SELECT seq, hash, loaded_at, tag FROM edition ORDER BY seq DESC LIMIT 1", []any(nil)
	if edition != "" {
		query, args = "SELECT seq, hash, loaded_at, tag FROM edition WHERE hash = ? ORDER BY seq DESC LIMIT 1", []any{edition}
	}
	err := tx.QueryRowContext(ctx, query, args...).Scan(&seq, &hash, &at, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		if edition == "" {
			return nil, 0, nil
		}
		return nil, 0, &models.Error{Kind: models.KindNotFound, Message: "ledger: that edition of the value sets was never loaded here", Mend: "load the value sets that the run was made with"}
	}
	if err != nil {
		return nil, 0, err
	}
	if !l.keys.checkTag(tag, "edition", seq, hash, at) {
		return nil, 0, damaged("edition", seq, "was changed")
	}
	var out []member
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var m member
		err := rows.Scan(&m.oid, &m.hash)
		out = append(out, m)
		return err
	}, "SELECT oid, hash FROM edition_set WHERE edition = ? ORDER BY oid", seq)
	if err == nil && editionHash(out) != hash {
		err = damaged("edition_set", seq, "does not match the hash of its edition")
	}
	return out, seq, err
}

// edition describes edition number seq.
func (l *Ledger) edition(ctx context.Context, tx *sql.Tx, seq int64) (Edition, error) {
	var e Edition
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT e.hash, e.loaded_at, count(*), coalesce(sum(v.codes), 0) FROM edition e
		JOIN edition_set s ON s.edition = e.seq JOIN valueset v ON v.hash = s.hash WHERE e.seq = ? GROUP BY e.seq`, seq).Scan(&e.Hash, &at, &e.Sets, &e.Codes)
	e.LoadedAt = instant(at)
	return e, err
}

// ValueSetHash gives the hash of the current edition; "" when nothing was ever loaded.
func (l *Ledger) ValueSetHash(ctx context.Context) (string, error) {
	var hash string
	err := l.read(ctx, "read the edition", func(tx *sql.Tx) error {
		members, seq, err := l.members(ctx, tx, "")
		if seq > 0 {
			hash = editionHash(members)
		}
		return err
	})
	return hash, err
}

// Editions lists the editions, oldest first.
func (l *Ledger) Editions(ctx context.Context) ([]Edition, error) {
	out := []Edition{}
	err := l.read(ctx, "list editions", func(tx *sql.Tx) error {
		var seqs []int64
		err := ask(ctx, tx, func(rows *sql.Rows) error {
			var seq int64
			err := rows.Scan(&seq)
			seqs = append(seqs, seq)
			return err
		}, "SELECT seq FROM edition ORDER BY seq")
		for i := 0; err == nil && i < len(seqs); i++ {
			var e Edition
			e, err = l.edition(ctx, tx, seqs[i])
			out = append(out, e)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// storedSet is one row of table valueset.
type storedSet struct {
	ValueSetInfo
	content []byte
}

// sets reads the sets of an edition one after the other, each checked against its hash.
func (l *Ledger) sets(ctx context.Context, edition string, fn func(storedSet) error) error {
	return l.read(ctx, "read value sets", func(tx *sql.Tx) error {
		members, _, err := l.members(ctx, tx, edition)
		if err != nil {
			return err
		}
		for _, m := range members {
			s, err := readSet(ctx, tx, m.hash)
			if err != nil {
				return err
			}
			if err := fn(s); err != nil {
				return err
			}
		}
		return nil
	})
}

func readSet(ctx context.Context, tx *sql.Tx, hash []byte) (storedSet, error) {
	var s storedSet
	err := tx.QueryRowContext(ctx, "SELECT oid, version, title, codes, content FROM valueset WHERE hash = ?", hash).Scan(&s.OID, &s.Version, &s.Title, &s.Codes, &s.content)
	if errors.Is(err, sql.ErrNoRows) {
		return s, damaged("valueset", hexText(hash), "is missing")
	}
	if err != nil {
		return s, err
	}
	if sum := setHash(s.OID, s.Version, s.Title, s.content); !bytes.Equal(sum[:], hash) || bytes.Count(s.content, []byte{'\n'}) != s.Codes {
		return s, damaged("valueset", hexText(hash), "was changed")
	}
	return s, nil
}

// ValueSets lists the sets of an edition by OID; edition "" is the current one. models.KindNotFound when it was never loaded.
func (l *Ledger) ValueSets(ctx context.Context, edition string) ([]ValueSetInfo, error) {
	out := []ValueSetInfo{}
	err := l.sets(ctx, edition, func(s storedSet) error {
		out = append(out, s.ValueSetInfo)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// EachCode calls fn for every code of an edition ("" is the current one), ordered by OID, system and code. Each set is checked
// against its hash before its first call. An error of models.KindCorruption may so come after calls of fn, whose effects are
// then void. An error of fn stops it and is returned.
func (l *Ledger) EachCode(ctx context.Context, edition string, fn func(oid string, c Coding) error) error {
	return l.sets(ctx, edition, func(s storedSet) error {
		for line := range strings.Lines(string(s.content)) {
			system, code := models.SplitCode(strings.TrimSuffix(line, "\n"))
			if err := fn(s.OID, Coding{system, code}); err != nil {
				return fmt.Errorf("value set %s: %w", s.OID, err)
			}
		}
		return nil
	})
}
