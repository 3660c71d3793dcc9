package ledger

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"carereach/models"

	"pgregory.net/rapid"
)

// Fresh keys differ from each other, lie in files that nobody else may read, and load.
func TestCreateKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "keys")
	if err := CreateKeys(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v, %v", info.Mode(), err)
	}
	seen := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d key files, %v", len(files), err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f, info.Mode(), err)
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if key, err := hex.DecodeString(string(bytes.TrimSpace(text))); err != nil || len(key) != 32 {
			t.Errorf("%s holds %d bytes, %v", f, len(key), err)
		}
		if other, ok := seen[string(text)]; ok {
			t.Errorf("%s and %s hold the same key", f, other)
		}
		seen[string(text)] = f
	}
	a := must[*Keys](t)(LoadKeys(dir))
	b := must[*Keys](t)(LoadKeys(dir))
	if a.PatientToken("t", "s", "1") != b.PatientToken("t", "s", "1") || a.KeyID() != b.KeyID() || len(a.KeyID()) != 16 {
		t.Error("the same files give other tokens or another id")
	}
	other := filepath.Join(t.TempDir(), "keys")
	if err := CreateKeys(other); err != nil {
		t.Fatal(err)
	}
	if c := must[*Keys](t)(LoadKeys(other)); c.PatientToken("t", "s", "1") == a.PatientToken("t", "s", "1") || c.KeyID() == a.KeyID() {
		t.Error("other keys give the same tokens or id")
	}
}

// Keys are never replaced: every identity would be lost.
func TestCreateKeysKeepsOldOnes(t *testing.T) {
	t.Parallel()
	dir := newHome(t).keys
	before, err := os.ReadFile(filepath.Join(dir, tenantFile))
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, CreateKeys(dir), models.KindConfig, "already holds")
	after, err := os.ReadFile(filepath.Join(dir, tenantFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Error("a key was replaced")
	}
}

// A seed gives the same keys everywhere, so a demo is the same on every machine.
func TestCreateDemoKeys(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	const want = "7996816a39db855a" // of seed "test": changes only if tokens of every demo change
	if got := k.PatientToken("demo", "files", "p1").String()[:16]; got != want {
		t.Errorf("token begins %s, want %s", got, want)
	}
}

// Each way in which a key folder can be wrong is refused with the file's name and a way out.
func TestLoadKeysRefuses(t *testing.T) {
	t.Parallel()
	at := func(name string, fn func(path string) error) func(string) error {
		return func(dir string) error { return fn(filepath.Join(dir, name)) }
	}
	write := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	chmod := func(mode os.FileMode) func(string) error {
		return func(path string) error { return os.Chmod(path, mode) }
	}
	hex64 := "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for name, c := range map[string]struct {
		damage func(dir string) error
		words  []string
	}{
		"no folder":        {os.RemoveAll, []string{"folder of the keys is not there"}},
		"missing":          {at(indexFile, os.Remove), []string{indexFile, "is missing"}},
		"no kek":           {at(kekFile(1), os.Remove), []string{kekFile(1), "is missing"}},
		"empty":            {at(sealFile, write("")), []string{sealFile, "64 hex digits"}},
		"too short":        {at(tenantFile, write(hex64[2:]+"\n")), []string{tenantFile, "64 hex digits"}},
		"too long":         {at(tenantFile, write(hex64+"00\n")), []string{tenantFile, "64 hex digits"}},
		"far too long":     {at(tenantFile, write(string(make([]byte, 5000)))), []string{tenantFile, "too long"}},
		"not hex":          {at(auditFile, write(hex64[1:]+"x")), []string{auditFile, "64 hex digits"}},
		"two lines":        {at(auditFile, write(hex64+"\n"+hex64+"\n")), []string{auditFile, "64 hex digits"}},
		"group reads":      {at(rowtagFile, chmod(0o640)), []string{rowtagFile, "may be used by others", "0640", "chmod 600"}},
		"world reads":      {at(rowtagFile, chmod(0o604)), []string{rowtagFile, "may be used by others"}},
		"group writes":     {at(kekFile(1), chmod(0o620)), []string{kekFile(1), "may be used by others"}},
		"folder writable":  {func(dir string) error { return os.Chmod(dir, 0o770) }, []string{"folder may be written by others"}},
		"folder as a key":  {at(tenantFile, func(p string) error { return os.Rename(p, p+".x") }), []string{tenantFile}},
		"directory as key": {at(tenantFile, func(p string) error { _ = os.Remove(p); return os.Mkdir(p, 0o700) }), []string{tenantFile, "is not a file"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newHome(t).keys
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			_, err := LoadKeys(dir)
			wantKind(t, err, models.KindConfig, c.words...)
		})
	}
	dir := newHome(t).keys
	if err := os.WriteFile(filepath.Join(dir, tenantFile), []byte(hex64+"\r\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(dir); err != nil {
		t.Errorf("a key with another line end is refused: %v", err)
	}
}

