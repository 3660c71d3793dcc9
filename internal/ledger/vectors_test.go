package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/models"
)

// readKeyFile reads a key the way somebody without our code would.
func readKeyFile(t testing.TB, h home, name string) []byte {
	t.Helper()
	text := must[[]byte](t)(os.ReadFile(filepath.Join(h.keys, name)))
	return must[[]byte](t)(hex.DecodeString(strings.TrimSpace(string(text))))
}

// keyed computes a hash of parts with nothing but the standard library: each part with its length in front.
func keyed(key []byte, parts ...string) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(binary.AppendUvarint(nil, uint64(len(p))))
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// Tokens and ids are what the documentation says they are, computed by other means. They must never change: the analytics store,
// campaigns and audit rows of years name people by them.
func TestTokensAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	k, tenant := h.loadKeys(t), readKeyFile(t, h, tenantFile)
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct{ got, want []byte }{
		"patient": {bytesOf(models.Key128(k.PatientToken("clinic", "files", "p1"))), keyed(tenant, "patient", "clinic", "files", "p1")},
		"empty":   {bytesOf(models.Key128(k.PatientToken("", "", ""))), keyed(tenant, "patient", "", "", "")},
		"long":    {bytesOf(models.Key128(k.PatientToken("clinic", "files", long))), keyed(tenant, "patient", "clinic", "files", long)},
		"entity":  {bytesOf(models.Key128(k.Entity("clinic", "files", "Encounter", "e1"))), keyed(tenant, "entity", "clinic", "files", "Encounter", "e1")},
		"event":   {bytesOf(k.EventKey("clinic", "files", "ev1")), keyed(tenant, "event", "clinic", "files", "ev1")},
		"body":    {bytesOf(k.BodyHash([]byte(long))), keyed(tenant, "body", long)},
		"no body": {bytesOf(k.BodyHash(nil)), keyed(tenant, "body", "")},
	} {
		if !bytes.Equal(c.got, c.want[:16]) {
			t.Errorf("%s is %x, want %x", name, c.got, c.want[:16])
		}
	}
}

func bytesOf(k models.Key128) []byte { return k[:] }

// What was sealed years ago by these keys opens today.
func TestSealedBytesOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	path := filepath.Join("testdata", "first", "sealed.hex")
	if os.Getenv("CAREREACH_MAKE_FIRST") != "" {
		if err := os.WriteFile(path, []byte(hex.EncodeToString(k.Seal("intake", []byte("context"), []byte("a record of the first release")))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := must[[]byte](t)(os.ReadFile(path))
	sealed := must[[]byte](t)(hex.DecodeString(strings.TrimSpace(string(text))))
	if got := must[[]byte](t)(k.Open("intake", []byte("context"), sealed)); string(got) != "a record of the first release" {
		t.Errorf("opened %q", got)
	}
}

// A key of one purpose is none of another's: subkeys are derived, never the key itself.
func TestSubkeysDiffer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	k, seal := h.loadKeys(t), readKeyFile(t, h, sealFile)
	derived := must[[]byte](t)(hkdf.Key(sha256.New, seal, nil, "carereach seal intake", 32))
	if plain, ok := openWith(newAEAD(derived), nil, k.Seal("intake", nil, []byte("x"))); !ok || string(plain) != "x" {
		t.Error("the subkey is not the one that is documented")
	}
	if _, ok := openWith(newAEAD(seal), nil, k.Seal("intake", nil, []byte("x"))); ok {
		t.Error("the sealing key is used as it is")
	}
}

// An auditor with nothing but SQL, the sink and the public key follows the trail: hashes are public, only tags are keyed.
func TestAuditorWithoutKeys(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	l := h.open(t)
	acts(t, l, 7)
	show(t, l, token(3))
	public := ed25519.NewKeyFromSeed(readKeyFile(t, h, auditFile)).Public().(ed25519.PublicKey)
	h.close(t, l)
	db := openPool(l.path, "mode=rw", 1)
	defer db.Close()
	hashes, err := auditorsChain(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if len(hashes) != 9 {
		t.Fatalf("%d links", len(hashes))
	}
	prev, lines := "", 0
	for line := range bytes.Lines(must[[]byte](t)(os.ReadFile(h.sink))) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		var s sinkLine
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		if s.Prev != prev || s.Hash != hashes[s.Seq] {
			t.Errorf("line %d does not follow, or names another hash", lines)
		}
		if sig := must[[]byte](t)(hex.DecodeString(s.Sig)); !ed25519.Verify(public, s.signed(), sig) {
			t.Errorf("line %d is not signed", lines)
		}
		sum := sha256.Sum256(line)
		prev = hex.EncodeToString(sum[:])
		lines++
	}
	if lines != 3 {
		t.Errorf("%d lines", lines)
	}
}

// auditorsChain computes the hash of every row with SQL and SHA-256 alone; hash 0 is that of the empty trail.
func auditorsChain(ctx context.Context, db *sql.DB) ([]string, error) {
	prev := make([]byte, 32)
	out := []string{hex.EncodeToString(prev)}
	rows, err := db.QueryContext(ctx, "SELECT seq, at, actor, purpose, action, denied, subjects, subject, list, detail, hash FROM audit ORDER BY seq")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, at, denied, subjects int64
		var actor, purpose, action, detail string
		var subject, list, hash []byte
		if err := rows.Scan(&seq, &at, &actor, &purpose, &action, &denied, &subjects, &subject, &list, &detail, &hash); err != nil {
			return nil, err
		}
		var b []byte
		text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
		number := func(n int64) { b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(n)) }
		blob := func(v []byte) {
			if v == nil {
				b = append(b, 'n')
				return
			}
			b = append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
		}
		text("carereach audit 1")
		blob(prev)
		number(seq)
		number(at)
		for _, s := range []string{actor, purpose, action, detail} {
			text(s)
		}
		number(denied)
		number(subjects)
		blob(subject)
		blob(list)
		sum := sha256.Sum256(b)
		if !bytes.Equal(sum[:], hash) {
			return nil, fmt.Errorf("row %d has another hash", seq)
		}
		prev = bytes.Clone(sum[:])
		out = append(out, hex.EncodeToString(prev))
	}
	return out, rows.Err()
}

