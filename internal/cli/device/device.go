// Package device opens tokens for commands and asks for their secrets.
package device

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Open opens the token with that serial; without one it lists those that
// are there and opens none.
func Open(ctx context.Context, f *cmdutil.Factory, serial uint32) (*yubikey.Token, error) {
	if serial != 0 {
		return yubikey.Open(ctx, serial, Prompter{f.Operator})
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

// OpenForSecrets is openToken for a command that asks for a new PIN or PUK or
// that makes a key: the process is hardened before there is a secret in it.
func OpenForSecrets(ctx context.Context, f *cmdutil.Factory, serial uint32) (*yubikey.Token, error) {
	harden(func(text string) { f.Progress("%s", text) })
	return Open(ctx, f, serial)
}

// PublicKeyIn returns the key of a slot as the token describes it.
func PublicKeyIn(token *yubikey.Token, slot yubikey.Slot) (crypto.PublicKey, error) {
	info, err := token.Slot(slot)
	switch {
	case err != nil:
		return nil, err
	case info.Empty:
		return nil, fault.New(fault.Device, "see what is where with `trustroot token info`, or generate a key there first",
			fmt.Errorf("use the key in slot %s: %w", slot, yubikey.ErrSlotEmpty))
	case info.PublicKey == nil:
		return nil, fault.New(fault.Device, "take a token with firmware 5.3 or newer",
			fmt.Errorf("use the key in slot %s: %w: the token cannot say which key it is", slot, yubikey.ErrFirmware))
	}
	return info.PublicKey, nil
}

// PlanHere reads the plan of the trust directory; nil where there is none.
func PlanHere(f *cmdutil.Factory) (*plan.Plan, error) {
	name := filepath.Join(f.Dir, trustdir.PlanFile)
	data, err := courier.ReadFile(name, courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return plan.Parse(name, data)
}

// Roots returns Yubico's, or, when a rehearsal is wanted, those
// that the plan in the trust directory pins.
func Roots(f *cmdutil.Factory, rehearsal bool) (attestation.Roots, error) {
	if !rehearsal {
		return attestation.Yubico(), nil
	}
	p, err := PlanHere(f)
	if err != nil {
		return attestation.Roots{}, err
	}
	if p == nil {
		return attestation.Roots{}, cmdutil.Usage("name the rehearsal's folder with --dir", "--rehearsal: %s has no %s that pins a rehearsal's root", f.Dir, trustdir.PlanFile)
	}
	return ceremony.Roots(p, true)
}
