package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tufJoinOptions struct {
	*factory
	holder    string
	serial    uint32
	rehearsal bool
}

func newTUFJoinCmd(f *factory, run func(context.Context, *tufJoinOptions) error) *cobra.Command {
	o := &tufJoinOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "join HOLDER",
		Short: "Make a holder's key on the holder's token and file it with its attestation",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.holder = args[0]
			return run(c.Context(), o)
		},
	}
	serialFlag(cmd, &o.serial)
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTUFJoin(ctx context.Context, o *tufJoinOptions) (err error) {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	planned, slot, err := d.Holder(o.holder)
	if err != nil {
		return err
	}
	if o.serial != 0 && o.serial != planned {
		return fault.New(fault.Usage, "use the token that the plan names, or correct the plan",
			fmt.Errorf("--serial is %d, the plan's holder %s has token %d", o.serial, o.holder, planned))
	}
	roots, err := ceremony.Roots(d.Plan, o.rehearsal)
	if err != nil {
		return err
	}
	token, err := o.openToken(ctx, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	if err := o.operator.Confirm(term.Question{
		Text: fmt.Sprintf("A P-256 key for holder %s will be made in slot %s of YubiKey %d.", o.holder, slot, o.serial),
		Yes:  "the key is made, or the one that an earlier run made is taken; it is attested and proves itself",
		No:   "the token is unchanged",
	}); err != nil {
		return err
	}
	if err := d.Join(o.holder, token, yubikey.Slot(slot), roots, o.now); err != nil {
		return err
	}
	o.progress("holder %s joined with the key in holders/%s/key.pem", o.holder, o.holder)
	return nil
}
