package adopt

import (
	"errors"
	"fmt"
	"strings"
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
	state, err := yubikey.NewState(token.Identity(), info, key, now)
	if err != nil {
		return nil, err
	}
	t := &AdoptedToken{Serial: token.Identity().Serial, State: state, Key: &plan.TokenKey{Slot: string(rootSlot), PIN: info.PINPolicy, Touch: info.TouchPolicy}}
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

// checkToken compares the token's key with the root's, and says what the next
// ceremony will need. A token that is not at hand is known by the state that it
// signed, and otherwise by what a person says.
func checkToken(a *Adoption, in *adopted) {
	root := a.authorities[0]
	spki := digest.Hex(root.generations[len(root.generations)-1].RawSubjectPublicKeyInfo)
	t := a.options.Token
	for _, s := range in.tokens {
		if s.SPKISHA256 != spki {
			a.defect("token-key", fmt.Sprintf("token %d, slot %s", s.Serial, s.Slot), "take the state of the token that signed the root", "the slot's key is %s, the root's %s", trustdir.Groups(s.SPKISHA256), trustdir.Groups(spki))
			continue
		}
		a.found("%s, proved by a signature", s.Describe())
		if t == nil {
			t = &AdoptedToken{Serial: s.Serial, SPKISHA256: s.SPKISHA256, State: s, Key: &plan.TokenKey{Slot: s.Slot, PIN: s.PIN, Touch: s.Touch}}
		}
	}
	if t == nil {
		t = &AdoptedToken{}
	}
	a.options.Token = t
	if t.Key == nil {
		answer, ok := ask(a, Question{
			ID: "root-key", Form: "PIN,TOUCH, for example always,never (PIN is once or always; TOUCH is never, always or cached)",
			Text:  "How does the root's token guard the key in slot 9c? No certificate says it: `trustroot token info` does, and `trustroot token adopt` writes it into a file that can lie among these.",
			Wrong: "the next ceremony stops at the token, before it signs",
		})
		if pin, touch, two := strings.Cut(answer, ","); ok && two {
			t.Key = &plan.TokenKey{Slot: string(rootSlot), PIN: strings.TrimSpace(pin), Touch: strings.TrimSpace(touch)}
		} else if ok {
			refuse(a, "root-key", "%q has no comma: write PIN,TOUCH", answer)
		}
	}
	if t.Serial == 0 {
		return
	}
	where := fmt.Sprintf("token %d, slot 9c", t.Serial)
	if spki != t.SPKISHA256 {
		a.defect("token-key", where, "plug in the token that signed the root, or renew the root with this one",
			"the slot's key is %s, the root's %s", trustdir.Groups(t.SPKISHA256), trustdir.Groups(spki))
		return
	}
	a.found("token %d holds the root's key in slot 9c", t.Serial)
	if t.Slot == nil && t.Unattested != "" {
		a.defect("token-unattested", where, "nothing proves where the key was made: renew the root with a key that is made on a token",
			"the key has no attestation that leads to Yubico: %s", t.Unattested)
	}
	needs(a, t)
}

// needs says what a ceremony at the root's token will ask for, and puts the
// exceptions into the plan.
func needs(a *Adoption, t *AdoptedToken) {
	if t.State == nil {
		return
	}
	why := map[string]string{
		plan.ExceptionOldFirmware:  fmt.Sprintf("firmware %s leaks ECDSA keys to anyone who holds the token (YSA-2024-03)", t.State.Firmware),
		plan.ExceptionImportedRoot: "the root's key was not made on the token, so nothing attests it and copies may exist",
	}
	for _, name := range t.State.Exceptions() {
		reason, ok := ask(a, Question{
			ID: "exception." + name, Default: "the root is older than this directory and is kept until it is renewed", Form: "the reason, which the plan and every record keep",
			Text:  fmt.Sprintf("A ceremony with token %d needs the exception %s: %s. Why is it accepted?", t.Serial, name, why[name]),
			Wrong: "nothing; a reader of the plan judges the root by it",
		})
		if ok {
			a.exceptions = append(a.exceptions, plan.Exception{Name: name, Reason: reason})
		}
	}
	a.found("the next ceremony needs: token %d with its PIN, a management key behind that PIN (`trustroot token protect --serial %d` puts it there), two operators at best, and an empty P-256 slot for the record key", t.Serial, t.Serial)
}
