package yubikey

import (
	"errors"
	"fmt"
)

// Errors that callers branch on; each arrives wrapped, with the token or slot
// that it is about and a hint.
var (
	ErrNoPCSC        = errors.New("this build has no PC/SC")
	ErrNoService     = errors.New("the PC/SC daemon does not answer")
	ErrNotFound      = errors.New("no such token")
	ErrBusy          = errors.New("another process holds the token")
	ErrRemoved       = errors.New("the token was pulled out")
	ErrSlotEmpty     = errors.New("the slot is empty")
	ErrSlotInUse     = errors.New("the slot is in use")
	ErrNoCertificate = errors.New("the slot holds no certificate")
	ErrOtherKey      = errors.New("the slot holds another key than the expected one")
	ErrFirmware      = errors.New("the firmware does not allow it")
	ErrTouch         = errors.New("the token was not touched in time")
	ErrManagementKey = errors.New("the management key was refused")
	ErrNotReady      = errors.New("the token is not provisioned")
	ErrLastTry       = errors.New("only one try is left")
	ErrClosed        = errors.New("the token is closed")
)

// AuthError is a PIN or PUK that the token refused.
type AuthError struct {
	What    string // "PIN" or "PUK"
	Retries int    // tries left; 0: blocked
}

func (e *AuthError) Error() string {
	switch e.Retries {
	case 0:
		return fmt.Sprintf("the %s is blocked", e.What)
	case 1:
		return fmt.Sprintf("wrong %s, 1 try left", e.What)
	}
	return fmt.Sprintf("wrong %s, %d tries left", e.What, e.Retries)
}
