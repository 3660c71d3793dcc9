package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"carereach/models"
)

// ConsentRow is one consent statement as received.
type ConsentRow struct {
	Event     models.Key128 // identity of the input; a second row with the same key is not stored
	Patient   models.PatientID
	Ent       models.EntityID // the consent record that this is a version of
	Source    models.Source
	Order     Order
	Retracted bool // entered in error
	Consent   models.ConsentEvent
}

// Consent is a stored consent statement. Evidence and CapturedBy are sealed and come back only from ConsentEvidence.
type Consent struct {
	ID int64 `json:"id"`
	ConsentRow
}

// consentSecret is the part of a statement that may name people. It is sealed under the patient's data key.
type consentSecret struct {
	CapturedBy string `json:"captured_by,omitempty"`
	Evidence   string `json:"evidence,omitempty"`
}

// consentRecord is a row of table consent as stored, and its number among the patient's.
type consentRecord struct {
	Consent
	n           int64
	ord, sealed []byte
}

const consentColumns = "id, event, token, n, ent, source, ord, retracted, action, channel, purpose, basis, effective_lo, effective_hi, effective_off, expires, sealed"

// values lists the row in the order of consentColumns.
func (r *consentRecord) values() []any {
	var off, expires any
	if r.Consent.Consent.Effective.Zoned {
		off = int64(r.Consent.Consent.Effective.Offset)
	}
	if r.Consent.Consent.Expires != nil {
		expires = int64(*r.Consent.Consent.Expires)
	}
	c := r.Consent.Consent
	return []any{r.ID, r.Event[:], r.Patient[:], r.n, r.Ent[:], string(r.Source), r.ord, flag(r.Retracted), c.Action, c.Channel, c.Purpose, c.Basis,
		int64(c.Effective.Lo), int64(c.Effective.Hi), off, expires, r.sealed}
}

// scan reads a row and checks its tag.
func (r *consentRecord) scan(k *Keys, rows *sql.Rows) error {
	var event, token, ent, tag []byte
	var retracted, lo, hi int64
	var off, expires sql.NullInt64
	c := &r.Consent.Consent
	err := rows.Scan(&r.ID, &event, &token, &r.n, &ent, &r.Source, &r.ord, &retracted, &c.Action, &c.Channel, &c.Purpose, &c.Basis, &lo, &hi, &off, &expires, &r.sealed, &tag)
	if err != nil {
		return err
	}
	order, ok := parseOrder(r.ord)
	if !ok || retracted > 1 || len(event) != 16 || len(token) != 16 || len(ent) != 16 {
		return damaged("consent", r.ID, "was changed")
	}
	r.Event, r.Patient, r.Ent, r.Order, r.Retracted = models.Key128(event), models.PatientID(token), models.EntityID(ent), order, retracted != 0
	c.Effective = models.TimeRange{Lo: models.Micros(lo), Hi: models.Micros(hi), Offset: int16(off.Int64), Zoned: off.Valid}
	if expires.Valid {
		us := models.Micros(expires.Int64)
		c.Expires = &us
	}
	if !k.checkTag(tag, "consent", r.values()...) {
		return damaged("consent", r.ID, "was changed")
	}
	return nil
}

// The words that a statement may use.
var (
	consentActions  = []string{"granted", "revoked", "expired"}
	consentChannels = []string{"sms", "voice", "email", "mail", "portal", "push"}
	consentPurposes = []string{"treatment", "care_gap", "marketing", "survey"}
)

const anyScope = "any"

// PutConsents appends statements in one transaction; rows whose event is already there are counted as known. A statement with
// a word that is none of the contract's is an error of models.KindInvalid and nothing is stored.
func (l *Ledger) PutConsents(ctx context.Context, rows []ConsentRow) (PutCount, error) {
	for _, r := range rows {
		c := r.Consent
		if !slices.Contains(consentActions, c.Action) || !scope(consentChannels, c.Channel) || !scope(consentPurposes, c.Purpose) || c.Effective.Lo > c.Effective.Hi {
			return PutCount{}, &models.Error{Kind: models.KindInvalid, Message: "ledger: a consent has an unknown action, channel or purpose, or a time that ends before it starts", Mend: "see the schema of patients.consent"}
		}
	}
	var n PutCount
	if len(rows) == 0 {
		return n, nil
	}
	err := l.write(ctx, "append consents", func(tx *sql.Tx) error {
		keys, err := l.newDataKeys(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := l.appendConsent(ctx, tx, keys, r, &n); err != nil {
				return err
			}
		}
		return l.count(ctx, tx, "consent", int64(n.Stored))
	})
	if err != nil {
		return PutCount{}, err
	}
	return n, nil
}

