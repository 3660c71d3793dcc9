package ledger

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"carereach/models"
)

// AuditEntry is one act to be recorded before it happens. Detail holds no identifiers.
type AuditEntry struct {
	Actor    string             // user id, or "system"; never empty
	Purpose  string             // treatment, care_gap, operations ...; empty for acts of the system
	Action   string             // patient.show, list.export, user.add ...; never empty
	Denied   bool               // the act was refused; such a row unlocks nothing
	Subjects []models.PatientID // whom it is about; none for acts about no patient
	Detail   string             // at most 2,000 bytes
}

const maxDetail = 2000

// AuditRow is a row of the audit trail.
type AuditRow struct {
	Seq      int64             `json:"seq"`
	At       time.Time         `json:"at"`
	Actor    string            `json:"actor"`
	Purpose  string            `json:"purpose"`
	Action   string            `json:"action"`
	Denied   bool              `json:"denied"`
	Subject  *models.PatientID `json:"-"`              // the only patient it is about
	Subjects int               `json:"subjects"`       // number of patients it is about
	List     string            `json:"list,omitempty"` // hash of the sorted token list when there are several
	Detail   string            `json:"detail,omitempty"`
	Hash     string            `json:"hash"` // link of the chain
}

// AuditRef points at a row of the audit trail that AppendAudit made. Only the ledger makes one.
type AuditRef struct {
	seq  int64
	hash [32]byte
}

// Seq gives the number of the audit row; 0 for the zero AuditRef, which unlocks nothing.
func (r AuditRef) Seq() int64 { return r.seq }

// auditRecord is a row of table audit as stored.
type auditRecord struct {
	seq, at, denied, subjects      int64
	actor, purpose, action, detail string
	subject, list, prev, hash, tag []byte
}

const auditColumns = "seq, at, actor, purpose, action, denied, subjects, subject, list, detail, prev, hash, tag"

func (r *auditRecord) scan(rows interface{ Scan(...any) error }) error {
	return rows.Scan(&r.seq, &r.at, &r.actor, &r.purpose, &r.action, &r.denied, &r.subjects, &r.subject, &r.list, &r.detail, &r.prev, &r.hash, &r.tag)
}

// link computes the row's hash over its content and the hash before.
func (r *auditRecord) link(buf []byte) [32]byte {
	b := appendText(buf[:0], "carereach audit 1")
	b = appendValue(b, r.prev)
	b = appendValue(b, r.seq)
	b = appendValue(b, r.at)
	for _, s := range [...]string{r.actor, r.purpose, r.action, r.detail} {
		b = appendText(b, s)
	}
	b = appendValue(b, r.denied)
	b = appendValue(b, r.subjects)
	b = appendValue(b, r.subject)
	return sha256.Sum256(appendValue(b, r.list))
}

// check compares a row with its hash and its tag.
func (l *Ledger) checkAudit(r *auditRecord, buf []byte) error {
	if sum := r.link(buf); !bytes.Equal(sum[:], r.hash) || !l.keys.checkTag(r.tag, "audit", r.hash) {
		return damaged("audit", r.seq, "was changed")
	}
	return nil
}

// AppendAudit appends one row and returns when it is durable in the ledger and in the sink. When it fails the act must not
// happen.
func (l *Ledger) AppendAudit(ctx context.Context, e AuditEntry) (AuditRef, error) {
	refs, err := l.AppendAudits(ctx, []AuditEntry{e})
	if err != nil {
		return AuditRef{}, err
	}
	return refs[0], nil
}

// AppendAudits appends several rows in one transaction, all or none.
func (l *Ledger) AppendAudits(ctx context.Context, es []AuditEntry) ([]AuditRef, error) {
	for _, e := range es {
		if e.Actor == "" || e.Action == "" || len(e.Detail) > maxDetail || !utf8.ValidString(e.Detail) {
			return nil, &models.Error{Kind: models.KindUsage, Message: "ledger: an audit row needs an actor, an action and a detail of at most 2,000 bytes", Mend: "name who does what"}
		}
	}
	if len(es) == 0 {
		return nil, nil
	}
	l.audits.Lock()
	defer l.audits.Unlock()
	var refs []AuditRef
	err := l.write(ctx, "append to the audit trail", func(tx *sql.Tx) (err error) {
		refs, err = l.insertAudits(ctx, tx, es)
		return err
	})
	if err != nil {
		return nil, err
	}
	last := refs[len(refs)-1]
	if err := l.sink.add(sinkLine{Kind: sinkCheckpoint, At: micros(l.now()), Seq: last.seq, Hash: hexText(last.hash[:])}); err != nil {
		return nil, err
	}
	return refs, nil
}

