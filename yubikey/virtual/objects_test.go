package virtual

import (
	"bytes"
	"testing"
)

func TestObjects_PutGetDelete(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swNotFound, "00CB3FFF055C035FC102")
	send(t, c, swSecurityStatus, "00DB3FFF085C035FC102530101")
	owner(t, c)
	send(t, c, swOK, "00DB3FFF085C035FC102530101")
	if got := send(t, c, swOK, "00CB3FFF055C035FC102"); !bytes.Equal(got, unhex(t, "530101")) {
		t.Errorf("object %x", got)
	}
	send(t, c, swOK, "00DB3FFF075C035FC1025300")
	send(t, c, swNotFound, "00CB3FFF055C035FC102")
	commandData(t, c, swNoSpace, "00DB3FFF", append(unhex(t, "5C035FFF00"), wrap(0x53, make([]byte, maxObject+1))...))
	commandData(t, c, swOK, "00DB3FFF", append(unhex(t, "5C035FFF00"), wrap(0x53, make([]byte, maxObject))...))
	if got := send(t, c, swOK, "00CB3FFF055C035FFF00"); len(got) != maxObject+4 {
		t.Errorf("%d bytes of the largest object", len(got))
	}
}

func TestObjects_ProtectedByThePIN(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	for _, id := range []string{"5FC109", "5FC103", "5FC108", "5FC121"} {
		send(t, c, swOK, "00DB3FFF085C03"+id+"530101")
		send(t, c, swSecurityStatus, "00CB3FFF055C03"+id)
		verifyPIN(t, c, swOK, "123456")
		send(t, c, swOK, "00CB3FFF055C03"+id)
		send(t, c, swOK, "0020FF80")
	}
}

func TestObjects_Discovery(t *testing.T) {
	c := fresh(t, Options{})
	want := unhex(t, "7E12 4F0BA000000308000010000100 5F2F024000")
	if got := send(t, c, swOK, "00CB3FFF035C017E"); !bytes.Equal(got, want) {
		t.Errorf("discovery %x, want %x", got, want)
	}
	send(t, c, swNotFound, "00CB3FFF045C027F61")
}

func TestObjects_Malformed(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	for _, apdu := range []string{
		"00CB3FFF00", "00CB3FFF025C00", "00CB3FFF035C0153", "00CB3FFF055C035FC1", "00CB3FFF055D035FC102",
		"00CB3FFF055C0360C102", "00DB3FFF055C035FC102", "00DB3FFF075C035FC1025400",
		"00DB3FFF065C017E530101", "00DB3FFF085C035FFF01530101",
	} {
		if answer := c.Transmit(unhex(t, apdu)); len(answer) != 2 || answer[0] == 0x90 {
			t.Errorf("%s: %x", apdu, answer)
		}
	}
	send(t, c, swWrongP1P2, "00CB0000055C035FC102")
	send(t, c, swWrongP1P2, "00DB0000075C035FC1025300")
}
