package pki

import (
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/decred/dcrwallet/pgpwordlist"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// SPKISHA256 is the SHA-256 of the DER SubjectPublicKeyInfo of pub, lower-case
// hex. It is the pin of a key, and the log ID of a checkpoint key.
func SPKISHA256(pub crypto.PublicKey) (string, error) {
	der, err := cryptoutils.MarshalPublicKeyToDER(pub)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return digest.Hex(der), nil
}

// HexGroups writes a digest as people read it aloud: groups of four lower-case
// hex digits with a space between.
func HexGroups(digest []byte) string {
	digits := hex.EncodeToString(digest)
	var b strings.Builder
	for i := 0; i < len(digits); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(digits[i:min(i+4, len(digits))])
	}
	return b.String()
}

// Words writes a digest in the words of the PGP word list, one word an octet:
// two syllables at even offsets, three at odd ones, so that a word that was
// dropped, doubled or swapped is heard.
func Words(digest []byte) string {
	words := make([]string, len(digest))
	for i, octet := range digest {
		words[i] = pgpwordlist.ByteToMnemonic(octet, i)
	}
	return strings.Join(words, " ")
}

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
