//go:build cgo

package yubikey

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // management keys are 3DES before firmware 5.4
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/ebfe/scard"
)

// raw is a connection for the few commands that piv-go v2.6.0 does not have:
// the metadata of PIN, PUK and management key, and data objects that are not
// certificates. piv-go must have let go of the reader.
type raw struct {
	context *scard.Context
	card    *scard.Card
}

// statusWordError is an answer of the card other than success.
type statusWordError uint16

func (s statusWordError) Error() string  { return fmt.Sprintf("smart card error %04x", uint16(s)) }
func (s statusWordError) Status() uint16 { return uint16(s) }

// withRaw opens a reader, selects the PIV application, runs f and lets go,
// within the time that a card may take.
func withRaw(reader string, f func(*raw) error) error {
	_, err := within(func() (struct{}, error) { return struct{}{}, rawSession(reader, f) })
	return err
}

func rawSession(reader string, f func(*raw) error) error {
	c, err := scard.EstablishContext()
	if err != nil {
		return fmt.Errorf("connect to PC/SC: %w", err)
	}
	card, err := c.Connect(reader, scard.ShareExclusive, scard.ProtocolT1)
	if err != nil {
		return errors.Join(fmt.Errorf("connect to %s: %w", reader, err), c.Release())
	}
	r := &raw{context: c, card: card}
	_, err = r.send(0xa4, 0x04, 0x00, []byte{0xa0, 0x00, 0x00, 0x03, 0x08})
	if err != nil {
		err = fmt.Errorf("select the PIV application: %w", err)
	} else {
		err = f(r)
	}
	return errors.Join(err, r.close(err != nil))
}

// close lets go of the card. After a failure its own errors add nothing.
func (r *raw) close(failed bool) error {
	err := errors.Join(r.card.Disconnect(scard.LeaveCard), r.context.Release())
	if failed {
		return nil
	}
	return err
}

// send transmits a command of at most 255 bytes of data and collects the
// answer over GET RESPONSE (ISO 7816-4 5.3.4).
func (r *raw) send(ins, p1, p2 byte, data []byte) ([]byte, error) {
	if len(data) > 255 {
		return nil, fmt.Errorf("%d bytes of data do not fit in one command", len(data))
	}
	command := append([]byte{0x00, ins, p1, p2, byte(len(data))}, data...)
	var out []byte
	begun := false // the first answer may have no bytes of its own
	for len(out) <= maxAnswer {
		answer, err := r.card.Transmit(command)
		if err != nil {
			return nil, fmt.Errorf("transmit: %w", err)
		}
		if len(answer) < 2 {
			// every card answers with two bytes at least
			return nil, fmt.Errorf("%w: an answer of %d bytes", ErrRemoved, len(answer))
		}
		body, sw := answer[:len(answer)-2], answer[len(answer)-2:]
		out = append(out, body...)
		switch {
		case sw[0] == 0x90 && sw[1] == 0x00:
			return out, nil
		case sw[0] != 0x61:
			return nil, statusWordError(uint16(sw[0])<<8 | uint16(sw[1]))
		}
		command = []byte{0x00, 0xc0, 0x00, 0x00, sw[1]}
		if empty := len(body) == 0; empty && begun {
			break
		}
		begun = true
	}
	return nil, fmt.Errorf("%w: more than %d bytes, or none, and says that more follow", ErrSilent, maxAnswer)
}

// maxAnswer bounds an answer in bytes: the largest object has 3 KiB.
const maxAnswer = 16 << 10

// Key references of GET METADATA (SP 800-73-4 part 1, table 4b).
const (
	refPIN        = 0x80
	refPUK        = 0x81
	refManagement = 0x9b
)

// credential asks for the metadata of a PIN, PUK or management key.
func (r *raw) credential(ref byte) (credential, error) {
	b, err := r.send(0xf7, 0x00, ref, nil)
	if err != nil {
		return credential{}, fmt.Errorf("read the metadata of %02x: %w", ref, err)
	}
	return parseCredential(b)
}

// chuidObject is the card holder unique identifier, 5FC102.
var chuidObject = []byte{0x5c, 0x03, 0x5f, 0xc1, 0x02}

func (r *raw) hasCHUID() (bool, error) {
	b, err := r.send(0xcb, 0x3f, 0xff, chuidObject)
	if status(err) == swNotFound {
		return false, nil
	}
	return len(b) > 2, err // an object that was deleted may be an empty 53 00
}

// writeCHUID needs an authenticated connection.
func (r *raw) writeCHUID(chuid []byte) error {
	data := append([]byte(nil), chuidObject...)
	data = append(append(data, 0x53, byte(len(chuid))), chuid...)
	_, err := r.send(0xdb, 0x3f, 0xff, data)
	return err
}

// Algorithms of management keys (SP 800-78-4 table 6-2).
const (
	alg3DES   = 0x03
	algAES128 = 0x08
	algAES192 = 0x0a
	algAES256 = 0x0c
)

// authenticate proves knowledge of the management key to the card and has the
// card prove it back (SP 800-73-4 part 2, appendix A.2): two exchanges.
func (r *raw) authenticate(algorithm byte, key []byte) error {
	block, err := blockCipher(algorithm, key)
	if err != nil {
		return err
	}
	n := block.BlockSize()
	witness, err := r.send(0x87, algorithm, refManagement, []byte{0x7c, 0x02, 0x80, 0x00})
	if err != nil {
		return fmt.Errorf("%s the management key: %w", textAuthenticating, err)
	}
	encrypted, ok := bytes.CutPrefix(witness, []byte{0x7c, byte(n + 2), 0x80, byte(n)})
	if !ok || len(encrypted) != n {
		return fmt.Errorf("%s the management key: a witness of an unknown form", textAuthenticating)
	}
	challenge := random(n)
	data := append([]byte{0x7c, byte(2 * (n + 2)), 0x80, byte(n)}, make([]byte, n)...)
	block.Decrypt(data[4:], encrypted)
	data = append(append(data, 0x81, byte(n)), challenge...)
	answer, err := r.send(0x87, algorithm, refManagement, data)
	if err != nil {
		return fmt.Errorf("%s the management key: %w", textAuthenticating, err)
	}
	proof, ok := bytes.CutPrefix(answer, []byte{0x7c, byte(n + 2), 0x82, byte(n)})
	expected := make([]byte, n)
	block.Encrypt(expected, challenge)
	if !ok || subtle.ConstantTimeCompare(proof, expected) != 1 {
		return fmt.Errorf("%s the management key: %s: the token does not know the key", textAuthenticating, textChallenge)
	}
	return nil
}

func blockCipher(algorithm byte, key []byte) (cipher.Block, error) {
	switch {
	case algorithm == alg3DES && len(key) == 24:
		return des.NewTripleDESCipher(key) //nolint:gosec // the token wants it
	case algorithm == algAES128 && len(key) == 16, algorithm == algAES192 && len(key) == 24, algorithm == algAES256 && len(key) == 32:
		return aes.NewCipher(key)
	}
	return nil, fmt.Errorf("%s the management key: %s %d for algorithm %02x", textAuthenticating, textKeyLength, len(key), algorithm)
}
