package trustedroot

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

var (
	extEKU              = asn1.ObjectIdentifier{2, 5, 29, 37}
	extBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
)

// critical reports whether a certificate has an extension and marks it so.
func critical(c *x509.Certificate, id asn1.ObjectIdentifier) (present, marked bool) {
	i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
	return i >= 0, i >= 0 && c.Extensions[i].Critical
}

// fulcioChain judges the certificates of a Fulcio CA (Sigstore's certificate
// specification, and what clients enforce beyond it).
func (l *linter) fulcioChain(path string, chain []*x509.Certificate) {
	first := chain[0]
	at := certPath(path, 0)
	if !first.IsCA {
		l.add(ruleNotCA, at, "The first certificate is not a CA: it cannot have issued signing certificates", "Write the certificate whose key Fulcio signs with first")
		return
	}
	if first.KeyUsage != 0 && first.KeyUsage&x509.KeyUsageCertSign == 0 {
		l.add(ruleKeyUsage, at, "The first certificate's key usage does not allow signing certificates", "Issue a Fulcio CA with keyCertSign and a new generation")
	}
	present, marked := critical(first, extEKU)
	switch {
	case !present && len(chain) > 1:
		l.add(ruleFulcioNoEKU, at, "The Fulcio CA has no extended key usage: its certificates may serve for anything", "Issue the next generation with codeSigning")
	case present && !slices.Contains(first.ExtKeyUsage, x509.ExtKeyUsageCodeSigning) && allows(first, x509.ExtKeyUsageCodeSigning):
		l.add(ruleFulcioAnyEKU, at, "The Fulcio CA's extended key usage is anyExtendedKeyUsage without codeSigning: Fulcio does not start with it", "Issue a Fulcio CA with codeSigning and a new generation")
	case present && !allows(first, x509.ExtKeyUsageCodeSigning):
		l.add(ruleFulcioEKU, at, "The Fulcio CA's extended key usage does not allow code signing", "Issue a Fulcio CA with codeSigning and a new generation")
	case marked:
		l.add(ruleFulcioEKUCr, at, "The Fulcio CA's extended key usage is critical", "Issue the next generation with a non-critical one")
	}
	caChain(l, path, chain, 0)
}

// tsaChain judges the certificates of a timestamp authority (RFC 3161 2.3).
func (l *linter) tsaChain(path string, chain []*x509.Certificate) {
	leaf := chain[0]
	at := certPath(path, 0)
	if leaf.IsCA {
		l.add(ruleTSALeaf, at, "The chain begins with a CA: the certificate that signs timestamps is missing", "Write the time-stamping certificate first")
		return
	}
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		l.add(ruleKeyUsageTSA, at, "The time-stamping certificate's key usage lacks digitalSignature", "Issue the next generation with digitalSignature")
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(leaf.UnknownExtKeyUsage) > 0 {
		l.add(ruleTSAEKU, at, "The time-stamping certificate's extended key usage is not timeStamping alone", "Issue a TSA certificate with timeStamping only and a new generation")
	} else if _, marked := critical(leaf, extEKU); !marked {
		l.add(ruleTSAEKUCr, at, "The time-stamping certificate's extended key usage is not critical", "Issue a TSA certificate with a critical one and a new generation")
	}
	for i := 1; i < len(chain)-1; i++ {
		switch present, _ := critical(chain[i], extEKU); {
		case !present:
			l.add(ruleUnrestricted, certPath(path, i), "The intermediate has no extended key usage: the TSA server refuses to start with it", "Issue the next generation with timeStamping")
		case !allows(chain[i], x509.ExtKeyUsageTimeStamping):
			l.add(ruleTSAEKU, certPath(path, i), "The intermediate's extended key usage does not allow time stamping", "Issue an intermediate with timeStamping and a new generation")
		}
	}
	caChain(l, path, chain, 1)
}

func allows(c *x509.Certificate, usage x509.ExtKeyUsage) bool {
	return slices.Contains(c.ExtKeyUsage, usage) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// caChain judges what the CAs of any chain have in common. The first CA stands
// at index from.
func caChain(l *linter, path string, chain []*x509.Certificate, from int) {
	for i := from; i < len(chain); i++ {
		c, at := chain[i], certPath(path, i)
		below := i - from // CAs between this one and the certificates that people sign with
		if c.MaxPathLen >= 0 && (c.MaxPathLen > 0 || c.MaxPathLenZero) && c.MaxPathLen < below {
			l.add(rulePathLen, at, fmt.Sprintf("The path length is %d and %d CAs follow below", c.MaxPathLen, below), "Issue a certificate with room for them and a new generation")
		}
		if present, marked := critical(c, extBasicConstraints); present && !marked {
			l.add(ruleBasic, at, "The basic constraints are not critical", "Issue the next generation with critical basic constraints (RFC 5280 4.2.1.9)")
		}
		if dotted := slices.IndexFunc(c.PermittedDNSDomains, func(name string) bool { return strings.HasPrefix(name, ".") }); dotted >= 0 {
			l.add(ruleConstraints, at, fmt.Sprintf("The name constraint %q of %q begins with a dot: of certificates with DNS names it excludes the domain itself, and some libraries call it malformed for them; URI and e-mail names, as Fulcio writes them, are not affected", c.PermittedDNSDomains[dotted], c.Subject.CommonName), "Nothing, unless certificates with DNS names are issued below: then constrain the next generation to the domain without the dot")
		}
		if i == len(chain)-1 && i > 0 {
			if present, _ := critical(c, extEKU); present {
				l.add(ruleRootEKU, at, "The root has an extended key usage, which limits everything below", "Make the next root without one")
			}
		}
	}
}
