package app

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// challengeLife is how long a holder may take to answer.
const challengeLife = 24 * time.Hour

// holderToken is what joining asks of a holder's token.
type holderToken interface {
	Identity() yubikey.Identity
	Slot(yubikey.Slot) (yubikey.SlotInfo, error)
	Generate(yubikey.Slot, yubikey.KeyOptions) (crypto.PublicKey, error)
	Attest(yubikey.Slot) (attestation.Pair, error)
	Signer(yubikey.Slot, crypto.PublicKey) (crypto.Signer, error)
}

// Join makes a holder's P-256 key in a slot, or takes the one that is there,
// has the token attest it and sign a challenge, and files all three. A key
// that is not attested is refused.
func (d *Directory) Join(name string, token holderToken, slot yubikey.Slot, roots attestation.Roots, now time.Time) error {
	pub, err := holderKey(token, slot)
	if err != nil {
		return err
	}
	pair, err := token.Attest(slot)
	if err != nil {
		return err
	}
	a, err := attestation.Verify(pair, roots, now)
	if err != nil {
		return err
	}
	if err := a.Match(attestation.Expect{PublicKey: pub, Serial: token.Identity().Serial, Slot: string(slot), TouchPolicy: "always"}); err != nil {
		return err
	}
	signer, err := token.Signer(slot, pub)
	if err != nil {
		return err
	}
	public, errP := pki.EncodePublicKey(pub)
	slotCert, errS := pki.EncodeCertificate(pair.Slot)
	device, errD := pki.EncodeCertificate(pair.Device)
	if err := errors.Join(errP, errS, errD); err != nil {
		return err
	}
	challenge, err := tuf.NewChallenge(d.Plan.Organization, name, now, challengeLife)
	if err != nil {
		return err
	}
	proof, err := tuf.Prove(challenge, signer, []string{string(slotCert), string(device)})
	if err != nil {
		return err
	}
	text, err := proof.Encode()
	if err != nil {
		return err
	}
	dir := "holders/" + name + "/"
	return d.writeNew(
		file{dir + "key.pem", public},
		file{dir + "attestation/slot.pem", slotCert},
		file{dir + "attestation/device.pem", device},
		file{dir + "proof.json", text},
	)
}

func holderKey(token holderToken, slot yubikey.Slot) (*ecdsa.PublicKey, error) {
	info, err := token.Slot(slot)
	if err != nil {
		return nil, err
	}
	key := info.PublicKey
	if info.Empty {
		if key, err = token.Generate(slot, yubikey.KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "always"}); err != nil {
			return nil, err
		}
	}
	pub, err := tuf.CheckKey(key)
	if err != nil {
		return nil, fault.New(fault.Device, "choose another slot in the plan", fmt.Errorf("slot %s: %w", slot, err))
	}
	return pub, nil
}
