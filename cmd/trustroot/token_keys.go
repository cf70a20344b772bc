package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenProvisionOptions struct {
	*factory
	serial  uint32
	forRoot bool
}

func newTokenProvisionCmd(f *factory, run func(context.Context, *tokenProvisionOptions) error) *cobra.Command {
	o := &tokenProvisionOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make a YubiKey ready: new PIN, PUK and management key",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().BoolVar(&o.forRoot, "for-root", false, "the token will hold a root key: refuse firmware below 5.7")
	return cmd
}

func runTokenProvision(ctx context.Context, o *tokenProvisionOptions) (err error) {
	token, err := o.openToken(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if err := o.operator.Confirm(term.Question{
		Text: fmt.Sprintf("YubiKey %d gets a new PIN, a new PUK and a random management key kept on it under the PIN.", o.serial),
		Yes:  "the defaults of the factory are replaced",
		No:   "the token is unchanged",
		Type: fmt.Sprint(o.serial),
	}); err != nil {
		return err
	}
	pin, err := o.newSecret("PIN")
	if err != nil {
		return err
	}
	defer clear(pin)
	puk, err := o.newSecret("PUK")
	if err != nil {
		return err
	}
	defer clear(puk)
	if err := token.Provision(yubikey.ProvisionOptions{PIN: pin, PUK: puk, ForRoot: o.forRoot, AllowOldFirmware: o.allowsOldFirmware()}); err != nil {
		return err
	}
	o.progress("YubiKey %d is ready: write PIN and PUK down, each in an envelope of its own", o.serial)
	return nil
}

// newSecret asks for a new PIN or PUK twice.
func (f *factory) newSecret(what string) ([]byte, error) {
	first, err := f.operator.Secret("New " + what + ", 6 to 8 characters")
	if err != nil {
		return nil, err
	}
	again, err := f.operator.Secret("New " + what + " again")
	if err != nil {
		clear(first)
		return nil, err
	}
	defer clear(again)
	if !bytes.Equal(first, again) {
		clear(first)
		return nil, fault.New(fault.Usage, "run the command again; the token is unchanged", fmt.Errorf("the two %ss differ", what))
	}
	return first, nil
}

// allowsOldFirmware looks into the plan, where there is one.
func (f *factory) allowsOldFirmware() bool {
	data, err := os.ReadFile(filepath.Join(f.dir, "pki.yaml"))
	if err != nil {
		return false
	}
	p, err := plan.Parse("pki.yaml", data)
	return err == nil && p.Allows(plan.ExceptionOldFirmware)
}

type tokenGenerateOptions struct {
	*factory
	serial uint32
	slot   string
	key    yubikey.KeyOptions
}

func newTokenGenerateCmd(f *factory, run func(context.Context, *tokenGenerateOptions) error) *cobra.Command {
	o := &tokenGenerateOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make a key in an empty slot; it can never leave the token",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "", "slot in hex, such as 9a")
	cmd.Flags().StringVar(&o.key.Algorithm, "algorithm", "P-256", "P-256 or P-384")
	cmd.Flags().StringVar(&o.key.PIN, "pin-policy", "once", "never, once or always")
	cmd.Flags().StringVar(&o.key.Touch, "touch-policy", "always", "never, always or cached")
	return cmd
}

func runTokenGenerate(ctx context.Context, o *tokenGenerateOptions) (err error) {
	token, err := o.openToken(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	pub, err := token.Generate(yubikey.Slot(o.slot), o.key)
	if err != nil {
		return err
	}
	text, err := pki.EncodePublicKey(pub)
	if err != nil {
		return err
	}
	return printText(o.out, string(text))
}

type tokenAttestOptions struct {
	*factory
	serial uint32
	slot   string
	out    string
}

func newTokenAttestCmd(f *factory, run func(context.Context, *tokenAttestOptions) error) *cobra.Command {
	o := &tokenAttestOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "attest",
		Short: "Write a slot's attestation and the token's own certificate",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	serialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.slot, "slot", "9c", "slot in hex")
	cmd.Flags().StringVar(&o.out, "out", "attestation", "new folder for slot.pem and device.pem")
	return cmd
}

func runTokenAttest(ctx context.Context, o *tokenAttestOptions) (err error) {
	token, err := o.openToken(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	pair, err := token.Attest(yubikey.Slot(o.slot))
	if err != nil {
		return err
	}
	dir, err := durable.NewDir(o.out)
	if err != nil {
		return err
	}
	defer dir.Discard()
	slot, errS := pki.EncodeCertificate(pair.Slot)
	device, errD := pki.EncodeCertificate(pair.Device)
	if err := errors.Join(errS, errD,
		durable.Write(filepath.Join(dir.Path(), "slot.pem"), slot, 0o644),
		durable.Write(filepath.Join(dir.Path(), "device.pem"), device, 0o644)); err != nil {
		return err
	}
	return dir.Commit()
}
