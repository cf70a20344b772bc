package ceremony

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

type keyIntent struct {
	Slot      string `json:"slot"`
	Algorithm string `json:"algorithm"`
	PIN       string `json:"pin"`
	Touch     string `json:"touch"`
}

type keyResult struct {
	PublicKey string `json:"public_key"` // PEM
}

func keyExpectation(in keyIntent, pub crypto.PublicKey) attestation.Expect {
	return attestation.Expect{PublicKey: pub, Slot: in.Slot, PINPolicy: in.PIN, TouchPolicy: in.Touch}
}

// key makes the key of a step, or takes the one that is in the slot where
// allow lets it.
func key(d *day, step string, intent keyIntent, allow func(d *day, in keyIntent, info yubikey.SlotInfo, retried bool) error) (crypto.PublicKey, error) {
	made, err := once(d, step, intent, func(in keyIntent, retried bool) (keyResult, error) {
		info, err := d.device.Slot(yubikey.Slot(in.Slot))
		if err != nil {
			return keyResult{}, err
		}
		if err := allow(d, in, info, retried); err != nil {
			return keyResult{}, err
		}
		pub := info.PublicKey
		if info.Empty {
			pub, err = d.device.Generate(yubikey.Slot(in.Slot), yubikey.KeyOptions{Algorithm: in.Algorithm, PIN: in.PIN, Touch: in.Touch})
		}
		if err == nil && pub == nil {
			err = fault.New(fault.Device, "use a token with firmware 5.7 or later", fmt.Errorf("the token does not say which key is in slot %s", in.Slot))
		}
		if err != nil {
			return keyResult{}, err
		}
		text, err := pki.EncodePublicKey(pub)
		return keyResult{string(text)}, err
	})
	if err != nil {
		return nil, err
	}
	pub, err := pki.ParsePublicKey([]byte(made.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("read a key from the journal: %w", err)
	}
	return pub, nil
}

// rootKeyIn is the root's key, as the plan has it.
func rootKeyIn(p *plan.Plan) keyIntent {
	a := p.Authorities[plan.RootAuthority]
	return keyIntent{a.Token.Slot, a.Algorithm, a.Token.PIN, a.Token.Touch}
}

// recordKeyIn is the key that signs records, beside the root's in its token:
// the root's own signs certificates and CRLs, nothing else.
func recordKeyIn(c plan.Ceremony) keyIntent {
	return keyIntent{Slot: cmp.Or(c.RecordSlot, "82"), Algorithm: "P-256", PIN: "once", Touch: "always"}
}

// recordKey finds the record key, or makes it at the first ceremony, and has
// the token attest it.
func (d *day) recordKey(context.Context) error {
	intent := recordKeyIn(d.plan)
	pub, err := key(d, stepRecordKey, intent, func(_ *day, in keyIntent, info yubikey.SlotInfo, _ bool) error {
		switch {
		case !info.Empty:
			return nil // the attestation that follows says whether it is one of ours
		case d.Request.Root == nil: // the yes to the new root was one to this key
			return show(d, stepRecordKey, "The record key is made in slot "+in.Slot+".")
		}
		return ask(d, stepRecordKey, term.Question{
			Text: term.Sprintf("A P-256 record key will be made in slot %s of token %d. It signs the records of ceremonies and nothing else.", in.Slot, d.Serial),
			Yes:  "the key is made and attested",
			No:   "no record key is made; run the same command to go on later",
			Type: "record key",
		})
	})
	if err != nil {
		return err
	}
	d.record = pub
	return attest(d, stepAttestRecord, record.RecordSlotFile, keyExpectation(intent, pub))
}

// recordSigner opens the token again where a run was cut after the journal
// was closed.
func recordSigner(ctx context.Context, d *day) (crypto.Signer, error) {
	if d.device == nil {
		if err := openToken(ctx, d); err != nil {
			return nil, err
		}
	}
	if d.record == nil {
		return nil, errors.New("there is no record key to sign with")
	}
	return d.device.Signer(yubikey.Slot(recordKeyIn(d.plan).Slot), d.record)
}
