package device

import (
	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// Prompter lets a token speak to the operator.
type Prompter struct{ Operator ceremony.Operator }

// Notice implements yubikey.Prompter.
func (p Prompter) Notice(text string) { p.Operator.Notice(text) }

// PIN implements yubikey.Prompter. Whichever command it is that needs the PIN,
// the process is hardened before it is typed.
func (p Prompter) PIN(id yubikey.Identity, retries int) ([]byte, error) {
	harden(p.Operator.Notice)
	return p.Operator.Secret(term.Sprintf("PIN of YubiKey %d (%d tries left)", id.Serial, retries))
}

// Touch implements yubikey.Prompter.
func (p Prompter) Touch(id yubikey.Identity, slot yubikey.Slot, waiting bool) {
	if waiting {
		p.Operator.Notice(term.Sprintf("Touch YubiKey %d now: slot %s signs when you do.", id.Serial, slot))
	}
}

// ConfirmLastTry implements yubikey.LastTryConfirmer.
func (p Prompter) ConfirmLastTry(id yubikey.Identity, what string) error {
	return p.Operator.Confirm(term.Question{
		Text: term.Sprintf("One try of the %s of YubiKey %d is left. A wrong one blocks it.", what, id.Serial),
		Yes:  "the last try is used",
		No:   "nothing is sent to the token",
		Type: "last try",
	})
}
