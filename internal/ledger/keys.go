package ledger

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"carereach/models"
)

const keyBytes = 32

// The files of single keys; those of key-encryption keys are kek-N.key.
const (
	tenantFile = "tenant.key"
	indexFile  = "index.key"
	rowtagFile = "rowtag.key"
	sealFile   = "seal.key"
	auditFile  = "audit.key"
)

var (
	singleFiles = [...]string{tenantFile, indexFile, rowtagFile, sealFile, auditFile}
	kekName     = regexp.MustCompile(`^kek-([1-9][0-9]{0,8})\.key$`)
)

// Keys holds the secret keys of one installation, each in a file of its own and apart from the data:
//
//	tenant.key  makes patient tokens and entity ids; never rotated
//	kek-N.key   wraps the patients' data keys; rotated by Ledger.RotateKEK
//	index.key   blind indexes for finding a patient by record number, telephone or e-mail
//	rowtag.key  tags that rows carry
//	seal.key    seals intake segments and quarantined inputs
//	audit.key   signs checkpoints of the audit trail (Ed25519 seed)
//
// Its methods do no I/O and are safe for concurrent use.
type Keys struct {
	tenant, index, rowtag *mac
	seal                  []byte
	sealers               sync.Map // purpose -> cipher.AEAD
	keks                  atomic.Pointer[kekRing]
	audit                 ed25519.PrivateKey
	checks                map[string]string // file name -> check value
	id                    string
}

// kekRing is an immutable set of key-encryption keys by version.
type kekRing struct {
	current int
	aeads   map[int]cipher.AEAD
	checks  map[int]string
}

// CreateKeys makes a fresh set of key files, mode 0600, in dir, which is created with mode 0700. A folder that already
// holds a key file is left alone and is an error of models.KindConfig: replacing keys would lose every identity.
func CreateKeys(dir string) error {
	return createKeys(dir, func(string) []byte { return freshKey() })
}

// CreateDemoKeys is CreateKeys with keys derived from seed, so that the same seed gives the same tokens. For the demo and
// for tests only: whoever knows the seed knows the keys.
func CreateDemoKeys(dir, seed string) error {
	return createKeys(dir, func(name string) []byte { return subkey([]byte(seed), "demo "+name) })
}

func createKeys(dir string, keyOf func(name string) []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return keyFault(dir, "folder cannot be made", "choose a folder that you may write, outside the data folder", err)
	}
	present, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		return fmt.Errorf("look for keys: %w", err)
	}
	if len(present) > 0 {
		return keyFault(dir, "folder already holds key files", "choose an empty folder; keys are never replaced, or every identity would be lost", nil)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return keyFault(dir, "folder cannot be closed to others", "choose a folder that you own", err)
	}
	for _, name := range append(singleFiles[:], kekFile(1)) {
		if err := writeKey(filepath.Join(dir, name), keyOf(name)); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func kekFile(version int) string { return "kek-" + strconv.Itoa(version) + ".key" }

func freshKey() []byte {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails: the program ends when the system has no randomness
	return b
}

// subkey derives an independent key for purpose.
func subkey(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "carereach "+purpose, keyBytes)
	if err != nil {
		panic("ledger: derive key: " + err.Error()) // only for impossible lengths
	}
	return key
}

// writeKey writes a key file that must not exist and syncs it.
func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return keyFault(path, "cannot be written", "free the name or choose another folder", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return keyFault(path, "cannot be written", "check the disk", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// LoadKeys reads the key files of dir. A file that is missing, has not exactly 64 hex digits, or may be read or written by
// group or others is an error of models.KindConfig naming the file.
func LoadKeys(dir string) (*Keys, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, keyFault(dir, "folder of the keys is not there", "bring the keys back from where they are kept, or correct keys in the configuration", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, keyFault(dir, "folder may be written by others", "run: chmod 700 on it", nil)
	}
	raw := map[string][]byte{}
	for _, name := range singleFiles {
		if raw[name], err = readKey(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	ring, err := readKEKs(dir)
	if err != nil {
		return nil, err
	}
	return newKeys(raw, ring), nil
}

func newKeys(raw map[string][]byte, ring *kekRing) *Keys {
	k := &Keys{
		tenant: newMAC(raw[tenantFile]), index: newMAC(raw[indexFile]), rowtag: newMAC(raw[rowtagFile]),
		seal: raw[sealFile], audit: ed25519.NewKeyFromSeed(raw[auditFile]), checks: map[string]string{},
	}
	for name, key := range raw {
		k.checks[name] = checkValue(name, key)
	}
	k.id = k.checks[sealFile][:16]
	k.keks.Store(ring)
	return k
}

// checkValue tells a key from another without giving it away.
func checkValue(name string, key []byte) string {
	sum := newMAC(key).sum("key check", name)
	return hex.EncodeToString(sum[:16])
}

func readKEKs(dir string) (*kekRing, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, keyFault(dir, "folder cannot be read", "check its owner and mode", err)
	}
	ring := &kekRing{aeads: map[int]cipher.AEAD{}, checks: map[int]string{}}
	for _, e := range entries {
		m := kekName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		version, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, fmt.Errorf("version of %s: %w", e.Name(), err)
		}
		key, err := readKey(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		ring.add(version, key)
	}
	if ring.current == 0 {
		return nil, keyFault(filepath.Join(dir, kekFile(1)), "is missing", "bring the keys back from where they are kept", nil)
	}
	return ring, nil
}

func (r *kekRing) add(version int, key []byte) {
	r.aeads[version] = newAEAD(key)
	r.checks[version] = checkValue("kek", key)
	r.current = max(r.current, version)
}

// with gives a ring that also has version, or lacks it when key is nil.
func (r *kekRing) with(version int, key []byte) *kekRing {
	out := &kekRing{aeads: map[int]cipher.AEAD{}, checks: map[int]string{}}
	for v, a := range r.aeads {
		if v != version {
			out.aeads[v], out.checks[v] = a, r.checks[v]
			out.current = max(out.current, v)
		}
	}
	if key != nil {
		out.add(version, key)
	}
	return out
}

// versions lists the versions, oldest first.
func (r *kekRing) versions() []int {
	out := make([]int, 0, len(r.aeads))
	for v := range r.aeads {
		out = append(out, v)
	}
	sort.Ints(out)
	return out
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, keyFault(path, "is missing", "bring the keys back from where they are kept", nil)
	}
	if err != nil {
		return nil, keyFault(path, "cannot be read", "check its owner and mode", err)
	}
	if !info.Mode().IsRegular() {
		return nil, keyFault(path, "is not a file", "bring the keys back from where they are kept", nil)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, keyFault(path, fmt.Sprintf("may be used by others (mode %04o)", info.Mode().Perm()), "run: chmod 600 on it, and consider the key known to whoever could read it", nil)
	}
	if info.Size() > 1024 {
		return nil, keyFault(path, "is too long for a key", "a key file has one line of 64 hex digits", nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, keyFault(path, "cannot be read", "check its owner and mode", err)
	}
	key, err := hex.DecodeString(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))
	if err != nil || len(key) != keyBytes {
		return nil, keyFault(path, "is not a key: it has not exactly 64 hex digits", "bring the file back from where the keys are kept", nil)
	}
	return key, nil
}

func keyFault(path, what, mend string, cause error) error {
	return &models.Error{Kind: models.KindConfig, Message: "key " + path + " " + what, Mend: mend, Cause: cause}
}

// syncDir makes names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
