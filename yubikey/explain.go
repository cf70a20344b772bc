//go:build cgo

package yubikey

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ebfe/scard"
	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// Status words (SP 800-73-4 part 2, 5.6; Yubico's extensions).
const (
	swSecurity    = 0x6982 // a wrong management key, no PIN, or a touch that did not come
	swNotFound    = 0x6a82 // no such object
	swInstruction = 0x6d00 // no such command
)

// status returns the card's status word in err, or 0.
func status(err error) uint16 {
	var s interface{ Status() uint16 }
	if errors.As(err, &s) {
		return s.Status()
	}
	return 0
}

// piv-go keeps PC/SC's codes and its own kinds of failure to itself and passes
// on only their text. These are fragments of v2.6.0's; a test looks for each in
// its source.
const (
	textAuthenticating = "authenticating with"           // before the management key or a PIN
	textChallenge      = "challenge failed"              // the card does not know the management key
	textKeyLength      = "invalid management key length" // nor could it
	textVerified       = "expected error code from empty pin"
	textCommand        = "command failed" // the card or PC/SC, not the parser of the answer
	textNoCard         = "no Smart Card is currently in the device"
)

var pcscTexts = []struct {
	text string
	kind error
}{
	{"because of other connections outstanding", ErrBusy},
	{"resource manager is not running", ErrNoService},
	{"resource manager has shut down", ErrNoService},
	{"the smart card has been removed", ErrRemoved},
	{"the smart card has been reset", ErrRemoved},
	{textNoCard, ErrRemoved},
	{"reader is not currently available", ErrRemoved},
	{"reader name is not recognized", ErrRemoved},
	{"cannot find a smart card reader", ErrRemoved},
	{"power has been removed from the smart card", ErrRemoved},
	{"not responding to a reset", ErrRemoved},
	{"end a non-existent transaction", ErrRemoved},
	{"communications error", ErrRemoved},
	{"the supplied handle was invalid", ErrRemoved},
	{"scard response too short: 0", ErrRemoved}, // some readers give an empty answer when the card goes
}

// kind returns the sentinel error for what PC/SC said, or nil.
func kind(err error) error {
	if errors.Is(err, ErrRemoved) {
		return ErrRemoved
	}
	var code scard.Error
	if errors.As(err, &code) {
		switch code {
		case scard.ErrSharingViolation:
			return ErrBusy
		case scard.ErrNoService, scard.ErrServiceStopped:
			return ErrNoService
		case scard.ErrRemovedCard, scard.ErrResetCard, scard.ErrNoSmartcard, scard.ErrReaderUnavailable,
			scard.ErrUnknownReader, scard.ErrNoReadersAvailable, scard.ErrUnpoweredCard, scard.ErrUnresponsiveCard,
			scard.ErrNotTransacted, scard.ErrCommError, scard.ErrCommDataLost, scard.ErrInvalidHandle:
			return ErrRemoved
		}
		return nil
	}
	for _, t := range pcscTexts {
		if strings.Contains(err.Error(), t.text) {
			return t.kind
		}
	}
	return nil
}

var hints = map[error]string{
	ErrBusy:      "close what uses the token (ykman, gpg-agent with scdaemon, ssh-agent, a browser) and try again",
	ErrNoService: "start the daemon with: systemctl start pcscd (Debian: apt install pcscd)",
	ErrRemoved:   "plug the token in and run the same command again: what was finished is not done twice",
}

// explain puts an error of piv-go or PC/SC into the words of this package.
// Errors that already have a hint stay as they are.
func explain(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case fault.Hint(err) != "" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	if k := kind(err); k != nil {
		if !errors.Is(err, k) {
			err = fmt.Errorf("%w: %w", k, err)
		}
		return fault.New(fault.Device, hints[k], fmt.Errorf("%s: %w", doing, err))
	}
	hint := "run the command again; if it happens again, try another port or token"
	return fault.New(fault.Device, hint, fmt.Errorf("%s: %w", doing, err))
}

// explainAuth is explain for a command that carried a PIN or PUK.
func explainAuth(doing, what string, err error) error {
	var refused piv.AuthErr
	if !errors.As(err, &refused) {
		return explain(doing, err)
	}
	err = fault.New(fault.Device, authHint(what, refused.Retries),
		fmt.Errorf("%s: %w", doing, &AuthError{What: what, Retries: refused.Retries}))
	if refused.Retries > 0 {
		return term.Slip(err)
	}
	return err
}

func authHint(what string, retries int) string {
	switch {
	case retries > 0:
		return "check which token it is and what is written for it, then try again"
	case what == "PIN":
		return "set a new PIN with the PUK: trustroot token unblock --serial N"
	}
	return "while the PIN works the keys do too, and trustroot token retries --serial N sets the counters and a new PUK; with both blocked the keys of this token are lost: take its duplicate"
}

// explainAdmin is explain for a command that authenticates with the management
// key. A wrong key and a touch that did not come have the same status word.
func explainAdmin(doing string, err error) error {
	if err == nil {
		return nil
	}
	authenticating := strings.Contains(err.Error(), textAuthenticating)
	if !authenticating || (status(err) != swSecurity && !strings.Contains(err.Error(), textChallenge) &&
		!strings.Contains(err.Error(), textKeyLength)) {
		return explain(doing, err)
	}
	return fault.New(fault.Device,
		"if the token blinked, run it again and touch it; otherwise another program changed the management key: run trustroot token protect --serial N with the key that is in force",
		fmt.Errorf("%s: %w, or the token waited for a touch that did not come: %w", doing, ErrManagementKey, err))
}
