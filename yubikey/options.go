package yubikey

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// defaultRetries is how many tries PIN and PUK get where the options leave it
// open.
const defaultRetries = 5

// ProvisionOptions says how a token is made ready.
type ProvisionOptions struct {
	PIN, PUK         []byte // new ones; the caller wipes them
	PINRetries       int    // 1 to 15; 0: 5
	PUKRetries       int    // 1 to 15; 0: 5
	ForRoot          bool   // the token will hold a root key
	AllowOldFirmware bool   // firmware below 5.7 for a root, which the plan must name as an exception
}

// defaults fills in what is left open.
func (o *ProvisionOptions) defaults() {
	if o.PINRetries == 0 {
		o.PINRetries = defaultRetries
	}
	if o.PUKRetries == 0 {
		o.PUKRetries = defaultRetries
	}
}

func (o *ProvisionOptions) check() error {
	var problems []error
	if err := CheckPIN(o.PIN); err != nil {
		problems = append(problems, fmt.Errorf("new PIN: %w", err))
	}
	if err := CheckPIN(o.PUK); err != nil {
		problems = append(problems, fmt.Errorf("new PUK: %w", err))
	}
	if len(o.PIN) > 0 && bytes.Equal(o.PIN, o.PUK) {
		problems = append(problems, errors.New("the PIN and the PUK are the same"))
	}
	// the token reports retries in four bits
	if o.PINRetries < 0 || o.PINRetries > 15 || o.PUKRetries < 0 || o.PUKRetries > 15 {
		problems = append(problems, fmt.Errorf("retries of %d and %d: choose 1 to 15", o.PINRetries, o.PUKRetries))
	}
	if err := errors.Join(problems...); err != nil {
		return fault.New(fault.Usage, "nothing was changed on the token; choose again", err)
	}
	return nil
}

// checkFirmware refuses a token whose ECDSA leaks for a root.
func (o *ProvisionOptions) checkFirmware(v Version) error {
	if !o.ForRoot || o.AllowOldFirmware {
		return nil
	}
	return CheckRootFirmware(v)
}

// CheckRootFirmware refuses firmware below 5.7 for a root key, which the plan
// must name as an exception.
func CheckRootFirmware(v Version) error {
	if !v.Less(soundFirmware) {
		return nil
	}
	return fault.New(fault.Device,
		"take a token with firmware 5.7 or newer, or name the exception old-firmware in the plan",
		fmt.Errorf("%w: %s leaks ECDSA keys to someone who holds the token (YSA-2024-03, EUCLEAK), and a root needs %s",
			ErrFirmware, v, soundFirmware))
}
