package attestation

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"math/big"
)

type answer int

const (
	unknown answer = iota
	yes
	no
)

// madeBy tells whether a key made a signature, whatever it signed. RSA
// signatures with PKCS #1 v1.5 padding show it: opened with the public key,
// they carry the padding (RFC 8017 9.2) if and only if the key is the right
// one. Other algorithms do not tell. It only words an error: nothing is
// accepted because of it.
func madeBy(key crypto.PublicKey, signature []byte) answer {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k.Size() < 128 || k.Size() > 1024 {
		return unknown
	}
	if len(signature) != k.Size() {
		return no
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(k.N) >= 0 {
		return no
	}
	m := s.Exp(s, big.NewInt(int64(k.E)), k.N).FillBytes(make([]byte, k.Size()))
	padding, _, found := bytes.Cut(m[2:], []byte{0})
	if !bytes.HasPrefix(m, []byte{0, 1}) || !found || len(padding) < 8 || len(bytes.Trim(padding, "\xff")) > 0 {
		return no
	}
	return yes
}
