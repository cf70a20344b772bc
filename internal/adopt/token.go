package adopt

import (
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// rootSlot is where a root's key is kept.
const rootSlot yubikey.Slot = "9c"

// rootToken is what adopting asks of the root's token. Nothing is changed on
// it, and no PIN is asked for.
type rootToken interface {
	Identity() yubikey.Identity
	Slot(yubikey.Slot) (yubikey.SlotInfo, error)
	Attest(yubikey.Slot) (attestation.Pair, error)
}

// ReadRootToken reads slot 9c: the key, how it is guarded, and its attestation
// where it has one that leads to Yubico.
func ReadRootToken(token rootToken, now time.Time) (*AdoptedToken, error) {
	info, err := token.Slot(rootSlot)
	if err != nil {
		return nil, err
	}
	key := info.PublicKey
	if key == nil && info.Certificate != nil {
		key = info.Certificate.PublicKey // older firmware does not tell a key
	}
	if info.Empty || key == nil {
		return nil, fault.New(fault.Device, "plug in the token that signed the root", errors.New("slot 9c shows no key"))
	}
	t := &AdoptedToken{Serial: token.Identity().Serial, Key: &plan.TokenKey{Slot: string(rootSlot), PIN: info.PINPolicy, Touch: info.TouchPolicy}}
	if t.SPKISHA256, err = pki.SPKISHA256(key); err != nil {
		return nil, err
	}
	t.attest(token, now)
	if t.Key.PIN == "" || t.Key.Touch == "" {
		t.Key = nil // the firmware does not tell: it is asked for
	}
	return t, nil
}

// attest keeps an attestation that verifies and is of this key.
func (t *AdoptedToken) attest(token rootToken, now time.Time) {
	pair, err := token.Attest(rootSlot)
	if err != nil {
		t.Unattested = err.Error()
		return
	}
	a, err := attestation.Verify(pair, attestation.Yubico(), now)
	if err != nil {
		t.Unattested = err.Error()
		return
	}
	if spki, err := pki.SPKISHA256(a.PublicKey); err != nil || spki != t.SPKISHA256 {
		t.Unattested = "the attestation is of another key"
		return
	}
	t.Slot, t.Device = pair.Slot, pair.Device
	t.Key.PIN, t.Key.Touch = a.PINPolicy, a.TouchPolicy
}

// checkToken compares the token's key with the root's.
func (a *Adoption) checkToken() {
	t := a.options.Token
	if a.options.Root == nil && t != nil {
		a.options.Root = t.Key
	}
	if a.options.Root == nil {
		a.ask("--root-key PIN,TOUCH (once,never; always,always; …), or --serial SERIAL to read it from the token",
			"how the root's token guards the key in slot 9c cannot be read from certificates")
	}
	if t == nil {
		return
	}
	root := a.authorities[0]
	newest := root.generations[len(root.generations)-1]
	where := fmt.Sprintf("token %d, slot 9c", t.Serial)
	if spki := digest.Hex(newest.RawSubjectPublicKeyInfo); spki != t.SPKISHA256 {
		a.defect("token-key", where, "plug in the token that signed the root, or renew the root with this one",
			"the slot's key is %s, the root's %s", trustdir.Groups(t.SPKISHA256), trustdir.Groups(spki))
		return
	}
	a.found("token %d holds the root's key in slot 9c", t.Serial)
	if t.Slot == nil {
		a.defect("token-unattested", where, "nothing proves where the key was made: renew the root with a key that is made on a token",
			"the key has no attestation that leads to Yubico: %s", t.Unattested)
	}
}
