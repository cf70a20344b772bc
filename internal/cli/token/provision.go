package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenProvisionOptions struct {
	*cmdutil.Factory
	serial     uint32
	forRoot    bool
	split      bool
	reset      bool
	pinRetries int
	pukRetries int
}

func newTokenProvisionCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenProvisionOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenProvision, "provision",
		"Make a YubiKey ready: new PIN, PUK and management key",
		"Make a YubiKey ready: new PIN and PUK, and a random management key that stays on it under the PIN.\n\nCut at any instant, the same command with the same PIN and PUK goes on. A token with a key or a certificate in any slot is refused.\n\nFirmware below 5.3 does not tell what the credentials are: such a token is erased first, with --reset, and only if it surely holds no key.")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().BoolVar(&o.forRoot, "for-root", false, "the token will hold a root key: refuse firmware below 5.7 unless the plan names the exception")
	cmd.Flags().BoolVar(&o.split, "split-pin", false, "two people type half of the PIN and of the PUK each")
	cmd.Flags().BoolVar(&o.reset, "reset", false, "erase the token first, as `token reset` does")
	cmd.Flags().IntVar(&o.pinRetries, "pin-retries", 5, "tries of the PIN, 1 to 15")
	cmd.Flags().IntVar(&o.pukRetries, "puk-retries", 5, "tries of the PUK, 1 to 15")
	return cmd
}

func runTokenProvision(ctx context.Context, o *tokenProvisionOptions) (err error) {
	options := yubikey.ProvisionOptions{ForRoot: o.forRoot, PINRetries: o.pinRetries, PUKRetries: o.pukRetries}
	if o.pinRetries < 1 || o.pinRetries > 15 || o.pukRetries < 1 || o.pukRetries > 15 {
		return cmdutil.Usage("choose 1 to 15", "--pin-retries %d, --puk-retries %d", o.pinRetries, o.pukRetries)
	}
	if o.forRoot {
		p, err := device.PlanHere(o.Factory)
		if err != nil {
			return err
		}
		options.AllowOldFirmware = p != nil && p.Allows(plan.ExceptionOldFirmware)
	}
	token, err := device.OpenForSecrets(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if o.reset {
		if err := erase(o.Factory, token); err != nil {
			return err
		}
	}
	if err := token.Provisionable(options); err != nil {
		return err
	}
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("YubiKey %d gets a new PIN, a new PUK and a random management key kept on it under the PIN.", o.serial),
		Yes:  "the defaults of the factory are replaced",
		No:   "the token is unchanged",
		Type: fmt.Sprint(o.serial),
	}); err != nil {
		return err
	}
	return device.Provision(o.Factory, token, options, o.split)
}