// Tokens and ids depend on every part, and on where one part ends and the next begins.
func TestKeyedHashesSeparateParts(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab|/\x00é")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a := [3]string{text.Draw(t, "a0"), text.Draw(t, "a1"), text.Draw(t, "a2")}
		b := [3]string{text.Draw(t, "b0"), text.Draw(t, "b1"), text.Draw(t, "b2")}
		same := a == b
		if got := k.PatientToken(a[0], models.Source(a[1]), a[2]) == k.PatientToken(b[0], models.Source(b[1]), b[2]); got != same {
			t.Errorf("patient tokens of %q and %q equal: %v", a, b, got)
		}
		if got := k.EventKey(a[0], models.Source(a[1]), a[2]) == k.EventKey(b[0], models.Source(b[1]), b[2]); got != same {
			t.Errorf("event keys of %q and %q equal: %v", a, b, got)
		}
		if got := k.Entity("t", models.Source(a[0]), a[1], a[2]) == k.Entity("t", models.Source(b[0]), b[1], b[2]); got != same {
			t.Errorf("entities of %q and %q equal: %v", a, b, got)
		}
		if got := k.BodyHash([]byte(a[0])) == k.BodyHash([]byte(b[0])); got != (a[0] == b[0]) {
			t.Errorf("body hashes of %q and %q equal: %v", a[0], b[0], got)
		}
		kinds := map[models.Key128]string{}
		for name, key := range map[string]models.Key128{"patient": models.Key128(k.PatientToken(a[0], models.Source(a[1]), a[2])), "event": k.EventKey(a[0], models.Source(a[1]), a[2]),
			"entity": models.Key128(k.Entity("", models.Source(a[0]), a[1], a[2])), "body": k.BodyHash([]byte(a[0] + a[1] + a[2]))} {
			if other, ok := kinds[key]; ok {
				t.Errorf("%s and %s of %q are the same", name, other, a)
			}
			kinds[key] = name
		}
	})
}

// Hashing from many goroutines gives what one gives.
func TestKeysAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	want := k.PatientToken("t", "s", "1")
	sealed := k.Seal("intake", nil, []byte("x"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				k.PatientToken("t", "s", "2")
				if got := k.PatientToken("t", "s", "1"); got != want {
					t.Errorf("token %s, want %s", got, want)
				}
				if _, err := k.Open("intake", nil, sealed); err != nil {
					t.Error(err)
				}
				k.Seal("quarantine", nil, []byte("y"))
			}
		})
	}
	wg.Wait()
}

// What was sealed opens with the same purpose and context, and with nothing else, not even one bit.
func TestSealOpen(t *testing.T) {
	t.Parallel()
	k := newHome(t).loadKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		aad := rapid.SliceOf(rapid.Byte()).Draw(t, "aad")
		sealed := k.Seal("intake", aad, plain)
		if len(sealed) != len(plain)+29 {
			t.Fatalf("sealed %d bytes into %d", len(plain), len(sealed))
		}
		got, err := k.Open("intake", aad, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v; want %x", got, err, plain)
		}
		if bytes.Equal(sealed, k.Seal("intake", aad, plain)) {
			t.Fatal("sealed twice into the same bytes")
		}
		refuse := func(what string, purpose string, aad, sealed []byte) {
			_, err := k.Open(purpose, aad, sealed)
			if models.KindOf(err) != models.KindCorruption {
				t.Fatalf("%s: %v", what, err)
			}
		}
		refuse("other purpose", "quarantine", aad, sealed)
		refuse("other context", "intake", append(bytes.Clone(aad), 0), sealed)
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		refuse("flipped bit", "intake", aad, flipped)
		refuse("cut short", "intake", aad, sealed[:i])
	})
}

// The keys are asked about ten times per resource: they must not weigh on a load.
func BenchmarkPatientToken(b *testing.B) {
	k := newHome(b).loadKeys(b)
	b.ReportAllocs()
	for b.Loop() {
		k.PatientToken("clinic", "files", "8c2f4a7e-1b54-4d2b-9a38-0f6f5a9d1e77")
	}
}

func BenchmarkBodyHash(b *testing.B) {
	k := newHome(b).loadKeys(b)
	body := make([]byte, 4096)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		k.BodyHash(body)
	}
}
