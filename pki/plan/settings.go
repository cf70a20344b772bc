package plan

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

// settings checks what a plan sets over a profile's defaults.
func settings(r *report, path string, a Authority) {
	if !slices.Contains(profiles, a.Profile) {
		return
	}
	serviceURL(r, path, a)
	leaf := a.Profile == "tsa" || a.Profile == "tsa-leaf"
	if a.PathLen != nil && leaf {
		r.add(path+".path_len", "a %s certificate is not a CA and has no path length: remove the field", a.Profile)
	}
	switch {
	case a.ExtKeyUsageCritical == nil:
	case a.Profile == "root" || a.Profile == "spiffe-ca":
		r.add(path+".ext_key_usage_critical", "a %s certificate has no extended key usage: remove the field", a.Profile)
	case leaf && !*a.ExtKeyUsageCritical:
		r.add(path+".ext_key_usage_critical", "must be true: the key usage of a TSA is critical (RFC 3161 2.3)")
	}
	if nc := a.NameConstraints; nc != nil {
		at := path + ".name_constraints"
		if leaf {
			r.add(at, "only a CA constrains names (RFC 5280 4.2.1.10): remove the field")
		}
		if nc.Permitted.Empty() && nc.Excluded.Empty() {
			r.add(at, "constrains nothing: name something or remove the field")
		}
		subtrees(r, at+".permitted", nc.Permitted)
		subtrees(r, at+".excluded", nc.Excluded)
	}
	for i, policy := range a.Policies {
		at := index(path+".policies", i)
		if !oidForm.MatchString(policy.OID) {
			r.add(at+".oid", "%q is not an object identifier: write it like 1.3.6.1.4.1.65302.1.1", policy.OID)
		}
		if policy.CPS != "" {
			form(r, at+".cps", policy.CPS, badURL)
		}
	}
	for i, uri := range a.URIs {
		at := index(path+".uris", i)
		u, err := url.Parse(uri)
		switch {
		case err != nil || !u.IsAbs() || u.Host == "":
			r.add(at, "%q is not an absolute URI", uri)
		case a.Profile == "spiffe-ca" && u.Scheme != "spiffe":
			r.add(at, "a spiffe-ca carries its trust domain: write it like spiffe://example.com")
		}
	}
	for i, uri := range a.IssuingCertificates {
		form(r, index(path+".issuing_certificates", i), uri, badPointer)
	}
	for i, uri := range a.CRLDistribution {
		form(r, index(path+".crl_distribution", i), uri, badPointer)
	}
}

// subtrees checks the forms of RFC 5280 4.2.1.10.
func subtrees(r *report, path string, s pki.Subtrees) {
	for i, name := range s.DNS {
		if !hostForm(strings.TrimPrefix(name, ".")) {
			r.add(index(path+".dns", i), "%q is not a DNS name", name)
		}
	}
	for i, name := range s.URI {
		if !hostForm(strings.TrimPrefix(name, ".")) {
			r.add(index(path+".uri", i), "%q is not a host: a URI constraint is a host, or a domain with a dot in front", name)
		}
	}
	for i, name := range s.Email {
		_, host, mailbox := strings.Cut(name, "@")
		if !mailbox {
			host = strings.TrimPrefix(name, ".")
		}
		if !hostForm(host) || strings.HasPrefix(name, "@") {
			r.add(index(path+".email", i), "%q is not a mailbox, host, or domain with a dot in front", name)
		}
	}
	for i, network := range s.IP {
		if prefix, err := netip.ParsePrefix(network); err != nil || prefix.Masked() != prefix {
			r.add(index(path+".ip", i), "%q is not a network: write it like 192.0.2.0/24", network)
		}
	}
}

func hostForm(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if len(label) > 63 || !nameForm.MatchString(strings.ToLower(label)) {
			return false
		}
	}
	return len(s) <= 253
}
