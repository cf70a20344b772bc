package gate

import (
	"crypto/x509"
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
// revoked.
type tsa struct {
	*root.SigstoreTimestampingAuthority
	revoked revoked
	answers answers[tsaQuestion, *root.Timestamp]
}

type tsaQuestion struct{ stamp, signature string }

// Verify implements root.TimestampingAuthority.
func (a *tsa) Verify(stamp, signature []byte) (*root.Timestamp, error) {
	return a.answers.once(tsaQuestion{string(stamp), string(signature)}, func() (*root.Timestamp, error) {
		return a.verify(stamp, signature)
	})
}

func (a *tsa) verify(stamp, signature []byte) (*root.Timestamp, error) {
	t, err := a.SigstoreTimestampingAuthority.Verify(stamp, signature)
	if err == nil {
		err = a.revoked.at(t.Time, append([]*x509.Certificate{a.Leaf}, a.Intermediates...)...)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
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
