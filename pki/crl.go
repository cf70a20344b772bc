package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync/atomic"
	"time"
)

// Reasons of a revocation (RFC 5280 5.3.1) that a CRL here can carry. Zero is
// "unspecified" and stands in no CRL; holds and removals do not exist for CAs
// that are renewed and never restored.
const (
	ReasonKeyCompromise        = 1
	ReasonCACompromise         = 2
	ReasonSuperseded           = 4
	ReasonCessationOfOperation = 5
)

// maxCRL bounds a CRL, DER or PEM, in bytes: some ten thousand revocations.
const maxCRL = 1 << 20

// Revoked is one certificate that a CRL revokes.
type Revoked struct {
	Serial *big.Int
	At     time.Time // whole seconds; from then on nothing that the key signed counts
	Reason int
}

// CRLSpec is everything that decides the to-be-signed bytes of a CRL.
type CRLSpec struct {
	Issuer     *x509.Certificate // with the key usage cRLSign
	Number     int64             // from 1, growing (RFC 5280 5.2.3)
	ThisUpdate time.Time
	NextUpdate time.Time
	Revoked    []Revoked // any order
}

// CRLLinter judges a CRL that was signed by a throwaway key. An error names
// every finding.
type CRLLinter interface {
	LintCRL(crl *x509.RevocationList, issuer *x509.Certificate) error
}

// PreparedCRL is a CRL that was checked and linted under a throwaway key and
// waits for its issuer's signature. It issues once.
type PreparedCRL struct {
	raw, tbs  []byte
	issuer    *x509.Certificate
	issuerKey *ecdsa.PublicKey
	linter    CRLLinter
	used      atomic.Bool
}

// PrepareCRL builds a CRL under a throwaway key, judges and lints it and keeps
// its to-be-signed bytes. It carries a number and the authority's key
// identifier and no issuing distribution point: onlyContainsCACerts would have
// openssl refuse a timestamp authority's certificate under the same root.
func PrepareCRL(spec CRLSpec, linter CRLLinter) (*PreparedCRL, error) {
	p, err := prepareCRL(spec, linter)
	if err != nil {
		return nil, fmt.Errorf("prepare CRL %d: %w", spec.Number, err)
	}
	return p, nil
}

func prepareCRL(spec CRLSpec, linter CRLLinter) (*PreparedCRL, error) {
	if linter == nil {
		return nil, errors.New("no linter was given: nothing is issued unlinted")
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	key, err := CheckKey(spec.Issuer.PublicKey)
	if err != nil {
		return nil, err
	}
	s := suiteOf(key)
	throwaway, err := s.throwaway()
	if err != nil {
		return nil, err
	}
	template := &x509.RevocationList{
		Number: big.NewInt(spec.Number), ThisUpdate: spec.ThisUpdate.UTC(), NextUpdate: spec.NextUpdate.UTC(), SignatureAlgorithm: s.algorithm,
	}
	sorted := slices.Clone(spec.Revoked)
	slices.SortFunc(sorted, func(a, b Revoked) int { return a.Serial.Cmp(b.Serial) })
	for _, r := range sorted {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.Serial, RevocationTime: r.At.UTC(), ReasonCode: r.Reason})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, spec.Issuer, throwaway)
	if err != nil {
		return nil, fmt.Errorf("encode CRL: %w", err)
	}
	draft, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("read the encoded CRL: %w", err)
	}
	if err := linter.LintCRL(draft, spec.Issuer); err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	return &PreparedCRL{raw: draft.Raw, tbs: bytes.Clone(draft.RawTBSRevocationList), issuer: spec.Issuer, issuerKey: key, linter: linter}, nil
}

