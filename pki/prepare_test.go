package pki_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

func TestPrepare_RefusesTSAWithTwoPurposes(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec := newSpec(t, pki.ProfileTSA, "TSA", root)
	// id-kp-timeStamping and id-kp-codeSigning, critical
	spec.Settings.Template = `{"extensions": [{"id": "2.5.29.37", "critical": true,
		"value": "{{ asn1Seq (asn1Enc "oid:1.3.6.1.5.5.7.3.8") (asn1Enc "oid:1.3.6.1.5.5.7.3.3") }}"}]}`
	refused(t, spec, root.chain, "template", "2 extended key usages", "timestamp-authority")
}

func TestPrepare_RefusesTSAWhosePurposeIsNotCritical(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	no := false
	for _, profile := range []string{pki.ProfileTSA, pki.ProfileTSALeaf} {
		spec := newSpec(t, profile, "TSA", root)
		chain := root.chain
		if profile == pki.ProfileTSALeaf {
			stamping := issue(t, pki.ProfileTSACA, "TSA CA", root, nil)
			spec.Issuer, chain = stamping.certificate, stamping.chain
		}
		spec.Settings.ExtKeyUsageCritical = &no
		refused(t, spec, chain, "ext_key_usage_critical", "critical", "RFC 3161")
	}
}

func TestPrepare_RefusesFulcioWithoutCodeSigning(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec := newSpec(t, pki.ProfileFulcioCA, "Fulcio CA", root)
	spec.Settings.Template = `{"extKeyUsage": ["serverAuth"]}`
	refused(t, spec, root.chain, "template", "codeSigning", "Fulcio refuses")
	spec.Settings.Template = `{"extKeyUsage": []}`
	refused(t, spec, root.chain, "template", "codeSigning", "missing")
}

func TestPrepare_RefusesRootWithPathLenZero(t *testing.T) {
	zero := 0
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.Settings.PathLen = &zero
	refused(t, spec, nil, "path_len", "sigstore-python")
}

func TestPrepare_RefusesAnAuthorityThatTheIssuerHasNoRoomFor(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	fulcio := issue(t, pki.ProfileFulcioCA, "Fulcio CA", root, nil)
	spec := newSpec(t, pki.ProfileFulcioCA, "Second Fulcio CA", fulcio)
	refused(t, spec, fulcio.chain, "issuer", "path_len 0", "Example Fulcio CA")

	// a root that another program made with path length 0
	key := testpki.FixedKey(t, elliptic.P384(), "foreign root")
	template := &x509.Certificate{
		RawSubject: root.certificate.RawSubject, SerialNumber: big.NewInt(1),
		NotBefore: notBefore, NotAfter: root.certificate.NotAfter,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	foreign := testpki.Certify(t, template, template, key.Public(), key)
	spec = newSpec(t, pki.ProfileFulcioCA, "Fulcio CA", &authority{certificate: foreign})
	refused(t, spec, []*x509.Certificate{foreign}, "issuer", "path_len 0", "no room")
}

func TestPrepare_RefusesValidityThatLeavesTheIssuers(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec := newSpec(t, pki.ProfileTSA, "TSA", root)
	spec.NotAfter = root.certificate.NotAfter.Add(time.Second)
	refused(t, spec, root.chain, "validity", "outlives", "Example Root CA")
	spec = newSpec(t, pki.ProfileTSA, "TSA", root)
	spec.NotBefore = root.certificate.NotBefore.Add(-time.Second)
	refused(t, spec, root.chain, "validity", "before that of its issuer")

	// the last instant is the issuer's own: notAfter is inclusive
	spec = newSpec(t, pki.ProfileTSA, "TSA", root)
	spec.NotAfter = root.certificate.NotAfter
	if _, err := pki.Prepare(spec, root.chain, linter); err != nil {
		t.Error(err)
	}
}

func TestPrepare_RefusesImpossibleDates(t *testing.T) {
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.NotAfter = spec.NotBefore
	refused(t, spec, nil, "validity", "before it begins")
	spec.NotAfter = time.Time{}
	refused(t, spec, nil, "validity", "missing")
	spec.NotAfter = notBefore.Add(time.Hour + time.Nanosecond)
	refused(t, spec, nil, "validity", "whole seconds")
	spec.NotAfter = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	refused(t, spec, nil, "validity", "years")
}

func TestPrepare_RefusesKeys(t *testing.T) {
	long := testpki.RSA(t)
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.PublicKey = long.Public()
	refused(t, spec, nil, "algorithm", "RSA", "2048")
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P521()} {
		key := testpki.Key(t, curve)
		spec.PublicKey = key.Public()
		refused(t, spec, nil, "algorithm", curve.Params().Name)
	}
	spec.PublicKey = nil
	refused(t, spec, nil, "algorithm", "missing")
}

func TestPrepare_RefusesSerials(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec := newSpec(t, pki.ProfileTSA, "TSA", root)
	for serial, word := range map[*big.Int]string{
		nil:                                  "missing",
		big.NewInt(0):                        "positive",
		big.NewInt(-1):                       "positive",
		big.NewInt(12345):                    "64 bits",
		new(big.Int).Lsh(big.NewInt(1), 159): "20 octets",
	} {
		spec.Serial = serial
		refused(t, spec, root.chain, "", word)
	}
	spec.Serial = root.certificate.SerialNumber
	refused(t, spec, root.chain, "", "one serial number serves one certificate")
}

