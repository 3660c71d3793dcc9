package ledger

import (
	"context"
	"time"
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

// LoadValueSets stores sets in one transaction: they replace those of the same OID, the others stay. Codes given twice in a
// set count once. The edition that results is kept for ever. Loading the same again changes nothing. An empty list, a set
// without OID or codes, and an OID given twice are errors of models.KindInvalid and store nothing.
func (l *Ledger) LoadValueSets(ctx context.Context, sets []ValueSet) (Edition, error) {
	return Edition{}, errMissing
}

// ValueSetHash gives the hash of the current edition; "" when nothing was ever loaded.
func (l *Ledger) ValueSetHash(ctx context.Context) (string, error) { return "", errMissing }

// Editions lists the editions, oldest first.
func (l *Ledger) Editions(ctx context.Context) ([]Edition, error) { return nil, errMissing }

// ValueSets lists the sets of an edition by OID; edition "" is the current one. models.KindNotFound when it was never loaded.
func (l *Ledger) ValueSets(ctx context.Context, edition string) ([]ValueSetInfo, error) {
	return nil, errMissing
}

// EachCode calls fn for every code of an edition ("" is the current one), ordered by OID, system and code. Content is checked
// against its hash on the way: an error of models.KindCorruption may come after some calls of fn, whose effects are then void.
// An error of fn stops it and is returned.
func (l *Ledger) EachCode(ctx context.Context, edition string, fn func(oid string, c Coding) error) error {
	return errMissing
}
