package virtual

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// attestationChain is the token's own identity: the f9 key and certificate, and
// what they chain to. It survives a reset. The keys of root and intermediates
// are forgotten when the chain has been made, but for the last, which other
// cards may be made under until this process ends.
type attestationChain struct {
	root          *x509.Certificate
	intermediates []*x509.Certificate // the root's child first
	device        *x509.Certificate
	key           *ecdsa.PrivateKey
	maker         *ecdsa.PrivateKey // signed device; nil in a chain that was loaded
}

// Validity of the two hierarchies that tokens are made under.
var (
	oldHierarchy = [2]time.Time{time.Date(2016, 3, 14, 0, 0, 0, 0, time.UTC), time.Date(2052, 4, 17, 0, 0, 0, 0, time.UTC)}
	newHierarchy = [2]time.Time{time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
)

// newAttestationChain makes a chain in the shape of the firmware's hierarchy:
// root and f9 before 5.7.4, and two intermediates between them from then on
// (pathlen 2 and 1, then 0 for f9). Every name but that of f9 says rehearsal.
func newAttestationChain(f firmware) (*attestationChain, error) {
	mark := random(4)
	validity := oldHierarchy
	steps := []struct {
		name    string
		pathLen int
	}{{fmt.Sprintf("trustroot rehearsal attestation root %x", mark), 1}}
	if f.hasNewHierarchy() {
		validity = newHierarchy
		steps[0].pathLen = 3
		steps = append(steps, []struct {
			name    string
			pathLen int
		}{
			{fmt.Sprintf("trustroot rehearsal attestation intermediate %x", mark), 2},
			{fmt.Sprintf("trustroot rehearsal PIV attestation %x", mark), 1},
		}...)
	}
	var issued []*x509.Certificate
	var signer *ecdsa.PrivateKey
	for _, s := range steps {
		cert, key, err := issue(s.name, s.pathLen, validity, issued, signer, nil)
		if err != nil {
			return nil, err
		}
		issued, signer = append(issued, cert), key
	}
	return newDevice(f, validity, issued, signer)
}

// newDevice makes the f9 key and certificate of one card.
func newDevice(f firmware, validity [2]time.Time, issued []*x509.Certificate, maker *ecdsa.PrivateKey) (*attestationChain, error) {
	device, key, err := issue("Yubico PIV Attestation", 0, validity, issued, maker,
		[]pkix.Extension{{Id: oidFirmware, Value: f[:]}})
	if err != nil {
		return nil, err
	}
	return &attestationChain{root: issued[0], intermediates: issued[1:], device: device, key: key, maker: maker}, nil
}

// sibling makes a chain for another card under the same root, as tokens of one
// maker have it.
func (c *attestationChain) sibling(f firmware) (*attestationChain, error) {
	if c.maker == nil {
		return nil, errors.New("attestation chain: the other card was loaded, and the key that makes its siblings is gone")
	}
	validity := oldHierarchy
	if f.hasNewHierarchy() {
		validity = newHierarchy
	}
	if f.hasNewHierarchy() != (len(c.intermediates) > 0) {
		return nil, fmt.Errorf("attestation chain: firmware %s has another hierarchy than the other card", f)
	}
	return newDevice(f, validity, append([]*x509.Certificate{c.root}, c.intermediates...), c.maker)
}

// issue makes a CA certificate under the last of issued, or a self-signed one
// when there is none yet.
func issue(name string, pathLen int, validity [2]time.Time, issued []*x509.Certificate,
	signer *ecdsa.PrivateKey, extra []pkix.Extension,
) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("key of %s: %w", name, err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             validity[0],
		NotAfter:              validity[1],
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtraExtensions:       extra,
	}
	parent := template
	if len(issued) > 0 {
		parent = issued[len(issued)-1]
	} else {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	return cert, key, nil
}

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
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: fmt.Sprintf("YubiKey PIV Attestation %02x", slot)},
		NotBefore: chain.device.NotBefore,
		NotAfter:  chain.device.NotAfter,
		ExtraExtensions: []pkix.Extension{
			{Id: oidFirmware, Value: c.firmware[:]},
			{Id: oidSerial, Value: serial},
			{Id: oidPolicy, Value: []byte{byte(key.PIN), byte(key.Touch)}},
			{Id: oidFormFactor, Value: []byte{formFactor}},
		},
	}
	return x509.CreateCertificate(rand.Reader, template, chain.device, publicOf(key.private), chain.key)
}
