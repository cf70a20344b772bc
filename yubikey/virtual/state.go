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
	if s.Serial == 0 {
		// eight digits, as on tokens of these years
		s.Serial = 10_000_000 + binary.BigEndian.Uint32(random(4))%90_000_000
	}
	chain, err := chainFor(o, s.Firmware)
	if err != nil {
		return nil, err
	}
	s.attestation = *chain
	s.factory()
	return s, nil
}

func chainFor(o Options, f firmware) (*attestationChain, error) {
	if o.Sibling != nil {
		return o.Sibling.state.attestation.sibling(f)
	}
	return newAttestationChain(f)
}

// random makes that many random bytes; crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// factory empties the card and sets the factory values. Serial number,
// firmware and the attestation chain stay.
func (s *state) factory() {
	s.Management = managementKey{Algorithm: s.Firmware.managementAlgorithm(), Key: defaultManagementKey}
	s.Keys, s.Objects = map[byte]*slotKey{}, map[uint32][]byte{}
	s.resetReferences(defaultTries, defaultTries)
}

func (s *state) resetReferences(pinTries, pukTries int) {
	s.PIN, s.PUK = newReference(defaultPIN[:], pinTries), newReference(defaultPUK[:], pukTries)
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
