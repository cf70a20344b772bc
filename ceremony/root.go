package ceremony

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Names of steps, as the journal has them.
const (
	stepGenerate = "generate"
	stepAttest   = "attest"
	stepInstall  = "install"
	stepSign     = "sign" // followed by a space and the authority
)

type generateIntent struct {
	Slot      string `json:"slot"`
	Algorithm string `json:"algorithm"`
	PIN       string `json:"pin"`
	Touch     string `json:"touch"`
}

type generateResult struct {
	PublicKey string `json:"public_key"` // PEM
}

type attestResult struct {
	Slot   string `json:"slot"`   // PEM
	Device string `json:"device"` // PEM
}

// makeRoot makes the root key in its slot and has the token attest it. A key
// that an earlier, cut run made is found again, never made twice.
func (d *day) makeRoot(_ context.Context) error {
	root := d.Request.Plan.Authorities[plan.RootAuthority]
	slot := yubikey.Slot(root.Token.Slot)
	intent := generateIntent{root.Token.Slot, root.Algorithm, root.Token.PIN, root.Token.Touch}
	made, err := once(d, stepGenerate, intent, func(in generateIntent, retried bool) (generateResult, error) {
		pub, err := d.generate(slot, in, retried)
		if err != nil {
			return generateResult{}, err
		}
		text, err := pki.EncodePublicKey(pub)
		return generateResult{string(text)}, err
	})
	if err != nil {
		return err
	}
	pub, err := pki.ParsePublicKey([]byte(made.PublicKey))
	if err != nil {
		return fmt.Errorf("read the root key from the journal: %w", err)
	}
	if err := d.attest(slot, pub); err != nil {
		return err
	}
	item := d.Request.Items[0]
	return d.signItem(item, pub)
}

func (d *day) generate(slot yubikey.Slot, in generateIntent, retried bool) (crypto.PublicKey, error) {
	info, err := d.device.Slot(slot)
	if err != nil {
		return nil, err
	}
	if !info.Empty && retried {
		// the attestation that follows proves that it was made on this token
		d.Operator.Notice("The key that the cut run made is in slot " + in.Slot + "; it is kept.")
		return info.PublicKey, nil
	}
	if !info.Empty {
		return nil, fault.New(fault.Device, "use a token whose slot "+in.Slot+" is empty",
			fmt.Errorf("slot %s of token %d holds a key already; nothing was changed", in.Slot, d.Serial))
	}
	if err := d.ask(stepGenerate, term.Question{
		Text: fmt.Sprintf("A %s root key will be made in slot %s of token %d. It can never leave the token.", in.Algorithm, in.Slot, d.Serial),
		Yes:  "the key is made, attested, and signs its own certificate",
		No:   "the token is unchanged",
		Type: fmt.Sprint(d.Serial),
	}); err != nil {
		return nil, err
	}
	return d.device.Generate(slot, yubikey.KeyOptions{Algorithm: in.Algorithm, PIN: in.PIN, Touch: in.Touch})
}

// attest has the token prove that the root key was made on it.
func (d *day) attest(slot yubikey.Slot, pub crypto.PublicKey) error {
	got, err := once(d, stepAttest, map[string]string{"slot": string(slot)}, func(map[string]string, bool) (attestResult, error) {
		pair, err := d.device.Attest(slot)
		if err != nil {
			return attestResult{}, err
		}
		s, errS := pki.EncodeCertificate(pair.Slot)
		dev, errD := pki.EncodeCertificate(pair.Device)
		return attestResult{string(s), string(dev)}, errors.Join(errS, errD)
	})
	if err != nil {
		return err
	}
	slotCert, errS := pki.ParseCertificate([]byte(got.Slot))
	deviceCert, errD := pki.ParseCertificate([]byte(got.Device))
	if err := errors.Join(errS, errD); err != nil {
		return fmt.Errorf("read the attestation from the journal: %w", err)
	}
	d.pair = &attestation.Pair{Slot: slotCert, Device: deviceCert}
	return checkAttestation(d.Request.Plan, d.Serial, slotCert, deviceCert, pub, d.Roots, d.Now)
}

// findRoot holds the token's key against the request's root certificate.
func (d *day) findRoot(_ context.Context) error {
	d.root = d.Request.Root
	return nil
}
