package yubikey

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Version is a firmware version: major, minor, patch.
type Version = attestation.Version

// soundFirmware is the first whose ECDSA does not leak (YSA-2024-03, EUCLEAK).
var soundFirmware = Version{5, 7, 0}

// Identity says which token it is.
type Identity struct {
	Serial     uint32  `json:"serial"`
	Firmware   Version `json:"firmware"`
	FormFactor string  `json:"form_factor,omitempty"` // filled in by List only: it costs an Open three exchanges
	Reader     string  `json:"reader"`
}

// String names a token in errors and prompts.
func (id Identity) String() string {
	return fmt.Sprintf("YubiKey %d (firmware %s)", id.Serial, id.Firmware)
}

// metadataFirmware is the first with GET METADATA.
var metadataFirmware = Version{5, 3, 0}

// DescribesKeys reports whether the firmware tells what key a slot holds. Where
// it does not, a slot without certificate and attestation may hold an imported
// key all the same.
func (id Identity) DescribesKeys() bool { return !id.Firmware.Less(metadataFirmware) }

// Prompter asks the person who holds the token. Its methods are called on the
// goroutine of the call that needs them.
type Prompter interface {
	// PIN asks for the PIN. retries is how many tries are left, this one
	// included. The token owns the returned buffer from then on and wipes it.
	PIN(id Identity, retries int) ([]byte, error)
	// Notice says why a PIN or a key is asked again.
	Notice(text string)
	// Touch is called with waiting when the token waits for a finger, and
	// without when it no longer does, whether it was touched or not.
	Touch(id Identity, slot Slot, waiting bool)
}

// LastTryConfirmer is what a Prompter may offer beside its methods. Without
// it, the last try of a PIN is never used.
type LastTryConfirmer interface {
	// ConfirmLastTry asks whether the last try of a PIN or PUK, which blocks
	// it when wrong, may be used. Anything but nil is a no.
	ConfirmLastTry(id Identity, what string) error
}

// Origins of a key.
const (
	Generated     = "generated"
	Imported      = "imported"
	OriginUnknown = "unknown"
)

// SlotInfo is what a token says about a slot. Nothing in it is proved: that is
// what an attestation is for.
type SlotInfo struct {
	Slot        Slot              `json:"slot"`
	Empty       bool              `json:"empty"`               // no key; a certificate may be there all the same
	Algorithm   string            `json:"algorithm,omitempty"` // P-256, P-384, RSA-2048, Ed25519 …
	Origin      string            `json:"origin,omitempty"`    // generated, imported, unknown
	PINPolicy   string            `json:"pin_policy,omitempty"`
	TouchPolicy string            `json:"touch_policy,omitempty"`
	PublicKey   crypto.PublicKey  `json:"-"` // nil where the firmware does not tell
	Certificate *x509.Certificate `json:"-"` // nil: none stored
}

// KeyOptions says which key to make or import.
type KeyOptions struct {
	Algorithm string // P-256 or P-384; for an import it may be empty
	PIN       string // never, once, always
	Touch     string // never, always, cached
}

// Info is what List found in one reader.
type Info struct {
	Identity   Identity   `json:"identity"`
	PINRetries int        `json:"pin_retries"` // -1: the token does not tell
	PUKRetries int        `json:"puk_retries"` // -1: the token does not tell
	Slots      []SlotInfo `json:"slots"`       // those that hold a key or a certificate
	Warnings   []string   `json:"warnings,omitempty"`
	// Problem is why the token could not be read, for instance because
	// another process holds it. The rest may then be empty.
	Problem error `json:"-"`
}

// Slot is a PIV key slot by its hex name: 9a, 9c, 9d, 9e, or a retired one
// from 82 to 95.
type Slot string

// slots are all that may hold a key of ours: f9, which holds the token's own
// attestation key, is not among them.
var slots = func() []Slot {
	all := []Slot{"9a", "9c", "9d", "9e"}
	for key := 0x82; key <= 0x95; key++ {
		all = append(all, Slot(strconv.FormatInt(int64(key), 16)))
	}
	return all
}()

// Retired reports whether the slot is one of the twenty for retired keys,
// whose certificate objects may be used without a key.
func (s Slot) Retired() bool { return s.check() == nil && s >= "82" && s <= "95" }

func (s Slot) check() error {
	if slices.Contains(slots, s) {
		return nil
	}
	return fault.New(fault.Usage, "name a slot by its hex number: 9a, 9c, 9d, 9e, or 82 to 95",
		fmt.Errorf("unknown slot %q", string(s)))
}
