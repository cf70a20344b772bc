package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net/url"
)

// checkProfile judges the encoded certificate against the rules of its
// profile, whichever template wrote it. Where a plan's own template may be at
// fault, the problem names it.
func checkProfile(certificate *x509.Certificate, spec Spec, p *problems) {
	r := profileRules[spec.Profile]
	source := "profile"
	if spec.Settings.Template != "" {
		source = "template"
	}
	checkConstraints(certificate, spec, r, source, p)
	checkKeyUsage(certificate, r, source, p)
	checkPurposes(certificate, spec.Profile, r, source, p)
	checkKeyIDs(certificate, spec, source, p)
	if e := extension(certificate, "nameConstraints"); e != nil && !e.Critical {
		p.add(source, "name constraints are not critical (RFC 5280 4.2.1.10)")
	}
	if spec.Profile == ProfileSPIFFECA {
		checkTrustDomain(certificate, p)
	}
}

func checkConstraints(certificate *x509.Certificate, spec Spec, r rules, source string, p *problems) {
	e := extension(certificate, "basicConstraints")
	switch {
	case e == nil || !e.Critical:
		p.add(source, "basic constraints are missing or not critical: sigstore-python refuses the certificate")
	case r.ca && !certificate.IsCA:
		p.add(source, "a %s certificate is that of a CA", spec.Profile)
	case !r.ca && certificate.IsCA:
		p.add(source, "a %s certificate is not that of a CA: timestamp-authority refuses a CA as its own certificate", spec.Profile)
	}
	if spec.Profile == ProfileRoot && certificate.MaxPathLenZero {
		p.add("path_len", "a root with path_len 0 leaves no room for an authority under it, and sigstore-python refuses it: leave it out")
	}
	if n := spec.Settings.PathLen; n != nil && (*n < 0 || *n > maxCertificates) {
		p.add("path_len", "%d is not between 0 and %d", *n, maxCertificates)
	}
}

func checkKeyUsage(certificate *x509.Certificate, r rules, source string, p *problems) {
	e := extension(certificate, "keyUsage")
	if e == nil || !e.Critical {
		p.add(source, "key usage is missing or not critical (RFC 5280 4.2.1.3)")
		return
	}
	usage := certificate.KeyUsage
	if r.ca {
		// an authority may sign CRLs as well
		usage = usage&^x509.KeyUsageCRLSign | r.keyUsage&x509.KeyUsageCRLSign&certificate.KeyUsage
	}
	if usage != r.keyUsage {
		p.add(source, "key usage %s is not %s", keyUsageText(certificate.KeyUsage), keyUsageText(r.keyUsage))
	}
}

func checkPurposes(certificate *x509.Certificate, profile string, r rules, source string, p *problems) {
	purposes := purposesOf(certificate)
	e := extension(certificate, "extKeyUsage")
	switch {
	case profile == ProfileRoot && len(purposes) > 0:
		p.add(source, "a root has no extended key usage (Sigstore's certificate specification)")
	case r.purpose == nil:
	case !hasPurpose(certificate, r.purpose):
		p.add(source, "the extended key usage %s is missing: %s", purposeText(r.purpose), refuser(profile))
	case len(purposes) != 1:
		p.add(source, "%d extended key usages where only %s is allowed: %s", len(purposes), purposeText(r.purpose), refuser(profile))
	case r.critical && !e.Critical:
		p.add("ext_key_usage_critical", "the extended key usage of a %s certificate is critical (RFC 3161 2.3): timestamp-authority refuses another", profile)
	}
}

func refuser(profile string) string {
	if profile == ProfileFulcioCA {
		return "Fulcio refuses such a chain at its start"
	}
	return "timestamp-authority refuses such a chain at its start"
}

func checkKeyIDs(certificate *x509.Certificate, spec Spec, source string, p *problems) {
	if n := len(certificate.SubjectKeyId); n == 0 || n > 20 {
		p.add(source, "a subject key identifier has 1 to 20 octets, not %d", n)
	}
	e := extension(certificate, "authorityKeyId")
	if spec.Issuer == nil {
		if e != nil {
			p.add(source, "a root has no authority key identifier")
		}
		return
	}
	want, err := asn1.Marshal(struct {
		ID []byte `asn1:"tag:0"`
	}{spec.Issuer.SubjectKeyId})
	if err != nil || e == nil || e.Critical || !bytes.Equal(e.Value, want) {
		p.add(source, "the authority key identifier is not the issuer's subject key identifier alone")
	}
}

// checkTrustDomain judges the name of a SPIFFE authority: X509-SVID 2 allows
// one URI at most, the trust domain without a path.
func checkTrustDomain(certificate *x509.Certificate, p *problems) {
	if len(certificate.URIs) > 1 {
		p.add("uris", "a SPIFFE certificate has one URI, not %d", len(certificate.URIs))
	}
	for _, u := range certificate.URIs {
		p.addError("uris", trustDomain(u))
	}
}

func trustDomain(u *url.URL) error {
	if u.Scheme != "spiffe" || u.Host == "" || u.Port() != "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is not a trust domain: write spiffe://example.org", u)
	}
	return nil
}
