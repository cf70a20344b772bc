package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenSignTestOptions struct {
	*cmdutil.Factory
	serial uint32
	slot   string
	pubkey string
	count  int
}

func newTokenSignTestCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenSignTestOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenSignTest, "sign-test",
		"Prove that a slot's key signs, with a signature of no value",
		"Prove that a slot's key signs.\n\nWhat is signed is a random number in a text that says so; the signature is checked and thrown away.")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmdutil.SlotFlag(cmd, &o.slot)
	cmd.Flags().StringVar(&o.pubkey, "pubkey", "", "PEM file of the public key that it must be (default: the token's word)")
	cmd.Flags().IntVar(&o.count, "count", 1, "how many signatures, 1 to 100")
	return cmd
}

func runTokenSignTest(ctx context.Context, o *tokenSignTestOptions) (err error) {
	if o.slot == "" {
		return cmdutil.Usage("name the slot, such as --slot 9c", "--slot is missing")
	}
	if o.count < 1 || o.count > 100 {
		return cmdutil.Usage("choose 1 to 100", "--count %d", o.count)
	}
	var expected crypto.PublicKey
	if o.pubkey != "" {
		data, err := cmdutil.ReadFile(o.pubkey)
		if err != nil {
			return err
		}
		if expected, err = pki.ParsePublicKey(data); err != nil {
			return fmt.Errorf("%s: %w", o.pubkey, err)
		}
	}
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	slot := yubikey.Slot(o.slot)
	if expected == nil {
		if expected, err = device.PublicKeyIn(token, slot); err != nil {
			return err
		}
	}
	signer, err := token.Signer(slot, expected)
	if err != nil {
		return err
	}
	for range o.count {
		text := append([]byte("trustroot token sign-test: a signature of no value over "), rand.Text()...)
		if _, err := signText(o.Factory, signer, text); err != nil {
			return err
		}
	}
	digest, err := pki.SPKISHA256(expected)
	if err != nil {
		return err
	}
	return o.Print(map[string]any{"serial": o.serial, "slot": o.slot, "spki_sha256": digest, "signatures": o.count}, fmt.Sprintf("slot %s of YubiKey %d signs; SHA-256 of its public key %s\n", o.slot, o.serial, digest))
}

// signText signs the digest that goes with the key's curve, and offers another
// try when nobody touched the token.
func signText(f *cmdutil.Factory, signer crypto.Signer, text []byte) ([]byte, error) {
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
		if stopped := f.Operator.Confirm(term.Question{
			Text: "The token was not touched in time, and nothing was signed.",
			Yes:  "it blinks again, and you touch it",
			No:   "nothing was signed",
		}); stopped != nil {
			return nil, errors.Join(stopped, err)
		}
	}
}
