package pki

import (
	"errors"
	"fmt"
	"io"
	"math/big"
)

// Bounds of a serial number: RFC 5280 4.1.2.2 allows 20 octets, of which the
// first bit is the sign; 64 bits is the least that cannot be guessed.
const (
	serialOctets  = 20
	maxSerialBits = serialOctets*8 - 1
	minSerialBits = 64
)

// NewSerial draws a serial number from random: positive, 20 octets, 158 bits
// of entropy. The second bit is always one, so that no serial is shorter than
// the others. An error of random is returned, and a short read is one.
func NewSerial(random io.Reader) (*big.Int, error) {
	octets := make([]byte, serialOctets)
	if _, err := io.ReadFull(random, octets); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	octets[0] = octets[0]&0x3f | 0x40
	return new(big.Int).SetBytes(octets), nil
}

// CheckSerial refuses a serial number that is not positive, longer than 20
// octets or shorter than 64 bits.
func CheckSerial(serial *big.Int) error {
	switch {
	case serial == nil:
		return errors.New("serial number is missing")
	case serial.Sign() <= 0:
		return fmt.Errorf("serial number %s is not positive (RFC 5280 4.1.2.2)", serial)
	case serial.BitLen() > maxSerialBits:
		return fmt.Errorf("serial number %x is longer than %d octets (RFC 5280 4.1.2.2)", serial, serialOctets)
	case serial.BitLen() < minSerialBits:
		return fmt.Errorf("serial number %x has fewer than %d bits: serial numbers are random", serial, minSerialBits)
	}
	return nil
}

// SerialHex is the form in which a serial number is recorded: lower-case hex,
// whole octets.
func SerialHex(serial *big.Int) string {
	if serial == nil {
		return ""
	}
	digits := serial.Text(16)
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	return digits
}
