package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// Bounds of what is parsed: a chain of ten certificates takes about 12 KiB.
const (
	maxPEM          = 64 << 10
	maxCertificates = 10
)

// ParseCertificates reads one to ten certificates in PEM, in the order of the
// file. Text around them is allowed, blocks of another type are not, and every
// block that begins must be read: a damaged one is never skipped.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	if err := checkPEM(data, maxCertificates, string(cryptoutils.CertificatePEMType)); err != nil {
		return nil, err
	}
	certificates, err := cryptoutils.UnmarshalCertificatesFromPEMLimited(data, maxCertificates)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	if len(certificates) != bytes.Count(data, pemBegin) {
		return nil, errors.New("parse certificate: a PEM block is damaged")
	}
	return certificates, nil
}

// ParseCertificate reads exactly one certificate in PEM.
func ParseCertificate(data []byte) (*x509.Certificate, error) {
	certificates, err := ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	if len(certificates) != 1 {
		return nil, fmt.Errorf("parse certificate: %d certificates where one is expected", len(certificates))
	}
	return certificates[0], nil
}

// EncodeCertificate writes a certificate as PEM.
func EncodeCertificate(certificate *x509.Certificate) ([]byte, error) {
	return EncodeCertificates([]*x509.Certificate{certificate})
}

// EncodeCertificates writes certificates as PEM, one after the other in the
// order given: a chain is leaf-first with the root last.
func EncodeCertificates(certificates []*x509.Certificate) ([]byte, error) {
	data, err := cryptoutils.MarshalCertificatesToPEM(certificates)
	if err != nil {
		return nil, fmt.Errorf("encode certificate: %w", err)
	}
	return data, nil
}

// ParsePublicKey reads exactly one public key in PEM: ECDSA on P-256 or P-384.
func ParsePublicKey(data []byte) (*ecdsa.PublicKey, error) {
	pub, err := ParseAnyPublicKey(data)
	if err != nil {
		return nil, err
	}
	return CheckKey(pub)
}

// ParseAnyPublicKey reads exactly one public key in PEM, of any type. It is
// for those who say themselves why they refuse a key.
func ParseAnyPublicKey(data []byte) (crypto.PublicKey, error) {
	if err := checkPEM(data, 1, string(cryptoutils.PublicKeyPEMType)); err != nil {
		return nil, err
	}
	pub, err := cryptoutils.UnmarshalPEMToPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	return pub, nil
}

// EncodePublicKey writes a public key as PEM.
func EncodePublicKey(pub crypto.PublicKey) ([]byte, error) {
	data, err := cryptoutils.MarshalPublicKeyToPEM(pub)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return data, nil
}

var pemBegin = []byte("-----BEGIN ")

// checkPEM refuses data that is too big, holds no block or more than limit, a
// block of a type not in types, or one that does not decode.
func checkPEM(data []byte, limit int, types ...string) error {
	if len(data) > maxPEM {
		return fmt.Errorf("parse PEM: %d bytes are more than the %d that are read", len(data), maxPEM)
	}
	begun := bytes.Count(data, pemBegin)
	switch {
	case begun == 0:
		return fmt.Errorf("parse PEM: no block of type %s", types[0])
	case begun > limit:
		return fmt.Errorf("parse PEM: %d blocks where at most %d are expected", begun, limit)
	}
	for range begun {
		block, rest := pem.Decode(data)
		if block == nil {
			return errors.New("parse PEM: a block is damaged")
		}
		if !slices.Contains(types, block.Type) {
			return fmt.Errorf("parse PEM: a block of type %q where %s is expected", block.Type, types[0])
		}
		data = rest
	}
	return nil
}
