package lint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"

	"github.com/linnemanlabs/trustroot/pki"
)

// fulcio holds for the CA that Fulcio issues from.
func (s *subject) fulcio() {
	if s.profile != pki.ProfileFulcioCA {
		return
	}
	client := []string{fulcio}
	if !s.IsCA {
		s.add("fulcio-ca", Error, "template", client, "Fulcio's certificate is not that of a CA")
	}
	if s.KeyUsage&x509.KeyUsageCertSign == 0 {
		s.add("fulcio-cert-sign", Error, "template", client, "key usage lacks keyCertSign: Fulcio starts and fails at its first issuance")
	}
	if !has(s.Certificate, x509.ExtKeyUsageCodeSigning) {
		s.add("fulcio-code-signing", Error, "template", client, "the extended key usage codeSigning is missing: Fulcio refuses its chain at the start")
	}
	if purposes(s.Certificate) > 1 {
		s.fail("spec-fulcio-eku", "template", "Fulcio's CA has the extended key usage codeSigning and no other (%s)", specification)
	}
	if s.critical(2, 5, 29, 37) {
		s.add("fulcio-eku-critical", Warning, "ext_key_usage_critical", []string{sigstorePython},
			"the extended key usage is critical: sigstore-python refuses such a CA")
	}
	if !s.MaxPathLenZero {
		s.add("spec-fulcio-path-len", Warning, "path_len", nil, "Fulcio's CA should have path_len 0, so that it issues no further CA (%s)", specification)
	}
	if s.KeyUsage&x509.KeyUsageCRLSign == 0 {
		s.add("spec-fulcio-crl-sign", Note, "template", nil,
			"%s asks for cRLSign as well; Fulcio signs no CRL and no client asks for it", specification)
	}
}

// timestamping holds for time-stamping authorities and the CAs over them.
func (s *subject) timestamping() {
	client := []string{timestampAuth}
	if s.profile == pki.ProfileTSACA {
		if !has(s.Certificate, x509.ExtKeyUsageTimeStamping) {
			s.add("tsa-ca-eku", Error, "template", client, "the extended key usage timeStamping is missing: a CA between authority and root needs it")
		}
		if s.critical(2, 5, 29, 37) {
			s.add("tsa-ca-eku-critical", Note, "ext_key_usage_critical", nil,
				"the extended key usage of a CA is critical: sigstore-python refuses that on Fulcio's CA")
		}
		return
	}
	if s.profile != pki.ProfileTSA && s.profile != pki.ProfileTSALeaf {
		return
	}
	if len(s.chain) == 0 {
		s.add("tsa-alone", Error, "issuer", client, "a chain of one certificate is refused: the authority needs an issuer")
	}
	if s.IsCA {
		s.add("tsa-is-ca", Error, "template", client, "a time-stamping authority's certificate is that of a CA")
	}
	if !has(s.Certificate, x509.ExtKeyUsageTimeStamping) || purposes(s.Certificate) != 1 {
		s.add("tsa-eku", Error, "template", client, "the extended key usage is not timeStamping alone (RFC 3161 2.3)")
	}
	if !s.critical(2, 5, 29, 37) {
		s.add("tsa-eku-critical", Error, "ext_key_usage_critical", client, "the extended key usage is not critical (RFC 3161 2.3)")
	}
	for i, issuer := range s.chain {
		if i < len(s.chain)-1 && !has(issuer, x509.ExtKeyUsageTimeStamping) {
			s.add("tsa-intermediate-eku", Error, "issuer", client, "%s lacks the extended key usage timeStamping", issuer.Subject)
		}
	}
	if key, ok := s.PublicKey.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P384() {
		s.add("tsa-hash", Note, "algorithm", client,
			"a P-384 key needs --timestamp-signer-hash=sha384: without it the server starts and answers every request with status 500")
	}
}

// power says what an authority could do beyond what it is for.
func (s *subject) power() {
	if !s.IsCA || s.profile == pki.ProfileRoot {
		return
	}
	if purposes(s.Certificate) == 0 || has(s.Certificate, x509.ExtKeyUsageAny) {
		s.add("ca-any-purpose", Warning, "template", nil,
			"without an extended key usage this authority can issue code-signing and time-stamping certificates that chain to the root")
	}
	constrained := s.extension(2, 5, 29, 30) != nil
	for _, issuer := range s.chain {
		constrained = constrained || (&subject{Certificate: issuer}).extension(2, 5, 29, 30) != nil
	}
	if !constrained {
		s.add("ca-any-name", Note, "name_constraints", nil, "no name constraint limits the names that this authority can certify")
	}
}
