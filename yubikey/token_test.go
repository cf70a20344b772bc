//go:build cgo

package yubikey

import (
	"testing"

	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func TestToken_FromTheBoxToASignature(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, right())
	pub, err := token.Generate("9c", rootKey)
	mustDo(t, err)
	p, err := token.Attest("9c")
	mustDo(t, err)
	p.Intermediates = f.AttestationIntermediates()
	a, err := attestation.Verify(p, attestation.Rehearsal(f.AttestationRoot()), judged)
	mustDo(t, err)
	mustDo(t, a.Match(attestation.Expect{
		PublicKey: pub, Serial: f.Serial(), Slot: "9c", PINPolicy: "always", TouchPolicy: "always", MinFirmware: soundFirmware,
	}))
	if !a.Rehearsal {
		t.Error("a virtual token passes for a real one")
	}
	signs(t, token, "9c", pub)
}
