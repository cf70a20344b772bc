//go:build cgo

package yubikey

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// Retries returns how many tries of the PIN are left; 0 means blocked.
func (t *Token) Retries() (int, error) {
	if err := t.open(); err != nil {
		return 0, err
	}
	n, err := t.yk.Retries()
	if err != nil && strings.Contains(err.Error(), textVerified) {
		// a verified PIN hides the count until the application is selected again.
		if err := without(t, func() error { return nil }); err != nil {
			return 0, err
		}
		n, err = t.yk.Retries()
	}
	return n, explain("read the tries left", err)
}

// without lets go of piv-go's connection for the time of f.
func without(t *Token, f func() error) error {
	yk := t.yk
	t.yk = nil
	if err := yk.Close(); err != nil {
		return explain("release the token", err)
	}
	err := f()
	if err != nil && errors.Is(kind(err), ErrRemoved) {
		return err
	}
	if again := t.reopen(); err == nil {
		err = again
	}
	return err
}

// askPIN returns the PIN of this run, asking for it the first time.
func askPIN(t *Token, doing string) ([]byte, error) {
	if t.pin != nil {
		return t.pin, nil
	}
	if t.prompter == nil {
		return nil, fault.New(fault.Device, "run it at a terminal", fmt.Errorf("%s: it needs the PIN, and there is nobody to ask", doing))
	}
	left, err := t.Retries()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if err := lastTry(t, doing, "PIN", left); err != nil {
		return nil, err
	}
	pin, err := t.prompter.PIN(t.id, left)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if err := sendable(pin, "PIN"); err != nil {
		clear(pin)
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	t.pin = pin
	return pin, nil
}

// lastTry refuses a try that could not be made or that would be the last one,
// unless the person confirms it.
func lastTry(t *Token, doing, what string, left int) error {
	if left == 0 {
		return fault.New(fault.Device, authHint(what, 0), fmt.Errorf("%s: %w", doing, &AuthError{What: what}))
	}
	if left > 1 {
		return nil
	}
	if c, ok := t.prompter.(LastTryConfirmer); ok {
		if err := c.ConfirmLastTry(t.id, what); err != nil {
			return fmt.Errorf("%s: %w: %w", doing, ErrLastTry, err)
		}
		return nil
	}
	return fault.New(fault.Device, "make sure of the "+what+" first: a wrong one blocks it; then confirm that the last try may be used",
		fmt.Errorf("%s: %w for the %s, and nothing was sent", doing, ErrLastTry, what))
}

// sendable refuses a PIN or PUK that cannot be the right one before it costs a
// try. The factory's is sent by the steps that replace it and nowhere else.
func sendable(pin []byte, what string) error {
	if len(pin) == 0 || len(pin) > 8 {
		err := fault.New(fault.Device, "type it again", fmt.Errorf("a %s has 1 to 8 characters, and none was sent", what))
		if len(pin) > 0 { // nothing typed is a no
			err = term.Slip(err)
		}
		return err
	}
	if what == "PIN" && string(pin) == defaultPIN || what == "PUK" && string(pin) == defaultPUK {
		return fault.New(fault.Device, "replace it first: trustroot token change-pin --serial N (a new token: trustroot token provision)",
			fmt.Errorf("%w: that is the factory's %s, and it was not sent", ErrNotReady, what))
	}
	return nil
}

// enterPIN asks for the PIN of this run the first time, which is an exchange
// for the tries left, and uses it. A refused PIN is forgotten, and asked again.
func enterPIN(t *Token, doing string, use func(pin string) error) error {
	return again(t, func() error {
		pin, err := askPIN(t, doing)
		if err != nil {
			return err
		}
		return checked(t, doing, use(string(pin)))
	})
}

// again asks once more after a slip where there is somebody to ask.
func again(t *Token, ask func() error) error {
	if t.prompter == nil {
		return ask()
	}
	return term.Again(func(slip error) { t.prompter.Notice(term.Sprintf("%s. Type it again.", slip)) }, ask)
}

// checked forgets the PIN when err says that it was refused.
func checked(t *Token, doing string, err error) error {
	var refused piv.AuthErr
	if errors.As(err, &refused) {
		clear(t.pin)
		t.pin = nil
	}
	return explainAuth(doing, "PIN", err)
}

// managementKey returns the management key, which provisioning keeps on the
// token behind the PIN.
func managementKey(t *Token, doing string) ([]byte, error) {
	if t.mgmt != nil {
		return t.mgmt, nil
	}
	key, err := storedKey(t, doing)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, fault.New(fault.Device, "put it there with trustroot token protect --serial N; keys and certificates stay as they are",
			fmt.Errorf("%s: %w: its management key is not kept behind the PIN", doing, ErrNotReady))
	}
	t.mgmt = key
	return key, nil
}

// storedKey is protectedKey behind the PIN of this run.
func storedKey(t *Token, doing string) (key []byte, err error) {
	err = enterPIN(t, doing, func(pin string) (err error) {
		key, err = protectedKey(t, pin)
		return err
	})
	return key, err
}

// protectedKey reads the management key behind a PIN; nil if there is none.
func protectedKey(t *Token, pin string) ([]byte, error) {
	m, err := t.yk.Metadata(pin)
	if err != nil {
		return nil, err
	}
	if m.ManagementKey == nil {
		return nil, nil
	}
	key := append([]byte(nil), *m.ManagementKey...)
	clear(*m.ManagementKey)
	return key, nil
}

// admin runs what needs the management key.
func admin(t *Token, doing string, f func(key []byte) error) error {
	if err := t.open(); err != nil {
		return err
	}
	key, err := managementKey(t, doing)
	if err != nil {
		return err
	}
	return explainAdmin(doing, f(key))
}
