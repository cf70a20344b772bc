package pki_test

import (
	"slices"
	"testing"

	"github.com/linnemanlabs/trustroot/pki"
)

func TestDescribe_SaysWhatACertificateIs(t *testing.T) {
	all := published(t)
	for name, lines := range map[string][]string{
		"root": {
			"basic constraints: an authority (critical)", "key usage: keyCertSign, cRLSign (critical)",
			"name constraints: permitted DNS linnemanlabs.com .linnemanlabs.com phxi.net .phxi.net (critical)",
			"valid: 2026-03-13T08:08:38Z to 2036-03-10T08:08:38Z, both included",
			"policies: 1.3.6.1.4.1.65302.1.1 https://trust.linnemanlabs.com/cps",
		},
		"fulcio-ca": {"basic constraints: an authority with at most 0 more below it (critical)", "extended key usage: codeSigning (critical)"},
		"tsa":       {"basic constraints: not an authority (critical)", "extended key usage: timeStamping (critical)", "signature: ECDSA-SHA384"},
		"spire-ca":  {"alternative names: URI spiffe://linnemanlabs.com", "basic constraints: an authority with at most 3 more below it (critical)"},
	} {
		got := pki.Describe(all[name].certificate)
		for _, line := range lines {
			if !slices.Contains(got, line) {
				t.Errorf("%s: %q is not in %q", name, line, got)
			}
		}
	}
}

func TestDescribe_EverySettingShows(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	a := issue(t, pki.ProfileFulcioCA, "Fulcio CA", root, func(s *pki.Spec) {
		s.Settings = pki.Settings{
			NameConstraints: &pki.NameConstraints{
				Permitted: pki.Subtrees{URI: []string{"example.org"}, Email: []string{"example.org"}, IP: []string{"192.0.2.0/24", "2001:db8::/32"}},
				Excluded:  pki.Subtrees{DNS: []string{"bad.example.org"}},
			},
			Policies:            []pki.Policy{{OID: "2.5.29.32.0"}, {OID: "1.3.6.1.4.1.99999.1", CPS: "https://example.org/cps"}},
			IssuingCertificates: []string{"http://example.org/root.crt"},
			CRLDistribution:     []string{"http://example.org/root.crl"},
		}
	})
	got := pki.Describe(a.certificate)
	for _, line := range []string{
		"name constraints: permitted URI example.org; permitted e-mail example.org; permitted IP 192.0.2.0/24 2001:db8::/32; excluded DNS bad.example.org (critical)",
		"policies: 2.5.29.32.0, 1.3.6.1.4.1.99999.1 https://example.org/cps",
		"issuer's certificate at: http://example.org/root.crt",
		"CRL at: http://example.org/root.crl",
		"extended key usage: codeSigning",
	} {
		if !slices.Contains(got, line) {
			t.Errorf("%q is not in %q", line, got)
		}
	}
}
