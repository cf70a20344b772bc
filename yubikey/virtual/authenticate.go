package virtual

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// authenticate is GENERAL AUTHENTICATE (SP 800-73-4 part 2 3.2.4): with 9B the
// proof of the management key, else a use of the slot's private key:
// 7C{82, 81 input} signs or decrypts, 7C{82, 85 point} agrees on a secret.
func authenticate(c *Card, cmd command) ([]byte, status) {
	if cmd.p2 == referenceManagement {
		return authenticateManagement(c, cmd)
	}
	key := c.state.key(cmd.p2)
	template, err := unwrap(0x7C, cmd.data)
	if err != nil || key == nil || key.Algorithm != algorithm(cmd.p1) {
		return nil, swWrongData
	}
	input, point := template.get(0x81), template.get(0x85)
	if len(input) == 0 && len(point) == 0 {
		return nil, swWrongData
	}
	if sw := authorize(c, key); sw != swOK {
		return nil, sw
	}
	var output []byte
	if len(point) > 0 {
		output, err = agree(key.private, point)
	} else {
		output, err = sign(key.private, input)
	}
	if err != nil {
		return nil, swWrongData
	}
	return wrap(0x7C, wrap(0x82, output)), swOK
}

// sign is the private key operation on an input that the host prepared: an
// ECDSA digest no longer than the curve's order, a message for Ed25519, a
// padded block as long as the modulus for RSA.
func sign(key crypto.PrivateKey, input []byte) ([]byte, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if size := (k.Params().BitSize + 7) / 8; len(input) > size {
			return nil, fmt.Errorf("digest of %d bytes for a key of %d", len(input), size)
		}
		return ecdsa.SignASN1(rand.Reader, k, input)
	case ed25519.PrivateKey:
		return ed25519.Sign(k, input), nil
	case *rsa.PrivateKey:
		return rawRSA(k, input)
	}
	return nil, fmt.Errorf("a %T cannot sign", key)
}

// rawRSA raises the block to the private exponent, as the token does: padding
// is the host's business.
func rawRSA(k *rsa.PrivateKey, block []byte) ([]byte, error) {
	m := new(big.Int).SetBytes(block)
	if len(block) != k.Size() || m.Cmp(k.N) >= 0 {
		return nil, errors.New("block does not fit the modulus")
	}
	return m.Exp(m, k.D, k.N).FillBytes(make([]byte, k.Size())), nil
}

// agree returns the shared secret with a peer's public point: the x coordinate
// for the NIST curves (SP 800-73-4 part 2 A.4.2).
func agree(key crypto.PrivateKey, point []byte) ([]byte, error) {
	var own *ecdh.PrivateKey
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		converted, err := k.ECDH()
		if err != nil {
			return nil, fmt.Errorf("key agreement: %w", err)
		}
		own = converted
	case *ecdh.PrivateKey:
		own = k
	default:
		return nil, fmt.Errorf("a %T cannot agree on a secret", key)
	}
	peer, err := own.Curve().NewPublicKey(point)
	if err != nil {
		return nil, fmt.Errorf("key agreement: %w", err)
	}
	return own.ECDH(peer)
}
