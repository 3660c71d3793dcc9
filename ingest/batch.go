package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// batch is one transaction's worth of inputs.
type batch struct {
	in         *Ingester
	from, next int64
	inputs     []*input
	accept     bool // however much is quarantined

	all      []classified
	outcomes models.Outcomes
	erased   []int64
	pids     map[models.PatientID]int64
	ents     map[entityKey]models.EntityID
}

// entityKey is a resource before its id is hashed.
type entityKey struct {
	source models.Source
	ref    models.Ref
}

// commit classifies the inputs, writes identifiers and consents to the ledger, and then facts, quarantine, counts and the
// position into tx. The ledger's commit comes first: should the second fail, the batch is read again and finds its
// ledger writes done.
func (b *batch) commit(ctx context.Context, tx *store.Tx) error {
	b.pids, b.ents = map[models.PatientID]int64{}, map[entityKey]models.EntityID{}
	if err := b.classify(ctx, tx); err != nil {
		return fmt.Errorf("look for events seen before: %w", err)
	}
	if err := b.tooMuchQuarantined(); err != nil {
		return err
	}
	if err := b.toLedger(ctx); err != nil {
		return fmt.Errorf("write to the ledger: %w", err)
	}
	b.in.opts.Hooks("ledger committed")
	if err := b.subjects(ctx, tx); err != nil {
		return fmt.Errorf("assign patient keys: %w", err)
	}
	if err := b.facts(ctx, tx); err != nil {
		return fmt.Errorf("insert facts: %w", err)
	}
	if err := b.register(ctx, tx); err != nil {
		return fmt.Errorf("register events: %w", err)
	}
	b.in.opts.Hooks("facts inserted")
	if err := b.advance(ctx, tx); err != nil {
		return fmt.Errorf("move the position: %w", err)
	}
	b.in.opts.Hooks("position moved")
	return nil
}

// classify gives every input its outcome. An event seen before with the same body is a duplicate, with another body it is
// quarantined; that holds inside the batch too, in order of arrival.
func (b *batch) classify(ctx context.Context, tx *store.Tx) error {
	seen, err := seenBefore(ctx, tx, b.inputs)
	if err != nil {
		return err
	}
	here := map[models.Key128][]models.Key128{}
	for i, in := range b.inputs {
		c := classified{input: in}
		bodies := append(slices.Clone(seen[i]), here[in.event]...)
		switch {
		case slices.Contains(bodies, in.body):
			c.outcome = models.Duplicate
		case errors.Is(in.err, errIgnored):
			c.outcome = models.Ignored
		case in.err != nil:
			c.outcome, c.reject = models.Quarantined, rejected(in.err)
		case len(bodies) > 0:
			c.outcome = models.Quarantined
			c.reject = &models.Reject{Reason: models.ReasonIDReused, Where: "id", Detail: "seen before with another body", Mend: "send a change as a new event, with a new id and a higher sequence"}
		case b.aboutErased(in):
			c.outcome = models.Ignored
			b.erased = append(b.erased, in.pos.Offset)
		default:
			c.outcome = models.Stored
		}
		if c.outcome == models.Stored || c.outcome == models.Quarantined {
			here[in.event] = append(here[in.event], in.body)
		}
		b.all = append(b.all, c)
		b.outcomes.Add(c.outcome, 1)
	}
	return nil
}

// aboutErased reports whether a fact of the input names a patient with a tombstone.
func (b *batch) aboutErased(in *input) bool {
	if len(b.in.erased) == 0 {
		return false
	}
	for i := range in.facts {
		if f := &in.facts[i]; f.Subject.ID != "" {
			if _, gone := b.in.erased[b.in.token(in.record.Source, f.Subject)]; gone {
				return true
			}
		}
	}
	return false
}

func (b *batch) tooMuchQuarantined() error {
	n, total := b.outcomes.Quarantined, b.outcomes.Sum()
	if b.accept || n < int64(b.in.opts.StopMin) || float64(n) <= b.in.opts.StopShare*float64(total) {
		return nil
	}
	reasons := map[string]int{}
	for _, c := range b.all {
		if c.reject != nil {
			reasons[string(c.reject.Reason)+" at "+c.reject.Where]++
		}
	}
	return &models.Error{Kind: models.KindQuality, Message: fmt.Sprintf("%d of %d inputs would be quarantined, mostly %s; nothing of this batch was taken", n, total, mostly(reasons)),
		Mend: "if the source changed its format, mend it there or load with another mapping; to go on all the same: carereach ingest file --accept-quarantine"}
}

