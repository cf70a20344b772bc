package lint

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	zx509 "github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3/lint"
	_ "github.com/zmap/zlint/v3/lints/community" // registers its rules
	_ "github.com/zmap/zlint/v3/lints/rfc"       // registers its rules

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// sources are the documents whose rules apply. The CA/Browser Forum's do not:
// these certificates are for no web site.
var sources = zlint.SourceList{zlint.RFC5280, zlint.RFC3279, zlint.RFC6962, zlint.RFC8813, zlint.Community}

// run returns every rule of zlint that does not pass. selfSigned says that the
// certificate signs itself: a draft under a throwaway key does not show it.
func (l *Linter) run(certificate *x509.Certificate, selfSigned bool) ([]finding.Finding, error) {
	if l.err != nil {
		return nil, l.err
	}
	parsed, err := zx509.ParseCertificate(certificate.Raw)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	parsed.SelfSigned = selfSigned && bytes.Equal(certificate.RawSubject, certificate.RawIssuer)
	var found []finding.Finding
	for _, rule := range l.registry.CertificateLints().Lints() {
		result := rule.Execute(parsed, l.registry.GetConfiguration())
		found = append(found, findingOf(rule.LintMetadata, result)...)
	}
	slices.SortFunc(found, func(a, b finding.Finding) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// findingOf is what one rule of zlint said, nothing where it passed.
func findingOf(rule zlint.LintMetadata, result *zlint.LintResult) []finding.Finding {
	severity, ok := map[zlint.LintStatus]finding.Severity{
		zlint.Notice: Note, zlint.Warn: Warning, zlint.Error: Error, zlint.Fatal: Error,
	}[result.Status]
	if !ok {
		return nil
	}
	text := fmt.Sprintf("%s (%s)", strings.TrimSuffix(rule.Description, "."), rule.Citation)
	if result.Details != "" {
		text += ": " + result.Details
	}
	return []finding.Finding{{ID: rule.Name, Severity: severity, Text: text}}
}
