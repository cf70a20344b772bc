package pki_test

import (
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

// linter is shared: zlint's registry is built once.
var linter = lint.New()

// notBefore is when everything in these tests begins.
var notBefore = time.Date(2026, 5, 24, 18, 0, 0, 0, time.UTC)

// authority is a certificate with its key and its issuers.
type authority struct {
	key         testpki.Fixed
	certificate *x509.Certificate
	chain       []*x509.Certificate // with itself, root last
}

// newSpec describes a certificate of a profile under an issuer, nil for none,
// with a fixed key on P-384.
func newSpec(t testing.TB, profile, name string, issuer *authority) pki.Spec {
	t.Helper()
	digest := sha512.Sum512([]byte("serial of " + name))
	spec := pki.Spec{
		Profile:   profile,
		Subject:   pki.Subject{Organization: "example.org", CommonName: "Example " + name},
		PublicKey: testpki.FixedKey(t, elliptic.P384(), name).Public(),
		Serial:    new(big.Int).SetBytes(append([]byte{0x40}, digest[:19]...)),
		NotBefore: notBefore,
		NotAfter:  pki.Validity{Years: 3}.NotAfter(notBefore),
	}
	if profile == pki.ProfileRoot {
		spec.NotAfter = pki.Validity{Years: 10}.NotAfter(notBefore)
	}
	if issuer != nil {
		spec.Issuer = issuer.certificate
	}
	return spec
}

func chainOf(issuer *authority) []*x509.Certificate {
	if issuer == nil {
		return nil
	}
	return issuer.chain
}

// issue prepares and issues what newSpec describes, after change.
func issue(t testing.TB, profile, name string, issuer *authority, change func(*pki.Spec)) *authority {
	t.Helper()
	spec := newSpec(t, profile, name, issuer)
	if change != nil {
		change(&spec)
	}
	prepared, err := pki.Prepare(spec, chainOf(issuer), linter)
	if err != nil {
		t.Fatal(err)
	}
	key := testpki.FixedKey(t, elliptic.P384(), name)
	signer := key
	if issuer != nil {
		signer = issuer.key
	}
	certificate, err := prepared.Issue(signer)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, certificate, append([]*x509.Certificate{certificate}, chainOf(issuer)...)}
}

// defaults issues one certificate of every profile with nothing but names, by
// profile.
func defaults(t testing.TB) map[string]*authority {
	t.Helper()
	root := issue(t, pki.ProfileRoot, "Root CA", nil, nil)
	stamping := issue(t, pki.ProfileTSACA, "TSA CA", root, nil)
	return map[string]*authority{
		pki.ProfileRoot:     root,
		pki.ProfileFulcioCA: issue(t, pki.ProfileFulcioCA, "Fulcio CA", root, nil),
		pki.ProfileTSA:      issue(t, pki.ProfileTSA, "TSA", root, nil),
		pki.ProfileTSACA:    stamping,
		pki.ProfileTSALeaf:  issue(t, pki.ProfileTSALeaf, "TSA Leaf", stamping, nil),
		pki.ProfileSPIFFECA: issue(t, pki.ProfileSPIFFECA, "SPIRE CA", root, func(s *pki.Spec) {
			s.Settings.URIs = []string{"spiffe://example.org"}
		}),
	}
}

// refused expects Prepare to refuse with a problem of that field whose reason
// holds every word.
func refused(t *testing.T, spec pki.Spec, chain []*x509.Certificate, field string, words ...string) {
	t.Helper()
	_, err := pki.Prepare(spec, chain, linter)
	if err == nil {
		t.Errorf("a %s certificate was prepared, want a problem with %q", spec.Profile, field)
		return
	}
	for _, p := range pki.Problems(err) {
		if p.Field == field && containsAll(p.Reason, words) {
			return
		}
	}
	t.Errorf("got %v\nwant a problem with %q that says %q", err, field, words)
}

func containsAll(s string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(s, word) {
			return false
		}
	}
	return true
}
