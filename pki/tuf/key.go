package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki"
)

// whyP256 is why no other key will do.
const whyP256 = "TUF keys are ECDSA on P-256: other curves are mislabelled by go-tuf, ignored by the Java client, hashed wrongly by tuf-js and not parsed by rust tough"

// CheckKey returns the key in pub if it lies on P-256.
func CheckKey(pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	key, ok := pub.(*ecdsa.PublicKey)
	switch {
	case pub == nil || ok && (key == nil || key.Curve == nil):
		return nil, errors.New("public key is missing")
	case !ok:
		return nil, fmt.Errorf("a key of type %T: %s", pub, whyP256)
	case key.Curve != elliptic.P256():
		return nil, fmt.Errorf("an ECDSA key on %s: %s", key.Curve.Params().Name, whyP256)
	}
	// encoding refuses points that are not on the curve
	if _, err := key.Bytes(); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return key, nil
}

// KeyID returns the TUF key ID of a P-256 key as go-tuf computes it: the
// SHA-256 of the key's canonical JSON, lower-case hex.
func KeyID(pub crypto.PublicKey) (string, error) {
	_, id, err := encodeKey(pub)
	return id, err
}

func encodeKey(pub crypto.PublicKey) (*metadata.Key, string, error) {
	key, err := CheckKey(pub)
	if err != nil {
		return nil, "", err
	}
	out, err := metadata.KeyFromPublicKey(key)
	if err != nil {
		return nil, "", fmt.Errorf("encode TUF key: %w", err)
	}
	id, err := out.ID()
	if err != nil {
		return nil, "", fmt.Errorf("encode TUF key: %w", err)
	}
	return out, id, nil
}

// readKey returns the key that metadata lists under id, and an error for each
// thing that some client refuses: another type or scheme, another curve, and a
// key ID that is not the key's own.
func readKey(id string, key *metadata.Key) (ec *ecdsa.PublicKey, faults []error) {
	if key == nil {
		return nil, []error{fmt.Errorf("key %.12s: missing", id)}
	}
	fail := func(err error) { faults = append(faults, fmt.Errorf("key %.12s: %w", id, err)) }
	named := key.Type == metadata.KeyTypeECDSA_SHA2_P256 && key.Scheme == metadata.KeySchemeECDSA_SHA2_P256
	if !named {
		fail(fmt.Errorf("type %q with scheme %q: not every client reads other than type ecdsa with scheme ecdsa-sha2-nistp256", key.Type, key.Scheme))
	}
	pub, err := pki.ParseAnyPublicKey([]byte(key.Value.PublicKey))
	if err == nil {
		ec, err = CheckKey(pub)
	}
	if err != nil {
		fail(err)
	}
	if own, err := key.ID(); err != nil {
		fail(err)
	} else if own != id {
		fail(fmt.Errorf("its own ID is %.12s", own))
	}
	return ec, faults
}
