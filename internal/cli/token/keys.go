package token

import (
	"context"
	"crypto"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenGenerateOptions struct {
	*cmdutil.Factory
	serial uint32
	slot   string
	key    yubikey.KeyOptions
	keep   bool
}

func newTokenGenerateCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenGenerateOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenGenerate, "generate",
		"Make a key in an empty slot; it can never leave the token",
		"Make a key in an empty slot; it can never leave the token.\n\nA run that was cut may have made the key and lost the answer: the same command with --keep then takes the key that is there.")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmdutil.SlotFlag(cmd, &o.slot)
	keyFlags(cmd, &o.key)
	cmd.Flags().BoolVar(&o.keep, "keep", false, "take the key that is in the slot if it was generated with these very options and has no certificate yet")
	return cmd
}

func keyFlags(cmd *cobra.Command, key *yubikey.KeyOptions) {
	cmd.Flags().StringVar(&key.Algorithm, "algorithm", "P-256", "P-256 or P-384")
	cmd.Flags().StringVar(&key.PIN, "pin-policy", "once", "never, once or always")
	cmd.Flags().StringVar(&key.Touch, "touch-policy", "always", "never, always or cached")
}

func runTokenGenerate(ctx context.Context, o *tokenGenerateOptions) (err error) {
	if o.slot == "" {
		return cmdutil.Usage("name the slot, such as --slot 9c", "--slot is missing")
	}
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	pub, err := o.generate(token)
	if err != nil {
		return err
	}
	text, errP := pki.EncodePublicKey(pub)
	digest, errD := pki.SPKISHA256(pub)
	if err := errors.Join(errP, errD); err != nil {
		return err
	}
	return o.Print(map[string]any{
		"serial": o.serial, "slot": o.slot, "algorithm": o.key.Algorithm, "spki_sha256": digest, "public_key": string(text),
	}, string(text))
}

// generate makes the key, or takes the one that an earlier run made.
func (o *tokenGenerateOptions) generate(token *yubikey.Token) (crypto.PublicKey, error) {
	slot := yubikey.Slot(o.slot)
	if o.keep {
		info, err := token.Slot(slot)
		if err != nil {
			return nil, err
		}
		there := yubikey.KeyOptions{Algorithm: info.Algorithm, PIN: info.PINPolicy, Touch: info.TouchPolicy}
		if !info.Empty && info.Origin == yubikey.Generated && there == o.key && info.Certificate == nil && info.PublicKey != nil {
			o.Progress("slot %s holds such a key already, and no other was made", slot)
			return info.PublicKey, nil
		}
	}
	return token.Generate(slot, o.key)
}

type tokenAttestOptions struct {
	*cmdutil.Factory
	serial uint32
	slot   string
	out    string
}

func newTokenAttestCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenAttestOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenAttest, "attest", "Write a slot's attestation and the token's own certificate", "")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9c", "slot in hex")
	cmd.Flags().StringVar(&o.out, "out", "attestation", "new folder for slot.pem and device.pem")
	return cmd
}

func runTokenAttest(ctx context.Context, o *tokenAttestOptions) (err error) {
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	pair, err := token.Attest(yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	slot, errS := pki.EncodeCertificate(pair.Slot)
	device, errD := pki.EncodeCertificate(pair.Device)
	if err := errors.Join(errS, errD); err != nil {
		return err
	}
	return courier.NewFolder(o.out, map[string][]byte{"slot.pem": slot, "device.pem": device})
}
