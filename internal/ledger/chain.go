package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"carereach/models"
)

// startTail is the number of newest audit rows that Open follows; VerifyAudit follows all.
const startTail = 1000

// AuditCheck is the outcome of VerifyAudit.
type AuditCheck struct {
	Rows        int64  `json:"rows"`
	Head        string `json:"head"`        // hash of the newest row
	Checkpoints int64  `json:"checkpoints"` // signed checkpoints of the sink that were compared
}

// VerifyAudit walks the whole trail. A row edited, deleted, moved or cut off, and a sink that says otherwise, is an error
// of models.KindCorruption naming the first row concerned.
func (l *Ledger) VerifyAudit(ctx context.Context) (AuditCheck, error) {
	var points []sinkPoint
	if l.sink != nil {
		st, err := l.sink.readAll() // before the table: what is appended meanwhile is not asked for
		if err != nil {
			return AuditCheck{}, err
		}
		points = st.points
	}
	var out AuditCheck
	err := l.read(ctx, "verify the audit trail", func(tx *sql.Tx) error {
		next := 0
		head, err := l.follow(ctx, tx, AuditRef{}, func(ref AuditRef) error {
			for ; next < len(points) && points[next].seq == ref.seq; next++ {
				if points[next].hash != hexText(ref.hash[:]) {
					return damaged("audit", ref.seq, "is not the one that the second sink has")
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if next < len(points) {
			return damaged("audit", points[next].seq, "is missing: the second sink has it")
		}
		out = AuditCheck{Rows: head.seq, Head: hexText(head.hash[:]), Checkpoints: int64(next)}
		return l.checkLists(ctx, tx)
	})
	return out, err
}

// follow walks the rows after from, which must be where it says, checks each and calls fn for it, from itself included. It
// gives the last row.
func (l *Ledger) follow(ctx context.Context, tx *sql.Tx, from AuditRef, fn func(AuditRef) error) (AuditRef, error) {
	if err := fn(from); err != nil {
		return from, err
	}
	head := from
	var r auditRecord
	buf := make([]byte, 0, 4096)
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		if err := r.scan(rows); err != nil {
			return err
		}
		if r.seq != head.seq+1 {
			return damaged("audit", head.seq+1, "is missing")
		}
		if err := l.checkAudit(&r, buf); err != nil {
			return err
		}
		if !bytes.Equal(r.prev, head.hash[:]) {
			return damaged("audit", r.seq, "does not follow the row before it")
		}
		head.seq = r.seq
		copy(head.hash[:], r.hash)
		return fn(head)
	}, "SELECT "+auditColumns+" FROM audit WHERE seq > ? ORDER BY seq", from.seq)
	return head, err
}

// checkLists compares every list of patients with its hash and looks for lists that are gone.
func (l *Ledger) checkLists(ctx context.Context, tx *sql.Tx) error {
	err := ask(ctx, tx, func(rows *sql.Rows) error {
		var hash, tokens []byte
		if err := rows.Scan(&hash, &tokens); err != nil {
			return err
		}
		if sum := sha256.Sum256(tokens); !bytes.Equal(sum[:], hash) {
			return damaged("audit_list", hexText(hash), "was changed")
		}
		return nil
	}, "SELECT hash, tokens FROM audit_list")
	if err != nil {
		return err
	}
	return ask(ctx, tx, func(rows *sql.Rows) error {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return err
		}
		return damaged("audit", seq, "names a list of patients that is missing")
	}, "SELECT seq FROM audit WHERE list IS NOT NULL AND list NOT IN (SELECT hash FROM audit_list) ORDER BY seq LIMIT 1")
}

// rowAt gives the reference of row seq; ok is false when it is not there. Row 0 stands for the empty trail.
func rowAt(ctx context.Context, tx *sql.Tx, seq int64) (ref AuditRef, ok bool, err error) {
	if seq == 0 {
		return AuditRef{}, true, nil
	}
	var hash []byte
	err = tx.QueryRowContext(ctx, "SELECT hash FROM audit WHERE seq = ?", seq).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return AuditRef{}, false, nil
	}
	ref.seq = seq
	copy(ref.hash[:], hash)
	return ref, err == nil, err
}

// fits tells whether the trail has the row that a point of the sink names.
func fits(ctx context.Context, tx *sql.Tx, seq int64, hash string) (bool, error) {
	ref, ok, err := rowAt(ctx, tx, seq)
	return ok && hexText(ref.hash[:]) == hash, err
}

