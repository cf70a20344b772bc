package device

import (
	"time"

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

// touchSeconds is how long a YubiKey waits for a finger.
const touchSeconds = 15

// CountingPrompter is a prompter that counts down while the token waits.
type CountingPrompter struct {
	Prompter
	every time.Duration // between two lines
	stop  chan struct{} // nil: nothing is waited for
	ended chan struct{}
}

// NewCountingPrompter counts the touches that an operator is asked for.
func NewCountingPrompter(operator ceremony.Operator) *CountingPrompter {
	return &CountingPrompter{Prompter: Prompter{operator}, every: 5 * time.Second}
}

// Touch implements yubikey.Prompter.
func (p *CountingPrompter) Touch(id yubikey.Identity, slot yubikey.Slot, waiting bool) {
	p.Prompter.Touch(id, slot, waiting)
	if p.stop != nil {
		close(p.stop)
		<-p.ended
		p.stop = nil
	}
	if waiting {
		p.stop, p.ended = make(chan struct{}), make(chan struct{})
		go p.count(p.stop, p.ended)
	}
}

func (p *CountingPrompter) count(stop, ended chan struct{}) {
	defer close(ended)
	ticker := time.NewTicker(p.every)
	defer ticker.Stop()
	for left := touchSeconds - 5; left > 0; left -= 5 {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.Operator.Notice(term.Sprintf("Touch it: %d seconds are left.", left))
		}
	}
	<-stop
}