func scope(words []string, word string) bool { return word == anyScope || slices.Contains(words, word) }

func (l *Ledger) appendConsent(ctx context.Context, tx *sql.Tx, keys *dataKeys, r ConsentRow, n *PutCount) error {
	var known bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM consent WHERE event = ?)", r.Event[:]).Scan(&known); err != nil {
		return err
	}
	if known {
		n.Known++
		return nil
	}
	rec := consentRecord{Consent: Consent{ConsentRow: r}, ord: r.Order.bytes()}
	var err error
	if rec.sealed, err = sealSecret(ctx, keys, r); errors.Is(err, errErased) {
		n.Erased++
		return nil
	}
	if err != nil {
		return err
	}
	if rec.n, err = l.nextConsent(ctx, tx, r.Patient); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) + 1 FROM consent").Scan(&rec.ID); err != nil {
		return err
	}
	values := rec.values()
	err = exec(ctx, tx, "INSERT INTO consent ("+consentColumns+", tag) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", append(values, l.keys.tag("consent", values...))...)
	n.Stored++
	return err
}

// sealSecret seals what may name people. The data key is made even when there is nothing to seal: it tells erased patients.
func sealSecret(ctx context.Context, keys *dataKeys, r ConsentRow) ([]byte, error) {
	key, err := keys.get(ctx, r.Patient)
	if err != nil {
		return nil, err
	}
	secret := consentSecret{r.Consent.CapturedBy, r.Consent.Evidence}
	if secret == (consentSecret{}) {
		return nil, nil
	}
	plain, err := json.Marshal(secret)
	if err != nil {
		return nil, err
	}
	return sealWith(key, consentAAD(r.Event, r.Patient), plain), nil
}

func consentAAD(event models.Key128, id models.PatientID) []byte {
	return appendValue(appendValue(appendText(nil, "consent.sealed 1"), event[:]), id[:])
}