func (l *Ledger) insertAudits(ctx context.Context, tx *sql.Tx, es []AuditEntry) ([]AuditRef, error) {
	head, err := auditHead(ctx, tx)
	if err != nil {
		return nil, err
	}
	at, refs := micros(l.now()), make([]AuditRef, 0, len(es))
	for _, e := range es {
		r := auditRecord{seq: head.seq + 1, at: at, actor: e.Actor, purpose: e.Purpose, action: e.Action, denied: flag(e.Denied), detail: e.Detail, prev: bytes.Clone(head.hash[:])}
		if err := r.name(ctx, tx, e.Subjects); err != nil {
			return nil, err
		}
		head = AuditRef{seq: r.seq, hash: r.link(nil)}
		err := exec(ctx, tx, "INSERT INTO audit ("+auditColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.seq, r.at, r.actor, r.purpose, r.action, r.denied, r.subjects, r.subject, r.list, r.detail, r.prev, head.hash[:], l.keys.tag("audit", head.hash[:]))
		if err != nil {
			return nil, err
		}
		refs = append(refs, head)
	}
	return refs, nil
}

// name sets whom the row is about: one patient by token, several by the hash of their list, which is stored once.
func (r *auditRecord) name(ctx context.Context, tx *sql.Tx, ids []models.PatientID) error {
	ids = sortedTokens(ids)
	r.subjects = int64(len(ids))
	switch len(ids) {
	case 0:
		return nil
	case 1:
		r.subject = ids[0][:]
		return nil
	}
	tokens := joinTokens(ids)
	sum := sha256.Sum256(tokens)
	r.list = sum[:]
	return exec(ctx, tx, "INSERT INTO audit_list (hash, tokens) VALUES (?, ?) ON CONFLICT DO NOTHING", r.list, tokens)
}

// sortedTokens gives the tokens in order, each once.
func sortedTokens(ids []models.PatientID) []models.PatientID {
	out := slices.Clone(ids)
	slices.SortFunc(out, compareTokens)
	return slices.Compact(out)
}

func compareTokens(a, b models.PatientID) int { return bytes.Compare(a[:], b[:]) }

func joinTokens(ids []models.PatientID) []byte {
	out := make([]byte, 0, 16*len(ids))
	for _, id := range ids {
		out = append(out, id[:]...)
	}
	return out
}

// auditHead gives the newest row; the zero AuditRef when there is none.
func auditHead(ctx context.Context, tx *sql.Tx) (AuditRef, error) {
	var ref AuditRef
	var hash []byte
	err := tx.QueryRowContext(ctx, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&ref.seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return AuditRef{}, nil
	}
	if err == nil && len(hash) != len(ref.hash) {
		return AuditRef{}, damaged("audit", ref.seq, "was changed")
	}
	copy(ref.hash[:], hash)
	return ref, err
}

// unlocks makes sure that ref is a row of this trail that allows an act and names every one of ids.
func (l *Ledger) unlocks(ctx context.Context, tx *sql.Tx, ref AuditRef, ids []models.PatientID) error {
	refused := &models.Error{Kind: models.KindRefused, Message: "ledger: no audit row allows this access", Mend: "ask through the guard, which writes the audit row first"}
	var r auditRecord
	err := r.scan(tx.QueryRowContext(ctx, "SELECT "+auditColumns+" FROM audit WHERE seq = ?", ref.seq))
	if errors.Is(err, sql.ErrNoRows) {
		return refused
	}
	if err != nil {
		return err
	}
	if err := l.checkAudit(&r, nil); err != nil {
		return err
	}
	if !hmac.Equal(r.hash, ref.hash[:]) || r.denied != 0 {
		return refused
	}
	named, err := r.named(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, ok := slices.BinarySearchFunc(named, id, compareTokens); !ok {
			return refused
		}
	}
	return nil
}

// named gives the patients a row is about, in order.
func (r *auditRecord) named(ctx context.Context, tx *sql.Tx) ([]models.PatientID, error) {
	if r.list == nil {
		if r.subject == nil {
			return nil, nil
		}
		return splitTokens("audit", r.seq, r.subject)
	}
	var tokens []byte
	err := tx.QueryRowContext(ctx, "SELECT tokens FROM audit_list WHERE hash = ?", r.list).Scan(&tokens)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, damaged("audit_list", hexText(r.list), "is missing")
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(tokens); !bytes.Equal(sum[:], r.list) {
		return nil, damaged("audit_list", hexText(r.list), "was changed")
	}
	return splitTokens("audit_list", hexText(r.list), tokens)
}

func splitTokens(table string, row any, b []byte) ([]models.PatientID, error) {
	if len(b)%16 != 0 {
		return nil, damaged(table, row, "was changed")
	}
	out := make([]models.PatientID, 0, len(b)/16)
	for chunk := range slices.Chunk(b, 16) {
		out = append(out, models.PatientID(chunk))
	}
	return out, nil
}

