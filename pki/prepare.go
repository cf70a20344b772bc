package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Prepared is a certificate that was checked and linted under a throwaway key
// and waits for its issuer's signature. It issues once.
type Prepared struct {
	draft     *x509.Certificate
	raw, tbs  []byte // copies of the draft's, out of a caller's reach
	profile   string
	chain     []*x509.Certificate
	issuerKey *ecdsa.PublicKey
	linter    Linter
	used      atomic.Bool
}

// Prepare builds the certificate of a spec under a throwaway key, judges it,
// lints it and keeps its to-be-signed bytes. chain holds the issuers,
// leaf-first with the root last; it is empty for a root. The error names every
// problem found (see Problems); nothing was signed by a key that matters.
func Prepare(spec Spec, chain []*x509.Certificate, linter Linter) (*Prepared, error) {
	p, err := prepare(spec, chain, linter)
	if err != nil {
		return nil, fmt.Errorf("prepare %s certificate of %s: %w", spec.Profile, spec.Subject, err)
	}
	return p, nil
}

func prepare(spec Spec, chain []*x509.Certificate, linter Linter) (*Prepared, error) {
	if linter == nil {
		return nil, errors.New("no linter was given: nothing is issued unlinted")
	}
	var found problems
	checkSpec(spec, chain, &found)
	if err := found.err(); err != nil {
		return nil, err
	}
	settings, err := spec.Settings.over(spec.Profile, &found)
	if err != nil {
		return nil, err
	}
	issuer := spec.PublicKey
	if spec.Issuer != nil {
		issuer = spec.Issuer.PublicKey
	}
	issuerKey, err := CheckKey(issuer)
	if err != nil {
		return nil, err
	}
	d, err := build(spec, settings, issuerKey)
	if err != nil {
		return nil, errors.Join(append(found, err)...)
	}
	checkProfile(d.certificate, spec, &found)
	if err := found.err(); err != nil {
		return nil, err
	}
	if err := d.verifyShadow(spec.Profile, chain); err != nil {
		return nil, fmt.Errorf("verifiers would refuse it: %w", err)
	}
	if err := linter.Lint(d.certificate, slices.Clone(chain)); err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	return &Prepared{
		draft: d.certificate, raw: bytes.Clone(d.certificate.Raw), tbs: bytes.Clone(d.certificate.RawTBSCertificate),
		profile: spec.Profile, chain: slices.Clone(chain), issuerKey: issuerKey, linter: linter,
	}, nil
}

// Reprepare is Prepare for to-be-signed bytes that were written down before:
// they must be those that the spec gives. It is how a signature whose answer
// was lost is asked for again without signing anything new.
func Reprepare(tbs []byte, spec Spec, chain []*x509.Certificate, linter Linter) (*Prepared, error) {
	p, err := Prepare(spec, chain, linter)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tbs, p.tbs) {
		return nil, fmt.Errorf("prepare %s certificate of %s again: the bytes written down are not those of this plan and program", spec.Profile, spec.Subject)
	}
	return p, nil
}

// TBS returns the to-be-signed bytes (RFC 5280 4.1.1.1), DER.
func (p *Prepared) TBS() []byte { return bytes.Clone(p.tbs) }

// Draft returns the certificate as it was linted, under the signature of a
// throwaway key that nobody holds any more. It is for showing and comparing,
// and verifies nowhere; what Issue signs does not depend on it.
func (p *Prepared) Draft() *x509.Certificate { return p.draft }

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
