//go:build cgo

package yubikey

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Provision takes a token from the factory's state, or from where an
// interrupted run left it, to ready: a random management key that is kept on
// the token behind the PIN, a CHUID, retry counters, PUK and PIN. The PIN
// comes last, so a token whose PIN is no longer the factory's was finished.
// Running it again with the same PIN and PUK changes nothing.
//
// A slot with a key or a certificate is refused. Factory credentials are sent
// only where the token's metadata says that they still hold; firmware below
// 5.3 has no metadata, and there the token must have been Reset in the same
// session, which is the only way to know.
func (t *Token) Provision(o ProvisionOptions) error {
	if err := t.open(); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("provision token %d: %w", t.id.Serial, err)
	}
	if err := t.Provisionable(o); err != nil {
		return err
	}
	o.defaults()
	p := &provisioning{Token: t, o: o}
	for _, step := range []struct {
		doing string
		run   func() error
	}{
		{"read the state", p.readState},
		{"set the management key", p.setManagementKey},
		{"write the CHUID", p.setCHUID},
		{"set the retry counters", p.setRetries},
		{"set the PUK", p.setPUK},
		{"set the PIN", p.setPIN},
	} {
		if err := step.run(); err != nil {
			return explainAdmin(fmt.Sprintf("provision token %d: %s", t.id.Serial, step.doing), err)
		}
	}
	t.fresh = false
	clear(t.pin)
	t.pin = append([]byte(nil), o.PIN...)
	return nil
}

// FactoryPIN reports whether the PIN is the factory's. Firmware below 5.3 tells
// it only right after a reset.
func FactoryPIN(t *Token) (bool, error) {
	if err := t.open(); err != nil {
		return false, err
	}
	if t.id.Firmware.Less(metadataFirmware) {
		return t.fresh, nil
	}
	p := &provisioning{Token: t}
	if err := p.readState(); err != nil {
		return false, explainAdmin(fmt.Sprintf("read the state of token %d", t.id.Serial), err)
	}
	return p.pin.factory, nil
}

// Provisionable refuses a token that Provision would refuse whatever the PIN
// and the PUK, which need not be there yet, so that nobody chooses them in
// vain. It reads and changes nothing.
func (t *Token) Provisionable(o ProvisionOptions) error {
	if err := t.open(); err != nil {
		return err
	}
	if err := o.checkFirmware(t.id.Firmware); err != nil {
		return fmt.Errorf("provision token %d: %w", t.id.Serial, err)
	}
	if t.id.Firmware.Less(metadataFirmware) && !t.fresh {
		return fault.New(fault.Device, "take a token with firmware 5.3 or newer: this one does not tell whether a slot holds an imported key. Only one that surely holds none can be provisioned anew, as `trustroot token provision --help` says",
			fmt.Errorf("provision token %d: %w: %s does not say which of its credentials are the factory's, and none is tried",
				t.id.Serial, ErrFirmware, t.id.Firmware))
	}
	return nothingOfValue(t)
}

// nothingOfValue refuses a token with a key or a certificate in any slot.
func nothingOfValue(t *Token) error {
	if t.fresh {
		return nil
	}
	var used []string
	for _, s := range slots {
		err := vacant(t, "provision", s)
		switch {
		case errors.Is(err, ErrSlotInUse):
			used = append(used, string(s))
		case err != nil:
			return err
		}
	}
	if len(used) == 0 {
		return nil
	}
	return fault.New(fault.Device, "this token is in use: trustroot token protect --serial N readies it for a ceremony as it is, and trustroot token adopt enters it; for a new key take a new token; nothing was changed",
		fmt.Errorf("provision token %d: %w: %s", t.id.Serial, ErrSlotInUse, strings.Join(used, ", ")))
}

// provisioning is one run of Provision: what the token said at its start, kept
// up to date step by step.
type provisioning struct {
	*Token
	o        ProvisionOptions
	pin, puk credential
	mgmt     credential
	hasCHUID bool
	verified bool // the token accepted o.PIN in this run
	again    bool // of a token in use: its counters are set whatever they are
}

func (p *provisioning) readState() error {
	if p.id.Firmware.Less(metadataFirmware) {
		// reset a moment ago: see Provision
		p.pin = credential{factory: true}
		p.puk, p.mgmt = p.pin, credential{factory: true, algorithm: alg3DES}
		return nil
	}
	return without(p.Token, func() error {
		return withRaw(p.id.Reader, func(r *raw) (err error) {
			if p.pin, err = r.credential(refPIN); err != nil {
				return err
			}
			if p.puk, err = r.credential(refPUK); err != nil {
				return err
			}
			if p.mgmt, err = r.credential(refManagement); err != nil {
				return err
			}
			p.hasCHUID, err = r.hasCHUID()
			return err
		})
	})
}