// nextConsent counts one more statement of a patient and gives its number.
func (l *Ledger) nextConsent(ctx context.Context, tx *sql.Tx, id models.PatientID) (int64, error) {
	n, err := l.consentCount(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	n++
	return n, exec(ctx, tx, "INSERT INTO consent_head (token, n, tag) VALUES (?, ?, ?) ON CONFLICT (token) DO UPDATE SET n = excluded.n, tag = excluded.tag",
		id[:], n, l.keys.tag("consent_head", id[:], n))
}

func (l *Ledger) consentCount(ctx context.Context, tx *sql.Tx, id models.PatientID) (int64, error) {
	var n int64
	var tag []byte
	err := tx.QueryRowContext(ctx, "SELECT n, tag FROM consent_head WHERE token = ?", id[:]).Scan(&n, &tag)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil && !l.keys.checkTag(tag, "consent_head", id[:], n) {
		err = damaged("consent_head", id, "was changed")
	}
	return n, err
}

// consentsOf reads every statement about one token, checked and complete.
func (l *Ledger) consentsOf(ctx context.Context, tx *sql.Tx, id models.PatientID) ([]consentRecord, error) {
	want, err := l.consentCount(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var out []consentRecord
	err = ask(ctx, tx, func(rows *sql.Rows) error {
		var r consentRecord
		if err := r.scan(l.keys, rows); err != nil {
			return err
		}
		out = append(out, r)
		if r.n != int64(len(out)) {
			return damaged("consent", id, "is not complete: a statement of this patient is missing")
		}
		return nil
	}, "SELECT "+consentColumns+", tag FROM consent WHERE token = ? ORDER BY n", id[:])
	if err == nil && int64(len(out)) != want {
		err = damaged("consent", id, "is not complete: a statement of this patient is missing")
	}
	return out, err
}

// ConsentHistory gives every statement about the tokens of one person in order of arrival, without evidence.
func (l *Ledger) ConsentHistory(ctx context.Context, tokens []models.PatientID) ([]Consent, error) {
	out := []Consent{}
	err := l.read(ctx, "read consents", func(tx *sql.Tx) error {
		for _, id := range sortedTokens(tokens) {
			rows, err := l.consentsOf(ctx, tx, id)
			if err != nil {
				return err
			}
			for _, r := range rows {
				out = append(out, r.Consent)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Consent) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// ConsentEvidence opens evidence and captured-by of the statements about one patient, by row id; see Identity for ref.
func (l *Ledger) ConsentEvidence(ctx context.Context, ref AuditRef, id models.PatientID) (map[int64]models.ConsentEvent, error) {
	out := map[int64]models.ConsentEvent{}
	err := l.read(ctx, "open consent evidence", func(tx *sql.Tx) error {
		if err := l.unlocks(ctx, tx, ref, []models.PatientID{id}); err != nil {
			return err
		}
		keys, err := l.newDataKeys(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := l.consentsOf(ctx, tx, id)
		for i := 0; err == nil && i < len(rows); i++ {
			out[rows[i].ID], err = rows[i].open(ctx, keys)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// open gives the whole statement, evidence included. An erased patient's is gone.
func (r *consentRecord) open(ctx context.Context, keys *dataKeys) (models.ConsentEvent, error) {
	c := r.Consent.Consent
	if r.sealed == nil {
		return c, nil
	}
	key, err := keys.find(ctx, r.Patient)
	if err != nil {
		return c, err
	}
	if key == nil {
		return c, damaged("vault_key", r.Patient, "is missing")
	}
	var secret consentSecret
	plain, ok := openWith(key, consentAAD(r.Event, r.Patient), r.sealed)
	if !ok || json.Unmarshal(plain, &secret) != nil {
		return c, damaged("consent", r.ID, "cannot be opened")
	}
	c.CapturedBy, c.Evidence = secret.CapturedBy, secret.Evidence
	return c, nil
}

// ConsentInForce says whether a person, known by all of tokens, may be contacted at the instant at. A statement counts for its
// channel and purpose or for all of them ("any"). A grant stands unless it expired or a revocation was made at the same time or
// later, and over several tokens the strictest wins: refused, then granted, then expired, then none.
func (l *Ledger) ConsentInForce(ctx context.Context, tokens []models.PatientID, channel, purpose string, at time.Time) (ConsentStanding, error) {
	people, err := l.statements(ctx, tokens)
	if err != nil {
		return ConsentStanding{}, err
	}
	return strictest(people, channel, purpose, models.Micros(micros(at))), nil
}

// ConsentsInForce is ConsentInForce for every channel and purpose, in a fixed order.
func (l *Ledger) ConsentsInForce(ctx context.Context, tokens []models.PatientID, at time.Time) ([]ConsentStanding, error) {
	people, err := l.statements(ctx, tokens)
	if err != nil {
		return nil, err
	}
	var out []ConsentStanding
	for _, channel := range consentChannels {
		for _, purpose := range consentPurposes {
			out = append(out, strictest(people, channel, purpose, models.Micros(micros(at))))
		}
	}
	return out, nil
}

// statements reads the winning statements of each token. No tokens is a fault of the caller: nobody was asked about.
func (l *Ledger) statements(ctx context.Context, tokens []models.PatientID) ([][]Consent, error) {
	if len(tokens) == 0 {
		return nil, &models.Error{Kind: models.KindUsage, Message: "ledger: consent was asked for nobody", Mend: "name every token of the person"}
	}
	var people [][]Consent
	err := l.read(ctx, "read consents", func(tx *sql.Tx) error {
		for _, id := range sortedTokens(tokens) {
			rows, err := l.consentsOf(ctx, tx, id)
			if err != nil {
				return err
			}
			people = append(people, winners(rows))
		}
		return nil
	})
	return people, err
}
