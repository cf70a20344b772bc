package yubikey

import (
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
