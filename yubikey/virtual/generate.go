package virtual

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// generate is GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2 3.3.2) with
// Yubico's policies: AC{80 algorithm, AA PIN policy, AB touch policy}. It
// answers 7F49 with the public key.
func generate(c *Card, cmd command) ([]byte, status) {
	if !c.session.management {
		return nil, swSecurityStatus
	}
	if cmd.p1 != 0x00 {
		return nil, swWrongP1P2
	}
	template, err := unwrap(0xAC, cmd.data)
	if err != nil || len(template.get(0x80)) != 1 {
		return nil, swWrongData
	}
	a := algorithm(template.get(0x80)[0])
	p, err := readPolicies(cmd.p2, template)
	if err != nil || !isKeySlot(cmd.p2) || !c.firmware.supports(a) {
		return nil, swWrongData
	}
	private, err := a.generateKey()
	if err != nil {
		return nil, swMemoryFailure
	}
	key, err := newSlotKey(a, generated, p, private)
	if err != nil {
		return nil, swMemoryFailure
	}
	public, err := publicTemplate(publicOf(private))
	if err != nil {
		return nil, swMemoryFailure
	}
	c.state.Keys[cmd.p2] = key
	c.dirty = true
	return wrap(0x7F49, public), swOK
}

// moveKey is Yubico's MOVE KEY of firmware 5.7: P2 is the slot of the key, P1
// the empty slot that it goes to, or FF to delete it. Certificates stay.
func moveKey(c *Card, cmd command) ([]byte, status) {
	if !c.firmware.hasMove() {
		return nil, swUnknownINS
	}
	if !c.session.management {
		return nil, swSecurityStatus
	}
	from, to := cmd.p2, cmd.p1
	remove := to == destinationOfDelete
	if !isKeySlot(from) || (!remove && (!isKeySlot(to) || from == to)) {
		return nil, swWrongP1P2
	}
	key := c.state.Keys[from]
	if key == nil {
		return nil, swReferenceNotFound
	}
	if !remove {
		if c.state.Keys[to] != nil {
			return nil, swWrongData
		}
		c.state.Keys[to] = key
	}
	delete(c.state.Keys, from)
	c.dirty = true
	return nil, swOK
}

// importKey is Yubico's IMPORT ASYMMETRIC KEY: P1 algorithm, P2 slot, data 06
// scalar, 07 or 08 seed, or 01 to 05 the RSA factors, then the policies. Such
// a key has no attestation.
func importKey(c *Card, cmd command) ([]byte, status) {
	if !c.session.management {
		return nil, swSecurityStatus
	}
	a := algorithm(cmd.p1)
	if !isKeySlot(cmd.p2) || !c.firmware.supports(a) {
		return nil, swWrongP1P2
	}
	fields, err := parseTLVs(cmd.data)
	if err != nil {
		return nil, swWrongData
	}
	p, err := readPolicies(cmd.p2, fields)
	if err != nil {
		return nil, swWrongData
	}
	private, err := importedKey(a, fields)
	if err != nil {
		return nil, swWrongData
	}
	key, err := newSlotKey(a, imported, p, private)
	if err != nil {
		return nil, swMemoryFailure
	}
	c.state.Keys[cmd.p2] = key
	c.dirty = true
	return nil, swOK
}

func importedKey(a algorithm, fields tlvs) (crypto.PrivateKey, error) {
	switch {
	case a.curve() != nil:
		return ecdsa.ParseRawPrivateKey(a.curve(), fields.get(0x06))
	case a.rsaBits() != 0:
		return importedRSA(a.rsaBits(), fields)
	case a == algEd25519:
		seed := fields.get(0x07)
		if len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("seed of %d bytes", len(seed))
		}
		return ed25519.NewKeyFromSeed(seed), nil
	case a == algX25519:
		return ecdh.X25519().NewPrivateKey(fields.get(0x08))
	}
	return nil, fmt.Errorf("no keys of algorithm %02x", byte(a))
}

// importedRSA builds a key with exponent 65537 from its two primes; the other
// factors that the command brings follow from them.
func importedRSA(bits int, fields tlvs) (*rsa.PrivateKey, error) {
	p, q := new(big.Int).SetBytes(fields.get(0x01)), new(big.Int).SetBytes(fields.get(0x02))
	one := big.NewInt(1)
	if p.Cmp(one) <= 0 || q.Cmp(one) <= 0 {
		return nil, errors.New("no prime factors")
	}
	const exponent = 65537
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(exponent), phi)
	if d == nil {
		return nil, errors.New("factors do not fit the exponent 65537")
	}
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
		D:         d,
		Primes:    []*big.Int{p, q},
	}
	if k.N.BitLen() != bits {
		return nil, fmt.Errorf("modulus of %d bits, not %d", k.N.BitLen(), bits)
	}
	k.Precompute()
	if err := k.Validate(); err != nil {
		return nil, fmt.Errorf("rsa key: %w", err)
	}
	return k, nil
}
