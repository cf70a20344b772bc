package pki

import (
	"bytes"
	"crypto/x509"
	"time"
)

// checkSpec judges what does not need the template: names, key, serial, dates,
// issuers and the values of settings.
func checkSpec(spec Spec, chain []*x509.Certificate, p *problems) {
	if _, ok := profileRules[spec.Profile]; !ok {
		_, err := Defaults(spec.Profile)
		p.addError("profile", err)
		return
	}
	spec.Subject.check(p)
	if _, err := CheckKey(spec.PublicKey); err != nil {
		p.addError("algorithm", err)
	}
	p.addError("", CheckSerial(spec.Serial))
	checkDates(spec, p)
	checkIssuers(spec, chain, p)
	spec.Settings.check(p)
}

func checkDates(spec Spec, p *problems) {
	whole := func(t time.Time) bool { return t.Equal(t.Truncate(time.Second)) }
	switch {
	case spec.NotBefore.IsZero() || spec.NotAfter.IsZero():
		p.add("validity", "notBefore or notAfter is missing")
	case !whole(spec.NotBefore) || !whole(spec.NotAfter):
		p.add("validity", "certificates count whole seconds (RFC 5280 4.1.2.5)")
	case !spec.NotAfter.After(spec.NotBefore):
		p.add("validity", "ends at %s, before it begins at %s", stamp(spec.NotAfter), stamp(spec.NotBefore))
	case spec.NotAfter.UTC().Year() > 9999 || spec.NotBefore.UTC().Year() < 1950:
		p.add("validity", "lies outside of the years that a certificate can carry (RFC 5280 4.1.2.5)")
	}
}

// checkIssuers judges the chain: it begins with the issuer, ends with a
// self-signed root, every link verifies, every issuer is a CA that may sign
// certificates, outlives the new one and leaves room for it.
func checkIssuers(spec Spec, chain []*x509.Certificate, p *problems) {
	selfSigned := spec.Issuer == nil
	switch {
	case spec.Profile == ProfileRoot && (!selfSigned || len(chain) > 0):
		p.add("issuer", "a root signs itself: it has no issuer")
		return
	case spec.Profile == ProfileRoot:
		return
	case selfSigned:
		p.add("issuer", "only a root signs itself: a %s certificate needs an issuer", spec.Profile)
		return
	case len(chain) == 0 || !spec.Issuer.Equal(chain[0]):
		p.add("issuer", "the chain does not begin with the issuer")
		return
	case len(chain) >= maxCertificates:
		p.add("issuer", "a chain of %d issuers is too long", len(chain))
		return
	}
	if subject, err := spec.Subject.DER(); err == nil && bytes.Equal(subject, spec.Issuer.RawSubject) {
		p.add("subject", "is the issuer's own: verifiers would take the certificate for a self-signed one")
	}
	below := 0 // certificates of CAs under the one looked at
	if profileRules[spec.Profile].ca {
		below = 1
	}
	for i, issuer := range chain {
		parent := issuer
		if i+1 < len(chain) {
			parent = chain[i+1]
		}
		checkIssuer(spec, issuer, parent, below, p)
		below++
	}
	purpose := profileRules[spec.Profile].purpose
	for _, issuer := range chain[:len(chain)-1] {
		if purpose != nil && !hasPurpose(issuer, purpose) {
			p.add("issuer", "%s lacks the extended key usage of a %s certificate under it", issuer.Subject, spec.Profile)
		}
	}
	if spec.Profile == ProfileTSALeaf && len(chain) < 2 {
		p.add("issuer", "a tsa-leaf certificate stands under a tsa-ca: under the root itself, use the profile tsa")
	}
}

func checkIssuer(spec Spec, issuer, parent *x509.Certificate, below int, p *problems) {
	if _, err := CheckKey(issuer.PublicKey); err != nil {
		p.add("issuer", "%s: %v", issuer.Subject, err)
	}
	if !issuer.BasicConstraintsValid || !issuer.IsCA || issuer.KeyUsage&x509.KeyUsageCertSign == 0 {
		p.add("issuer", "%s may not sign certificates", issuer.Subject)
		return
	}
	if len(issuer.SubjectKeyId) == 0 {
		p.add("issuer", "%s has no subject key identifier (RFC 5280 4.2.1.2)", issuer.Subject)
	}
	if err := issuer.CheckSignatureFrom(parent); err != nil {
		p.add("issuer", "%s is not signed by %s: the chain goes leaf-first to the root: %v", issuer.Subject, parent.Subject, err)
	}
	if spec.NotBefore.Before(issuer.NotBefore) {
		p.add("validity", "begins at %s, before that of its issuer %s at %s", stamp(spec.NotBefore), issuer.Subject, stamp(issuer.NotBefore))
	}
	if spec.NotAfter.After(issuer.NotAfter) {
		p.add("validity", "ends at %s and outlives its issuer %s, which ends at %s", stamp(spec.NotAfter), issuer.Subject, stamp(issuer.NotAfter))
	}
	if limited := issuer.MaxPathLen > 0 || issuer.MaxPathLenZero; limited && below > issuer.MaxPathLen {
		p.add("issuer", "path_len %d of %s leaves no room for %d authorities below it (RFC 5280 4.2.1.9)", issuer.MaxPathLen, issuer.Subject, below)
	}
	if issuer.SerialNumber != nil && spec.Serial != nil && issuer.SerialNumber.Cmp(spec.Serial) == 0 {
		p.add("", "serial number %s is that of %s: one serial number serves one certificate", SerialHex(spec.Serial), issuer.Subject)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
