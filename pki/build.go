package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// draft is a certificate under a throwaway key: its to-be-signed bytes are
// those that the issuer will sign.
type draft struct {
	certificate *x509.Certificate
	throwaway   *ecdsa.PrivateKey
}

// build renders a spec and signs it with a throwaway key of the issuer's
// curve. The key of the certificate is the spec's, whatever a template says.
func build(spec Spec, settings Settings, issuerKey *ecdsa.PublicKey) (*draft, error) {
	subject, err := spec.Subject.DER()
	if err != nil {
		return nil, err
	}
	r, err := render(spec.Profile, spec.Subject, settings, spec.PublicKey)
	if err != nil {
		return nil, err
	}
	s := suiteOf(issuerKey)
	throwaway, err := s.throwaway()
	if err != nil {
		return nil, err
	}
	parent := &x509.Certificate{RawSubject: subject, PublicKey: throwaway.Public()}
	if spec.Issuer != nil {
		parent.RawSubject, parent.SubjectKeyId = spec.Issuer.RawSubject, spec.Issuer.SubjectKeyId
	}
	sign := func(t *x509.Certificate) (*x509.Certificate, error) {
		t.RawSubject, t.SerialNumber = subject, spec.Serial
		t.NotBefore, t.NotAfter = spec.NotBefore, spec.NotAfter
		t.SignatureAlgorithm = s.algorithm
		certificate, err := certify(t, parent, spec.PublicKey, throwaway)
		if err != nil {
			return nil, fmt.Errorf("encode certificate: %w", err)
		}
		return certificate, nil
	}
	// the first encoding is crypto/x509's, in its own order of extensions; the
	// second has the same extensions in the order of the profile
	first, err := sign(r.certificate)
	if err != nil {
		return nil, err
	}
	second, err := sign(&x509.Certificate{ExtraExtensions: ordered(first.Extensions, r.order)})
	if err != nil {
		return nil, err
	}
	if len(first.Extensions) != len(second.Extensions) || !bytes.Equal(first.RawSubject, second.RawSubject) {
		return nil, errors.New("ordering the extensions changed the certificate")
	}
	return &draft{second, throwaway}, nil
}
