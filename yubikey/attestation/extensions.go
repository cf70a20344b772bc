package attestation

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Extensions of a slot certificate, under Yubico's arc 1.3.6.1.4.1.41482.3
// (developers.yubico.com/PIV/Introduction/PIV_attestation.html).
var (
	oidFirmware   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 3} // 3 raw bytes
	oidSerial     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 7} // DER INTEGER
	oidPolicy     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 8} // PIN, touch: 2 raw bytes
	oidFormFactor = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 9} // 1 raw byte
)

const slotPrefix = "YubiKey PIV Attestation "

var pinPolicies = map[byte]string{1: "never", 2: "once", 3: "always", 4: "match-once", 5: "match-always"}

var touchPolicies = map[byte]string{1: "never", 2: "always", 3: "cached"}

var formFactors = map[byte]string{
	1: "USB-A Keychain", 2: "USB-A Nano", 3: "USB-C Keychain", 4: "USB-C Nano", 5: "USB-C/Lightning Keychain",
	6: "USB-A Bio", 7: "USB-C Bio",
}

// FormFactorName names the form factor byte of an attestation or of a device's
// configuration; bit 7 marks a FIPS model. 0 is "unknown".
func FormFactorName(b byte) string {
	if b == 0 {
		return "unknown"
	}
	name, ok := formFactors[b&0x7f]
	switch {
	case !ok:
		return fmt.Sprintf("unknown (0x%02x)", b)
	case b&0x80 != 0:
		return name + " FIPS"
	}
	return name
}

// Unverified reads what a slot certificate says without checking who said it.
func Unverified(slot *x509.Certificate) (*Attestation, error) {
	a, err := parse(slot.Subject.CommonName, slot.Extensions)
	if err != nil {
		return nil, err
	}
	a.PublicKey = slot.PublicKey
	return a, nil
}

// parse reads what the token says in a slot certificate: its subject's common
// name and its extensions. Firmware and policies are required; serial number
// and form factor came with later firmware and may be missing.
func parse(commonName string, extensions []pkix.Extension) (*Attestation, error) {
	a := &Attestation{FormFactor: FormFactorName(0)}
	var problems []error
	slot, err := parseSlot(commonName)
	if err != nil {
		problems = append(problems, err)
	}
	a.Slot = slot
	var firmware, policy bool
	for _, e := range extensions {
		var err error
		switch {
		case e.Id.Equal(oidFirmware):
			firmware = true
			if len(e.Value) != len(a.Firmware) {
				err = fmt.Errorf("firmware extension has %d bytes, not 3", len(e.Value))
			} else {
				copy(a.Firmware[:], e.Value)
			}
		case e.Id.Equal(oidSerial):
			a.Serial, err = parseSerial(e.Value)
		case e.Id.Equal(oidPolicy):
			policy = true
			a.PINPolicy, a.TouchPolicy, err = parsePolicy(e.Value)
		case e.Id.Equal(oidFormFactor):
			if len(e.Value) != 1 {
				err = fmt.Errorf("form factor extension has %d bytes, not 1", len(e.Value))
			} else {
				a.FormFactor = FormFactorName(e.Value[0])
			}
		}
		problems = append(problems, err)
	}
	if !firmware {
		problems = append(problems, errors.New("the slot certificate has no firmware extension"))
	}
	if !policy {
		problems = append(problems, errors.New("the slot certificate has no PIN and touch policy extension"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return a, nil
}

func parseSlot(commonName string) (string, error) {
	slot, ok := strings.CutPrefix(commonName, slotPrefix)
	if !ok || !knownSlot(slot) {
		return "", fmt.Errorf("the slot certificate's subject %q does not name a PIV slot", commonName)
	}
	return slot, nil
}

func knownSlot(s string) bool {
	switch s {
	case "9a", "9c", "9d", "9e":
		return true
	}
	return len(s) == 2 && s >= "82" && s <= "95" && strings.Trim(s, "0123456789abcdef") == ""
}

func parseSerial(der []byte) (uint32, error) {
	var n int64
	rest, err := asn1.Unmarshal(der, &n)
	if err != nil || len(rest) != 0 || n < 0 || n > math.MaxUint32 {
		return 0, fmt.Errorf("serial number extension %x is not a number of 32 bits", der)
	}
	return uint32(n), nil
}

func parsePolicy(b []byte) (pin, touch string, err error) {
	if len(b) != 2 {
		return "", "", fmt.Errorf("policy extension has %d bytes, not 2", len(b))
	}
	pin, okPIN := pinPolicies[b[0]]
	touch, okTouch := touchPolicies[b[1]]
	if !okPIN {
		err = fmt.Errorf("unknown PIN policy 0x%02x", b[0])
	}
	if !okTouch {
		err = errors.Join(err, fmt.Errorf("unknown touch policy 0x%02x", b[1]))
	}
	return pin, touch, err
}
