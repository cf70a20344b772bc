package device

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// Provision asks for a new PIN and PUK, in halves by two people with split, and
// makes the token ready with them.
func Provision(f *cmdutil.Factory, token *yubikey.Token, o yubikey.ProvisionOptions, split bool) (err error) {
	if o.PIN, err = NewSecret(f, "PIN", split); err != nil {
		return err
	}
	defer clear(o.PIN)
	if o.PUK, err = NewSecret(f, "PUK", split); err != nil {
		return err
	}
	defer clear(o.PUK)
	if err := token.Provision(o); err != nil {
		return err
	}
	serial := token.Identity().Serial
	if split {
		f.Progress("YubiKey %d is ready: each person writes their own halves down; where it asks for the PIN, the first half is typed, then the second, then Enter", serial)
		return nil
	}
	f.Progress("YubiKey %d is ready: write PIN and PUK down, each in an envelope of its own", serial)
	return nil
}

// ProvisionNew provisions a token whose PIN is the factory's; any other it
// leaves alone. Nothing is confirmed: who does not want it types no PIN.
func ProvisionNew(f *cmdutil.Factory, token *yubikey.Token, o yubikey.ProvisionOptions, split bool) error {
	factory, err := yubikey.FactoryPIN(token)
	if err != nil || !factory {
		return err
	}
	if err := token.Provisionable(o); err != nil {
		return err
	}
	f.Operator.Notice(term.Sprintf("YubiKey %d is new. It gets a new PIN, a new PUK and a random management key kept on it under the PIN.", token.Identity().Serial))
	return Provision(f, token, o, split)
}
