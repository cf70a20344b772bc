package pki_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

func crlSpec(root *authority, revoked ...pki.Revoked) pki.CRLSpec {
	return pki.CRLSpec{Issuer: root.certificate, Number: 7, ThisUpdate: notBefore, NextUpdate: notBefore.AddDate(100, 0, 0), Revoked: revoked}
}

func issueCRL(t *testing.T, root *authority, revoked ...pki.Revoked) *x509.RevocationList {
	t.Helper()
	p, err := pki.PrepareCRL(crlSpec(root, revoked...), linter)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := p.Issue(root.key)
	if err != nil {
		t.Fatal(err)
	}
	return crl
}

func writePEM(t *testing.T, kind string, blocks ...[]byte) string {
	t.Helper()
	var text []byte
	for _, der := range blocks {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// opensslVerify asks openssl about a certificate with the root's CRL.
func opensslVerify(t *testing.T, root, leaf *authority, crl []byte) (string, error) {
	t.Helper()
	needs.Program(t, "openssl")
	out, err := exec.CommandContext(t.Context(), "openssl", "verify", "-crl_check_all", "-attime", "1800000000",
		"-CAfile", writePEM(t, "CERTIFICATE", root.certificate.Raw), "-CRLfile", writePEM(t, "X509 CRL", crl),
		writePEM(t, "CERTIFICATE", leaf.certificate.Raw)).CombinedOutput()
	return string(out), err
}

func TestCRL_OpenSSLAcceptsWhatIsNotRevokedAndRefusesWhatIs(t *testing.T) {
	made := defaults(t)
	root, fulcio, tsa := made[pki.ProfileRoot], made[pki.ProfileFulcioCA], made[pki.ProfileTSA]
	empty := issueCRL(t, root)
	for _, leaf := range []*authority{fulcio, tsa} {
		if out, err := opensslVerify(t, root, leaf, empty.Raw); err != nil {
			t.Errorf("openssl refuses %s under an empty CRL: %s", leaf.certificate.Subject, out)
		}
	}
	revoked := issueCRL(t, root, pki.Revoked{Serial: fulcio.certificate.SerialNumber, At: notBefore, Reason: pki.ReasonKeyCompromise})
	if out, err := opensslVerify(t, root, fulcio, revoked.Raw); err == nil || !strings.Contains(out, "revoked") {
		t.Errorf("openssl accepts a revoked CA: %s", out)
	}
	if out, err := opensslVerify(t, root, tsa, revoked.Raw); err != nil {
		t.Errorf("openssl refuses the TSA beside a revoked CA: %s", out)
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "crl", "-verify", "-noout", "-CAfile", writePEM(t, "CERTIFICATE", root.certificate.Raw),
		"-in", writePEM(t, "X509 CRL", revoked.Raw)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verify OK") {
		t.Errorf("openssl crl -verify: %s %v", out, err)
	}
	if all := revoked.RevokedCertificateEntries; len(all) != 1 || all[0].SerialNumber.Cmp(fulcio.certificate.SerialNumber) != 0 || !all[0].RevocationTime.Equal(notBefore) || all[0].ReasonCode != pki.ReasonKeyCompromise {
		t.Errorf("revoked are %v", all)
	}
}

// the fact behind having no distribution point in a CRL.
func TestCRL_OnlyCACertificatesBreaksTheTSAAndIsRefused(t *testing.T) {
	made := defaults(t)
	root, tsa := made[pki.ProfileRoot], made[pki.ProfileTSA]
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: notBefore, NextUpdate: notBefore.AddDate(100, 0, 0),
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0x03, 0x82, 0x01, 0xff}}},
	}, root.certificate, root.key)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := pki.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	if !pki.OnlyCACertificates(crl) || pki.OnlyCACertificates(issueCRL(t, root)) {
		t.Error("OnlyCACertificates does not tell the two apart")
	}
	if err := linter.LintCRL(crl, root.certificate); err == nil || !strings.Contains(err.Error(), "onlyContainsCACerts") {
		t.Errorf("LintCRL: %v", err)
	}
	if out, err := opensslVerify(t, root, tsa, der); err == nil {
		t.Errorf("openssl accepts the TSA: %s", out)
	}
}

func TestPrepareCRL_Refusals(t *testing.T) {
	made := defaults(t)
	root := made[pki.ProfileRoot]
	serial := made[pki.ProfileFulcioCA].certificate.SerialNumber
	ok := pki.Revoked{Serial: serial, At: notBefore, Reason: pki.ReasonSuperseded}
	for name, change := range map[string]func(*pki.CRLSpec){
		"is not positive": func(s *pki.CRLSpec) { s.Number = 0 },
		"is not after":    func(s *pki.CRLSpec) { s.NextUpdate = s.ThisUpdate },
		"revoked twice":   func(s *pki.CRLSpec) { s.Revoked = []pki.Revoked{ok, ok} },
		"after this update": func(s *pki.CRLSpec) {
			s.Revoked = []pki.Revoked{{Serial: serial, At: notBefore.Add(time.Second), Reason: 1}}
		},
		"is none that":           func(s *pki.CRLSpec) { s.Revoked = []pki.Revoked{{Serial: serial, At: notBefore, Reason: 6}} },
		"may sign CRLs":          func(s *pki.CRLSpec) { s.Issuer = made[pki.ProfileTSA].certificate },
		"before the certificate": func(s *pki.CRLSpec) { s.ThisUpdate = notBefore.Add(-time.Second) },
	} {
		spec := crlSpec(root, ok)
		change(&spec)
		if _, err := pki.PrepareCRL(spec, linter); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCRL_IssuesOnceWithItsIssuersKey(t *testing.T) {
	root := defaults(t)[pki.ProfileRoot]
	p, err := pki.PrepareCRL(crlSpec(root), linter)
	if err != nil {
		t.Fatal(err)
	}
	other := testpki.Key(t, elliptic.P384())
	if _, err := p.Issue(other); err == nil {
		t.Error("another key signed")
	}
	if _, err := p.Issue(root.key); err != nil {
		t.Error(err)
	}
	if _, err := p.Issue(root.key); err == nil {
		t.Error("issued twice")
	}
	if _, err := pki.ReprepareCRL(p.TBS(), crlSpec(root), linter); err != nil {
		t.Error(err)
	}
	changed := crlSpec(root)
	changed.Number = 8
	if _, err := pki.ReprepareCRL(p.TBS(), changed, linter); err == nil {
		t.Error("other bytes were taken up")
	}
}

// FuzzParseCRL: whatever is read is bounded and parses again from its own bytes.
func FuzzParseCRL(f *testing.F) {
	f.Add([]byte("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		crl, err := pki.ParseCRL(data)
		if err != nil {
			return
		}
		pki.OnlyCACertificates(crl)
		if _, err := pki.ParseCRL(crl.Raw); err != nil {
			t.Errorf("read once, not again: %v", err)
		}
	})
}
