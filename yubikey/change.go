//go:build cgo

package yubikey

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ChangePIN replaces the PIN. The caller wipes both.
func (t *Token) ChangePIN(old, newPIN []byte) error {
	doing := fmt.Sprintf("change the PIN of token %d", t.id.Serial)
	if err := change(t, doing, old, newPIN, "PIN", refPIN); err != nil {
		return err
	}
	err := checked(t, doing, t.yk.SetPIN(string(old), string(newPIN)))
	if err == nil {
		clear(t.pin)
		t.pin = nil
	}
	return err
}

// Unblock sets a new PIN with the PUK, whether the PIN is blocked or only
// forgotten. The caller wipes both.
func (t *Token) Unblock(puk, newPIN []byte) error {
	doing := fmt.Sprintf("unblock the PIN of token %d", t.id.Serial)
	if err := change(t, doing, puk, newPIN, "PUK", refPUK); err != nil {
		return err
	}
	clear(t.pin)
	t.pin = nil
	return explainAuth(doing, "PUK", t.yk.Unblock(string(puk), string(newPIN)))
}

// ChangePUK replaces the PUK, so that whoever held the old one can unblock
// nothing any more. The caller wipes both.
func (t *Token) ChangePUK(old, newPUK []byte) error {
	doing := fmt.Sprintf("change the PUK of token %d", t.id.Serial)
	if err := change(t, doing, old, newPUK, "PUK", refPUK); err != nil {
		return err
	}
	return explainAuth(doing, "PUK", t.yk.SetPUK(string(old), string(newPUK)))
}

// change makes sure that an old PIN or PUK may be sent: that it is not the
// factory's, and not the last try.
func change(t *Token, doing string, old, newPIN []byte, what string, ref byte) error {
	if err := t.open(); err != nil {
		return err
	}
	if err := CheckPIN(newPIN); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	replaced := what == "PIN" && string(old) == defaultPIN // by the step that may send it
	if err := sendable(old, what); err != nil && (!replaced || t.id.Firmware.Less(metadataFirmware)) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if t.id.Firmware.Less(metadataFirmware) {
		if what != "PIN" {
			return nil // such a token does not tell how many tries the PUK has
		}
		left, err := t.Retries()
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return lastTry(t, doing, what, left)
	}
	var c credential
	err := without(t, func() error {
		return withRaw(t.id.Reader, func(r *raw) (err error) {
			c, err = r.credential(ref)
			return err
		})
	})
	if err != nil {
		return explain(doing, err)
	}
	if replaced && !c.factory {
		return fmt.Errorf("%s: %w", doing, sendable(old, what))
	}
	return lastTry(t, doing, what, c.left)
}

// Reset erases the PIV application: every key and certificate but slot f9, and
// PIN, PUK and management key go back to the factory's. The token allows it
// only when both PIN and PUK are blocked, so wrong ones are sent until they
// are. Run again, it goes on where it was interrupted.
func (t *Token) Reset() error {
	if err := t.open(); err != nil {
		return err
	}
	doing := fmt.Sprintf("reset token %d", t.id.Serial)
	t.forget()
	t.fresh = false
	if err := t.yk.Reset(); err != nil {
		if k := kind(err); k != nil {
			return explain(doing, err)
		}
		return fault.New(fault.Device, "run the command again: it goes on where it stopped; PIN and PUK may be blocked until it is done",
			fmt.Errorf("%s: %w", doing, err))
	}
	t.fresh = true
	return nil
}
