package yubikey

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// credential is what GET METADATA says of the PIN, the PUK or the management
// key (docs.yubico.com/yesdk/users-manual/application-piv/apdu/metadata.html).
type credential struct {
	algorithm byte // of the management key; 0xff for PIN and PUK
	factory   bool // still the factory's
	total     int  // tries after a right one; 0: not stated
	left      int  // tries left; -1: not stated
}

// parseCredential reads the answer: one-byte tags and lengths.
func parseCredential(b []byte) (credential, error) {
	c := credential{left: -1}
	var stated bool
	for len(b) > 0 {
		if len(b) < 2 || len(b)-2 < int(b[1]) {
			return credential{}, errors.New("metadata is cut short")
		}
		tag, value := b[0], b[2:2+int(b[1])]
		b = b[2+len(value):]
		size := map[byte]int{0x01: 1, 0x05: 1, 0x06: 2}[tag]
		if size == 0 {
			continue // policies, and what firmware to come may add
		}
		if len(value) != size {
			return credential{}, fmt.Errorf("metadata field %02x has %d bytes, not %d", tag, len(value), size)
		}
		switch tag {
		case 0x01:
			c.algorithm = value[0]
		case 0x05:
			c.factory, stated = value[0] == 1, true
		case 0x06:
			c.total, c.left = int(value[0]), int(value[1])
		}
	}
	if !stated {
		return credential{}, errors.New("metadata does not say whether the credential is the factory's")
	}
	return c, nil
}

// fascN is the Federal Agency Smart Credential Number that says "none": agency
// and system 9999, credential 999999 (SP 800-73-4 part 1, 3.1.2; ykman and
// yubico-piv-tool write the same one).
var fascN = []byte{
	0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68,
	0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb,
}

// newCHUID makes a card holder unique identifier with a GUID of 16 bytes: some systems
// cache a card's certificates under it (SP 800-73-4 part 1, table 9).
func newCHUID(guid []byte) []byte {
	b := append([]byte{0x30, 25}, fascN...)
	b = append(append(b, 0x34, 16), guid...)
	b = append(append(b, 0x35, 8), "20500101"...)
	return append(b, 0x3e, 0, 0xfe, 0) // no signature, no error detection code
}

// random makes that many random bytes; crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
