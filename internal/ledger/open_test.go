package ledger

import "testing"

func TestSmoke(t *testing.T) {
	l := openLedger(t)
	n, err := l.PutIdentities(t.Context(), []IdentityRow{{Patient: token(1), Ent: entity(1), Kind: OfPatient, Order: order(1), Identity: person("A", "555-123-4567", "a@b.c", "M1")}})
	t.Log(n, err)
	recs, err := l.Identity(t.Context(), show(t, l, token(1)), token(1))
	t.Log(recs, err)
	ids, err := l.FindByIdentifier(t.Context(), ByPhone, "(555) 123-4567")
	t.Log(ids, err)
	h, err := l.Health(t.Context())
	t.Log(h, err)
	r, err := l.Scrub(t.Context())
	t.Log(r, err)
	t.Log(l.VerifyAudit(t.Context()))
}
