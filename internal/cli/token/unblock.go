package token

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
)

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
