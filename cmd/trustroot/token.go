package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func newTokenCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Work with a YubiKey's PIV application", RunE: help}
	cmd.AddCommand(
		newTokenListCmd(f, runTokenList),
		newTokenInfoCmd(f, runTokenInfo),
		newTokenProvisionCmd(f, runTokenProvision),
		newTokenGenerateCmd(f, runTokenGenerate),
		newTokenAttestCmd(f, runTokenAttest),
		newTokenVirtualCmd(f, runTokenVirtual),
	)
	return cmd
}

// serialFlag adds --serial; a token is never chosen by position.
func serialFlag(cmd *cobra.Command, into *uint32) {
	cmd.Flags().Uint32Var(into, "serial", 0, "serial number of the YubiKey")
}

// openToken opens the token with that serial; without one it lists those that
// are there and opens none.
func (f *factory) openToken(ctx context.Context, serial uint32) (*yubikey.Token, error) {
	if serial != 0 {
		return yubikey.Open(ctx, serial, prompter{f.operator})
	}
	found, err := yubikey.List(ctx)
	if err != nil {
		return nil, err
	}
	text := "give the token's serial number with --serial; there is none plugged in"
	if len(found) > 0 {
		text = "give the token's serial number with --serial; plugged in are:"
		for _, i := range found {
			text += fmt.Sprintf(" %d (firmware %s)", i.Identity.Serial, i.Identity.Firmware)
		}
	}
	return nil, fault.New(fault.Usage, text, errors.New("no token was named"))
}