// openSink opens the sink and compares it with the trail: the trail must hold what the sink has, and may be ahead of it by
// what a crash kept from it.
func (l *Ledger) openSink(ctx context.Context, o Options) (err error) {
	if l.sink, err = openSinkFile(o.Sink, l.keys.audit); err != nil {
		return err
	}
	var head AuditRef
	var noted, matches bool
	last := l.sink.head()
	err = l.read(ctx, "compare audit trail and sink", func(tx *sql.Tx) error {
		if head, err = auditHead(ctx, tx); err != nil {
			return err
		}
		if _, noted, err = l.get(ctx, tx, settingSink); err != nil {
			return err
		}
		if last.Kind != "" {
			matches, err = fits(ctx, tx, last.Seq, last.Hash)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case last.Kind == "" && !noted: // a new ledger
		err = l.sink.add(sinkLine{Kind: sinkStart, At: micros(l.now()), Seq: head.seq, Hash: hexText(head.hash[:])})
	case !matches && o.AcceptOlder == "":
		return sinkMismatch(head, last)
	case !matches:
		return l.acceptOlder(ctx, o.AcceptOlder)
	default:
		err = l.catchUp(ctx, head, last)
	}
	if err != nil || noted {
		return err
	}
	return l.write(ctx, "note the sink", func(tx *sql.Tx) error { return l.set(ctx, tx, settingSink, "1") })
}

func sinkMismatch(head AuditRef, last sinkLine) error {
	e := &models.Error{Kind: models.KindCorruption, Mend: "an older ledger is put in place by carereach backup restore, which records it; else keep copies of both and find out what happened"}
	switch {
	case last.Kind == "":
		e.Message = "ledger: the second sink of the audit trail is empty or missing, yet the ledger was used with one"
	case last.Seq > head.seq:
		e.Message = fmt.Sprintf("ledger: it is older than its second sink: the audit trail ends at row %d, the sink at row %d", head.seq, last.Seq)
	default:
		e.Message = fmt.Sprintf("ledger: row %d of the audit trail is not the one that the second sink has", last.Seq)
	}
	return e
}

// catchUp follows the newest rows of the trail and brings the sink up to its head.
func (l *Ledger) catchUp(ctx context.Context, head AuditRef, last sinkLine) error {
	err := l.read(ctx, "follow the audit trail", func(tx *sql.Tx) error {
		from, ok, err := rowAt(ctx, tx, max(0, min(last.Seq, head.seq-startTail)))
		if err != nil {
			return err
		}
		if !ok {
			return damaged("audit", max(0, min(last.Seq, head.seq-startTail)), "is missing")
		}
		_, err = l.follow(ctx, tx, from, func(AuditRef) error { return nil })
		return err
	})
	if err != nil || head.seq == last.Seq {
		return err
	}
	return l.sink.add(sinkLine{Kind: sinkCheckpoint, At: micros(l.now()), Seq: head.seq, Hash: hexText(head.hash[:])})
}

// acceptOlder takes a ledger that is older than the sink, or whose sink is gone, as user decided: both record it, and
// erasures that only the sink knows are noted to be repeated.
func (l *Ledger) acceptOlder(ctx context.Context, user string) error {
	st, err := l.sink.readAll()
	if err != nil {
		return err
	}
	var keep int64
	err = l.read(ctx, "verify the audit trail", func(tx *sql.Tx) error {
		if _, err := l.follow(ctx, tx, AuditRef{}, func(AuditRef) error { return nil }); err != nil {
			return err
		}
		for i := len(st.points) - 1; i >= 0; i-- {
			ok, err := fits(ctx, tx, st.points[i].seq, st.points[i].hash)
			if err != nil {
				return err
			}
			if ok {
				keep = st.points[i].seq
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	lost := l.sink.head().Seq
	var refs []AuditRef
	err = l.write(ctx, "accept an older ledger", func(tx *sql.Tx) error {
		refs, err = l.insertAudits(ctx, tx, []AuditEntry{{Actor: user, Action: "ledger.restored",
			Detail: "an older ledger or another sink was accepted; last row in common " + strconv.FormatInt(keep, 10) + ", last row of the sink " + strconv.FormatInt(lost, 10)}})
		if err != nil {
			return err
		}
		return errors.Join(l.noteErasures(ctx, tx, st.erased), l.set(ctx, tx, settingSink, "1"))
	})
	if err != nil {
		return err
	}
	return l.sink.add(sinkLine{Kind: sinkRestored, At: micros(l.now()), Seq: refs[0].seq, Hash: hexText(refs[0].hash[:]), Keep: keep})
}