// Values of different types and lengths never give the same bytes to a tag.
func TestTagsSeparateValues(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	seen := map[string]string{}
	one := int64(1)
	for _, values := range [][]any{{}, {nil}, {nil, nil}, {int64(0)}, {int64(1)}, {int64(-1)}, {"1"}, {""}, {"", ""}, {[]byte{}}, {[]byte("1")}, {"ab", "c"}, {"a", "bc"}, {[]byte("ab"), "c"}, {"abc"}, {int64(1), int64(1)}} {
		for _, table := range []string{"a", "ab", ""} {
			tag := string(k.tag(table, values...))
			name := fmt.Sprintf("%q %#v", table, values)
			if other, ok := seen[tag]; ok {
				t.Errorf("%s and %s have the same tag", name, other)
			}
			if len(tag) != tagBytes || !k.checkTag([]byte(tag), table, values...) {
				t.Errorf("%s: tag does not check", name)
			}
			seen[tag] = name
		}
	}
	if !k.checkTag(k.tag("a", &one), "a", int64(1)) || !k.checkTag(k.tag("a", (*int64)(nil), []byte(nil)), "a", nil, nil) {
		t.Error("a pointer is tagged otherwise than its value")
	}
	defer func() {
		if recover() == nil {
			t.Error("a value that no row has is tagged")
		}
	}()
	k.tag("a", 1.5)
}

func FuzzOpenSealed(f *testing.F) {
	k := newHome(f).loadKeys(f)
	f.Add(k.Seal("intake", nil, []byte("x")), []byte(nil))
	f.Add([]byte{1}, []byte("a"))
	f.Fuzz(func(t *testing.T, sealed, aad []byte) {
		if plain, err := k.Open("intake", aad, sealed); err != nil {
			wantKind(t, err, models.KindCorruption)
		} else if len(sealed) != len(plain)+29 {
			t.Errorf("%d bytes open to %d", len(sealed), len(plain))
		}
	})
}

func FuzzReadKey(f *testing.F) {
	f.Add([]byte("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"))
	f.Add([]byte("\r\n"))
	f.Add([]byte{0xff})
	path := filepath.Join(f.TempDir(), "x.key")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := readKey(path)
		if err != nil {
			wantKind(t, err, models.KindConfig, "x.key")
			if strings.Contains(err.Error(), hex.EncodeToString(text)) && len(text) > 8 {
				t.Error("the error quotes the key")
			}
		} else if len(key) != keyBytes || !bytes.Contains(bytes.ToLower(text), []byte(hex.EncodeToString(key))) {
			t.Errorf("%q reads as %x", text, key)
		}
	})
}

func FuzzNormalIdentifier(f *testing.F) {
	for _, s := range []string{"+1 212 555 0147", "tel:+1-212-555-0147;ext=5", "MAILTO:a@B.org", "mr 7\t8", "+31 0000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range []IdentifierKind{ByPhone, ByEmail, ByRecordNumber} {
			once := normalIdentifier(kind, s, "US")
			if twice := normalIdentifier(kind, once, "US"); once != twice {
				t.Errorf("%s %q becomes %q, then %q", kind, s, once, twice)
			}
		}
	})
}
