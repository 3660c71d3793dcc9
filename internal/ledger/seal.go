package ledger

import (
	"crypto/aes"
	"crypto/cipher"

	"carereach/models"
)

const sealVersion = 1 // first byte of everything sealed

// KeyID names the sealing key (16 hex digits); it is stored beside what Seal made.
func (k *Keys) KeyID() string { return k.id }

// Seal encrypts plain with AES-256-GCM under the sealing key's subkey for purpose ("intake", "quarantine") and a random
// nonce; aad is authenticated with it. The result is 29 bytes longer than plain. A purpose may seal 2^32 pieces. Purposes are
// few and fixed: each keeps its subkey in memory.
func (k *Keys) Seal(purpose string, aad, plain []byte) []byte {
	return sealWith(k.sealer(purpose), aad, plain)
}

// Open gives back what Seal sealed with the same purpose and aad; anything else is an error of models.KindCorruption.
func (k *Keys) Open(purpose string, aad, sealed []byte) ([]byte, error) {
	plain, ok := openWith(k.sealer(purpose), aad, sealed)
	if !ok {
		return nil, &models.Error{Kind: models.KindCorruption, Message: "sealed " + purpose + " data cannot be opened: it is damaged, moved or of another key", Mend: "check the disk; compare the key id with that of seal.key"}
	}
	return plain, nil
}

func (k *Keys) sealer(purpose string) cipher.AEAD {
	if a, ok := k.sealers.Load(purpose); ok {
		return a.(cipher.AEAD)
	}
	a, _ := k.sealers.LoadOrStore(purpose, newAEAD(subkey(k.seal, "seal "+purpose)))
	return a.(cipher.AEAD)
}

// newAEAD makes AES-256-GCM that draws a random nonce for each piece and puts it in front.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("ledger: cipher: " + err.Error()) // only for a wrong key length
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("ledger: cipher: " + err.Error())
	}
	return a
}

func sealWith(a cipher.AEAD, aad, plain []byte) []byte {
	out := make([]byte, 1, 1+len(plain)+a.Overhead())
	out[0] = sealVersion
	return a.Seal(out, nil, plain, aad) //nolint:gosec // nil: this AEAD draws its nonce itself
}

func openWith(a cipher.AEAD, aad, sealed []byte) ([]byte, bool) {
	if len(sealed) < 1+a.Overhead() || sealed[0] != sealVersion {
		return nil, false
	}
	plain, err := a.Open(nil, nil, sealed[1:], aad)
	return plain, err == nil
}
