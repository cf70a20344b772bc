package gate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// publicKey is a pinned key, ECDSA P-256 or P-384.
type publicKey struct {
	key  *ecdsa.PublicKey
	spki string // hex SHA-256
}

// maxKey bounds a file with a public key, in bytes.
const maxKey = 16 << 10

// keys reads the pinned keys.
func (p *Policy) keys() ([]*publicKey, error) {
	var keys []*publicKey
	var problems []error
	for i, k := range p.Keys {
		data := []byte(k.PEM)
		if k.File != "" {
			var err error
			if data, err = courier.ReadFile(p.path(k.File), maxKey); err != nil {
				problems = append(problems, fmt.Errorf("keys[%d]: %w", i, err))
				continue
			}
		}
		key, err := parseKey(data, k.SPKISHA256)
		if err != nil {
			problems = append(problems, fmt.Errorf("keys[%d]: %w", i, err))
			continue
		}
		keys = append(keys, key)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fault.New(fault.Verification, "nothing was verified: put the pinned key where the policy says", err)
	}
	return keys, nil
}

// hashes are those that a signature by the key may be over: the curve's, and
// SHA-256, which older clients take whatever the curve.
func (k *publicKey) hashes() []crypto.Hash {
	if k.key.Curve == elliptic.P256() {
		return []crypto.Hash{crypto.SHA256}
	}
	return []crypto.Hash{crypto.SHA384, crypto.SHA256}
}

// material is a trusted root that knows one key, whatever hint a bundle gives:
// the hint is the bundle's word.
func (k *publicKey) material(trusted root.TrustedMaterial, hash crypto.Hash) (root.TrustedMaterial, error) {
	verifier, err := signature.LoadVerifier(k.key, hash)
	if err != nil {
		return nil, fmt.Errorf("load the pinned key: %w", err)
	}
	only := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	})
	return root.TrustedMaterialCollection{trusted, only}, nil
}
