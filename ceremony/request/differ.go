package request

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// effective lays what the plan sets over what the profile sets.
func effective(spec pki.Spec) pki.Settings {
	s := spec.Settings
	defaults, err := pki.Defaults(spec.Profile)
	if err != nil {
		return s // an unknown profile, which the plan's rules refuse
	}
	if s.PathLen == nil {
		s.PathLen = defaults.PathLen
	}
	if s.ExtKeyUsageCritical == nil {
		s.ExtKeyUsageCritical = defaults.ExtKeyUsageCritical
	}
	return s
}

// differences names what a certificate will have otherwise than the one of the
// generation before.
func differences(item Item) []string {
	old, spec := item.Previous, item.Spec
	s := effective(spec)
	var found []string
	changed := func(what, from, to string) {
		if from != to {
			found = append(found, fmt.Sprintf("%s: was %s", what, cmp.Or(from, "none")))
		}
	}
	changed("subject", subjectOf(old), spec.Subject.String()+" ("+encoding(spec.Subject)+")")
	switch key := keyOf(old.PublicKey); {
	case item.CSR == nil:
		found = append(found, "a new key")
	case key == groups(item.CSR.SPKISHA256):
		found = append(found, "THE SAME KEY as before")
	default:
		found = append(found, "a new key, was "+key)
	}
	changed("validity", days(old.NotBefore, old.NotAfter), days(spec.NotBefore, spec.NotAfter))
	changed("path length", oldPathLen(old), pathLen(s))
	changed("extended key usage critical", fmt.Sprint(critical(old, "2.5.29.37")), fmt.Sprint(s.ExtKeyUsageCritical != nil && *s.ExtKeyUsageCritical))
	names := pki.NameConstraints{}
	if s.NameConstraints != nil {
		names = *s.NameConstraints
	}
	changed("permitted names", set(oldPermitted(old)), set(names.Permitted))
	changed("excluded names", set(oldExcluded(old)), set(names.Excluded))
	changed("policies", list(oldPolicies(old)), list(policies(s)))
	changed("alternative names", list(oldURIs(old)), list(s.URIs))
	changed("issuer at", list(old.IssuingCertificateURL), list(s.IssuingCertificates))
	changed("CRL at", list(old.CRLDistributionPoints), list(s.CRLDistribution))
	return found
}

func subjectOf(c *x509.Certificate) string {
	s, err := pki.ParseSubject(c.RawSubject)
	if err != nil {
		return c.Subject.String()
	}
	return s.String() + " (" + encoding(s) + ")"
}

func days(from, to time.Time) string {
	return fmt.Sprintf("%d days", int(to.Sub(from).Hours()/24+0.5))
}

func pathLen(s pki.Settings) string {
	if s.PathLen == nil {
		return ""
	}
	return fmt.Sprint(*s.PathLen)
}

func oldPathLen(c *x509.Certificate) string {
	if !c.IsCA || c.MaxPathLen < 0 || c.MaxPathLen == 0 && !c.MaxPathLenZero {
		return ""
	}
	return fmt.Sprint(c.MaxPathLen)
}

func critical(c *x509.Certificate, oid string) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid && e.Critical })
}

func oldPermitted(c *x509.Certificate) pki.Subtrees {
	return pki.Subtrees{DNS: c.PermittedDNSDomains, URI: c.PermittedURIDomains, Email: c.PermittedEmailAddresses, IP: networks(c.PermittedIPRanges)}
}

func oldExcluded(c *x509.Certificate) pki.Subtrees {
	return pki.Subtrees{DNS: c.ExcludedDNSDomains, URI: c.ExcludedURIDomains, Email: c.ExcludedEmailAddresses, IP: networks(c.ExcludedIPRanges)}
}

func networks(ranges []*net.IPNet) []string {
	texts := make([]string, 0, len(ranges))
	for _, n := range ranges {
		texts = append(texts, n.String())
	}
	return texts
}

func policies(s pki.Settings) []string {
	oids := make([]string, 0, len(s.Policies))
	for _, p := range s.Policies {
		oids = append(oids, p.OID)
	}
	return oids
}

func oldPolicies(c *x509.Certificate) []string {
	oids := make([]string, 0, len(c.Policies))
	for _, p := range c.Policies {
		oids = append(oids, p.String())
	}
	return oids
}

func oldURIs(c *x509.Certificate) []string {
	uris := make([]string, 0, len(c.URIs))
	for _, u := range c.URIs {
		uris = append(uris, u.String())
	}
	return uris
}

// list writes names so that their order does not count.
func list(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), " ")
}

// set is list for subtrees.
func set(s pki.Subtrees) string {
	return subtrees(pki.Subtrees{
		DNS: slices.Sorted(slices.Values(s.DNS)), URI: slices.Sorted(slices.Values(s.URI)),
		Email: slices.Sorted(slices.Values(s.Email)), IP: slices.Sorted(slices.Values(s.IP)),
	})
}
