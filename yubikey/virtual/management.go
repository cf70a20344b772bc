package virtual

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // what tokens before firmware 5.7 use
	"crypto/subtle"
	"fmt"
)

// referenceManagement is the key reference of the card management key.
const referenceManagement = 0x9B

// managementKey lets its owner change what is on the token.
type managementKey struct {
	Algorithm algorithm `json:"algorithm"`
	Key       []byte    `json:"key"`
	Touch     bool      `json:"touch,omitempty"`
}

func (k managementKey) isDefault() bool { return bytes.Equal(k.Key, defaultManagementKey) }

func (k managementKey) block() (cipher.Block, error) {
	if k.Algorithm == alg3DES {
		return des.NewTripleDESCipher(k.Key) //nolint:gosec // see the import
	}
	return aes.NewCipher(k.Key)
}

// valid tells whether tokens of the firmware can have such a key.
func (k managementKey) valid(f firmware) error {
	size := k.Algorithm.managementKeySize()
	if size == 0 || size != len(k.Key) {
		return fmt.Errorf("no management key of algorithm %02x and %d bytes", byte(k.Algorithm), len(k.Key))
	}
	if k.Algorithm != alg3DES && !f.hasAESManagement() {
		return fmt.Errorf("firmware %s has no AES management keys", f)
	}
	return nil
}

// authenticateManagement is GENERAL AUTHENTICATE with key 9B (SP 800-73-4
// part 2 3.2.4): mutual, or of the caller alone, in two exchanges each.
func authenticateManagement(c *Card, cmd command) ([]byte, status) {
	key := c.state.Management
	given := algorithm(cmd.p1)
	if given == 0x00 { // SP 800-78-4: the default, which is 3DES
		given = alg3DES
	}
	if given != key.Algorithm {
		return nil, swWrongP1P2
	}
	template, err := unwrap(0x7C, cmd.data)
	if err != nil {
		return nil, swWrongData
	}
	block, err := key.block()
	if err != nil {
		return nil, swMemoryFailure
	}
	witness, challenge, response := template.get(0x80), template.get(0x81), template.get(0x82)
	switch {
	case witness != nil && len(witness) == 0:
		return offerWitness(c, block)
	case witness != nil && len(challenge) == block.BlockSize():
		return proveBoth(c, block, witness, challenge)
	case challenge != nil && len(challenge) == 0:
		return offerChallenge(c, block)
	case len(response) > 0:
		return proveCaller(c, block, response)
	}
	return nil, swWrongData
}

// offerWitness sends random bytes, encrypted: the caller must decrypt them.
func offerWitness(c *Card, block cipher.Block) ([]byte, status) {
	secret := random(block.BlockSize())
	c.session.witness, c.session.challenge = secret, nil
	sealed := make([]byte, len(secret))
	block.Encrypt(sealed, secret)
	return wrap(0x7C, wrap(0x80, sealed)), swOK
}

// proveBoth checks the caller's witness and encrypts its challenge.
func proveBoth(c *Card, block cipher.Block, witness, challenge []byte) ([]byte, status) {
	if sw := grant(c, c.session.witness, witness); sw != swOK {
		return nil, sw
	}
	answer := make([]byte, block.BlockSize())
	block.Encrypt(answer, challenge)
	return wrap(0x7C, wrap(0x82, answer)), swOK
}

// offerChallenge sends random bytes that the caller must encrypt.
func offerChallenge(c *Card, block cipher.Block) ([]byte, status) {
	challenge := random(block.BlockSize())
	c.session.challenge, c.session.witness = challenge, nil
	return wrap(0x7C, wrap(0x81, challenge)), swOK
}

func proveCaller(c *Card, block cipher.Block, response []byte) ([]byte, status) {
	var expected []byte
	if c.session.challenge != nil {
		expected = make([]byte, block.BlockSize())
		block.Encrypt(expected, c.session.challenge)
	}
	return nil, grant(c, expected, response)
}

// grant ends an authentication: what the card offered is used up, right or
// wrong.
func grant(c *Card, expected, given []byte) status {
	c.session.witness, c.session.challenge, c.session.management = nil, nil, false
	if len(expected) == 0 || subtle.ConstantTimeCompare(expected, given) != 1 {
		return swSecurityStatus
	}
	if c.state.Management.Touch {
		if sw := touched(c, touchAlways); sw != swOK {
			return sw
		}
	}
	c.session.management = true
	return swOK
}

// setManagementKey is Yubico's SET MANAGEMENT KEY; P2 FE makes each use of the
// new key wait for a touch.
func setManagementKey(c *Card, cmd command) ([]byte, status) {
	if !c.session.management {
		return nil, swSecurityStatus
	}
	if cmd.p1 != 0xFF || (cmd.p2 != 0xFF && cmd.p2 != 0xFE) {
		return nil, swWrongP1P2
	}
	d := cmd.data
	if len(d) < 3 || d[1] != referenceManagement || int(d[2]) != len(d)-3 {
		return nil, swWrongData
	}
	key := managementKey{Algorithm: algorithm(d[0]), Key: bytes.Clone(d[3:]), Touch: cmd.p2 == 0xFE}
	if err := key.valid(c.firmware); err != nil {
		return nil, swWrongData
	}
	c.state.Management = key
	c.dirty = true
	return nil, swOK
}
