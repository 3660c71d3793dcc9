package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"carereach/internal/access"
	"carereach/internal/ledger"
)

// ValueSetResult is what a load of value sets did.
type ValueSetResult struct {
	Edition string `json:"edition"` // names the value sets in force from now on
	Sets    int    `json:"sets"`    // loaded by this call
	Codes   int    `json:"codes"`
	InForce int    `json:"in_force"` // sets in force in all
}

func (c *Call) valuesetLoad(ctx context.Context, _ None) (ValueSetResult, error) {
	var res ValueSetResult
	var sets []ledger.ValueSet
	for {
		name, content, err := c.Files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return res, err
		}
		read, err := readValueSets(name, content)
		if err != nil {
			return res, err
		}
		sets = append(sets, read...)
	}
	for _, s := range sets {
		res.Codes += len(s.Codes)
	}
	res.Sets = len(sets)
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "valueset.load", Detail: fmt.Sprintf("%d sets, %d codes", res.Sets, res.Codes)}); err != nil {
		return res, err
	}
	edition, err := c.app.Ledger.LoadValueSets(ctx, sets)
	if err != nil {
		return res, fmt.Errorf("load value sets: %w", err)
	}
	res.Edition, res.InForce = edition.Hash, edition.Sets
	return res, nil
}

// ValueSetList is the value sets in force.
type ValueSetList struct {
	Edition string                `json:"edition"`
	Total   int                   `json:"total"`
	Shown   int                   `json:"shown"`
	Rows    []ledger.ValueSetInfo `json:"rows"`
}

func (c *Call) valuesetList(ctx context.Context, _ None) (ValueSetList, error) {
	hash, err := c.app.Ledger.ValueSetHash(ctx)
	if err != nil || hash == "" {
		return ValueSetList{Rows: []ledger.ValueSetInfo{}}, err
	}
	rows, err := c.app.Ledger.ValueSets(ctx, "")
	return ValueSetList{Edition: hash, Total: len(rows), Shown: len(rows), Rows: rows}, err
}
