package trustedroot

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Who issued is told by name and signature, and a parent that is not a CA makes
// no chain.
func TestIssuedBy_NameAndSignature(t *testing.T) {
	w := &world{plan: &plan.Plan{Organization: "remembered.example"}}
	from, to := before.Add(-time.Hour), before.Add(time.Hour)
	root := w.certify(t, "a root", testpki.FixedKey(t, elliptic.P384(), "remembered root"), nil, from, to, rootTemplate())
	leaf := w.certify(t, "a leaf", testpki.FixedKey(t, elliptic.P384(), "remembered leaf"), &root, from, to, tsaTemplate(t))
	if !issuedBy(leaf.cert, root.cert) || issuedBy(root.cert, leaf.cert) {
		t.Error("the chain is not seen as it is")
	}
	if err := checkChain([]*x509.Certificate{leaf.cert, root.cert}); err != nil {
		t.Error(err)
	}
	if checkChain([]*x509.Certificate{leaf.cert, leaf.cert}) == nil || checkChain([]*x509.Certificate{root.cert, leaf.cert}) == nil {
		t.Error("a leaf signs")
	}
	forged := *leaf.cert
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-1] ^= 1
	forged.Raw = append(bytes.Clone(forged.Raw[:len(forged.Raw)-1]), forged.Raw[len(forged.Raw)-1]^1)
	if checkChain([]*x509.Certificate{&forged, root.cert}) == nil || issuedBy(&forged, root.cert) {
		t.Error("another signature passes")
	}
}
