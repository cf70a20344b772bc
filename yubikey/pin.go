package yubikey

import (
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Factory values (developers.yubico.com/PIV/Introduction/Admin_access.html).
const (
	defaultPIN = "123456"
	defaultPUK = "12345678"
)

// CheckPIN judges a new PIN or PUK: six to eight printable ASCII characters
// (SP 800-73-4 part 2, 2.4.3 pads to eight bytes), not the factory's, not one
// character repeated, not a run like 345678, and not two or three characters
// repeated. Every problem is named; the PIN is not.
func CheckPIN(pin []byte) error {
	var problems []error
	if len(pin) < 6 || len(pin) > 8 {
		problems = append(problems, fmt.Errorf("has %d characters, not 6 to 8", len(pin)))
	}
	for _, c := range pin {
		if c <= ' ' || c > '~' {
			problems = append(problems, errors.New("has a character that is not printable ASCII"))
			break
		}
	}
	switch {
	case string(pin) == defaultPIN || string(pin) == defaultPUK:
		problems = append(problems, errors.New("is the factory's"))
	case len(pin) > 1 && steps(pin, 0):
		problems = append(problems, errors.New("repeats one character"))
	case len(pin) > 1 && (steps(pin, 1) || steps(pin, -1)):
		problems = append(problems, errors.New("is a run of neighbouring characters"))
	case len(pin) > 3 && (periodic(pin, 2) || periodic(pin, 3)):
		problems = append(problems, errors.New("repeats a short pattern"))
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Device, "choose six to eight characters that nobody would try first",
		fmt.Errorf("the PIN or PUK %w", errors.Join(problems...)))
}

// steps reports whether each character is the one before it plus step.
func steps(pin []byte, step int) bool {
	for i := 1; i < len(pin); i++ {
		if int(pin[i]) != int(pin[i-1])+step {
			return false
		}
	}
	return true
}

func periodic(pin []byte, n int) bool {
	for i := n; i < len(pin); i++ {
		if pin[i] != pin[i-n] {
			return false
		}
	}
	return len(pin) > n
}
