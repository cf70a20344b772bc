package attestation

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Expect is what an attestation should say.
type Expect struct {
	PublicKey   crypto.PublicKey // nil: any
	Serial      uint32           // 0: any
	Slot        string           // "": any
	PINPolicy   string           // "": any
	TouchPolicy string           // "": any
	MinFirmware Version          // zero: any
}

// Match compares an attestation with what was wanted and names every
// difference.
func (a *Attestation) Match(e Expect) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if e.PublicKey != nil && !SameKey(a.PublicKey, e.PublicKey) {
		add("the attested public key is not the expected one")
	}
	if e.Serial != 0 && a.Serial != e.Serial {
		if a.Serial == 0 {
			add("the attestation does not state a serial number, expected %d", e.Serial)
		} else {
			add("the token's serial number is %d, expected %d", a.Serial, e.Serial)
		}
	}
	if e.Slot != "" && a.Slot != e.Slot {
		add("the key is in slot %s, expected %s", a.Slot, e.Slot)
	}
	if e.PINPolicy != "" && a.PINPolicy != e.PINPolicy {
		add("the PIN policy is %s, expected %s", a.PINPolicy, e.PINPolicy)
	}
	if e.TouchPolicy != "" && a.TouchPolicy != e.TouchPolicy {
		add("the touch policy is %s, expected %s", a.TouchPolicy, e.TouchPolicy)
	}
	if a.Firmware.Less(e.MinFirmware) {
		add("the firmware is %s, expected %s or newer", a.Firmware, e.MinFirmware)
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Verification,
		"check that the certificates, the key and the token belong together; nothing was accepted",
		fmt.Errorf("match attestation: %w", errors.Join(problems...)))
}

// SameKey compares two public keys of the standard library's types.
func SameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
