package main

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// prompter lets a token speak to the operator.
type prompter struct{ operator ceremony.Operator }

// PIN implements yubikey.Prompter. Whichever command it is that needs the PIN,
// the process is hardened before it is typed.
func (p prompter) PIN(id yubikey.Identity, retries int) ([]byte, error) {
	harden(p.operator.Notice)
	return p.operator.Secret(fmt.Sprintf("PIN of YubiKey %d (%d tries left)", id.Serial, retries))
}

// Touch implements yubikey.Prompter.
func (p prompter) Touch(id yubikey.Identity, slot yubikey.Slot, waiting bool) {
	if waiting {
		p.operator.Notice(fmt.Sprintf("Touch YubiKey %d now: slot %s signs when you do.", id.Serial, slot))
	}
}

// ConfirmLastTry implements yubikey.LastTryConfirmer.
func (p prompter) ConfirmLastTry(id yubikey.Identity, what string) error {
	return p.operator.Confirm(term.Question{
		Text: fmt.Sprintf("One try of the %s of YubiKey %d is left. A wrong one blocks it.", what, id.Serial),
		Yes:  "the last try is used",
		No:   "nothing is sent to the token",
		Type: "last try",
	})
}
