package lint

import (
	"crypto/x509"
	"fmt"
	"slices"

	zlint "github.com/zmap/zlint/v3/lint"

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// Linter runs every rule. It is made by New, holds no state between calls and
// may be used by several goroutines.
type Linter struct {
	registry zlint.Registry
	err      error // of making it
}

// New returns a linter with all rules.
func New() *Linter {
	registry, err := zlint.GlobalRegistry().Filter(zlint.FilterOptions{IncludeSources: sources})
	if err == nil && len(registry.CertificateLints().Lints()) == 0 {
		err = fmt.Errorf("no rule of the sources %v is known", sources)
	}
	return &Linter{registry, err}
}

// Lint implements pki.Linter: it joins the findings of severity Error into one
// error. chain holds the issuers, leaf-first with the root last.
func (l *Linter) Lint(certificate *x509.Certificate, chain []*x509.Certificate) error {
	return finding.Err(l.Findings(certificate, chain, ""))
}

// Findings returns what every rule says, errors first. profile is the name of
// the certificate's profile; empty means the one that ProfileOf sees.
func (l *Linter) Findings(certificate *x509.Certificate, chain []*x509.Certificate, profile string) []finding.Finding {
	if profile == "" {
		profile = ProfileOf(certificate, chain)
	}
	s := &subject{Certificate: certificate, chain: chain, profile: profile}
	s.general()
	s.keyIDs()
	s.root()
	s.fulcio()
	s.timestamping()
	s.power()
	s.constraints()
	all, err := l.run(certificate, len(chain) == 0)
	if err != nil && longPolicy(certificate) {
		all = append(all, finding.Finding{ID: "zlint", Severity: Note, Text: "zlint reads no object identifier as long as this policy's, so its rules were not applied"})
	} else if err != nil {
		all = append(all, finding.Finding{ID: "zlint", Severity: Error, Text: fmt.Sprintf("zlint did not run: %v", err)})
	}
	return finding.Sort(append(all, s.found...))
}

// longPolicy reports a policy whose object identifier has an arc above 31 bits,
// as one made of a UUID has (X.667): Go reads it, zcrypto does not.
func longPolicy(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.Policies, func(oid x509.OID) bool {
		return !slices.ContainsFunc(c.PolicyIdentifiers, oid.EqualASN1OID)
	})
}
