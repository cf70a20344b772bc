package virtual

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"strings"
	"testing"
)

// fresh returns a card with PIV selected.
func fresh(t *testing.T, o Options) *Card {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	selectPIV(t, c)
	return c
}

func selectPIV(t *testing.T, c *Card) {
	t.Helper()
	send(t, c, swOK, "00A4040005A000000308")
}

// send transmits the APDU, written in hex, wants the status word and returns
// the data of the answer, with what GET RESPONSE brings.
func send(t *testing.T, c *Card, want status, apdu string, data ...[]byte) []byte {
	t.Helper()
	raw := unhex(t, apdu)
	for _, d := range data {
		raw = append(raw, d...)
	}
	answer := c.Transmit(raw)
	var collected []byte
	for len(answer) >= 2 && answer[len(answer)-2] == 0x61 {
		collected = append(collected, answer[:len(answer)-2]...)
		answer = c.Transmit([]byte{0x00, insGetResponse, 0x00, 0x00, 0x00})
	}
	if len(answer) < 2 {
		t.Fatalf("%s: no answer", apdu)
	}
	sw := status(answer[len(answer)-2])<<8 | status(answer[len(answer)-1])
	if sw != want {
		t.Fatalf("%s: %04x, want %04x", apdu, uint16(sw), uint16(want))
	}
	return append(collected, answer[:len(answer)-2]...)
}

// commandData sends an extended APDU with the data.
func commandData(t *testing.T, c *Card, want status, head string, data []byte) []byte {
	t.Helper()
	raw := append(unhex(t, head), 0x00, byte(len(data)>>8), byte(len(data)))
	return send(t, c, want, hex.EncodeToString(append(raw, data...)))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func padded(pin string) []byte {
	return append([]byte(pin), bytes.Repeat([]byte{0xff}, pinSize-len(pin))...)
}

func verifyPIN(t *testing.T, c *Card, want status, pin string) {
	t.Helper()
	send(t, c, want, "0020008008", padded(pin))
}

// prove authenticates with a management key, both sides.
func prove(t *testing.T, c *Card, want status, a algorithm, key []byte) {
	t.Helper()
	var block cipher.Block
	var err error
	if a == alg3DES {
		block, err = des.NewTripleDESCipher(key)
	} else {
		block, err = aes.NewCipher(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	head := "0087" + hex.EncodeToString([]byte{byte(a), referenceManagement})
	template, err := unwrap(0x7C, commandData(t, c, swOK, head, unhex(t, "7C028000")))
	if err != nil {
		t.Fatal(err)
	}
	witness := make([]byte, block.BlockSize())
	block.Decrypt(witness, template.get(0x80))
	challenge := bytes.Repeat([]byte{0x5A}, block.BlockSize())
	answer := commandData(t, c, want, head, wrap(0x7C, wrap(0x80, witness), wrap(0x81, challenge)))
	if want != swOK {
		return
	}
	expected := make([]byte, block.BlockSize())
	block.Encrypt(expected, challenge)
	if !bytes.Equal(answer, wrap(0x7C, wrap(0x82, expected))) {
		t.Fatalf("answer to the challenge: %x", answer)
	}
}

// owner proves the factory management key of the card.
func owner(t *testing.T, c *Card) {
	t.Helper()
	prove(t, c, swOK, c.firmware.managementAlgorithm(), defaultManagementKey)
}

// generateKey makes a key in a slot, with the policies, and returns its
// public template. It leaves the management key proved.
func generateKey(t *testing.T, c *Card, slot byte, a algorithm, pin pinPolicy, touch touchPolicy) tlvs {
	t.Helper()
	owner(t, c)
	data := wrap(0xAC, wrap(0x80, []byte{byte(a)}), wrap(0xAA, []byte{byte(pin)}), wrap(0xAB, []byte{byte(touch)}))
	answer := commandData(t, c, swOK, "004700"+hex.EncodeToString([]byte{slot}), data)
	template, err := unwrap(0x7F49, answer)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// signWith asks for a signature over 48 zero bytes.
func signWith(t *testing.T, c *Card, want status, slot byte, a algorithm) []byte {
	t.Helper()
	data := wrap(0x7C, wrap(0x82), wrap(0x81, make([]byte, 48)))
	head := "0087" + hex.EncodeToString([]byte{byte(a), slot})
	answer := commandData(t, c, want, head, data)
	if want != swOK {
		return nil
	}
	template, err := unwrap(0x7C, answer)
	if err != nil {
		t.Fatal(err)
	}
	return template.get(0x82)
}