func (s CRLSpec) check() error {
	var p problems
	if s.Issuer == nil || !s.Issuer.IsCA || s.Issuer.KeyUsage&x509.KeyUsageCRLSign == 0 || len(s.Issuer.SubjectKeyId) == 0 {
		p.add("issuer", "is not a CA that may sign CRLs (RFC 5280 4.2.1.3)")
		return p.err()
	}
	if s.Number < 1 {
		p.add("number", "%d is not positive: CRLs are numbered 1, 2, 3 (RFC 5280 5.2.3)", s.Number)
	}
	if !s.NextUpdate.After(s.ThisUpdate) {
		p.add("crl.next_update", "%s is not after this update, %s", stamp(s.NextUpdate), stamp(s.ThisUpdate))
	}
	if s.ThisUpdate.Before(s.Issuer.NotBefore) {
		p.add("crl", "this update, %s, is before the certificate of %s begins", stamp(s.ThisUpdate), s.Issuer.Subject)
	}
	seen := map[string]bool{}
	for _, r := range s.Revoked {
		p.addError("crl", CheckSerial(r.Serial))
		if seen[SerialHex(r.Serial)] {
			p.add("crl", "serial %s is revoked twice", SerialHex(r.Serial))
		}
		seen[SerialHex(r.Serial)] = true
		if r.At.After(s.ThisUpdate) {
			p.add("crl", "serial %s is revoked from %s, after this update", SerialHex(r.Serial), stamp(r.At))
		}
		if !slices.Contains([]int{ReasonKeyCompromise, ReasonCACompromise, ReasonSuperseded, ReasonCessationOfOperation}, r.Reason) {
			p.add("crl", "reason %d of serial %s is none that is used here (RFC 5280 5.3.1)", r.Reason, SerialHex(r.Serial))
		}
	}
	return p.err()
}

// ReprepareCRL is PrepareCRL for bytes that were written down before: they
// must be those that the spec gives.
func ReprepareCRL(tbs []byte, spec CRLSpec, linter CRLLinter) (*PreparedCRL, error) {
	p, err := PrepareCRL(spec, linter)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tbs, p.tbs) {
		return nil, fmt.Errorf("prepare CRL %d again: the bytes written down are not those of this plan, ledger and program", spec.Number)
	}
	return p, nil
}

// TBS returns the to-be-signed bytes (RFC 5280 5.1.1.1), DER.
func (p *PreparedCRL) TBS() []byte { return bytes.Clone(p.tbs) }

// Issue signs the prepared bytes with the issuer's key, once, and returns the
// CRL only if its bytes are the linted ones and its signature verifies.
func (p *PreparedCRL) Issue(signer crypto.Signer) (*x509.RevocationList, error) {
	crl, err := p.issue(signer)
	if err != nil {
		return nil, fmt.Errorf("issue CRL of %s: %w", p.issuer.Subject, err)
	}
	return crl, nil
}

func (p *PreparedCRL) issue(signer crypto.Signer) (*x509.RevocationList, error) {
	signature, err := signOnce(p.tbs, p.issuerKey, signer, &p.used)
	if err != nil {
		return nil, err
	}
	der, err := replaceSignature(p.raw, signature) // a CRL has a certificate's outer form (RFC 5280 5.1)
	if err != nil {
		return nil, err
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("read the signed CRL: %w", err)
	}
	if !bytes.Equal(crl.RawTBSRevocationList, p.tbs) {
		return nil, errors.New("the signed bytes are not the linted ones")
	}
	if err := crl.CheckSignatureFrom(p.issuer); err != nil {
		return nil, fmt.Errorf("check signature: %w", err)
	}
	return crl, p.linter.LintCRL(crl, p.issuer)
}

// ParseCRL reads one CRL, DER or PEM, of at most a mebibyte. Its signature is
// for the caller to check.
func ParseCRL(data []byte) (*x509.RevocationList, error) {
	if len(data) > maxCRL {
		return nil, fmt.Errorf("parse CRL: %d bytes are more than the %d that are read", len(data), maxCRL)
	}
	if block, rest := pem.Decode(data); block != nil {
		if block.Type != "X509 CRL" || len(bytes.TrimSpace(rest)) > 0 {
			return nil, errors.New("parse CRL: expected exactly one PEM block of type X509 CRL")
		}
		data = block.Bytes
	}
	crl, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, fmt.Errorf("parse CRL: %w", err)
	}
	return crl, nil
}

// OnlyCACertificates reports whether a CRL says that it covers the
// certificates of CAs alone (RFC 5280 5.2.5).
func OnlyCACertificates(crl *x509.RevocationList) bool {
	i := slices.IndexFunc(crl.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 28}) })
	if i < 0 {
		return false
	}
	var point struct {
		Name     asn1.RawValue `asn1:"optional,tag:0"`
		Users    bool          `asn1:"optional,tag:1"`
		CAs      bool          `asn1:"optional,tag:2"`
		Reasons  asn1.RawValue `asn1:"optional,tag:3"`
		Indirect bool          `asn1:"optional,tag:4"`
		Attrs    bool          `asn1:"optional,tag:5"`
	}
	_, err := asn1.Unmarshal(crl.Extensions[i].Value, &point)
	return err != nil || point.CAs
}
