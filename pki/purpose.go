package pki

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
)

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
