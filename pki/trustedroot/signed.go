package trustedroot

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
)

// signatures remembers, by the digests of both certificates, whether one is signed
// by the other as by a CA. A build judges its own output too, and every chain
// ends in the same root: to verify a P-384 signature takes longer than all else
// that is done with a certificate.
var signatures sync.Map

func pair(c, parent *x509.Certificate) [2][sha256.Size]byte {
	return [2][sha256.Size]byte{sha256.Sum256(c.Raw), sha256.Sum256(parent.Raw)}
}

// signedBy is CheckSignatureFrom, once for each pair.
func signedBy(c, parent *x509.Certificate) error {
	check, _ := signatures.LoadOrStore(pair(c, parent), sync.OnceValue(func() error { return c.CheckSignatureFrom(parent) }))
	return check.(func() error)()
}

// verifyAhead verifies the signatures of all chains of the ledger beside each
// other, so that who asks for one later need not wait. Files that cannot be read
// are left to whoever reads them for their content.
func (b *builder) verifyAhead() {
	var group sync.WaitGroup
	for _, generations := range b.state.Authorities {
		for _, g := range generations {
			if g.Certificate == nil {
				continue
			}
			chain, err := b.certificates(g.Certificate.Chain)
			if err != nil {
				continue
			}
			for i, c := range chain {
				group.Go(func() {
					_ = signedBy(c, chain[min(i+1, len(chain)-1)])
				})
			}
		}
	}
	group.Wait()
}
