package checkpoint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/pki"
)

// Kinds of log.
const (
	RekorV2  = "rekor-v2"
	StaticCT = "static-ct"
)

// Types of note signature, the first byte of a verifier string's key (C2SP
// signed-note).
const (
	typeECDSA   = 0x02
	typeRFC6962 = 0x05
)

// Key is the public checkpoint key of one log. It is made by New.
type Key struct {
	Kind   string // RekorV2 or StaticCT
	Origin string // first line of the checkpoint and name of the verifier string
	Public *ecdsa.PublicKey

	spki []byte
}

// New returns the checkpoint key of a log. It refuses keys and origins that
// some client cannot verify with, and says which.
func New(kind, origin string, pub crypto.PublicKey) (Key, error) {
	errKind := checkKind(kind)
	key, errKey := check(kind, pub)
	if err := errors.Join(errKind, CheckOrigin(kind, origin), errKey); err != nil {
		return Key{}, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return Key{}, fmt.Errorf("encode checkpoint key: %w", err)
	}
	return Key{Kind: kind, Origin: origin, Public: key, spki: spki}, nil
}

// Parse is New for a public key in PEM.
func Parse(kind, origin string, data []byte) (Key, error) {
	pub, err := pki.ParseAnyPublicKey(data)
	if err != nil {
		return Key{}, err
	}
	return New(kind, origin, pub)
}

func checkKind(kind string) error {
	if kind != RekorV2 && kind != StaticCT {
		return fmt.Errorf("log kind %q is not known: write %s or %s", kind, RekorV2, StaticCT)
	}
	return nil
}

// Check refuses a key that cannot sign checkpoints of a kind of log, and says
// which client would fail and how.
func Check(kind string, pub crypto.PublicKey) error {
	if err := checkKind(kind); err != nil {
		return err
	}
	_, err := check(kind, pub)
	return err
}

func check(kind string, pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	refuse := func(what, why string) (*ecdsa.PublicKey, error) {
		if kind == StaticCT {
			why = "Fulcio refuses a CT log key other than P-256 at its start; " + why
		}
		return nil, fmt.Errorf("%s is not accepted as a checkpoint key: %s: use ECDSA on P-256", what, why)
	}
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if key == nil || key.Curve == nil {
			return nil, errors.New("checkpoint key is missing")
		}
		if key.Curve == elliptic.P256() {
			return pki.CheckKey(key)
		}
		if key.Curve == elliptic.P384() {
			return refuse("an ECDSA key on P-384",
				"KMS signs with it over SHA-384 only, while entry timestamps, certificate timestamps and checkpoints are verified over SHA-256, and notes have no type for it; cosign would accept the checkpoint and sigstore-js reject it")
		}
		return refuse("an ECDSA key on "+key.Curve.Params().Name,
			"notes have no signature type for it and checkpoints are verified over SHA-256")
	case ed25519.PublicKey:
		return refuse("an Ed25519 key",
			"Sigstore's AWS KMS provider loads it, and Rekor then fails at its first checkpoint with \"unsupported hash algorithm\"")
	case *rsa.PublicKey:
		return refuse(fmt.Sprintf("an RSA key of %d bits", key.N.BitLen()),
			"notes have no signature type for it, and sigstore-js rejects its checkpoints")
	case nil:
		return nil, errors.New("checkpoint key is missing")
	default:
		return refuse(fmt.Sprintf("a key of type %T", pub), "notes have no signature type for it")
	}
}

// LogID is the SHA-256 of the DER SubjectPublicKeyInfo (RFC 6962 3.2;
// rekor-tiles pkg/note). It does not depend on the origin: one key serves one
// log.
func (k Key) LogID() [sha256.Size]byte { return sha256.Sum256(k.spki) }

// Hash is the key hash of the note format, the first four bytes of: the log ID
// for Rekor (rekor-tiles pkg/note), or SHA-256(origin ‖ 0x0A ‖ 0x05 ‖ log ID)
// for static-ct (static-ct-api), which therefore differs from the log ID.
func (k Key) Hash() uint32 {
	id := k.LogID()
	if k.Kind == StaticCT {
		id = sha256.Sum256(append([]byte(k.Origin+"\n\x05"), id[:]...))
	}
	return binary.BigEndian.Uint32(id[:])
}

// Verifier is the verifier string, "origin+hash+base64(type ‖ SPKI)" (C2SP
// signed-note): type 0x02 for Rekor, 0x05 for static-ct.
func (k Key) Verifier() string {
	kind := byte(typeECDSA)
	if k.Kind == StaticCT {
		kind = typeRFC6962
	}
	return fmt.Sprintf("%s+%08x+%s", k.Origin, k.Hash(), base64.StdEncoding.EncodeToString(append([]byte{kind}, k.spki...)))
}

// PEM is the public key as a PEM block of type PUBLIC KEY.
func (k Key) PEM() ([]byte, error) { return pki.EncodePublicKey(k.Public) }
