package virtual

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// Extensions of attestation certificates (developers.yubico.com, "PIV
// attestation").
var (
	oidFirmware   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 3}
	oidSerial     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 7}
	oidPolicy     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 8}
	oidFormFactor = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 9}
)

// attest is Yubico's ATTEST: P1 is the slot, the answer a certificate over its
// public key, signed by f9. A key that was imported has none.
func attest(c *Card, cmd command) ([]byte, status) {
	if cmd.p2 != 0x00 {
		return nil, swWrongP1P2
	}
	key := c.state.Keys[cmd.p1]
	if key == nil || key.Origin != generated {
		return nil, swWrongData
	}
	der, err := attestation(c, cmd.p1, key)
	if err != nil {
		return nil, swMemoryFailure
	}
	return der, swOK
}

// attestation makes the certificate: the slot is in the subject, the validity
// that of f9, and the extensions hold raw bytes but for the serial number,
// which is a DER INTEGER.
func attestation(c *Card, slot byte, key *slotKey) ([]byte, error) {
	chain := &c.state.attestation
	serial, err := asn1.Marshal(int64(c.state.Serial))
	if err != nil {
		return nil, fmt.Errorf("encode serial number: %w", err)
	}
	number, err := randomSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{CommonName: fmt.Sprintf("YubiKey PIV Attestation %02x", slot)},
		NotBefore:    chain.device.NotBefore,
		NotAfter:     chain.device.NotAfter,
		ExtraExtensions: []pkix.Extension{
			{Id: oidFirmware, Value: c.firmware[:]},
			{Id: oidSerial, Value: serial},
			{Id: oidPolicy, Value: []byte{byte(key.PIN), byte(key.Touch)}},
			{Id: oidFormFactor, Value: []byte{formFactor}},
		},
	}
	return x509.CreateCertificate(rand.Reader, template, chain.device, publicOf(key.private), chain.key)
}

// randomSerial is a certificate serial number of 127 random bits.
func randomSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("certificate serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}