// mostly gives the most frequent key.
func mostly(counts map[string]int) string {
	best := ""
	for k, n := range counts {
		if best == "" || n > counts[best] || (n == counts[best] && k < best) {
			best = k
		}
	}
	return fmt.Sprintf("%s (%d)", best, counts[best])
}

// toLedger writes identities and consents of the stored inputs, each in one commit of the ledger.
func (b *batch) toLedger(ctx context.Context) error {
	var identities []ledger.IdentityRow
	var consents []ledger.ConsentRow
	for i := range b.all {
		c := &b.all[i]
		if c.outcome != models.Stored {
			continue
		}
		for j := range c.facts {
			f := &c.facts[j]
			if f.Identity != nil {
				identities = append(identities, b.identityRow(c, f))
			}
			if f.Consent != nil {
				consents = append(consents, b.consentRow(c, f))
			}
		}
	}
	if len(identities) > 0 {
		if _, err := b.in.ledger.PutIdentities(ctx, identities); err != nil {
			return err
		}
	}
	if len(consents) == 0 {
		return nil
	}
	_, err := b.in.ledger.PutConsents(ctx, consents)
	return err
}

// facts inserts the facts of the stored inputs, one Arrow batch per type.
func (b *batch) facts(ctx context.Context, tx *store.Tx) error {
	byType := map[string]*store.FactBatch{}
	defer func() {
		for _, fb := range byType {
			fb.Release()
		}
	}()
	for i := range b.all {
		c := &b.all[i]
		if c.outcome != models.Stored {
			continue
		}
		for j := range c.facts {
			if err := b.addFact(byType, c, &c.facts[j]); err != nil {
				return err
			}
		}
	}
	for _, t := range models.FactTypes {
		if fb := byType[t.Name]; fb != nil {
			if _, err := tx.InsertFacts(ctx, fb); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
	}
	return nil
}

func (b *batch) addFact(byType map[string]*store.FactBatch, c *classified, f *models.Fact) error {
	fb := byType[f.Type]
	if fb == nil {
		t, ok := models.FactTypeByName(f.Type)
		if !ok {
			return fmt.Errorf("no fact type %s", f.Type)
		}
		fb = store.NewFactBatch(t)
		byType[f.Type] = fb
	}
	src := c.record.Source
	h := store.FactHead{K: b.in.next.k, Ent: b.entity(src, models.Ref{Type: f.Type, ID: f.ID}), Source: src, Version: f.Version, KnownAt: c.record.ReceivedAt, Retracted: f.Retracted, Pos: c.pos}
	b.in.next.k++
	if f.Subject.ID != "" {
		pid := b.pids[b.in.token(src, f.Subject)]
		h.PID = &pid
	}
	for i, v := range f.Values {
		if r, ok := v.(models.Ref); ok {
			f.Values[i] = b.entity(src, r)
		}
	}
	return fb.Append(h, f.Values)
}

// entity hashes a resource id, once per batch.
func (b *batch) entity(src models.Source, r models.Ref) models.EntityID {
	k := entityKey{src, r}
	id, ok := b.ents[k]
	if !ok {
		id = b.in.keys.Entity(b.in.opts.Tenant, src, r.Type, r.ID)
		b.ents[k] = id
	}
	return id
}

// advance writes the counts and moves the position, which must still be where this batch began.
func (b *batch) advance(ctx context.Context, tx *store.Tx) error {
	for _, t := range b.tally() {
		if _, err := tx.Exec(ctx, sql.Text("ingest/add_tally.sql"), intakeLog, 0, b.from, b.next, string(t.source), t.resource, t.Stored, t.Duplicate, t.Ignored, t.Quarantined); err != nil {
			return err
		}
	}
	return movePosition(ctx, tx, b.from, b.next)
}

// tallyRow counts outcomes of one source and resource type.
type tallyRow struct {
	source   models.Source
	resource string
	models.Outcomes
}

func (b *batch) tally() []tallyRow {
	type key struct {
		source   models.Source
		resource string
	}
	byKey := map[key]*tallyRow{}
	for i := range b.all {
		c := &b.all[i]
		k := key{c.record.Source, c.resource}
		if byKey[k] == nil {
			byKey[k] = &tallyRow{source: k.source, resource: k.resource}
		}
		byKey[k].Add(c.outcome, 1)
	}
	rows := make([]tallyRow, 0, len(byKey))
	for _, r := range byKey {
		rows = append(rows, *r)
	}
	return rows
}
