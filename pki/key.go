package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// CheckKey returns the ECDSA key in pub if it lies on P-256 or P-384, the only
// curves that certificates here carry.
func CheckKey(pub crypto.PublicKey) (*ecdsa.PublicKey, error) {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if key == nil || key.Curve == nil {
			return nil, errors.New("public key is missing")
		}
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return nil, fmt.Errorf("an ECDSA key on %s is not accepted: use P-256 or P-384", key.Curve.Params().Name)
		}
		// encoding refuses points that are not on the curve
		if _, err := key.Bytes(); err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		return key, nil
	case *rsa.PublicKey:
		return nil, fmt.Errorf("an RSA key of %d bits is not accepted: use ECDSA on P-256 or P-384", key.N.BitLen())
	case ed25519.PublicKey:
		return nil, errors.New("an Ed25519 key is not accepted: use ECDSA on P-256 or P-384")
	case nil:
		return nil, errors.New("public key is missing")
	default:
		return nil, fmt.Errorf("a key of type %T is not accepted: use ECDSA on P-256 or P-384", pub)
	}
}

// suite is what follows from the curve of a signing key.
type suite struct {
	curve     elliptic.Curve
	hash      crypto.Hash
	algorithm x509.SignatureAlgorithm
}

// suiteOf returns the hash and algorithm of the curve that key lies on:
// SHA-256 for P-256, SHA-384 for P-384. key was checked by CheckKey.
func suiteOf(key *ecdsa.PublicKey) suite {
	if key.Curve == elliptic.P384() {
		return suite{key.Curve, crypto.SHA384, x509.ECDSAWithSHA384}
	}
	return suite{key.Curve, crypto.SHA256, x509.ECDSAWithSHA256}
}

// throwaway makes a key that signs what is to be linted and is then forgotten.
func (s suite) throwaway() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(s.curve, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make throwaway key: %w", err)
	}
	return key, nil
}

func (s suite) digest(data []byte) []byte {
	h := s.hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// certify signs a template with a throwaway key.
func certify(template, parent *x509.Certificate, key crypto.PublicKey, throwaway *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, throwaway)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
