package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"carereach/models"
)

// mac is HMAC-SHA-256 under one key. Every part goes in with its length in front, so that no two lists of parts read the
// same. States are pooled: a key's two blocks are hashed once per state, not once per sum.
type mac struct{ pool sync.Pool }

type macState struct {
	h   hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

func newMAC(key []byte) *mac {
	return &mac{pool: sync.Pool{New: func() any { return &macState{h: hmac.New(sha256.New, key), buf: make([]byte, 0, 256)} }}}
}

// sum hashes text parts. The first says what for: sums for different purposes never meet.
func (m *mac) sum(parts ...string) [sha256.Size]byte {
	st := m.pool.Get().(*macState)
	st.buf = st.buf[:0]
	for _, p := range parts {
		st.buf = appendText(st.buf, p)
	}
	return m.finish(st, nil)
}

// sumBytes hashes bytes, of any length, for a purpose.
func (m *mac) sumBytes(purpose string, b []byte) [sha256.Size]byte {
	st := m.pool.Get().(*macState)
	st.buf = binary.AppendUvarint(appendText(st.buf[:0], purpose), uint64(len(b)))
	return m.finish(st, b)
}

func (m *mac) finish(st *macState, tail []byte) [sha256.Size]byte {
	st.h.Reset()
	st.h.Write(st.buf)
	if tail != nil {
		st.h.Write(tail)
	}
	st.h.Sum(st.sum[:0])
	out := st.sum
	m.pool.Put(st)
	return out
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func key128(sum [sha256.Size]byte) models.Key128 { return models.Key128(sum[:16]) }

// PatientToken gives the token of a patient as src knows them by its own id.
func (k *Keys) PatientToken(tenant string, src models.Source, id string) models.PatientID {
	return models.PatientID(key128(k.tenant.sum("patient", tenant, string(src), id)))
}

// Entity gives the id of a resource or fact: a keyed hash of (tenant, source, type, the source's id).
func (k *Keys) Entity(tenant string, src models.Source, typ, id string) models.EntityID {
	return models.EntityID(key128(k.tenant.sum("entity", tenant, string(src), typ, id)))
}

// EventKey gives the identity of an event: a keyed hash of (tenant, source, event id).
func (k *Keys) EventKey(tenant string, src models.Source, eventID string) models.Key128 {
	return key128(k.tenant.sum("event", tenant, string(src), eventID))
}

// BodyHash gives a keyed hash of a body, equal for equal bytes.
func (k *Keys) BodyHash(body []byte) models.Key128 { return key128(k.tenant.sumBytes("body", body)) }

// tagBytes is the length of a row tag.
const tagBytes = 16

// tag gives the tag of a row: a keyed hash over the table's name and every value in order of the columns.
func (k *Keys) tag(table string, values ...any) []byte {
	b := appendText(make([]byte, 0, 256), table)
	for _, v := range values {
		b = appendValue(b, v)
	}
	sum := k.rowtag.sumBytes("row", b)
	return sum[:tagBytes]
}

// checkTag compares in constant time.
func (k *Keys) checkTag(tag []byte, table string, values ...any) bool {
	return hmac.Equal(tag, k.tag(table, values...))
}

// appendValue writes one SQLite value with its type and length. Other types are a fault of the caller and panic.
func appendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, 'n')
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(x))
	case *int64:
		if x == nil {
			return append(b, 'n')
		}
		return appendValue(b, *x)
	case string:
		return appendText(append(b, 't'), x)
	case []byte:
		if x == nil {
			return append(b, 'n')
		}
		return append(binary.AppendUvarint(append(b, 'b'), uint64(len(x))), x...)
	}
	panic("ledger: a value of a type that rows do not have")
}
