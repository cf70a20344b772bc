package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrUsed says that a Prepared was issued, or that issuing it was tried: what
// a device did with a request whose answer is missing is not known.
var ErrUsed = errors.New("this certificate was issued or tried before: prepare it again")

// Issue signs the prepared bytes with the issuer's key and returns the
// certificate, once. The signer's public key must be the issuer's; the
// certificate is returned only if its to-be-signed bytes are the linted ones,
// its signature and chain verify, and the linter has no finding.
func (p *Prepared) Issue(signer crypto.Signer) (*x509.Certificate, error) {
	certificate, err := p.issue(signer)
	if err != nil {
		return nil, fmt.Errorf("issue certificate of %s: %w", p.draft.Subject, err)
	}
	return certificate, nil
}

func (p *Prepared) issue(signer crypto.Signer) (*x509.Certificate, error) {
	signature, err := signOnce(p.tbs, p.issuerKey, signer, &p.used)
	if err != nil {
		return nil, err
	}
	der, err := replaceSignature(p.raw, signature)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the signed certificate: %w", err)
	}
	if !bytes.Equal(certificate.RawTBSCertificate, p.tbs) {
		return nil, errors.New("the signed bytes are not the linted ones")
	}
	if err := checkSignature(certificate, p.issuerKey); err != nil {
		return nil, err
	}
	if err := verifyChain(certificate, p.chain, p.profile); err != nil {
		return nil, err
	}
	if err := p.linter.Lint(certificate, slices.Clone(p.chain)); err != nil {
		return nil, fmt.Errorf("lint the signed certificate: %w", err)
	}
	return certificate, nil
}

// signOnce signs to-be-signed bytes with the issuer's key, if nobody tried before.
func signOnce(tbs []byte, issuer *ecdsa.PublicKey, signer crypto.Signer, used *atomic.Bool) ([]byte, error) {
	if signer == nil || !issuer.Equal(signer.Public()) {
		return nil, errors.New("the signer's key is not the issuer's: nothing was signed")
	}
	if used.Swap(true) {
		return nil, ErrUsed
	}
	s := suiteOf(issuer)
	signature, err := signer.Sign(rand.Reader, s.digest(tbs), s.hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if !ecdsa.VerifyASN1(issuer, s.digest(tbs), signature) {
		return nil, errors.New("the signature does not verify under the issuer's key")
	}
	return signature, nil
}

func checkSignature(certificate *x509.Certificate, issuerKey *ecdsa.PublicKey) error {
	want := suiteOf(issuerKey).algorithm
	if certificate.SignatureAlgorithm != want {
		return fmt.Errorf("signature algorithm %s is not %s", certificate.SignatureAlgorithm, want)
	}
	parent := &x509.Certificate{PublicKey: issuerKey, PublicKeyAlgorithm: x509.ECDSA}
	if err := parent.CheckSignature(want, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		return fmt.Errorf("check signature: %w", err)
	}
	return nil
}

// replaceSignature returns a certificate with another signature value (RFC
// 5280 4.1): the to-be-signed bytes and the algorithm stay as they are.
func replaceSignature(certificate, signature []byte) ([]byte, error) {
	var outer, tbs, algorithm cryptobyte.String
	input := cryptobyte.String(certificate)
	if !input.ReadASN1(&outer, asn1.SEQUENCE) ||
		!outer.ReadASN1Element(&tbs, asn1.SEQUENCE) ||
		!outer.ReadASN1Element(&algorithm, asn1.SEQUENCE) {
		return nil, errors.New("the draft is not a certificate")
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("assemble certificate: %w", err)
	}
	return der, nil
}

// verifyShadow verifies a draft as a verifier will verify the certificate,
// before any real key signs: the issuers are copied, extension for extension,
// under the draft's throwaway key. What an issuer's name constraints, path
// length or purposes forbid is found here.
func (d *draft) verifyShadow(profile string, chain []*x509.Certificate) error {
	copies := make([]*x509.Certificate, len(chain))
	parent := (*x509.Certificate)(nil)
	for i := len(chain) - 1; i >= 0; i-- {
		shadow, err := d.shadow(chain[i], parent)
		if err != nil {
			return err
		}
		copies[i], parent = shadow, shadow
	}
	certificate := d.certificate
	if len(chain) == 0 {
		// a root's own key has not signed yet: stand in for it as well
		shadow, err := d.shadow(certificate, nil)
		if err != nil {
			return err
		}
		certificate = shadow
	}
	return verifyChain(certificate, copies, profile)
}

// shadow copies a certificate under the throwaway key; parent nil means
// self-signed.
func (d *draft) shadow(certificate, parent *x509.Certificate) (*x509.Certificate, error) {
	template := &x509.Certificate{
		RawSubject: certificate.RawSubject, SerialNumber: certificate.SerialNumber,
		NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter,
		ExtraExtensions: certificate.Extensions,
	}
	if parent == nil {
		parent = template
	}
	shadow, err := certify(template, parent, d.throwaway.Public(), d.throwaway)
	if err != nil {
		return nil, fmt.Errorf("copy %s under a throwaway key: %w", certificate.Subject, err)
	}
	return shadow, nil
}

// verifyChain verifies a certificate under its issuers, leaf-first to the
// root, at its own first instant and for the purpose of its profile. Without
// issuers it stands for itself.
func verifyChain(certificate *x509.Certificate, issuers []*x509.Certificate, profile string) error {
	root := certificate
	if len(issuers) > 0 {
		root = issuers[len(issuers)-1]
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: certificate.NotBefore,
		KeyUsages:   []x509.ExtKeyUsage{profileRules[profile].verify},
	}
	options.Roots.AddCert(root)
	for _, issuer := range issuers {
		options.Intermediates.AddCert(issuer)
	}
	if _, err := certificate.Verify(options); err != nil {
		return fmt.Errorf("verify chain of %s: %w", certificate.Subject, err)
	}
	return nil
}
