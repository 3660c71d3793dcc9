package ingest

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"

	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/sql"
)

// read takes the next free keys from the store.
func (c *counters) read(ctx context.Context, tx *store.Tx) error {
	if err := tx.QueryRow(ctx, nextKeys()).Scan(&c.k, &c.quarantine); err != nil {
		return fmt.Errorf("next keys: %w", err)
	}
	rows, err := tx.Query(ctx, sql.Text("ingest/bucket_tops.sql"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var bucket int
		var top int64
		if err := rows.Scan(&bucket, &top); err != nil {
			return err
		}
		c.top[bucket] = top
	}
	return rows.Err()
}

// nextKeys selects the next free row key over all version tables and beyond what was ever folded (the fold takes a key at or
// below the last one folded for an old one, and an erasure may have removed the newest), and the next quarantine id.
func nextKeys() string {
	q := "SELECT (SELECT coalesce(max(m), 0) + 1 FROM ("
	for i, t := range models.FactTypes {
		if i > 0 {
			q += " UNION ALL "
		}
		q += "SELECT max(k) AS m FROM " + t.VersionTable()
	}
	q += " UNION ALL SELECT CAST(value AS BIGINT) FROM fold_state WHERE name = 'folded_k'"
	return q + ")) AS k, (SELECT coalesce(max(id), 0) + 1 FROM quarantine) AS quarantine"
}

// position gives the offset of the intake log up to which everything is committed.
func position(ctx context.Context, tx *store.Tx) (int64, error) {
	var at int64
	err := tx.QueryRow(ctx, sql.Text("ingest/position.sql"), intakeLog, 0).Scan(&at)
	if errors.Is(err, dbsql.ErrNoRows) {
		return 0, nil
	}
	return at, err
}

// movePosition moves it from one offset to another and fails when it is elsewhere.
func movePosition(ctx context.Context, tx *store.Tx, from, next int64) error {
	n, err := tx.Exec(ctx, sql.Text("ingest/advance.sql"), next, intakeLog, 0, from)
	if err != nil {
		return err
	}
	if n == 0 && from == 0 {
		n, err = tx.Exec(ctx, sql.Text("ingest/add_position.sql"), intakeLog, 0, next)
		if err != nil {
			return err
		}
	}
	if n != 1 {
		return &models.Error{Kind: models.KindUnavail, Message: fmt.Sprintf("another reader moved the position from offset %d", from), Mend: "run one loader at a time"}
	}
	return nil
}

// seenBefore gives, by index of input, the body hashes with which its event was registered.
func seenBefore(ctx context.Context, tx *store.Tx, inputs []*input) (map[int][]models.Key128, error) {
	keys := newRowSet(field("i", intType), field("ek", uuidType))
	for i, in := range inputs {
		keys.add(int64(i), in.event)
	}
	seen := map[int][]models.Key128{}
	err := keys.with(ctx, tx, "batch_keys", func() error {
		rows, err := tx.Query(ctx, sql.Text("ingest/seen.sql"))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i int
			var bh key128
			if err := rows.Scan(&i, &bh); err != nil {
				return err
			}
			seen[i] = append(seen[i], models.Key128(bh))
		}
		return rows.Err()
	})
	return seen, err
}

// key128 scans a UUID column, which the driver gives as 16 bytes.
type key128 models.Key128

// Scan takes the bytes of a UUID.
func (k *key128) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(k) {
		return fmt.Errorf("a key of 16 bytes was expected, got %T", v)
	}
	copy(k[:], b)
	return nil
}

