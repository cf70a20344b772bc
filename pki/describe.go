package pki

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Describe says a certificate in words, a line a fact, in the order of the
// certificate. Times are UTC, "critical" stands behind what is.
func Describe(certificate *x509.Certificate) []string {
	lines := []string{
		"subject: " + certificate.Subject.String(),
		"issuer: " + certificate.Issuer.String(),
		"serial: " + SerialHex(certificate.SerialNumber),
		fmt.Sprintf("valid: %s to %s, both included", stamp(certificate.NotBefore), stamp(certificate.NotAfter)),
		"key: " + keyText(certificate),
		"signature: " + certificate.SignatureAlgorithm.String(),
	}
	for _, e := range certificate.Extensions {
		name, text := describeExtension(certificate, e.Id.String(), e.Value)
		critical := ""
		if e.Critical {
			critical = " (critical)"
		}
		lines = append(lines, name+": "+text+critical)
	}
	return lines
}

func keyText(certificate *x509.Certificate) string {
	pin, err := SPKISHA256(certificate.PublicKey)
	if err != nil {
		return "of an unknown type"
	}
	key, err := CheckKey(certificate.PublicKey)
	if err != nil {
		return certificate.PublicKeyAlgorithm.String() + ", SPKI SHA-256 " + pin
	}
	return "ECDSA on " + key.Curve.Params().Name + ", SPKI SHA-256 " + pin
}

func describeExtension(c *x509.Certificate, oid string, value []byte) (name, text string) {
	switch oid {
	case "2.5.29.19":
		switch {
		case !c.IsCA:
			return "basic constraints", "not an authority"
		case c.MaxPathLen > 0 || c.MaxPathLenZero:
			return "basic constraints", fmt.Sprintf("an authority with at most %d more below it", c.MaxPathLen)
		default:
			return "basic constraints", "an authority"
		}
	case "2.5.29.15":
		return "key usage", keyUsageText(c.KeyUsage)
	case "2.5.29.37":
		var purposes []string
		for _, p := range purposesOf(c) {
			purposes = append(purposes, purposeText(p))
		}
		return "extended key usage", strings.Join(purposes, ", ")
	case "2.5.29.14":
		return "subject key identifier", HexGroups(c.SubjectKeyId)
	case "2.5.29.35":
		return "authority key identifier", HexGroups(c.AuthorityKeyId)
	case "2.5.29.17":
		var names []string
		for _, u := range c.URIs {
			names = append(names, "URI "+u.String())
		}
		for _, d := range c.DNSNames {
			names = append(names, "DNS "+d)
		}
		for _, m := range c.EmailAddresses {
			names = append(names, "e-mail "+m)
		}
		for _, ip := range c.IPAddresses {
			names = append(names, "IP "+ip.String())
		}
		return "alternative names", strings.Join(names, ", ")
	case "2.5.29.30":
		return "name constraints", describeConstraints(c)
	case "2.5.29.32":
		policies, err := parsePolicies(value)
		if err != nil {
			return "policies", "unreadable"
		}
		var texts []string
		for _, p := range policies {
			texts = append(texts, strings.TrimSpace(p.OID+" "+p.CPS))
		}
		return "policies", strings.Join(texts, ", ")
	case "2.5.29.31":
		return "CRL at", strings.Join(c.CRLDistributionPoints, ", ")
	case "1.3.6.1.5.5.7.1.1":
		return "issuer's certificate at", strings.Join(slices.Concat(c.IssuingCertificateURL, c.OCSPServer), ", ")
	}
	return "extension " + oid, HexGroups(value)
}

func describeConstraints(c *x509.Certificate) string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, " "))
		}
	}
	add("permitted DNS", c.PermittedDNSDomains)
	add("permitted URI", c.PermittedURIDomains)
	add("permitted e-mail", c.PermittedEmailAddresses)
	add("permitted IP", Networks(c.PermittedIPRanges))
	add("excluded DNS", c.ExcludedDNSDomains)
	add("excluded URI", c.ExcludedURIDomains)
	add("excluded e-mail", c.ExcludedEmailAddresses)
	add("excluded IP", Networks(c.ExcludedIPRanges))
	return strings.Join(parts, "; ")
}

// Networks writes networks in CIDR notation.
func Networks(list []*net.IPNet) []string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = n.String()
	}
	return texts
}

// purposesOf returns the extended key usages of a certificate, in its order.
func purposesOf(certificate *x509.Certificate) []asn1.ObjectIdentifier {
	e := extension(certificate, "extKeyUsage")
	if e == nil {
		return nil
	}
	var purposes []asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(e.Value, &purposes); err != nil {
		return nil
	}
	return purposes
}

func hasPurpose(certificate *x509.Certificate, purpose asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(purposesOf(certificate), purpose.Equal)
}

// purposeNames are RFC 5280 4.2.1.12's.
var purposeNames = map[string]string{
	"2.5.29.37.0":       "any",
	"1.3.6.1.5.5.7.3.1": "serverAuth",
	"1.3.6.1.5.5.7.3.2": "clientAuth",
	"1.3.6.1.5.5.7.3.3": "codeSigning",
	"1.3.6.1.5.5.7.3.4": "emailProtection",
	"1.3.6.1.5.5.7.3.8": "timeStamping",
	"1.3.6.1.5.5.7.3.9": "OCSPSigning",
}

func purposeText(purpose asn1.ObjectIdentifier) string {
	return cmp.Or(purposeNames[purpose.String()], purpose.String())
}

// keyUsageText names the bits of a key usage as RFC 5280 4.2.1.3 does.
func keyUsageText(usage x509.KeyUsage) string {
	names := []string{"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment",
		"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}
	var set []string
	for i, name := range names {
		if usage&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return cmp.Or(strings.Join(set, ", "), "none")
}
