package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenSignTestOptions struct {
	*factory
	serial uint32
	slot   string
	pubkey string
	count  int
}

func newTokenSignTestCmd(f *factory, run func(context.Context, *tokenSignTestOptions) error) *cobra.Command {
	o := &tokenSignTestOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "sign-test",
		Short: "Prove that a slot's key signs, with a signature of no value",
		Long:  "Prove that a slot's key signs.\n\nWhat is signed is a random number in a text that says so; the signature is checked and thrown away.",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	serialFlag(cmd, &o.serial)
	slotFlag(cmd, &o.slot)
	cmd.Flags().StringVar(&o.pubkey, "pubkey", "", "PEM file of the public key that it must be; the token's word where it is left away")
	cmd.Flags().IntVar(&o.count, "count", 1, "how many signatures, 1 to 100")
	return cmd
}

func runTokenSignTest(ctx context.Context, o *tokenSignTestOptions) (err error) {
	if o.slot == "" {
		return usage("name the slot, such as --slot 9c", "--slot is missing")
	}
	if o.count < 1 || o.count > 100 {
		return usage("choose 1 to 100", "--count %d", o.count)
	}
	var expected crypto.PublicKey
	if o.pubkey != "" {
		data, err := readFile(o.pubkey)
		if err != nil {
			return err
		}
		if expected, err = pki.ParsePublicKey(data); err != nil {
			return fmt.Errorf("%s: %w", o.pubkey, err)
		}
	}
	token, err := o.openForSecrets(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	slot := yubikey.Slot(o.slot)
	if expected == nil {
		if expected, err = publicKeyIn(token, slot); err != nil {
			return err
		}
	}
	signer, err := token.Signer(slot, expected)
	if err != nil {
		return err
	}
	for range o.count {
		text := append([]byte("trustroot token sign-test: a signature of no value over "), rand.Text()...)
		if _, err := o.signText(signer, text); err != nil {
			return err
		}
	}
	digest, err := pki.SPKISHA256(expected)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, map[string]any{"serial": o.serial, "slot": o.slot, "spki_sha256": digest, "signatures": o.count})
	}
	return printText(o.out, fmt.Sprintf("slot %s of YubiKey %d signs; SHA-256 of its public key %s\n", o.slot, o.serial, digest))
}

// publicKeyIn returns the key of a slot as the token describes it.
func publicKeyIn(token *yubikey.Token, slot yubikey.Slot) (crypto.PublicKey, error) {
	info, err := token.Slot(slot)
	switch {
	case err != nil:
		return nil, err
	case info.Empty:
		return nil, fault.New(fault.Device, "see what is where with `trustroot token info`, or generate a key there first",
			fmt.Errorf("use the key in slot %s: %w", slot, yubikey.ErrSlotEmpty))
	case info.PublicKey == nil:
		return nil, fault.New(fault.Device, "take a token with firmware 5.3 or newer",
			fmt.Errorf("use the key in slot %s: %w: the token cannot say which key it is", slot, yubikey.ErrFirmware))
	}
	return info.PublicKey, nil
}

// signText signs the digest that goes with the key's curve, and offers another
// try when nobody touched the token.
func (f *factory) signText(signer crypto.Signer, text []byte) ([]byte, error) {
	hash := crypto.SHA256
	if k, ok := signer.Public().(*ecdsa.PublicKey); ok && k.Curve == elliptic.P384() {
		hash = crypto.SHA384
	}
	h := hash.New()
	h.Write(text)
	digest := h.Sum(nil)
	for {
		signature, err := signer.Sign(rand.Reader, digest, hash)
		if !errors.Is(err, yubikey.ErrTouch) {
			return signature, err
		}
		if stopped := f.operator.Confirm(term.Question{
			Text: "The token was not touched in time, and nothing was signed.",
			Yes:  "it blinks again, and you touch it",
			No:   "nothing was signed",
		}); stopped != nil {
			return nil, errors.Join(stopped, err)
		}
	}
}
