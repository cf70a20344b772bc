package lint

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// specification is the document behind the rules named "spec-".
const specification = "Sigstore's certificate specification"

// subject is the certificate that the rules look at, and what they found.
type subject struct {
	*x509.Certificate
	chain   []*x509.Certificate // issuers, root last
	profile string
	found   []finding.Finding
}

func (s *subject) add(id string, severity finding.Severity, field string, clients []string, format string, args ...any) {
	f := finding.Finding{ID: id, Severity: severity, Place: field, Text: fmt.Sprintf(format, args...)}
	for _, c := range clients {
		f.Clients = append(f.Clients, finding.Client{Name: c, Effect: finding.Fails})
	}
	s.found = append(s.found, f)
}

func (s *subject) fail(id, field, format string, args ...any) {
	s.add(id, Error, field, nil, format, args...)
}

func (s *subject) extension(oid ...int) *pkix.Extension {
	i := slices.IndexFunc(s.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier(oid)) })
	if i < 0 {
		return nil
	}
	return &s.Extensions[i]
}

func (s *subject) critical(oid ...int) bool {
	e := s.extension(oid...)
	return e != nil && e.Critical
}

func purposes(c *x509.Certificate) int { return len(c.ExtKeyUsage) + len(c.UnknownExtKeyUsage) }

func has(c *x509.Certificate, purpose x509.ExtKeyUsage) bool {
	return slices.Contains(c.ExtKeyUsage, purpose)
}

// ProfileOf returns the name of the profile that a certificate has the shape
// of, empty if none. chain holds its issuers, root last.
func ProfileOf(c *x509.Certificate, chain []*x509.Certificate) string {
	switch {
	case len(chain) == 0 && c.IsCA:
		return pki.ProfileRoot
	case c.IsCA && has(c, x509.ExtKeyUsageCodeSigning):
		return pki.ProfileFulcioCA
	case c.IsCA && has(c, x509.ExtKeyUsageTimeStamping):
		return pki.ProfileTSACA
	case c.IsCA && len(c.URIs) > 0 && c.URIs[0].Scheme == "spiffe":
		return pki.ProfileSPIFFECA
	case has(c, x509.ExtKeyUsageTimeStamping) && len(chain) > 1:
		return pki.ProfileTSALeaf
	case has(c, x509.ExtKeyUsageTimeStamping):
		return pki.ProfileTSA
	}
	return ""
}
