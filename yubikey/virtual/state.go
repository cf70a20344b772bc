package virtual

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// state is what a card keeps without power.
type state struct {
	Serial      uint32
	Firmware    firmware
	PIN, PUK    reference
	Management  managementKey
	Keys        map[byte]*slotKey
	Objects     map[uint32][]byte
	attestation attestationChain
}

// oldest is the first firmware with attestation.
var oldest = firmware{4, 3, 0}

func newState(o Options) (*state, error) {
	s := &state{Serial: o.Serial, Firmware: o.Firmware}
	if s.Firmware == (firmware{}) {
		s.Firmware = Firmware574
	}
	if !s.Firmware.atLeast(oldest[0], oldest[1], oldest[2]) {
		return nil, fmt.Errorf("firmware %s: the oldest that can be played is %s", s.Firmware, oldest)
	}
	for s.Serial == 0 {
		serial, err := newSerial()
		if err != nil {
			return nil, err
		}
		s.Serial = serial
	}
	chain, err := chainFor(o, s.Firmware)
	if err != nil {
		return nil, err
	}
	s.attestation = *chain
	err = s.factory()
	return s, err
}

func chainFor(o Options, f firmware) (*attestationChain, error) {
	if o.Sibling != nil {
		return o.Sibling.state.attestation.sibling(f)
	}
	return newAttestationChain(f)
}

// newSerial returns a number of eight digits, as on tokens of these years.
func newSerial() (uint32, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("serial number: %w", err)
	}
	return 10_000_000 + binary.BigEndian.Uint32(b[:])%90_000_000, nil
}

// factory empties the card and sets the factory values. Serial number,
// firmware and the attestation chain stay.
func (s *state) factory() error {
	s.Management = managementKey{Algorithm: s.Firmware.managementAlgorithm(), Key: defaultManagementKey}
	s.Keys, s.Objects = map[byte]*slotKey{}, map[uint32][]byte{}
	return s.resetReferences(defaultTries, defaultTries)
}

func (s *state) resetReferences(pinTries, pukTries int) error {
	pin, err := newReference(defaultPIN[:], pinTries)
	if err != nil {
		return err
	}
	puk, err := newReference(defaultPUK[:], pukTries)
	if err != nil {
		return err
	}
	s.PIN, s.PUK = pin, puk
	return nil
}

// key returns the private key in a slot, nil when there is none. The key of
// f9 is there to be looked at and used only by the card.
func (s *state) key(slot byte) *slotKey {
	if slot == slotAttestation {
		return &slotKey{
			Algorithm: algP384, Origin: generated, PIN: pinNever, Touch: touchNever,
			private: s.attestation.key,
		}
	}
	return s.Keys[slot]
}
