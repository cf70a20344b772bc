package ceremony

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// WitnessOptions are what a witness signs with.
type WitnessOptions struct {
	VerifyOptions
	Serial   uint32
	Slot     yubikey.Slot // of an attested P-256 key that wants a touch
	Operator Operator
	Open     func(ctx context.Context, serial uint32) (Device, error)
}

// SignAsWitness verifies a record and adds a witness's signature over the same
// statement that the record key signed, with the attestation of the witness's
// key. It may happen on the day or years later, and returns the new file.
func SignAsWitness(ctx context.Context, path string, o WitnessOptions) (file string, err error) {
	v, err := Verify(path, o.VerifyOptions)
	if err != nil {
		return "", err
	}
	if o.Serial == v.Request.Plan.Ceremonies[v.Request.Manifest.Ceremony].Token {
		return "", fault.New(fault.Usage, "sign with a witness's own token", errors.New("the root's own token is not a witness"))
	}
	device, err := o.Open(ctx, o.Serial)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	pair, err := o.attested(v, device)
	if err != nil {
		return "", err
	}
	digest := v.Record.Digest()
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("The record of ceremony %s holds what it claims. Compare its digest with what was read aloud on the day:\n  %s\n  %s",
			v.Request.Manifest.Ceremony, pki.HexGroups(digest[:]), pki.Words(digest[:])),
		Yes:  term.Sprintf("token %d signs it as a witness", o.Serial),
		No:   "nothing is signed",
		Type: "I was there",
	}); err != nil {
		return "", err
	}
	return o.sign(ctx, v, device, pair)
}

// attested is the attestation of a key that a witness may sign with: an empty
// slot is refused before anything is asked.
func (o WitnessOptions) attested(v *Verified, device Device) (attestation.Pair, error) {
	roots, err := Roots(v.Request.Plan, o.Rehearsal)
	if err != nil {
		return attestation.Pair{}, err
	}
	pair, err := device.Attest(o.Slot)
	if err != nil {
		return pair, err
	}
	if err := checkWitness(pair.Slot, pair.Device, o.Serial, roots); err != nil {
		return pair, fault.New(fault.Device, "sign with a key that was made on the token and wants a touch", fmt.Errorf("slot %s of token %d: %w", o.Slot, o.Serial, err))
	}
	return pair, nil
}

func (o WitnessOptions) sign(ctx context.Context, v *Verified, device Device, pair attestation.Pair) (string, error) {
	statement, err := statementOf(v.Request, v.Record.Files)
	if err != nil {
		return "", err
	}
	signer, err := device.Signer(o.Slot, pair.Slot.PublicKey)
	if err != nil {
		return "", err
	}
	envelope, err := record.Sign(ctx, statement, signer)
	if err != nil {
		return "", err
	}
	slot, errS := pki.EncodeCertificate(pair.Slot)
	dev, errD := pki.EncodeCertificate(pair.Device)
	if err := errors.Join(errS, errD); err != nil {
		return "", err
	}
	name, _, _ := record.WitnessFiles(o.Serial)
	return filepath.Join(v.Record.Path, record.SignaturesDir, name), record.AddWitness(v.Record.Path, o.Serial, envelope, slot, dev)
}
