package virtual

import (
	"crypto"
	"crypto/x509"
	"fmt"
)

// Slots with keys (SP 800-73-4 part 1 table 4b, and Yubico's f9).
const (
	slotAuthentication  = 0x9A
	slotSignature       = 0x9C
	slotKeyManagement   = 0x9D
	slotCard            = 0x9E
	slotFirstRetired    = 0x82
	slotLastRetired     = 0x95
	slotAttestation     = 0xF9
	destinationOfDelete = 0xFF // P1 of MOVE KEY
)

// isKeySlot tells whether keys can be made in, brought to and moved between
// the slot: all but f9, whose key is the token's own.
func isKeySlot(slot byte) bool {
	switch slot {
	case slotAuthentication, slotSignature, slotKeyManagement, slotCard:
		return true
	}
	return slot >= slotFirstRetired && slot <= slotLastRetired
}

// pinPolicy is the byte that GENERATE, IMPORT, metadata and attestations carry
// (Yubico's extensions, tag AA).
type pinPolicy byte

const (
	pinNever  pinPolicy = 1
	pinOnce   pinPolicy = 2
	pinAlways pinPolicy = 3
)

type origin byte

const (
	generated origin = 1
	imported  origin = 2
)

// slotKey is a private key in a slot and the rules for its use.
type slotKey struct {
	Algorithm algorithm   `json:"algorithm"`
	Origin    origin      `json:"origin"`
	PIN       pinPolicy   `json:"pin"`
	Touch     touchPolicy `json:"touch"`
	PKCS8     []byte      `json:"pkcs8"`

	private crypto.PrivateKey
}

func newSlotKey(a algorithm, o origin, p policies, private crypto.PrivateKey) (*slotKey, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return &slotKey{Algorithm: a, Origin: o, PIN: p.pin, Touch: p.touch, PKCS8: der, private: private}, nil
}

// parse fills the private key of a slotKey that was read from a state file,
// and checks the rest of it.
func (k *slotKey) parse() error {
	private, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return fmt.Errorf("decode private key: %w", err)
	}
	if algorithmOf(private) != k.Algorithm {
		return fmt.Errorf("the key is not of algorithm %02x", byte(k.Algorithm))
	}
	if k.Origin != generated && k.Origin != imported {
		return fmt.Errorf("unknown origin %d", k.Origin)
	}
	if k.PIN < pinNever || k.PIN > pinAlways || k.Touch < touchNever || k.Touch > touchCached {
		return fmt.Errorf("unknown PIN policy %d or touch policy %d", k.PIN, k.Touch)
	}
	k.private = private
	return nil
}

type policies struct {
	pin   pinPolicy
	touch touchPolicy
}

// readPolicies takes the policies out of a command. Absent or zero means the
// slot's default: PIN always for 9c, never for 9e, once elsewhere; no touch.
func readPolicies(slot byte, l tlvs) (policies, error) {
	p := policies{pin: pinOnce, touch: touchNever}
	switch slot {
	case slotSignature:
		p.pin = pinAlways
	case slotCard:
		p.pin = pinNever
	}
	for _, o := range l {
		switch {
		case o.tag != 0xAA && o.tag != 0xAB:
			continue
		case len(o.value) != 1 || o.value[0] > 3:
			return p, fmt.Errorf("policy %x is none that a token without a fingerprint reader has", o.value)
		case o.value[0] == 0:
			continue
		case o.tag == 0xAA:
			p.pin = pinPolicy(o.value[0])
		default:
			p.touch = touchPolicy(o.value[0])
		}
	}
	return p, nil
}

// authorize checks the policies of a key before each of its uses.
func authorize(c *Card, k *slotKey) status {
	fresh := c.session.pinUnused
	switch {
	case k.PIN == pinOnce && !c.session.pin:
		return swSecurityStatus
	case k.PIN == pinAlways && !fresh:
		return swSecurityStatus
	}
	if k.PIN == pinAlways {
		// one VERIFY, one attempt: a touch that does not come uses it up too
		c.session.pinUnused = false
	}
	return touched(c, k.Touch)
}
