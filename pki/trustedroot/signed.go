package trustedroot

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
)

// signatures remembers, by the digests of both certificates, which certificate was
// found signed by which CA. A build judges its own output too, and every chain
// ends in the same root: to verify a P-384 signature takes longer than all else
// that is done with a certificate.
var signatures sync.Map

func pair(c, parent *x509.Certificate) [2][sha256.Size]byte {
	return [2][sha256.Size]byte{sha256.Sum256(c.Raw), sha256.Sum256(parent.Raw)}
}

// signedBy is CheckSignatureFrom, once for each pair that passes.
func signedBy(c, parent *x509.Certificate) error {
	key := pair(c, parent)
	if _, known := signatures.Load(key); known {
		return nil
	}
	if err := c.CheckSignatureFrom(parent); err != nil {
		return err
	}
	signatures.Store(key, nil)
	return nil
}
