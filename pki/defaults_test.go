package pki_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	tsa "github.com/sigstore/timestamp-authority/v2/pkg/x509"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/templates"
)

func TestDefaults_LintHasNoErrorAndZlintNoFinding(t *testing.T) {
	for profile, a := range defaults(t) {
		for _, f := range linter.Findings(a.certificate, a.chain[1:], profile) {
			ours := slices.Contains([]string{"ca-any-purpose", "ca-any-name", "spec-fulcio-crl-sign", "tsa-hash"}, f.ID)
			if !ours || f.Severity == lint.Error {
				t.Errorf("%s: %s", profile, f)
			}
		}
	}
}

func TestDefaults_GoVerifies(t *testing.T) {
	all := defaults(t)
	for profile, usage := range map[string]x509.ExtKeyUsage{
		pki.ProfileFulcioCA: x509.ExtKeyUsageCodeSigning,
		pki.ProfileTSA:      x509.ExtKeyUsageTimeStamping,
		pki.ProfileTSALeaf:  x509.ExtKeyUsageTimeStamping,
		pki.ProfileSPIFFECA: x509.ExtKeyUsageAny,
	} {
		a := all[profile]
		roots, middle := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(a.chain[len(a.chain)-1])
		for _, c := range a.chain[1:] {
			middle.AddCert(c)
		}
		_, err := a.certificate.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: middle, CurrentTime: a.certificate.NotAfter, KeyUsages: []x509.ExtKeyUsage{usage},
		})
		if err != nil {
			t.Errorf("%s: %v", profile, err)
		}
	}
}

func TestDefaults_TimestampAuthorityAccepts(t *testing.T) {
	// the server judges by the clock of its host
	now := time.Now().UTC().Truncate(time.Second)
	today := func(s *pki.Spec) { s.NotBefore, s.NotAfter = now, now.AddDate(1, 0, 0) }
	root := issue(t, pki.ProfileRoot, "Root CA", nil, today)
	stamping := issue(t, pki.ProfileTSACA, "TSA CA", root, today)
	for _, a := range []*authority{
		issue(t, pki.ProfileTSA, "TSA", root, today),
		issue(t, pki.ProfileTSALeaf, "TSA Leaf", stamping, today),
	} {
		if err := tsa.VerifyCertChain(a.chain, a.key, true); err != nil {
			t.Errorf("%s: %v", a.certificate.Subject, err)
		}
	}
	if err := tsa.VerifyCertChain(stamping.chain, stamping.key, true); err == nil {
		t.Error("timestamp-authority accepts a CA as its own certificate: this test proves nothing")
	}
}

func TestDefaults_OpenSSLVerifies(t *testing.T) {
	needs.Program(t, "openssl")
	dir := t.TempDir()
	write := func(name string, certificates ...*x509.Certificate) string {
		data, err := pki.EncodeCertificates(certificates)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for profile, a := range defaults(t) {
		root := write("root.pem", a.chain[len(a.chain)-1])
		args := []string{"verify", "-x509_strict", "-check_ss_sig", "-attime", "1800000000", "-CAfile", root}
		if len(a.chain) > 2 {
			args = append(args, "-untrusted", write("middle.pem", a.chain[1:len(a.chain)-1]...))
		}
		if profile == pki.ProfileTSA || profile == pki.ProfileTSALeaf {
			args = append(args, "-purpose", "timestampsign")
		}
		out, err := exec.Command("openssl", append(args, write("leaf.pem", a.certificate))...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: openssl: %v: %s", profile, err, out)
		}
	}
}

func TestDefaults_KeyIdentifiers(t *testing.T) {
	for profile, a := range defaults(t) {
		var spki struct {
			Algorithm asn1.RawValue
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(a.certificate.RawSubjectPublicKeyInfo, &spki); err != nil {
			t.Fatal(err)
		}
		if sum := sha1.Sum(spki.Key.Bytes); !bytes.Equal(a.certificate.SubjectKeyId, sum[:]) {
			t.Errorf("%s: subject key identifier %x is not the SHA-1 of the bit string", profile, a.certificate.SubjectKeyId)
		}
		switch {
		case profile == pki.ProfileRoot && len(a.certificate.AuthorityKeyId) != 0:
			t.Error("the root has an authority key identifier")
		case profile != pki.ProfileRoot && !bytes.Equal(a.certificate.AuthorityKeyId, a.chain[1].SubjectKeyId):
			t.Errorf("%s: the authority key identifier is not the issuer's", profile)
		}
	}
}

func TestDefaults_EveryProfileHasATemplateAndIsListed(t *testing.T) {
	entries, err := templates.FS.ReadDir("profiles")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		files = append(files, e.Name())
	}
	var want []string
	for _, profile := range pki.Profiles() {
		want = append(want, profile+".tpl")
		if _, err := pki.Defaults(profile); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Errorf("templates are %v, want %v", files, want)
	}
	if _, err := pki.Defaults("web-server"); err == nil {
		t.Error("an unknown profile has defaults")
	}
}
