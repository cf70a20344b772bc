package pki

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Bounds of settings: far above any use, and small enough that a template runs
// at once.
const (
	maxEntries = 64
	maxText    = 1024
)

// check judges the values of settings by themselves. Which of them a profile
// knows is judged by Prepare.
func (s Settings) check(p *problems) {
	p.list("uris", s.URIs, checkURI)
	p.list("issuing_certificates", s.IssuingCertificates, checkWebURL)
	p.list("crl_distribution", s.CRLDistribution, checkWebURL)
	if len(s.Policies) > maxEntries {
		p.add("policies", "%d entries are more than %d", len(s.Policies), maxEntries)
	}
	seen := map[string]bool{}
	for _, policy := range s.Policies {
		if _, err := parseOID(policy.OID); err != nil {
			p.addError("policies.oid", err)
		}
		if seen[policy.OID] {
			p.add("policies.oid", "%s is named twice (RFC 5280 4.2.1.4)", policy.OID)
		}
		seen[policy.OID] = true
		if policy.CPS != "" {
			p.addError("policies.cps", checkWebURL(policy.CPS))
		}
	}
	if n := s.NameConstraints; n != nil {
		if n.Permitted.Empty() && n.Excluded.Empty() {
			p.add("name_constraints", "names nothing (RFC 5280 4.2.1.10)")
		}
		n.Permitted.check("name_constraints.permitted", p)
		n.Excluded.check("name_constraints.excluded", p)
	}
	if len(s.Template) > maxTemplate {
		p.add("template", "%d bytes are more than the %d that a template may have", len(s.Template), maxTemplate)
	}
}

// Empty reports whether the subtrees name nothing.
func (s Subtrees) Empty() bool { return len(s.DNS)+len(s.URI)+len(s.Email)+len(s.IP) == 0 }

func (s Subtrees) check(field string, p *problems) {
	p.list(field+".dns", s.DNS, checkDomain)
	p.list(field+".uri", s.URI, checkDomain)
	p.list(field+".email", s.Email, checkMailbox)
	p.list(field+".ip", s.IP, checkCIDR)
}

// list runs a check over the entries of a field and bounds their number.
func (p *problems) list(field string, entries []string, check func(string) error) {
	if len(entries) > maxEntries {
		p.add(field, "%d entries are more than %d", len(entries), maxEntries)
		return
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		switch {
		case len(entry) > maxText:
			p.add(field, "an entry is longer than %d bytes", maxText)
		case seen[entry]:
			p.add(field, "%q is named twice", entry)
		default:
			p.addError(field, check(entry))
		}
		seen[entry] = true
	}
}

// checkURI refuses what would not be encoded as written.
func checkURI(s string) error {
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() || u.Host == "" || !isGraphic(s) {
		return fmt.Errorf("%q is not an absolute URI", s)
	}
	if u.String() != s {
		return fmt.Errorf("%q is not written as it would be encoded: write %q", s, u)
	}
	return nil
}

func checkWebURL(s string) error {
	if err := checkURI(s); err != nil {
		return err
	}
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return fmt.Errorf("%q is not a web address", s)
	}
	return nil
}

// checkDomain takes a domain name, with a leading dot for the names under it
// only.
func checkDomain(s string) error {
	name := strings.TrimPrefix(s, ".")
	if name == "" || len(name) > 253 {
		return fmt.Errorf("%q is not a domain name", s)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, func(r rune) bool { return unprintable(r, "-_") }) {
			return fmt.Errorf("%q is not a domain name", s)
		}
	}
	if net.ParseIP(name) != nil {
		return fmt.Errorf("%q is an address: write it under ip, with its prefix length", s)
	}
	return nil
}

// checkMailbox takes a mailbox, a host, or a domain with a leading dot (RFC
// 5280 4.2.1.10).
func checkMailbox(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	if !ok {
		return checkDomain(s)
	}
	if local == "" || !isGraphic(local) || strings.ContainsAny(local, `"@<>()[],;:\`) || strings.HasPrefix(domain, ".") {
		return fmt.Errorf("%q is neither a mailbox nor a domain name", s)
	}
	return checkDomain(domain)
}

// checkCIDR refuses a prefix with host bits, which would be encoded otherwise
// than written.
func checkCIDR(s string) error {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is not a network in CIDR form, like 192.0.2.0/24", s)
	}
	if prefix.Masked() != prefix {
		return fmt.Errorf("%q names a host: write the network %s", s, prefix.Masked())
	}
	return nil
}

func isGraphic(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
