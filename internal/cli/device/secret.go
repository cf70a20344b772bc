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

// again says a slip at a secret before it is asked once more.
func again(f *cmdutil.Factory, ask func() error) error {
	return term.Again(func(slip error) { f.Operator.Notice(term.Sprintf("%s. Type it again.", slip)) }, ask)
}

// InForce asks for a secret that the token has and uses it. One that the token
// refuses is asked again.
func InForce(f *cmdutil.Factory, ask func() ([]byte, error), use func(secret []byte) error) error {
	return again(f, func() error {
		secret, err := ask()
		if err != nil {
			return err
		}
		defer clear(secret)
		return use(secret)
	})
}

// NewSecret asks for a new PIN or PUK and judges it before anything else is
// asked; a slip is asked again. With split two people type a half each; neither
// half is shown, and each person types only their own. The caller clears it.
func NewSecret(f *cmdutil.Factory, what string, split bool) ([]byte, error) {
	judge := func(secret []byte) error {
		if err := yubikey.CheckPIN(secret); err != nil {
			return fault.New(fault.Usage, "", fmt.Errorf("new %s: %w", what, err))
		}
		return nil
	}
	if !split {
		return twice(f, fmt.Sprintf("New %s, 6 to 8 characters", what), what, judge)
	}
	whole := make([]byte, 0, 8) // room for both, so that no copy is left behind
	for _, who := range []string{"first", "second"} {
		f.Operator.Notice(term.Sprintf("The %s person types; the other one looks away.", who))
		half, err := twice(f, fmt.Sprintf("The %s half of the new %s, 3 or 4 characters", who, what), who+" half", func(half []byte) error {
			switch {
			case len(half) < 3 || len(half) > 4:
				return fault.New(fault.Usage, TokenUnchanged, fmt.Errorf("the %s half of the %s has neither 3 nor 4 characters", who, what))
			case who == "second":
				return judge(append(whole, half...)) // beyond its end, where the half goes next
			}
			return nil
		})
		if err != nil {
			clear(whole[:cap(whole)])
			return nil, err
		}
		whole = append(whole, half...)
		clear(half)
	}
	return whole, nil
}

// twice asks for the same secret two times.
func twice(f *cmdutil.Factory, prompt, what string, judge func([]byte) error) (secret []byte, err error) {
	err = again(f, func() error {
		if secret, err = f.Operator.Secret(prompt); err != nil {
			return err
		}
		repeated, err := f.Operator.Secret(prompt + ", again")
		defer clear(repeated)
		if err == nil && !bytes.Equal(secret, repeated) {
			err = term.Slip(fault.New(fault.Usage, TokenUnchanged, fmt.Errorf("the %s was not typed the same way twice", what)))
		} else if err == nil {
			if err = judge(secret); err != nil {
				err = term.Slip(err)
			}
		}
		if err != nil {
			clear(secret)
		}
		return err
	})
	return secret, err
}
