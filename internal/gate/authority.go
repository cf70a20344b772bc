package gate

import (
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// fulcio is a CA that counts until a certificate of its chain is revoked.
type fulcio struct {
	*root.FulcioCertificateAuthority
	revoked revoked
	answers answers[fulcioQuestion, [][]*x509.Certificate]
}

type fulcioQuestion struct {
	cert string // DER
	at   int64  // nanoseconds since 1970
}

// Verify implements root.CertificateAuthority.
func (ca *fulcio) Verify(cert *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	return ca.answers.once(fulcioQuestion{string(cert.Raw), at.UnixNano()}, func() ([][]*x509.Certificate, error) {
		return ca.verify(cert, at)
	})
}

func (ca *fulcio) verify(cert *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	chains, err := ca.FulcioCertificateAuthority.Verify(cert, at)
	var good [][]*x509.Certificate
	for _, chain := range chains {
		if refusal := ca.revoked.at(at, chain...); refusal != nil {
			err = refusal
			continue
		}
		good = append(good, chain)
	}
	if len(good) > 0 {
		return good, nil
	}
	return nil, err
}

// tsa is a timestamp authority that counts until a certificate of its chain is
// revoked. Its chain stands in the trusted root whole and is built once: at
// another time it differs by the windows of its certificates alone.
type tsa struct {
	*root.SigstoreTimestampingAuthority
	revoked revoked
	chain   func() []*x509.Certificate
	answers answers[tsaQuestion, *root.Timestamp]
}

type tsaQuestion struct{ stamp, signature string }

func newTSA(a *root.SigstoreTimestampingAuthority) *tsa {
	return &tsa{SigstoreTimestampingAuthority: a, chain: sync.OnceValue(func() []*x509.Certificate { return chainOf(a) })}
}

// chainOf builds the chain of a TSA's certificate, or returns nil.
func chainOf(a *root.SigstoreTimestampingAuthority) []*x509.Certificate {
	if a.Leaf == nil || a.Root == nil {
		return nil
	}
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}
	o.Roots.AddCert(a.Root)
	for _, c := range append([]*x509.Certificate{a.Leaf, a.Root}, a.Intermediates...) {
		if o.Intermediates.AddCert(c); c.NotBefore.After(o.CurrentTime) {
			o.CurrentTime = c.NotBefore
		}
	}
	chains, err := a.Leaf.Verify(o)
	if err != nil {
		return nil
	}
	return chains[0]
}

// Verify implements root.TimestampingAuthority.
func (a *tsa) Verify(stamp, signature []byte) (*root.Timestamp, error) {
	return a.answers.once(tsaQuestion{string(stamp), string(signature)}, func() (*root.Timestamp, error) {
		return a.verify(stamp, signature)
	})
}

func (a *tsa) verify(stamp, signature []byte) (*root.Timestamp, error) {
	var err error
	t := a.byChain(stamp, signature)
	if t == nil {
		t, err = a.SigstoreTimestampingAuthority.Verify(stamp, signature)
	}
	if err == nil {
		err = a.revoked.at(t.Time, append([]*x509.Certificate{a.Leaf}, a.Intermediates...)...)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// byChain verifies a timestamp under the TSA's certificate as the anchor, and
// holds its time to the windows of the chain that was built. Where it returns
// nil the chain is built for this timestamp.
func (a *tsa) byChain(stamp, signature []byte) *root.Timestamp {
	chain := a.chain()
	if chain == nil {
		return nil
	}
	anchored := *a.SigstoreTimestampingAuthority
	anchored.Root = a.Leaf
	t, err := anchored.Verify(stamp, signature)
	if err != nil || slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return t.Time.Before(c.NotBefore) || t.Time.After(c.NotAfter) }) {
		return nil
	}
	return t
}

// answers are what an authority said about one bundle. Without a map nothing is
// kept.
type answers[Q comparable, A any] map[Q]answer[A]

type answer[A any] struct {
	answer A
	err    error
}

func (known answers[Q, A]) once(q Q, ask func() (A, error)) (A, error) {
	a, ok := known[q]
	if !ok {
		if a.answer, a.err = ask(); known != nil {
			known[q] = a
		}
	}
	return a.answer, a.err
}
