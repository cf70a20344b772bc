package virtual

import (
	"bytes"
	"testing"
)

func TestMetadata_FactoryState(t *testing.T) {
	for firmware, key := range map[[3]byte]string{Firmware543: "03", Firmware574: "0A"} {
		c := fresh(t, Options{Firmware: firmware})
		for slot, want := range map[string]string{
			"80": "0101FF 050101 06020303",
			"81": "0101FF 050101 06020303",
			"9B": "0101" + key + "02020001 050101",
		} {
			if got := send(t, c, swOK, "00F700"+slot+"00"); !bytes.Equal(got, unhex(t, want)) {
				t.Errorf("firmware %v, %s: %x, want %s", firmware, slot, got, want)
			}
		}
		send(t, c, swReferenceNotFound, "00F7009C00")
		send(t, c, swWrongP1P2, "00F7019C00")
	}
}

func TestMetadata_AfterChanges(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swOK, "0024008010", padded("123456"), padded("831906"))
	verifyPIN(t, c, triesLeft(2), "000000")
	if got := send(t, c, swOK, "00F7008000"); !bytes.Equal(got, unhex(t, "0101FF 050100 06020302")) {
		t.Errorf("PIN: %x", got)
	}
	public := generateKey(t, c, slotSignature, algP384, pinAlways, touchAlways)
	want := join(unhex(t, "010114 02020302 030101"), wrap(4, wrap(0x86, public.get(0x86))))
	if got := send(t, c, swOK, "00F7009C00"); !bytes.Equal(got, want) {
		t.Errorf("slot 9c: %x, want %x", got, want)
	}
	if got := send(t, c, swOK, "00F700F900"); !bytes.HasPrefix(got, unhex(t, "010114 02020101 030101 0463 8661 04")) {
		t.Errorf("slot f9: %x", got)
	}
}
