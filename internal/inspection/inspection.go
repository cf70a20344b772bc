// Package inspection is the statement of a token that is looked at between
// ceremonies: the same key, attested again, and the tries that are left. A
// machine with the token writes it, the admin host judges it.
//
// It refuses a statement whose attestation does not say what it says.
package inspection

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Version of the file's form.
const Version = 1

// Statement is what was seen of one token.
type Statement struct {
	Version   int       `json:"version"`
	Serial    uint32    `json:"serial"`
	Slot      string    `json:"slot"`
	At        time.Time `json:"at"`
	PINTries  int       `json:"pin_tries"` // left
	PUKTries  int       `json:"puk_tries"`
	By        []string  `json:"by"` // two people
	Where     string    `json:"where"`
	BagOpened string    `json:"bag_opened,omitempty"` // number of the tamper-evident bag
	BagClosed string    `json:"bag_closed,omitempty"`
	// PEM
	SlotCertificate   string `json:"slot_certificate"`
	DeviceCertificate string `json:"device_certificate"`
}

// Parse reads a statement strictly.
func Parse(data []byte) (*Statement, error) {
	s := new(Statement)
	if err := strict.JSON(data, s); err != nil {
		return nil, fmt.Errorf("read the inspection: %w", err)
	}
	if s.Version != Version {
		return nil, fmt.Errorf("read the inspection: version %d, this program reads %d", s.Version, Version)
	}
	return s, nil
}

// Verify has the attestation prove that the token still holds a key that was
// made in it, in that slot, and returns the key.
func (s *Statement) Verify(roots attestation.Roots) (crypto.PublicKey, error) {
	slot, errS := pki.ParseCertificate([]byte(s.SlotCertificate))
	device, errD := pki.ParseCertificate([]byte(s.DeviceCertificate))
	if err := errors.Join(errS, errD); err != nil {
		return nil, fmt.Errorf("read the inspection's attestation: %w", err)
	}
	a, err := attestation.Verify(attestation.Pair{Slot: slot, Device: device}, roots, s.At)
	if err == nil {
		err = a.Match(attestation.Expect{Serial: s.Serial, Slot: s.Slot})
	}
	if err != nil {
		return nil, fmt.Errorf("the inspection of token %d: %w", s.Serial, err)
	}
	return a.PublicKey, nil
}
