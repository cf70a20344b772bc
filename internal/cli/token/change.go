package token

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
)

type tokenChangeOptions struct {
	*cmdutil.Factory
	what   string // PIN or PUK
	serial uint32
	split  bool
	was    bool
}

// newTokenChangeCmd is change-pin or change-puk: whoever leaves takes no secret
// along that still works.
func newTokenChangeCmd(f *cmdutil.Factory, what, name string) *cobra.Command {
	o := &tokenChangeOptions{Factory: f, what: what}
	cmd := cmdutil.Command(o, runTokenChange, name,
		"Replace the "+what+", for the next key holder",
		"Replace the "+what+". The new one is asked for first, and the last try of\n"+
			"the old one is used only after you typed so. When a key holder leaves, change both: whoever knows the PUK sets a new PIN.")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().BoolVar(&o.split, "split", false, "two people type half of the new "+what+" each")
	cmd.Flags().BoolVar(&o.was, "split-old", false, "two people type half of the old "+what+" each")
	return cmd
}

func runTokenChange(ctx context.Context, o *tokenChangeOptions) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	// the new one first: once the old one was typed nothing else can go wrong with it
	secret, err := device.NewSecret(o.Factory, o.what, o.split)
	if err != nil {
		return err
	}
	defer clear(secret)
	change := token.ChangePIN
	if o.what == "PUK" {
		change = token.ChangePUK
	}
	if err := device.InForce(o.Factory, o.oldSecret, func(old []byte) error { return change(old, secret) }); err != nil {
		return err
	}
	o.Progress("YubiKey %d has its new %s; seal each half twice, in two places, and destroy the notes with the old one", o.serial, o.what)
	return nil
}

// oldSecret asks for the secret that goes, whole or by halves.
func (o *tokenChangeOptions) oldSecret() ([]byte, error) {
	if !o.was {
		return o.Operator.Secret(term.Sprintf("Old %s of YubiKey %d", o.what, o.serial))
	}
	whole := make([]byte, 0, 16) // room for both, so that no copy is left behind
	for _, who := range []string{"first", "second"} {
		half, err := o.Operator.Secret(term.Sprintf("The %s half of the old %s of YubiKey %d", who, o.what, o.serial))
		if err != nil {
			clear(whole)
			return nil, err
		}
		whole = append(whole, half...)
		clear(half)
	}
	return whole, nil
}

type tokenUnblockOptions struct {
	*cmdutil.Factory
	serial uint32
	split  bool
}

func newTokenUnblockCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenUnblockOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenUnblock, "unblock", "Set a new PIN with the PUK, when the PIN is blocked or forgotten", "")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().BoolVar(&o.split, "split-pin", false, "two people type half of the new PIN each")
	return cmd
}

func runTokenUnblock(ctx context.Context, o *tokenUnblockOptions) (err error) {
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	// the new PIN first: once the PUK was typed nothing else can go wrong with it
	pin, err := device.NewSecret(o.Factory, "PIN", o.split)
	if err != nil {
		return err
	}
	defer clear(pin)
	if err := device.InForce(o.Factory, func() ([]byte, error) {
		return o.Operator.Secret(term.Sprintf("PUK of YubiKey %d", o.serial))
	}, func(puk []byte) error { return token.Unblock(puk, pin) }); err != nil {
		return err
	}
	o.Progress("YubiKey %d has its new PIN; write it down and destroy the note with the old one", o.serial)
	return nil
}