// subjects gives every patient of the stored inputs a key of this file, old or new.
func (b *batch) subjects(ctx context.Context, tx *store.Tx) error {
	tokens := b.tokens()
	lookup := newRowSet(field("i", intType), field("token", uuidType))
	for i, t := range tokens {
		lookup.add(int64(i), models.Key128(t))
	}
	err := lookup.with(ctx, tx, "batch_tokens", func() error {
		rows, err := tx.Query(ctx, sql.Text("ingest/subjects.sql"))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i, pid int64
			if err := rows.Scan(&i, &pid); err != nil {
				return err
			}
			b.pids[tokens[i]] = pid
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	return b.addSubjects(ctx, tx, tokens)
}

func (b *batch) addSubjects(ctx context.Context, tx *store.Tx, tokens []models.PatientID) error {
	fresh := newRowSet(field("pid", intType), field("token", uuidType), field("bucket", intType))
	for _, t := range tokens {
		if _, ok := b.pids[t]; ok {
			continue
		}
		bucket := t.Bucket()
		b.in.next.top[bucket] = max(b.in.next.top[bucket], int64(bucket)<<40) + 1
		b.pids[t] = b.in.next.top[bucket]
		fresh.add(b.pids[t], models.Key128(t), int64(bucket))
	}
	return fresh.with(ctx, tx, "new_subjects", func() error {
		_, err := tx.Exec(ctx, sql.Text("ingest/add_subjects.sql"))
		return err
	})
}

// tokens lists the patients that the stored inputs name, in order of appearance.
func (b *batch) tokens() []models.PatientID {
	var list []models.PatientID
	have := map[models.PatientID]bool{}
	for i := range b.all {
		c := &b.all[i]
		if c.outcome != models.Stored {
			continue
		}
		for j := range c.facts {
			s := c.facts[j].Subject
			if s.ID == "" {
				continue
			}
			if t := b.in.token(c.record.Source, s); !have[t] {
				have[t] = true
				list = append(list, t)
			}
		}
	}
	return list
}

// token names a patient: the HMAC of tenant, source and the source's own patient id, unless a record of our own names
// the token itself.
func (in *Ingester) token(src models.Source, subject models.Ref) models.PatientID {
	return in.decoders[0].token(src, subject)
}

func (d *decoder) token(src models.Source, subject models.Ref) models.PatientID {
	if subject.Type == byToken && src == OwnSource {
		if id, err := models.ParsePatientID(subject.ID); err == nil {
			return id
		}
	}
	return d.keys.PatientToken(d.tenant, src, subject.ID)
}

// register writes the keys of the events taken and the inputs set aside.
func (b *batch) register(ctx context.Context, tx *store.Tx) error {
	events := newRowSet(field("ek", uuidType), field("bh", uuidType))
	aside := newQuarantineRows()
	for i := range b.all {
		c := &b.all[i]
		if c.outcome == models.Stored || c.outcome == models.Quarantined {
			events.add(c.event, c.body)
		}
		if c.outcome == models.Quarantined {
			aside.add(b.in.quarantineRow(c)...)
		}
	}
	if err := events.with(ctx, tx, "new_events", func() error {
		_, err := tx.Exec(ctx, sql.Text("ingest/add_events.sql"))
		return err
	}); err != nil {
		return err
	}
	return aside.with(ctx, tx, "new_quarantine", func() error {
		_, err := tx.Exec(ctx, sql.Text("ingest/add_quarantine.sql"))
		return err
	})
}

func newQuarantineRows() *rowSet {
	return newRowSet(field("id", intType), field("log", textType), field("part", intType), field("off", intType), field("entry", intType), field("source", textType), field("resource", textType),
		field("reason", textType), field("place", textType), field("detail", textType), field("mend", textType), field("ek", uuidType), field("bh", uuidType), field("known_at", timeType),
		field("sealed", bytesType), field("key_id", textType))
}

// sealPurpose derives the key under which quarantined bytes are sealed.
const sealPurpose = "quarantine"

// quarantineRow seals what was received; its content is never shown in a message.
func (in *Ingester) quarantineRow(c *classified) []any {
	id := in.next.quarantine
	in.next.quarantine++
	sealed := in.keys.Seal(sealPurpose, c.event[:], c.raw)
	return []any{id, c.pos.Log, int64(c.pos.Partition), c.pos.Offset, int64(c.pos.Entry), string(c.record.Source), c.resource, string(c.reject.Reason), c.reject.Where, c.reject.Detail, c.reject.Mend,
		c.event, c.body, c.record.ReceivedAt.UTC(), sealed, in.keys.KeyID()}
}

// order places what an input says among the versions of its record.
func order(c *classified, f *models.Fact) ledger.Order {
	return ledger.Order{Version: f.Version, KnownAt: c.record.ReceivedAt, Pos: c.pos}
}

// identityRow is what the vault gets of a fact about a person.
func (b *batch) identityRow(c *classified, f *models.Fact) ledger.IdentityRow {
	src := c.record.Source
	row := ledger.IdentityRow{Patient: b.in.token(src, f.Subject), Ent: b.entity(src, models.Ref{Type: f.Type, ID: f.ID}), Kind: ledger.OfPatient, Order: order(c, f)}
	if f.Type == "RelatedPerson" {
		row.Kind = ledger.OfRelated
	}
	if !f.Retracted {
		row.Identity = *f.Identity
	}
	return row
}

// consentRow is what the consent ledger gets of a grant or withdrawal; its event key makes a replay harmless.
func (b *batch) consentRow(c *classified, f *models.Fact) ledger.ConsentRow {
	src := c.record.Source
	return ledger.ConsentRow{Event: c.event, Patient: b.in.token(src, f.Subject), Ent: b.entity(src, models.Ref{Type: f.Type, ID: f.ID}), Source: src, Order: order(c, f), Retracted: f.Retracted,
		Consent: *f.Consent}
}
