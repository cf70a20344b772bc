//go:build cgo

package yubikey

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // management keys are 3DES before firmware 5.4
	"crypto/subtle"
	"fmt"
	"io"
)

// Algorithms of management keys (SP 800-78-4 table 6-2).
const (
	alg3DES   = 0x03
	algAES128 = 0x08
	algAES192 = 0x0a
	algAES256 = 0x0c
)

// authenticate proves knowledge of the management key to the card and has the
// card prove it back (SP 800-73-4 part 2, appendix A.2): two exchanges.
func (r *raw) authenticate(algorithm byte, key []byte, rand io.Reader) error {
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
	challenge := make([]byte, n)
	if _, err := io.ReadFull(rand, challenge); err != nil {
		return fmt.Errorf("random challenge: %w", err)
	}
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
