package gate

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

// crl writes a CRL of the root that revokes a certificate from a day on.
func (s *scene) crl(name string, since, next time.Time, certs ...*x509.Certificate) {
	s.t.Helper()
	var entries []x509.RevocationListEntry
	for _, c := range certs {
		entries = append(entries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: since, ReasonCode: 2})
	}
	issuer := *s.rootCert
	issuer.KeyUsage |= x509.KeyUsageCRLSign
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(2), ThisUpdate: since.Add(-time.Hour), NextUpdate: next,
		RevokedCertificateEntries: entries}, &issuer, s.rootKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, der)
}

func TestVerify_RevokedAuthority(t *testing.T) {
	before, after, next := time.Now().Add(-time.Hour), time.Now().Add(time.Hour), time.Now().Add(48*time.Hour)
	s := newScene(t)
	// a root that may sign CRLs
	s.rootCert = s.issue(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: s.rootCert.Subject, NotBefore: s.rootCert.NotBefore, NotAfter: s.rootCert.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, s.rootCert, s.rootKey.Public(), s.rootKey)
	s.write("trusted_root.json", s.trustedRoot())
	with := func(names ...string) { s.with(func(p *Policy) { p.Trust.CRLs = names }) }
	accepted := func(what string) {
		t.Helper()
		if _, err := s.verify("key.json", "keyless.json"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.crl("fulcio.crl", before, next, s.caCert)
	with()
	accepted("a policy that asks for no CRL")
	with("fulcio.crl")
	s.refused("keyless.certificate")
	s.crl("fulcio.crl", after, next, s.caCert)
	accepted("what was signed before the revocation lives")
	s.crl("fulcio.crl", before, next)
	accepted("an empty CRL")
	s.crl("tsa.crl", before, next, s.tsaCert)
	with("fulcio.crl", "tsa.crl")
	s.refused("key.timestamp", "keyless.timestamp")
	s.crl("tsa.crl", before, time.Now().Add(-time.Minute), s.tsaCert)
	s.refused("trust")
	s.crl("tsa.crl", before, next, s.tsaCert)
	s.rootKey = testpki.Key(t, elliptic.P384())
	s.rootCert = s.authority("Root", s.rootKey, nil, nil, nil)
	s.crl("fulcio.crl", before, next, s.caCert)
	s.refused("trust")
	with("nowhere.crl")
	s.refused("trust")
}

// TestVerify_StolenTSA has a bundle rest on the time of a TSA whose key was
// stolen: it needs an entry from before the theft.
func TestVerify_StolenTSA(t *testing.T) {
	s := newScene(t)
	spki, err := pki.SPKISHA256(s.tsaCert.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	signature := s.byKey(s.appKey, app)
	first := s.entry(signature)
	leaf := rfc6962.DefaultHasher.HashLeaf(first.CanonicalizedBody)
	stranger := rfc6962.DefaultHasher.HashLeaf([]byte("another entry"))
	s.write("one.json", s.bundle(signature, first, s.stamp(signature.sig)))
	s.write("two.json", s.bundle(signature, s.second(stranger, s.entry(signature)), s.stamp(signature.sig)))
	stolen := func(key string, size uint64, root []byte) {
		data, err := json.Marshal(map[string]any{"logs": []any{map[string]any{"log_id": hex.EncodeToString(logID(t, s.rekorKey)), "checkpoint": s.checkpointOf(size, root)}}})
		if err != nil {
			t.Fatal(err)
		}
		s.write("before.json", data)
		s.with(func(p *Policy) {
			p.Rule, p.Trust.Stolen = ruleAny, []Stolen{{SPKISHA256: key, Before: "before.json"}}
		})
	}
	stolen(spki, 1, leaf)
	if _, err := s.verify("one.json"); err != nil {
		t.Errorf("an entry from before the theft: %v", err)
	}
	s.refusedWith([]string{"two.json"}, "key.log") // the live log grew
	stolen(spki, 1, stranger)
	s.refusedWith([]string{"one.json"}, "key.log") // a fork
	stolen(spki, 2, rfc6962.DefaultHasher.HashChildren(leaf, stranger))
	s.refusedWith([]string{"one.json"}, "key.log") // nothing ties it
	other, err := pki.SPKISHA256(s.caKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	stolen(other, 1, stranger)
	if _, err := s.verify("two.json"); err != nil {
		t.Errorf("a TSA that was not stolen: %v", err)
	}
	s.with(func(p *Policy) { p.Trust.Stolen = []Stolen{{SPKISHA256: spki, Before: "nowhere.json"}} })
	s.refusedWith([]string{"one.json"}, "trust")
}
