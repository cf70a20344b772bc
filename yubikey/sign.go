//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"io"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Signer returns a signer for the key in a slot, and only if that key equals
// expected. What the token said about the slot before in this session is used
// again; otherwise it is asked for an attestation, or for a description where
// the key was imported.
//
// The first signature asks for the PIN. Each signature costs two exchanges
// (VERIFY and the signature itself; one where the policy wants no PIN), and
// the first one more for the tries left. A PIN that was refused to the end comes
// back as an *AuthError and a touch that did not come as ErrTouch: signing may be
// tried again on the same signer.
func (t *Token) Signer(s Slot, expected crypto.PublicKey) (crypto.Signer, error) {
	slot, err := slotOf(t, s)
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("use the key in slot %s", s)
	want, ok := expected.(*ecdsa.PublicKey)
	if !ok {
		return nil, fault.New(fault.Usage, "", fmt.Errorf("%s: only ECDSA keys are supported, not %T", doing, expected))
	}
	info, err := signable(t, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	switch {
	case info.Empty:
		return nil, fault.New(fault.Device, "generate a key there first, or name another slot", fmt.Errorf("%s: %w", doing, ErrSlotEmpty))
	case info.PublicKey == nil:
		return nil, fault.New(fault.Device, "take a token with firmware 5.3 or newer",
			fmt.Errorf("%s: %w: the token cannot say which key it is", doing, ErrFirmware))
	case !attestation.SameKey(info.PublicKey, expected):
		return nil, fault.New(fault.Device, "check the slot and the token: nothing was signed", fmt.Errorf("%s: %w", doing, ErrOtherKey))
	case pinPolicies[info.PINPolicy] == 0:
		return nil, fault.New(fault.Device, "take a key whose PIN policy is never, once or always",
			fmt.Errorf("%s: %w: the PIN policy %s asks for a fingerprint", doing, ErrFirmware, info.PINPolicy))
	}
	return &signer{token: t, slot: s, pivSlot: slot, public: want, info: info}, nil
}

// signable tells what is needed of a slot's key in order to sign with it.
func signable(t *Token, s Slot) (SlotInfo, error) {
	if info, ok := t.known[s]; ok || t.id.Firmware.Less(attestFirmware) {
		return info, nil
	}
	info, err := attestedKey(t, s)
	if err != nil {
		return SlotInfo{}, err
	}
	if info.Empty {
		return key(t, s)
	}
	t.known[s] = info
	return info, nil
}

type signer struct {
	token   *Token
	slot    Slot
	pivSlot piv.Slot
	public  *ecdsa.PublicKey
	info    SlotInfo
}

func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign has the token sign a digest and checks the signature before it returns
// it. The token uses its own randomness.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	doing := fmt.Sprintf("sign with slot %s", s.slot)
	if h := opts.HashFunc(); h == 0 || len(digest) != h.Size() {
		return nil, fault.New(fault.Usage, "", fmt.Errorf("%s: a digest of %d bytes is not one of %v", doing, len(digest), h))
	}
	t := s.token
	if err := t.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if s.info.PINPolicy != "never" {
		if err := enterPIN(t, doing, t.yk.VerifyPIN); err != nil {
			return nil, err
		}
	}
	// made anew each time, because the connection may have been opened again
	// meanwhile, and without a PIN, which was sent above so that a touch is
	// asked for only after it.
	private, err := t.yk.PrivateKey(s.pivSlot, s.public, piv.KeyAuth{PINPolicy: piv.PINPolicyNever})
	if err != nil {
		return nil, explain(doing, err)
	}
	key, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: the key cannot sign", doing)
	}
	sig, err := touched(t, s.slot, s.info.TouchPolicy, func() ([]byte, error) { return key.Sign(nil, digest, opts) })
	if err != nil {
		return nil, s.explain(doing, err)
	}
	if !ecdsa.VerifyASN1(s.public, digest, sig) {
		return nil, fault.New(fault.Device, "do not use this token any more",
			fmt.Errorf("%s: the signature does not verify under the slot's public key", doing))
	}
	return sig, nil
}

func (s *signer) explain(doing string, err error) error {
	if status(err) != swSecurity {
		return explain(doing, err)
	}
	if s.info.TouchPolicy == "never" {
		return fault.New(fault.Device, "run the command again",
			fmt.Errorf("%s: the token refused the key although its PIN was just accepted: %w", doing, err))
	}
	// the PIN was accepted one exchange earlier, so it can only be the touch.
	return fault.New(fault.Device, "try again and touch the token when it blinks; nothing was signed", fmt.Errorf("%s: %w", doing, ErrTouch))
}

// cachedTouch is how long a token with the touch policy "cached" may take to
// answer before it must be waiting for a finger.
const cachedTouch = 600 * time.Millisecond

// touched runs f, which makes the token wait for a touch if its policy says
// so, and tells the prompter while it waits. When ctx ends, f is left behind
// and the token is given up: PC/SC has no way to call back a command.
func touched(t *Token, s Slot, policy string, f func() ([]byte, error)) ([]byte, error) {
	if err := t.why(); err != nil {
		return nil, err
	}
	type answer struct {
		sig []byte
		err error
	}
	done := make(chan answer, 1)
	var waiting bool
	tell := func(w bool) {
		if w != waiting && t.prompter != nil {
			waiting = w
			t.prompter.Touch(t.id, s, w)
		}
	}
	var late <-chan time.Time
	switch policy {
	case "always":
		tell(true)
	case "cached":
		timer := time.NewTimer(cachedTouch)
		defer timer.Stop()
		late = timer.C
	}
	defer tell(false)
	go func() {
		sig, err := f()
		done <- answer{sig, err}
	}()
	silent := time.NewTimer(answerTime)
	defer silent.Stop()
	for {
		select {
		case a := <-done:
			return a.sig, a.err
		case <-silent.C:
			t.yk = nil // closing would wait for the command
			return nil, ErrSilent
		case <-late:
			tell(true)
		case <-t.end:
			t.yk = nil // closing would wait for the command
			return nil, t.why()
		}
	}
}
