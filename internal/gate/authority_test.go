package gate

import (
	"crypto/elliptic"
	"crypto/x509"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// TestTSA_ChainBuiltOnce holds the chain that is built once against the chain
// that sigstore-go builds for each timestamp.
func TestTSA_ChainBuiltOnce(t *testing.T) {
	w := newWorld(t)
	signature := []byte("a signature")
	good := w.stamp(signature).GetRfc3161Timestamps()[0].GetSignedTimestamp()
	ca := w.authority("TSA CA", w.caKey, w.rootCert, w.rootKey, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping})
	between := func(change func(*x509.Certificate)) *root.SigstoreTimestampingAuthority {
		c, leaf := *ca, *w.tsaCert
		c.ExtraExtensions, leaf.ExtraExtensions = nil, leaf.Extensions
		change(&c)
		issuer := w.issue(&c, w.rootCert, w.caKey.Public(), w.rootKey)
		return &root.SigstoreTimestampingAuthority{Root: w.rootCert, Intermediates: []*x509.Certificate{issuer},
			Leaf: w.issue(&leaf, issuer, w.tsaKey.Public(), w.caKey)}
	}
	stranger := testpki.Key(t, elliptic.P384())
	for name, c := range map[string]struct {
		tsa *root.SigstoreTimestampingAuthority
		ok  bool
	}{
		"under the root":     {&root.SigstoreTimestampingAuthority{Root: w.rootCert, Leaf: w.tsaCert}, true},
		"under another root": {&root.SigstoreTimestampingAuthority{Root: w.authority("Root", stranger, nil, nil, nil), Leaf: w.tsaCert}, false},
		"without a root":     {&root.SigstoreTimestampingAuthority{Leaf: w.tsaCert}, false},
		"a CA as the leaf":   {&root.SigstoreTimestampingAuthority{Root: w.rootCert, Leaf: w.rootCert}, false},
		"under a CA":         {between(func(*x509.Certificate) {}), true},
		"under a CA that ended before": {between(func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Hour)
		}), false},
		"under a CA that began afterwards": {between(func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Hour)
		}), false},
		"under a CA for code": {between(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}), false},
		"in a window that ended": {&root.SigstoreTimestampingAuthority{Root: w.rootCert, Leaf: w.tsaCert,
			ValidityPeriodEnd: time.Now().Add(-time.Hour)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w.tsaCert = c.tsa.Leaf
			stamp := w.stamp(signature).GetRfc3161Timestamps()[0].GetSignedTimestamp()
			for what, s := range map[string][2][]byte{"of this signature": {stamp, signature}, "of another signature": {stamp, []byte("another")}, "of another TSA": {good, signature}} {
				_, theirs := c.tsa.Verify(s[0], s[1])
				ours := newTSA(c.tsa)
				for range 2 {
					if _, err := ours.Verify(s[0], s[1]); (err == nil) != (theirs == nil) {
						t.Errorf("a timestamp %s: %v, and sigstore-go says %v", what, err, theirs)
					}
				}
				if what == "of this signature" && (theirs == nil) != c.ok {
					t.Errorf("sigstore-go says %v", theirs)
				}
			}
		})
	}
}

// TestAsked_EachQuestionOnce counts what an authority is asked about one bundle.
func TestAsked_EachQuestionOnce(t *testing.T) {
	known, asked := answers[string, int]{}, 0
	for _, q := range []string{"one", "one", "another", "one"} {
		if got, err := known.once(q, func() (int, error) { asked++; return len(q), nil }); got != len(q) || err != nil {
			t.Errorf("%s: %d, %v", q, got, err)
		}
	}
	if asked != 2 {
		t.Errorf("two questions were asked %d times", asked)
	}
}
