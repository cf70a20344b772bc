package virtual

import (
	"bytes"
	"testing"
)

func TestVerify_CountsAndBlocks(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, triesLeft(3), "00200080")
	verifyPIN(t, c, triesLeft(2), "654321")
	verifyPIN(t, c, swOK, "123456")
	send(t, c, swOK, "00200080")
	send(t, c, swOK, "0020FF80")
	send(t, c, triesLeft(3), "00200080")
	for left := 2; left >= 0; left-- {
		verifyPIN(t, c, triesLeft(left), "654321")
	}
	verifyPIN(t, c, swBlocked, "123456")
	send(t, c, swBlocked, "00200080")
}

func TestVerify_Malformed(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swWrongData, "0020008006", []byte("123456"))
	send(t, c, swReferenceNotFound, "00200000")
	send(t, c, swReferenceNotFound, "0020009602", []byte{3, 0}) // no fingerprint reader
	send(t, c, swWrongP1P2, "00200180")
	send(t, c, triesLeft(3), "00200080")
}

func TestChangeReference_PINAndPUK(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, triesLeft(2), "0024008010", padded("000000"), padded("831906"))
	send(t, c, swOK, "0024008010", padded("123456"), padded("831906"))
	verifyPIN(t, c, swOK, "831906")
	send(t, c, swOK, "0024008110", padded("12345678"), padded("27182818"))
	send(t, c, triesLeft(2), "0024008110", padded("12345678"), padded("27182818"))
	send(t, c, swReferenceNotFound, "0024008210", padded("12345678"), padded("27182818"))
	send(t, c, swWrongP1P2, "0024018010", padded("12345678"), padded("27182818"))
	send(t, c, swWrongData, "0024008008", padded("831906"))
}

func TestChangeReference_RefusesForm(t *testing.T) {
	c := fresh(t, Options{})
	for _, pin := range [][]byte{padded("12345"), append([]byte("12\xff456"), 0xff, 0xff), padded("")} {
		send(t, c, swWrongData, "0024008010", padded("123456"), pin)
	}
	verifyPIN(t, c, swOK, "123456")
}

func TestResetRetryCounter_Unblocks(t *testing.T) {
	c := fresh(t, Options{})
	for range 3 {
		send(t, c, triesLeft(c.state.PIN.Left-1), "0020008008", padded("999999"))
	}
	send(t, c, triesLeft(2), "002C008010", padded("87654321"), padded("831906"))
	send(t, c, swOK, "002C008010", padded("12345678"), padded("831906"))
	verifyPIN(t, c, swOK, "831906")
	if c.state.PUK.Left != 3 {
		t.Errorf("%d tries of the PUK left", c.state.PUK.Left)
	}
	send(t, c, swWrongP1P2, "002C008110", padded("12345678"), padded("831906"))
}

func TestSetRetries_NeedsBothAndSetsDefaults(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swOK, "0024008010", padded("123456"), padded("831906"))
	send(t, c, swSecurityStatus, "00FA0508")
	owner(t, c)
	send(t, c, swSecurityStatus, "00FA0508")
	verifyPIN(t, c, swOK, "831906")
	send(t, c, swWrongData, "00FA0008")
	send(t, c, swOK, "00FA14FF")
	send(t, c, triesLeft(15), "00200080") // the word has no room for 20
	verifyPIN(t, c, swVerifyFailed|15, "831906")
	verifyPIN(t, c, swOK, "123456")
	if c.state.PIN.Tries != 20 || c.state.PUK.Tries != 255 {
		t.Errorf("%d and %d tries", c.state.PIN.Tries, c.state.PUK.Tries)
	}
}

func TestReset_OnlyWhenBothAreBlocked(t *testing.T) {
	c := fresh(t, Options{})
	generateKey(t, c, slotSignature, algP256, pinOnce, touchNever)
	commandData(t, c, swOK, "00DB3FFF", unhex(t, "5C035FC1025303010203"))
	f9 := send(t, c, swOK, "00CB3FFF055C035FFF01")
	send(t, c, swConditions, "00FB000000")
	for left := 2; left >= 0; left-- {
		verifyPIN(t, c, triesLeft(left), "000000")
	}
	send(t, c, swConditions, "00FB000000")
	for left := 2; left >= 0; left-- {
		send(t, c, triesLeft(left), "0024008110", padded("00000000"), padded("00000000"))
	}
	send(t, c, swOK, "00FB000000")
	verifyPIN(t, c, swOK, "123456")
	owner(t, c)
	send(t, c, swReferenceNotFound, "00F7009C00")
	send(t, c, swNotFound, "00CB3FFF055C035FC102")
	if again := send(t, c, swOK, "00CB3FFF055C035FFF01"); !bytes.Equal(f9, again) {
		t.Error("the attestation certificate did not survive the reset")
	}
}
