package ledger

import (
	"bytes"
	"cmp"
	"strings"
	"testing"
	"time"

	"carereach/models"

	"pgregory.net/rapid"
)

func drawOrder(t *rapid.T, name string) Order {
	near := func(what string) int64 {
		return rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64()).Draw(t, name+" "+what)
	}
	return Order{
		Version: near("version"),
		KnownAt: time.UnixMicro(rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(-1<<50, 1<<50)).Draw(t, name+" known")).UTC(),
		Pos: models.Position{
			Log:       rapid.SampledFrom([]string{"", "a", "ab", "b", "files", "é"}).Draw(t, name+" log"),
			Partition: rapid.OneOf(rapid.Int32Range(-1, 2), rapid.Int32()).Draw(t, name+" part"),
			Offset:    near("offset"),
			Entry:     rapid.OneOf(rapid.Int32Range(-1, 2), rapid.Int32()).Draw(t, name+" entry"),
		},
	}
}

func compareOrders(a, b Order) int {
	return cmp.Or(cmp.Compare(a.Version, b.Version), a.KnownAt.Compare(b.KnownAt), strings.Compare(a.Pos.Log, b.Pos.Log),
		cmp.Compare(a.Pos.Partition, b.Pos.Partition), cmp.Compare(a.Pos.Offset, b.Pos.Offset), cmp.Compare(a.Pos.Entry, b.Pos.Entry))
}

// The bytes of orders compare like the orders, and give them back.
func TestOrderBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawOrder(t, "a"), drawOrder(t, "b")
		if got, want := bytes.Compare(a.bytes(), b.bytes()), compareOrders(a, b); got != want {
			t.Fatalf("%+v and %+v compare %d, want %d", a, b, got, want)
		}
		if got, ok := parseOrder(a.bytes()); !ok || got != a {
			t.Fatalf("%+v comes back as %+v, %v", a, got, ok)
		}
	})
}

// Bytes that no order wrote are told apart, whatever they are.
func FuzzParseOrder(f *testing.F) {
	f.Add(order(3).bytes())
	f.Add([]byte{})
	f.Add(make([]byte, 33))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, ok := parseOrder(b); ok && !bytes.Equal(o.bytes(), b) {
			t.Errorf("%x reads as %+v, which writes %x", b, o, o.bytes())
		}
	})
}
