package trustedroot

import (
	"bytes"
	"crypto/elliptic"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// What is remembered of one certificate says nothing of another, and a parent
// that is not a CA stays one that may not sign.
func TestSignedBy_RemembersThePairAlone(t *testing.T) {
	w := &world{plan: &plan.Plan{Organization: "remembered.example"}}
	from, to := before.Add(-time.Hour), before.Add(time.Hour)
	root := w.certify(t, "a root", testpki.FixedKey(t, elliptic.P384(), "remembered root"), nil, from, to, rootTemplate())
	leaf := w.certify(t, "a leaf", testpki.FixedKey(t, elliptic.P384(), "remembered leaf"), &root, from, to, tsaTemplate(t))
	for range 2 {
		if err := signedBy(leaf.cert, root.cert); err != nil {
			t.Error(err)
		}
		if !issuedBy(leaf.cert, root.cert) || issuedBy(root.cert, leaf.cert) {
			t.Error("the chain is not seen as it is")
		}
		if signedBy(leaf.cert, leaf.cert) == nil || signedBy(root.cert, leaf.cert) == nil {
			t.Error("a leaf signs")
		}
	}
	forged := *leaf.cert
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[len(forged.Signature)-1] ^= 1
	forged.Raw = append(bytes.Clone(forged.Raw[:len(forged.Raw)-1]), forged.Raw[len(forged.Raw)-1]^1)
	if signedBy(&forged, root.cert) == nil || issuedBy(&forged, root.cert) {
		t.Error("another signature passes for the one that was remembered")
	}
}
