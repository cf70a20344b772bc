//go:build cgo

package yubikey

import (
	"errors"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// Protect makes a token in use able to hold a ceremony: a new random management
// key is kept on the token behind the PIN and takes the place of the one in
// force, and no key, certificate or counter is touched. The old key is the
// factory's where the token's metadata says so; otherwise old is asked for it.
// A token that is protected already is left alone, and already is true. If
// interrupted, the same call resumes: the new key is stored before it is in
// force.
func (t *Token) Protect(old func() ([]byte, error)) (already bool, err error) {
	if err := t.open(); err != nil {
		return false, err
	}
	doing := fmt.Sprintf("protect the management key of token %d", t.id.Serial)
	p := &provisioning{Token: t, mgmt: credential{algorithm: alg3DES}}
	if !t.id.Firmware.Less(metadataFirmware) {
		if err := p.readState(); err != nil {
			return false, explain(doing, err)
		}
	}
	if p.pin.factory {
		return false, fault.New(fault.Device, "set a PIN first: trustroot token change-pin --serial N; nothing was changed",
			fmt.Errorf("%s: %w: the PIN is the factory's, and would guard nothing", doing, ErrNotReady))
	}
	stored, err := storedKey(t, doing)
	if err != nil {
		return false, err
	}
	if stored != nil && !p.mgmt.factory {
		if err = p.authentic(stored); err == nil {
			t.mgmt = stored
			return true, nil
		}
		clear(stored) // an interrupted run stored it, and another one is in force
		if errors.Is(kind(err), ErrRemoved) {
			return false, explain(doing, err)
		}
	}
	current := append([]byte(nil), piv.DefaultManagementKey...)
	defer func() { clear(current) }()
	if p.mgmt.factory {
		err = explainAdmin(doing, p.authentic(current))
	} else {
		err = again(t, func() (err error) {
			if current, err = old(); err != nil {
				return err
			}
			if err = explainAdmin(doing, p.authentic(current)); errors.Is(err, ErrManagementKey) {
				return term.Slip(err)
			}
			return err
		})
	}
	if err != nil {
		return false, err
	}
	return false, explainAdmin(doing, p.replaceManagementKey(current))
}

// authentic proves that a key is the management key in force. The token counts
// no tries of it.
func (p *provisioning) authentic(key []byte) error {
	return without(p.Token, func() error {
		return withRaw(p.id.Reader, func(r *raw) error { return r.authenticate(p.mgmt.algorithm, key) })
	})
}

// SetRetries sets both counters of a token in use, with its PIN and the
// management key behind it, and a new PUK: also where the PUK is blocked. The
// token sets PIN and PUK back to the factory's with the counters, so both are
// set right behind; if interrupted, the same call with the same PIN and PUK
// resumes. Keys and certificates are not touched.
func (t *Token) SetRetries(o ProvisionOptions) error {
	if err := t.open(); err != nil {
		return err
	}
	doing := fmt.Sprintf("set the retry counters of token %d", t.id.Serial)
	if err := o.check(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if t.id.Firmware.Less(metadataFirmware) {
		return fault.New(fault.Device, "take a token with firmware 5.3 or newer; nothing was changed",
			fmt.Errorf("%s: %w: %s does not say whether an interrupted run left the factory's PIN", doing, ErrFirmware, t.id.Firmware))
	}
	o.defaults()
	p := &provisioning{Token: t, o: o, again: true}
	for _, step := range []func() error{p.readState, p.readManagementKey, p.setRetries, p.setPUK, p.setPIN} {
		if err := step(); err != nil {
			return explainAdmin(doing, err)
		}
	}
	clear(t.pin)
	t.pin = append([]byte(nil), o.PIN...)
	return nil
}
