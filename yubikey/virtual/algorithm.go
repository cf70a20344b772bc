package virtual

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// algorithm is an algorithm reference (NIST SP 800-78-4 table 6-2, and Yubico's
// additions of firmware 5.7).
type algorithm byte

const (
	alg3DES    algorithm = 0x03
	algRSA3072 algorithm = 0x05
	algRSA1024 algorithm = 0x06
	algRSA2048 algorithm = 0x07
	algAES128  algorithm = 0x08
	algAES192  algorithm = 0x0A
	algAES256  algorithm = 0x0C
	algP256    algorithm = 0x11
	algP384    algorithm = 0x14
	algRSA4096 algorithm = 0x16
	algEd25519 algorithm = 0xE0
	algX25519  algorithm = 0xE1
	algPIN     algorithm = 0xFF // metadata of PIN and PUK
)

// rsaBits returns the modulus length of an RSA algorithm, 0 for the others.
func (a algorithm) rsaBits() int {
	switch a {
	case algRSA1024:
		return 1024
	case algRSA2048:
		return 2048
	case algRSA3072:
		return 3072
	case algRSA4096:
		return 4096
	default:
		return 0
	}
}

// curve returns the curve of an ECDSA algorithm, nil for the others.
func (a algorithm) curve() elliptic.Curve {
	switch a {
	case algP256:
		return elliptic.P256()
	case algP384:
		return elliptic.P384()
	default:
		return nil
	}
}

// managementKeySize is the length in bytes of a management key, 0 for an
// algorithm that management keys do not have.
func (a algorithm) managementKeySize() int {
	switch a {
	case alg3DES, algAES192:
		return 24
	case algAES128:
		return 16
	case algAES256:
		return 32
	default:
		return 0
	}
}

// generateKey makes a key pair of the algorithm.
func (a algorithm) generateKey() (crypto.PrivateKey, error) {
	switch {
	case a.curve() != nil:
		return ecdsa.GenerateKey(a.curve(), rand.Reader)
	case a.rsaBits() != 0:
		return rsa.GenerateKey(rand.Reader, a.rsaBits())
	case a == algEd25519:
		_, priv, err := ed25519.GenerateKey(rand.Reader)
		return priv, err
	case a == algX25519:
		return ecdh.X25519().GenerateKey(rand.Reader)
	}
	return nil, fmt.Errorf("no key pairs of algorithm %02x", byte(a))
}

// algorithmOf returns the algorithm of a private key, 0 for one that no slot
// can hold.
func algorithmOf(key crypto.PrivateKey) algorithm {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		for _, a := range []algorithm{algP256, algP384} {
			if k.Curve == a.curve() {
				return a
			}
		}
	case *rsa.PrivateKey:
		for _, a := range []algorithm{algRSA1024, algRSA2048, algRSA3072, algRSA4096} {
			if k.N.BitLen() == a.rsaBits() && k.E == 65537 {
				return a
			}
		}
	case ed25519.PrivateKey:
		return algEd25519
	case *ecdh.PrivateKey:
		if k.Curve() == ecdh.X25519() {
			return algX25519
		}
	}
	return 0
}

// publicTemplate encodes a public key as the answer to GENERATE and metadata
// hold it (SP 800-73-4 part 2 table 11): 86 point, or 81 modulus 82 exponent.
func publicTemplate(key crypto.PublicKey) ([]byte, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return nil, fmt.Errorf("encode public key: %w", err)
		}
		return wrap(0x86, point), nil
	case *rsa.PublicKey:
		exponent := []byte{byte(k.E >> 16), byte(k.E >> 8), byte(k.E)}
		return append(wrap(0x81, k.N.Bytes()), wrap(0x82, exponent)...), nil
	case ed25519.PublicKey:
		return wrap(0x86, k), nil
	case *ecdh.PublicKey:
		return wrap(0x86, k.Bytes()), nil
	}
	return nil, fmt.Errorf("no template for a %T", key)
}

// publicOf returns the public half of a key that the card holds.
func publicOf(key crypto.PrivateKey) crypto.PublicKey {
	switch k := key.(type) {
	case crypto.Signer:
		return k.Public()
	case *ecdh.PrivateKey:
		return k.PublicKey()
	}
	return nil
}
