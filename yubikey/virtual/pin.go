package virtual

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// Key references of VERIFY and its kin (SP 800-73-4 part 1 table 4b).
const (
	referencePIN = 0x80
	referencePUK = 0x81
)

const (
	pinSize   = 8 // padded with FF
	pinLength = 6 // least number of characters
)

// reference is a PIN or a PUK: never the value itself, which could then be
// read in a state file, but its salted digest.
type reference struct {
	Salt   []byte `json:"salt"`
	Digest []byte `json:"digest"`
	Tries  int    `json:"tries"`
	Left   int    `json:"left"`
}

func newReference(value []byte, tries int) reference {
	r := reference{Salt: random(16), Tries: tries, Left: tries}
	r.Digest = r.digest(value)
	return r
}

func (r *reference) digest(value []byte) []byte {
	sum := sha256.Sum256(append(bytes.Clone(r.Salt), value...))
	return sum[:]
}

func (r *reference) is(value []byte) bool { return bytes.Equal(r.Digest, r.digest(value)) }

// valid checks a reference that was read from a state file.
func (r *reference) valid(name string) error {
	if len(r.Salt) == 0 || len(r.Digest) != sha256.Size || r.Tries < 1 || r.Tries > 255 || r.Left < 0 || r.Left > r.Tries {
		return fmt.Errorf("%s: no digest, or %d of %d tries", name, r.Left, r.Tries)
	}
	return nil
}

// check compares a value and counts: swOK resets the counter, a wrong value
// takes one try, and with none left the answer is swBlocked unseen.
func check(c *Card, r *reference, value []byte) status {
	if r.Left == 0 {
		return swBlocked
	}
	if !r.is(value) {
		r.Left--
		c.dirty = true
		return triesLeft(r.Left)
	}
	if r.Left != r.Tries {
		r.Left = r.Tries
		c.dirty = true
	}
	return swOK
}

// replace sets a new value, whose form it checks: six to eight bytes, then FF.
func replace(c *Card, r *reference, value []byte) status {
	trimmed := bytes.TrimRight(value, "\xff")
	if len(trimmed) < pinLength || bytes.IndexByte(trimmed, 0xff) >= 0 {
		return swWrongData
	}
	*r = newReference(value, r.Tries)
	c.dirty = true
	return swOK
}

// verify is VERIFY (SP 800-73-4 part 2 3.2.1). Without data it tells the state
// of the PIN; with P1 FF it forgets that the PIN was verified.
func verify(c *Card, cmd command) ([]byte, status) {
	pin := &c.state.PIN
	switch {
	case cmd.p2 != referencePIN:
		return nil, swReferenceNotFound
	case cmd.p1 == 0xFF && len(cmd.data) == 0:
		c.session.pin, c.session.pinUnused = false, false
		return nil, swOK
	case cmd.p1 != 0x00:
		return nil, swWrongP1P2
	case len(cmd.data) == 0 && c.session.pin:
		return nil, swOK
	case len(cmd.data) == 0 && pin.Left == 0:
		return nil, swBlocked
	case len(cmd.data) == 0:
		return nil, triesLeft(pin.Left)
	case len(cmd.data) != pinSize:
		return nil, swWrongData
	}
	sw := check(c, pin, cmd.data)
	c.session.pin, c.session.pinUnused = sw == swOK, sw == swOK
	return nil, sw
}

// changeReference is CHANGE REFERENCE DATA (SP 800-73-4 part 2 3.2.2): old and
// new value of the PIN or the PUK.
func changeReference(c *Card, cmd command) ([]byte, status) {
	var r *reference
	switch {
	case cmd.p1 != 0x00:
		return nil, swWrongP1P2
	case cmd.p2 == referencePIN:
		r = &c.state.PIN
	case cmd.p2 == referencePUK:
		r = &c.state.PUK
	default:
		return nil, swReferenceNotFound
	}
	return nil, exchangeReference(c, r, r, cmd.data)
}

// resetRetryCounter is RESET RETRY COUNTER (SP 800-73-4 part 2 3.2.3): the PUK
// and a new PIN.
func resetRetryCounter(c *Card, cmd command) ([]byte, status) {
	if cmd.p1 != 0x00 || cmd.p2 != referencePIN {
		return nil, swWrongP1P2
	}
	return nil, exchangeReference(c, &c.state.PUK, &c.state.PIN, cmd.data)
}

func exchangeReference(c *Card, proof, target *reference, data []byte) status {
	if len(data) != 2*pinSize {
		return swWrongData
	}
	if sw := check(c, proof, data[:pinSize]); sw != swOK {
		if proof == &c.state.PIN {
			c.session.pin, c.session.pinUnused = false, false
		}
		return sw
	}
	return replace(c, target, data[pinSize:])
}

// setRetries sets both counters and with them both values to their defaults
// (Yubico's extensions). It wants the management key and the PIN.
func setRetries(c *Card, cmd command) ([]byte, status) {
	if !c.session.management || !c.session.pin {
		return nil, swSecurityStatus
	}
	if cmd.p1 == 0 || cmd.p2 == 0 || len(cmd.data) != 0 {
		return nil, swWrongData
	}
	c.state.resetReferences(int(cmd.p1), int(cmd.p2))
	c.session.pin, c.session.pinUnused = false, false
	c.dirty = true
	return nil, swOK
}

// resetApplication is Yubico's RESET: everything back to the factory state but
// f9, and only when PIN and PUK are both blocked.
func resetApplication(c *Card, _ command) ([]byte, status) {
	if c.state.PIN.Left > 0 || c.state.PUK.Left > 0 {
		return nil, swConditions
	}
	c.state.factory()
	c.session = session{application: applicationPIV}
	c.dirty = true
	return nil, swOK
}
