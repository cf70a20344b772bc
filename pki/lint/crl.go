package lint

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"

	zx509 "github.com/zmap/zcrypto/x509"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// LintCRL implements pki.CRLLinter: it joins the findings of severity Error.
func (l *Linter) LintCRL(crl *x509.RevocationList, issuer *x509.Certificate) error {
	return finding.Err(l.CRLFindings(crl, issuer))
}

// CRLFindings returns what every rule says of a CRL, errors first.
func (l *Linter) CRLFindings(crl *x509.RevocationList, issuer *x509.Certificate) []finding.Finding {
	s := &subject{Certificate: issuer}
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) || !bytes.Equal(crl.AuthorityKeyId, issuer.SubjectKeyId) {
		s.fail("crl-issuer", "", "the CRL does not name %s and its key identifier (RFC 5280 5.1.2.3, 5.2.1)", issuer.Subject)
	}
	if crl.Number == nil || crl.Number.Sign() <= 0 || crl.Number.BitLen() > 159 {
		s.fail("crl-number", "crl", "the CRL number is missing, not positive or longer than 20 octets (RFC 5280 5.2.3)")
	}
	if pki.OnlyCACertificates(crl) {
		s.add("crl-only-ca", Error, "crl", []string{"openssl"}, "onlyContainsCACerts: the timestamp authority's certificate under this root would be refused")
	}
	all, err := l.runCRL(crl)
	if err != nil {
		all = append(all, finding.Finding{ID: "zlint", Severity: Error, Text: fmt.Sprintf("zlint did not run: %v", err)})
	}
	return finding.Sort(append(all, s.found...))
}

// runCRL returns every rule of zlint for CRLs that does not pass.
func (l *Linter) runCRL(crl *x509.RevocationList) ([]finding.Finding, error) {
	if l.err != nil {
		return nil, l.err
	}
	parsed, err := zx509.ParseRevocationList(crl.Raw)
	if err != nil {
		return nil, fmt.Errorf("parse CRL: %w", err)
	}
	rules := l.registry.RevocationListLints().Lints()
	if len(rules) == 0 {
		return nil, errors.New("no rule for CRLs is known")
	}
	var found []finding.Finding
	for _, rule := range rules {
		result := rule.Execute(parsed, l.registry.GetConfiguration())
		found = append(found, findingOf(rule.LintMetadata, result)...)
	}
	return found, nil
}