// currentPIN is the one that the token has now: the factory's where it says
// so, otherwise the new one, set by an earlier run.
func (p *provisioning) currentPIN() (string, error) {
	if p.pin.factory {
		return defaultPIN, nil
	}
	if p.verified {
		return string(p.o.PIN), nil
	}
	if err := lastTry(p.Token, "the token has a PIN already", "PIN", p.pin.left); err != nil {
		return "", err
	}
	return string(p.o.PIN), nil
}

// accepted words a refused PIN.
func (p *provisioning) accepted(err error) error {
	if err != nil {
		return another("PIN", err)
	}
	p.verified = !p.pin.factory
	return nil
}

// another says of a refused PIN or PUK that somebody else set it.
func another(what string, err error) error {
	var refused piv.AuthErr
	if !errors.As(err, &refused) {
		return err
	}
	return explainAuth(fmt.Sprintf("the token has another %s already", what), what, err)
}

// setManagementKey stores a new key behind the PIN before it makes it the
// management key, so that it is never in force without being readable.
func (p *provisioning) setManagementKey() error {
	if !p.mgmt.factory {
		return p.readManagementKey()
	}
	return p.replaceManagementKey(piv.DefaultManagementKey)
}

func (p *provisioning) replaceManagementKey(old []byte) error {
	key := random(24) // AES-192 from firmware 5.4 on, 3DES before
	if err := p.yk.SetMetadata(old, &piv.Metadata{ManagementKey: &key}); err != nil {
		return err
	}
	if err := p.yk.SetManagementKey(old, key); err != nil {
		return err
	}
	p.mgmt.factory = false
	p.mgmt.algorithm = algAES192
	if p.id.Firmware.Less(Version{5, 4, 0}) {
		p.mgmt.algorithm = alg3DES
	}
	clear(p.Token.mgmt)
	p.Token.mgmt = key
	return nil
}

func (p *provisioning) readManagementKey() error {
	pin, err := p.currentPIN()
	if err != nil {
		return err
	}
	key, err := protectedKey(p.Token, pin)
	if err := p.accepted(err); err != nil {
		return err
	}
	if key == nil {
		return fault.New(fault.Device, "put it there with trustroot token protect --serial N, which asks for the key that is in force",
			fmt.Errorf("%w: its management key is neither the factory's nor kept behind the PIN", ErrNotReady))
	}
	clear(p.Token.mgmt)
	p.Token.mgmt = key
	return nil
}

func (p *provisioning) setCHUID() error {
	if p.hasCHUID {
		return nil
	}
	return without(p.Token, func() error {
		return withRaw(p.id.Reader, func(r *raw) error {
			if err := r.authenticate(p.mgmt.algorithm, p.Token.mgmt); err != nil {
				return err
			}
			return r.writeCHUID(newCHUID(random(16)))
		})
	})
}

// setRetries sets both counters, which also sets PIN and PUK back to the
// factory's. It is done again where an interrupted run may have left a PUK
// that was typed then.
func (p *provisioning) setRetries() error {
	right := p.pin.total == p.o.PINRetries && p.puk.total == p.o.PUKRetries
	if right && (!p.pin.factory || p.puk.factory) && (!p.again || p.pin.factory) {
		return nil
	}
	pin, err := p.currentPIN()
	if err != nil {
		return err
	}
	if err := p.accepted(p.yk.SetRetries(p.Token.mgmt, pin, p.o.PINRetries, p.o.PUKRetries)); err != nil {
		return err
	}
	p.pin.factory, p.puk.factory = true, true
	return nil
}

// setPUK replaces the factory's PUK. One that an earlier run set is proved to
// be the given one by changing it to itself.
func (p *provisioning) setPUK() error {
	old := string(p.o.PUK)
	if p.puk.factory {
		old = defaultPUK
	} else if err := lastTry(p.Token, "the token has a PUK already", "PUK", p.puk.left); err != nil {
		return err
	}
	return another("PUK", p.yk.SetPUK(old, string(p.o.PUK)))
}

func (p *provisioning) setPIN() error {
	if p.pin.factory {
		return another("PIN", p.yk.SetPIN(defaultPIN, string(p.o.PIN)))
	}
	if p.verified {
		return nil
	}
	pin, err := p.currentPIN()
	if err != nil {
		return err
	}
	return p.accepted(p.yk.VerifyPIN(pin))
}
