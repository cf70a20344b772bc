//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Generate makes a key on the token. A slot that holds a key or a certificate
// is refused.
func (t *Token) Generate(s Slot, o KeyOptions) (crypto.PublicKey, error) {
	slot, err := s.pivSlot()
	if err != nil {
		return nil, err
	}
	options, err := o.piv()
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("generate a key in slot %s", s)
	if err := vacant(t, doing, s); err != nil {
		return nil, err
	}
	var pub crypto.PublicKey
	err = admin(t, doing, func(key []byte) error {
		delete(t.known, s)
		pub, err = t.yk.GenerateKey(key, slot, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.known[s] = SlotInfo{Slot: s, Algorithm: o.Algorithm, Origin: Generated, PINPolicy: o.PIN, TouchPolicy: o.Touch, PublicKey: pub}
	return pub, nil
}

// Import writes a key that was made elsewhere. Such a key cannot be attested.
// A slot that holds a key or a certificate is refused. The caller wipes its
// own copy.
func (t *Token) Import(s Slot, o KeyOptions, private *ecdsa.PrivateKey) error {
	slot, err := s.pivSlot()
	if err != nil {
		return err
	}
	if private == nil {
		return fault.New(fault.Usage, "", errors.New("no key to import"))
	}
	curve := private.Curve.Params().Name
	if o.Algorithm == "" {
		o.Algorithm = curve
	}
	options, err := o.piv()
	if err != nil {
		return err
	}
	if o.Algorithm != curve {
		return fault.New(fault.Usage, "nothing was changed on the token; correct the key's options",
			fmt.Errorf("the key to import is %s, expected %s", curve, o.Algorithm))
	}
	doing := fmt.Sprintf("import a key into slot %s", s)
	if err := vacant(t, doing, s); err != nil {
		return err
	}
	err = admin(t, doing, func(key []byte) error {
		delete(t.known, s)
		return t.yk.SetPrivateKeyInsecure(key, slot, private, options)
	})
	if err != nil {
		return err
	}
	t.known[s] = SlotInfo{
		Slot: s, Algorithm: o.Algorithm, Origin: Imported,
		PINPolicy: o.PIN, TouchPolicy: o.Touch, PublicKey: &private.PublicKey,
	}
	return nil
}

// Overwrite destroys the expected key of a slot: a new one is made over it. A
// slot that holds another key is refused. The slot's certificate stays.
func (t *Token) Overwrite(s Slot, expected crypto.PublicKey, o KeyOptions) (crypto.PublicKey, error) {
	doing := fmt.Sprintf("destroy the key in slot %s", s)
	slot, errS := s.pivSlot()
	options, errO := o.piv()
	if err := errors.Join(errS, errO); err != nil {
		return nil, err
	}
	info, err := t.Slot(s)
	if err == nil && (info.Empty || !attestation.SameKey(info.PublicKey, expected)) {
		err = fault.New(fault.Device, "put in the token that holds the key; nothing was changed", ErrOtherKey)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	var pub crypto.PublicKey
	err = admin(t, doing, func(key []byte) (err error) {
		delete(t.known, s)
		pub, err = t.yk.GenerateKey(key, slot, options)
		return err
	})
	return pub, err
}

// Vacant refuses a slot with a key or a certificate.
func (t *Token) Vacant(s Slot) error { return vacant(t, fmt.Sprintf("use slot %s", s), s) }

// vacant refuses a slot with a key or a certificate.
func vacant(t *Token, doing string, s Slot) error {
	info, err := t.Slot(s)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var what string
	switch {
	case !info.Empty:
		what = fmt.Sprintf("a %s key (%s)", info.Algorithm, info.Origin)
	case info.Certificate != nil:
		what = fmt.Sprintf("a certificate of %q", info.Certificate.Subject)
	default:
		return nil
	}
	return fault.New(fault.Device, "name an empty slot; trustroot token info --serial N shows them, and nothing was changed",
		fmt.Errorf("%s: %w: it holds %s", doing, ErrSlotInUse, what))
}

// Install stores a certificate for a slot, in place of the one that is there.
// Where the slot has a key, the certificate must be for that key; where it has
// none, only a retired slot is allowed, whose object then keeps a certificate
// for its own sake.
func (t *Token) Install(s Slot, c *x509.Certificate) error {
	slot, err := slotOf(t, s)
	if err != nil {
		return err
	}
	doing := fmt.Sprintf("install a certificate in slot %s", s)
	if c == nil {
		return fault.New(fault.Usage, "", fmt.Errorf("%s: there is none", doing))
	}
	info, err := key(t, s)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch {
	case info.Empty && !s.Retired():
		return fault.New(fault.Device, "generate the key first; only a slot from 82 to 95 may keep a certificate without one",
			fmt.Errorf("%s: %w", doing, ErrSlotEmpty))
	case !info.Empty && info.PublicKey != nil && !attestation.SameKey(info.PublicKey, c.PublicKey):
		return fault.New(fault.Device, "choose the slot of the certificate's key; nothing was changed",
			fmt.Errorf("%s: %w: the certificate of %q is for a different one", doing, ErrOtherKey, c.Subject))
	}
	return admin(t, doing, func(key []byte) error { return t.yk.SetCertificate(key, slot, c) })
}
