package token

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func newTokenListCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Command(f, runTokenList, "list", "Show every YubiKey that is plugged in", "")
}

func runTokenList(ctx context.Context, o *cmdutil.Factory) error {
	found, err := yubikey.List(ctx)
	if err != nil {
		return err
	}
	views := []*tokenView{}
	for _, info := range found {
		v, err := newTokenView(info, o.Now)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	if len(views) == 0 && !o.JSON {
		o.Progress("no YubiKey is plugged in")
	}
	text := ""
	for _, v := range views {
		text += v.text(term.StyleFor(o.Out))
	}
	return o.Print(views, text)
}

type tokenInfoOptions struct {
	*cmdutil.Factory
	serial    uint32
	at        string
	rehearsal bool
}

func newTokenInfoCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenInfoOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenInfo, "info", "Show one YubiKey: slots, policies, attestations, warnings", "")
	cmdutil.SerialFlag(cmd, &o.serial)
	cmd.Flags().StringVar(&o.at, "at", "", "judge attestations and expiry at this time, as 2026-11-02 or 2026-11-02T09:00:00Z (default: now)")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTokenInfo(ctx context.Context, o *tokenInfoOptions) (err error) {
	at, err := instant(o.Factory, o.at)
	if err != nil {
		return err
	}
	roots, err := device.Roots(o.Factory, o.rehearsal)
	if err != nil {
		return err
	}
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	info, err := token.Info()
	if err != nil {
		return err
	}
	v, err := newTokenView(info, at)
	if err != nil {
		return err
	}
	for n, slot := range info.Slots {
		v.Slots[n].Attestation = attested(token, slot, attestation.Expect{Serial: o.serial, Slot: string(slot.Slot), PublicKey: slot.PublicKey}, roots, at)
	}
	return o.Print(v, v.text(term.StyleFor(o.Out)))
}
