package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func newTokenCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Work with a YubiKey's PIV application", RunE: help}
	cmd.AddCommand(
		newTokenListCmd(f, runTokenList),
		newTokenInfoCmd(f, runTokenInfo),
		newTokenProvisionCmd(f, runTokenProvision),
		newTokenGenerateCmd(f, runTokenGenerate),
		newTokenImportCmd(f, runTokenImport),
		newTokenSignTestCmd(f, runTokenSignTest),
		newTokenAttestCmd(f, runTokenAttest),
		newTokenVerifyAttestationCmd(f, runTokenVerifyAttestation),
		newTokenUnblockCmd(f, runTokenUnblock),
		newTokenResetCmd(f, runTokenReset),
		newTokenVirtualCmd(f, runTokenVirtual),
	)
	return cmd
}

// serialFlag adds --serial; a token is never chosen by position.
func serialFlag(cmd *cobra.Command, into *uint32) {
	cmd.Flags().Uint32Var(into, "serial", 0, "serial number of the YubiKey")
}

// slotFlag adds --slot, which has no default: a slot is named.
func slotFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "slot", "", "slot in hex: 9a, 9c, 9d, 9e, or 82 to 95")
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

var hardening sync.Once

// harden keeps secrets out of swap and core files, once a process, and says
// what could not be done.
func harden(say func(string)) {
	hardening.Do(func() {
		for _, left := range yubikey.Harden() {
			say("secrets are less protected here: " + left)
		}
	})
}

// openForSecrets is openToken for a command that asks for a new PIN or PUK or
// that makes a key: the process is hardened before there is a secret in it.
func (f *factory) openForSecrets(ctx context.Context, serial uint32) (*yubikey.Token, error) {
	harden(func(text string) { f.progress("%s", text) })
	return f.openToken(ctx, serial)
}

// planHere reads the plan of the trust directory; nil where there is none.
func (f *factory) planHere() (*plan.Plan, error) {
	name := filepath.Join(f.dir, app.PlanFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return plan.Parse(name, data)
}

// attestationRoots returns Yubico's, or, when a rehearsal is wanted, those
// that the plan in the trust directory pins.
func (f *factory) attestationRoots(rehearsal bool) (attestation.Roots, error) {
	if !rehearsal {
		return attestation.Yubico(), nil
	}
	p, err := f.planHere()
	if err != nil {
		return attestation.Roots{}, err
	}
	if p == nil {
		return attestation.Roots{}, usage("name the rehearsal's folder with --dir", "--rehearsal: %s has no %s that pins a rehearsal's root", f.dir, app.PlanFile)
	}
	return ceremony.Roots(p, true)
}
