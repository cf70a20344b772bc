package lint

import (
	"bytes"
	"crypto/x509"

	"github.com/linnemanlabs/trustroot/pki"
)

// general holds for every certificate, whatever its profile.
func (s *subject) general() {
	if s.Subject.CommonName == "" || len(s.Subject.Organization) == 0 || s.Subject.Organization[0] == "" {
		s.fail("spec-subject", "subject", "the subject lacks a common name or an organization (%s)", specification)
	}
	if _, err := pki.CheckKey(s.PublicKey); err != nil {
		s.fail("key", "algorithm", "%v", err)
	}
	if err := pki.CheckSerial(s.SerialNumber); err != nil {
		s.fail("serial", "", "%v", err)
	}
	if e := s.extension(2, 5, 29, 19); e == nil || !e.Critical {
		s.add("basic-constraints-critical", Error, "template", []string{sigstorePython}, "basic constraints are missing or not critical")
	}
	if s.KeyUsage == 0 || !s.critical(2, 5, 29, 15) {
		s.fail("key-usage-critical", "template", "key usage is missing or not critical (RFC 5280 4.2.1.3)")
	}
	for _, issuer := range s.chain {
		if s.NotBefore.Before(issuer.NotBefore) || s.NotAfter.After(issuer.NotAfter) {
			s.fail("spec-validity", "validity", "the validity is not nested in that of %s (%s)", issuer.Subject, specification)
		}
		limited := issuer.MaxPathLen > 0 || issuer.MaxPathLenZero
		if s.IsCA && limited && s.MaxPathLen >= issuer.MaxPathLen {
			s.add("path-len-idle", Warning, "path_len", nil,
				"path_len %d promises more than path_len %d of %s allows", s.MaxPathLen, issuer.MaxPathLen, issuer.Subject)
		}
	}
}

// keyIDs holds for every certificate: how verifiers find its issuer.
func (s *subject) keyIDs() {
	if len(s.SubjectKeyId) == 0 {
		s.fail("spec-subject-key-id", "template", "the subject key identifier is missing (%s)", specification)
	}
	if len(s.chain) == 0 {
		return
	}
	issuer := s.chain[0]
	if len(s.AuthorityKeyId) == 0 || !bytes.Equal(s.AuthorityKeyId, issuer.SubjectKeyId) {
		s.fail("spec-authority-key-id", "template", "the authority key identifier is not the issuer's subject key identifier (%s)", specification)
	}
	if !bytes.Equal(s.RawIssuer, issuer.RawSubject) {
		s.fail("spec-issuer", "issuer", "the issuer is not named as %s names itself (%s)", issuer.Subject, specification)
	}
}

// root holds for a certificate that signs itself.
func (s *subject) root() {
	if s.profile != pki.ProfileRoot {
		return
	}
	if !s.IsCA {
		s.fail("spec-root-ca", "template", "a root is a CA (%s)", specification)
	}
	if s.MaxPathLenZero {
		s.add("root-path-len-zero", Error, "path_len", []string{sigstorePython}, "a root with path_len 0 leaves no room for an authority under it")
	}
	if purposes(s.Certificate) > 0 {
		s.fail("spec-root-eku", "template", "a root has no extended key usage (%s)", specification)
	}
	if s.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		s.fail("spec-root-key-usage", "template", "a root has the key usages keyCertSign and cRLSign and no other (%s)", specification)
	}
}
