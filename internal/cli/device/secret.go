package device

import (
	"bytes"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// TokenUnchanged is the way out where a secret was not taken.
const TokenUnchanged = "run the command again; the token is unchanged"

// NewSecret asks for a new PIN or PUK and judges it before anything else is
// asked; a slip is asked again, three times in all. With split two people type a
// half each. The caller clears it.
func NewSecret(f *cmdutil.Factory, what string, split bool) ([]byte, error) {
	for try := 1; ; try++ {
		secret, err := newOnce(f, what, split)
		if err == nil || fault.ExitCode(err) != int(fault.Usage) || try == 3 {
			return secret, err
		}
		f.Operator.Notice(term.Sprintf("%s; nothing was sent to the token. Type it again.", err))
	}
}

func newOnce(f *cmdutil.Factory, what string, split bool) ([]byte, error) {
	var secret []byte
	var err error
	if split {
		secret, err = newHalves(f, what)
	} else {
		secret, err = newWhole(f, what)
	}
	if err != nil {
		return nil, err
	}
	if err := yubikey.CheckPIN(secret); err != nil {
		clear(secret)
		return nil, fault.New(fault.Usage, "", fmt.Errorf("new %s: %w", what, err))
	}
	return secret, nil
}

func newWhole(f *cmdutil.Factory, what string) ([]byte, error) {
	return twice(f, fmt.Sprintf("New %s, 6 to 8 characters", what), what)
}

// newHalves joins what two people type; neither half is shown, and each person
// types only their own.
func newHalves(f *cmdutil.Factory, what string) ([]byte, error) {
	whole := make([]byte, 0, 8) // room for both, so that no copy is left behind
	for _, who := range []string{"first", "second"} {
		f.Operator.Notice(term.Sprintf("The %s person types; the other one looks away.", who))
		half, err := twice(f, fmt.Sprintf("The %s half of the new %s, 3 or 4 characters", who, what), who+" half")
		if err != nil {
			clear(whole)
			return nil, err
		}
		if len(half) < 3 || len(half) > 4 {
			clear(half)
			clear(whole)
			return nil, fault.New(fault.Usage, TokenUnchanged, fmt.Errorf("the %s half of the %s has neither 3 nor 4 characters", who, what))
		}
		whole = append(whole, half...)
		clear(half)
	}
	return whole, nil
}

// twice asks for the same secret two times.
func twice(f *cmdutil.Factory, prompt, what string) ([]byte, error) {
	first, err := f.Operator.Secret(prompt)
	if err != nil {
		return nil, err
	}
	again, err := f.Operator.Secret(prompt + ", again")
	if err != nil {
		clear(first)
		return nil, err
	}
	defer clear(again)
	if !bytes.Equal(first, again) {
		clear(first)
		return nil, fault.New(fault.Usage, TokenUnchanged, fmt.Errorf("the %s was not typed the same way twice", what))
	}
	return first, nil
}