// AuditFilter selects audit rows; zero fields select all.
type AuditFilter struct {
	Actor    string
	Purpose  string
	Action   string // exact, or a prefix when it ends in "."
	Subject  *models.PatientID
	From, To time.Time // From <= at < To
	Offset   int
	Limit    int // 0 is 100; at most 10,000
}

// AuditPage is one page of a search, newest row first.
type AuditPage struct {
	Rows  []AuditRow `json:"rows"`
	Total int        `json:"total"`
}

// SearchAudit finds rows, those about a list that holds the subject included.
func (l *Ledger) SearchAudit(ctx context.Context, f AuditFilter) (AuditPage, error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	if f.Limit < 0 || f.Limit > 10_000 || f.Offset < 0 {
		return AuditPage{}, &models.Error{Kind: models.KindUsage, Message: "ledger: a page has 1 to 10,000 rows and starts at 0 or later", Mend: "ask for the rows in pages"}
	}
	page := AuditPage{Rows: []AuditRow{}}
	err := l.read(ctx, "search the audit trail", func(tx *sql.Tx) error {
		where, args, err := f.where(ctx, tx)
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM audit"+where, args...).Scan(&page.Total); err != nil {
			return err
		}
		return ask(ctx, tx, func(rows *sql.Rows) error {
			var r auditRecord
			if err := r.scan(rows); err != nil {
				return err
			}
			if err := l.checkAudit(&r, nil); err != nil {
				return err
			}
			page.Rows = append(page.Rows, r.row())
			return nil
		}, "SELECT "+auditColumns+" FROM audit"+where+" ORDER BY seq DESC LIMIT ? OFFSET ?", append(args, f.Limit, f.Offset)...)
	})
	return page, err
}

func (f AuditFilter) where(ctx context.Context, tx *sql.Tx) (string, []any, error) {
	var terms []string
	var args []any
	add := func(term string, values ...any) { terms, args = append(terms, term), append(args, values...) }
	if f.Actor != "" {
		add("actor = ?", f.Actor)
	}
	if f.Purpose != "" {
		add("purpose = ?", f.Purpose)
	}
	if strings.HasSuffix(f.Action, ".") {
		add("substr(action, 1, ?) = ?", utf8.RuneCountInString(f.Action), f.Action)
	} else if f.Action != "" {
		add("action = ?", f.Action)
	}
	if !f.From.IsZero() {
		add("at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		add("at < ?", micros(f.To))
	}
	if f.Subject != nil {
		lists, err := listsWith(ctx, tx, *f.Subject)
		if err != nil {
			return "", nil, err
		}
		add("(subject = ? OR list IN (SELECT unhex(value) FROM json_each(?)))", f.Subject[:], lists)
	}
	if len(terms) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(terms, " AND "), args, nil
}

// listsWith gives the hashes of the lists that hold a patient, as a JSON list of hex texts.
func listsWith(ctx context.Context, tx *sql.Tx, id models.PatientID) (string, error) {
	hashes := []string{}
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		var hash, tokens []byte
		if err := rows.Scan(&hash, &tokens); err != nil {
			return err
		}
		ids, err := splitTokens("audit_list", hexText(hash), tokens)
		if err != nil {
			return err
		}
		if _, ok := slices.BinarySearchFunc(ids, id, compareTokens); ok {
			hashes = append(hashes, hexText(hash))
		}
		return nil
	}, "SELECT hash, tokens FROM audit_list WHERE instr(tokens, ?) > 0", id[:])
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(hashes)
	return string(text), err
}

func (r *auditRecord) row() AuditRow {
	out := AuditRow{Seq: r.seq, At: instant(r.at), Actor: r.actor, Purpose: r.purpose, Action: r.action, Denied: r.denied != 0, Subjects: int(r.subjects), Detail: r.detail, Hash: hexText(r.hash)}
	if r.list != nil {
		out.List = hexText(r.list)
	}
	if len(r.subject) == 16 {
		id := models.PatientID(r.subject)
		out.Subject = &id
	}
	return out
}

// AuditSubjects gives the patients an audit row is about, in order of their token.
func (l *Ledger) AuditSubjects(ctx context.Context, seq int64) ([]models.PatientID, error) {
	var out []models.PatientID
	err := l.read(ctx, "read an audit row", func(tx *sql.Tx) error {
		var r auditRecord
		err := r.scan(tx.QueryRowContext(ctx, "SELECT "+auditColumns+" FROM audit WHERE seq = ?", seq))
		if errors.Is(err, sql.ErrNoRows) {
			return &models.Error{Kind: models.KindNotFound, Message: fmt.Sprintf("ledger: there is no audit row %d", seq), Mend: "take a number from an audit search"}
		}
		if err == nil {
			err = l.checkAudit(&r, nil)
		}
		if err == nil {
			out, err = r.named(ctx, tx)
		}
		return err
	})
	return out, err
}