func TestPrepare_RefusesSubjects(t *testing.T) {
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	spec.Subject = pki.Subject{CommonName: "Root"}
	refused(t, spec, nil, "subject.organization", "empty")
	spec.Subject = pki.Subject{Organization: "Bücher", CommonName: "Root", Encoding: "printable"}
	refused(t, spec, nil, "subject.organization", "PrintableString")
	spec.Subject = pki.Subject{Organization: "a", CommonName: "b\x00", Encoding: "utf8"}
	refused(t, spec, nil, "subject.common_name", "control")
	spec.Subject = pki.Subject{Organization: "a", CommonName: strings.Repeat("b", 65)}
	refused(t, spec, nil, "subject.common_name", "64")
	spec.Subject = pki.Subject{Organization: "a", CommonName: "b", Encoding: "bmp"}
	refused(t, spec, nil, "subject.encoding", "bmp")

	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec = newSpec(t, pki.ProfileFulcioCA, "Fulcio CA", root)
	spec.Subject.CommonName = "Example Root CA"
	refused(t, spec, root.chain, "subject", "issuer's own")
}

func TestPrepare_RefusesIssuers(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	other := issue(t, pki.ProfileRoot, "Other Root CA", nil, nil)
	fulcio := issue(t, pki.ProfileFulcioCA, "Fulcio CA", root, nil)
	stamping := issue(t, pki.ProfileTSA, "TSA", root, nil)

	spec := newSpec(t, pki.ProfileRoot, "Root CA", root)
	refused(t, spec, root.chain, "issuer", "signs itself")
	spec = newSpec(t, pki.ProfileTSA, "TSA", nil)
	refused(t, spec, nil, "issuer", "needs an issuer")
	spec = newSpec(t, pki.ProfileTSA, "TSA", root)
	refused(t, spec, other.chain, "issuer", "does not begin with the issuer")
	refused(t, spec, nil, "issuer", "does not begin with the issuer")
	spec = newSpec(t, pki.ProfileTSA, "TSA", fulcio)
	refused(t, spec, []*x509.Certificate{fulcio.certificate, other.certificate}, "issuer", "not signed by")
	refused(t, spec, fulcio.chain, "issuer", "lacks the extended key usage")
	spec = newSpec(t, pki.ProfileTSA, "TSA", stamping)
	refused(t, spec, stamping.chain, "issuer", "may not sign certificates")
	spec = newSpec(t, pki.ProfileTSALeaf, "TSA", root)
	refused(t, spec, root.chain, "issuer", "tsa-ca")
}

func TestPrepare_RefusesNamesThatTheIssuerForbids(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, func(s *pki.Spec) {
		s.Settings.NameConstraints = &pki.NameConstraints{Permitted: pki.Subtrees{URI: []string{"example.org"}}}
	})
	spec := newSpec(t, pki.ProfileSPIFFECA, "SPIRE CA", root)
	spec.Settings.URIs = []string{"spiffe://example.com"}
	_, err := pki.Prepare(spec, root.chain, linter)
	if err == nil || !strings.Contains(err.Error(), "verifiers would refuse it") || !strings.Contains(err.Error(), "example.com") {
		t.Errorf("got %v", err)
	}
	spec.Settings.URIs = []string{"spiffe://example.org"}
	if _, err := pki.Prepare(spec, root.chain, linter); err != nil {
		t.Error(err)
	}
}

func TestPrepare_RefusesTrustDomains(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	for _, uris := range [][]string{{"https://example.org"}, {"spiffe://example.org/server"}, {"spiffe://example.org", "spiffe://example.com"}} {
		spec := newSpec(t, pki.ProfileSPIFFECA, "SPIRE CA", root)
		spec.Settings.URIs = uris
		refused(t, spec, root.chain, "uris")
	}
}

func TestPrepare_ReportsEveryProblemAtOnce(t *testing.T) {
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	spec := newSpec(t, pki.ProfileTSA, "TSA", root)
	spec.Subject.Organization, spec.Serial = "", nil
	spec.NotAfter = root.certificate.NotAfter.AddDate(1, 0, 0)
	_, err := pki.Prepare(spec, root.chain, linter)
	if got := len(pki.Problems(err)); got != 3 {
		t.Errorf("%d problems, want 3: %v", got, err)
	}
}

type failingLinter struct{}

func (failingLinter) Lint(*x509.Certificate, []*x509.Certificate) error {
	return errors.New("it is ugly")
}

func TestPrepare_NeedsALinterThatAgrees(t *testing.T) {
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	if _, err := pki.Prepare(spec, nil, nil); err == nil {
		t.Error("prepared without a linter")
	}
	if _, err := pki.Prepare(spec, nil, failingLinter{}); err == nil || !strings.Contains(err.Error(), "it is ugly") {
		t.Errorf("got %v", err)
	}
}
