package virtual

import (
	"bytes"
	"testing"
)

func TestTransmit_Classes(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swUnknownCLA, "80FD000000")
	send(t, c, swSecureMessaging, "0CFD000000")
	send(t, c, swChannelUnsupported, "01FD000000")
	send(t, c, swUnknownINS, "0055000000")
	send(t, c, swOK, "00FD000000")
}

func TestTransmit_NothingSelected(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, swUnknownINS, "00FD000000")
	send(t, c, swNotFound, "00A4040008A000000527210101")
	send(t, c, swWrongP1P2, "00A4000005A000000308")
	selectPIV(t, c)
	send(t, c, swOK, "00FD000000")
	reset(c)
	send(t, c, swUnknownINS, "00FD000000")
}

func TestTransmit_ChainedCommand(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	value := bytes.Repeat([]byte{0x42}, 500)
	data := append(unhex(t, "5C035FC107"), wrap(0x53, value)...)
	send(t, c, swOK, "10DB3FFFFF", data[:255])
	send(t, c, swOK, "10DB3FFF64", data[255:355])
	send(t, c, swOK, "00DB3FFF9A", data[355:])
	answer := send(t, c, swOK, "00CB3FFF055C035FC107")
	if !bytes.Equal(answer, wrap(0x53, value)) {
		t.Errorf("the object came back as %d bytes", len(answer))
	}
}

func TestTransmit_BrokenChain(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	send(t, c, swOK, "10DB3FFF045C035FC1")
	send(t, c, swLastChainExpected, "10CB3FFF025C03")
	send(t, c, swOK, "10DB3FFF045C035FC1")
	send(t, c, swOK, "00FD000000") // drops the chain
	send(t, c, swWrongData, "00DB3FFF0107")
	for range maxChain / 255 {
		send(t, c, swOK, "10DB3FFFFF", make([]byte, 255))
	}
	send(t, c, swWrongLength, "10DB3FFFFF", make([]byte, 255))
}

func TestTransmit_GetResponse(t *testing.T) {
	c := fresh(t, Options{})
	owner(t, c)
	value := bytes.Repeat([]byte{0x42}, 600)
	commandData(t, c, swOK, "00DB3FFF", append(unhex(t, "5C035FC107"), wrap(0x53, value)...))
	whole := wrap(0x53, value)
	request := unhex(t, "00CB3FFF055C035FC107")

	answer := c.Transmit(request)
	if !bytes.Equal(answer, append(bytes.Clone(whole[:256]), 0x61, 0x00)) {
		t.Fatalf("first part: %d bytes, %x", len(answer), answer[len(answer)-2:])
	}
	answer = c.Transmit(unhex(t, "00C0000000"))
	if !bytes.Equal(answer, append(bytes.Clone(whole[256:512]), 0x61, byte(len(whole)-512))) {
		t.Fatalf("second part: %d bytes, %x", len(answer), answer[len(answer)-2:])
	}
	answer = c.Transmit(unhex(t, "00C0000000"))
	if !bytes.Equal(answer, append(bytes.Clone(whole[512:]), 0x90, 0x00)) {
		t.Fatalf("third part: %d bytes, %x", len(answer), answer[len(answer)-2:])
	}
	send(t, c, swConditions, "00C0000000")

	// a short Le takes the first bytes only, as OpenSC does to learn a length
	answer = c.Transmit(append(bytes.Clone(request), 0x08))
	if !bytes.Equal(answer, append(bytes.Clone(whole[:8]), 0x61, 0x00)) {
		t.Fatalf("eight bytes: %x", answer)
	}
	send(t, c, swOK, "00FD000000")
	send(t, c, swConditions, "00C0000000") // another command in between
}

func TestSelect_Answers(t *testing.T) {
	c := fresh(t, Options{Serial: 0x01020304, Firmware: Firmware543})
	if got := send(t, c, swOK, "00A404000BA000000308000010000100"); !bytes.Equal(got,
		unhex(t, "61114F0600001000010079074F05A000000308")) {
		t.Errorf("property template %x", got)
	}
	if got := send(t, c, swOK, "00FD000000"); !bytes.Equal(got, []byte{5, 4, 3}) {
		t.Errorf("version %x", got)
	}
	if got := send(t, c, swOK, "00F8000000"); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("serial %x", got)
	}
	if got := send(t, c, swOK, "00A4040008A000000527471117"); string(got) != "Virtual mgr - FW version 5.4.3" {
		t.Errorf("management: %q", got)
	}
	info := send(t, c, swOK, "001D000000")
	list, err := parseTLVs(info[1:])
	if err != nil || int(info[0]) != len(info)-1 {
		t.Fatalf("device information %x: %v", info, err)
	}
	if !bytes.Equal(list.get(0x02), []byte{1, 2, 3, 4}) || !bytes.Equal(list.get(0x04), []byte{3}) ||
		!bytes.Equal(list.get(0x05), []byte{5, 4, 3}) {
		t.Errorf("device information %x", info)
	}
	if got := send(t, c, swOK, "00A4040008A000000527200101"); !bytes.Equal(got, []byte{5, 4, 3, 0, 0, 0}) {
		t.Errorf("OTP status %x", got)
	}
	if got := send(t, c, swOK, "0001100000"); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("serial by OTP %x", got)
	}
	send(t, c, swWrongP1P2, "0001300000")
}

func TestSelect_ForgetsWhatWasVerified(t *testing.T) {
	c := fresh(t, Options{})
	verifyPIN(t, c, swOK, "123456")
	owner(t, c)
	selectPIV(t, c)
	send(t, c, triesLeft(3), "00200080")
	send(t, c, swSecurityStatus, "00DB3FFF075C035FC1075300")
}

func TestFirmware_Gates(t *testing.T) {
	old := fresh(t, Options{Firmware: [3]byte{4, 3, 5}})
	send(t, old, swUnknownINS, "00F8000000")
	send(t, old, swUnknownINS, "00F7009B00")
	send(t, old, swUnknownINS, "00F69A9C00")
	middle := fresh(t, Options{Firmware: Firmware543})
	send(t, middle, swUnknownINS, "00F69A9C00")
	owner(t, middle)
	send(t, middle, swWrongData, "0047009C05AC038001E0")
	if _, err := New(Options{Firmware: [3]byte{4, 2, 4}}); err == nil {
		t.Error("firmware without attestation can be played")
	}
}

// FuzzTransmit: whatever is sent to a card whose PIN, PUK and management key
// are not known, each answer has a status word and no more than fits one, the
// counters of PIN and PUK never rise, and nothing in the slots, the objects or
// the management key changes.
func FuzzTransmit(f *testing.F) {
	made, err := New(Options{Serial: 7})
	if err != nil {
		f.Fatal(err)
	}
	key, err := algP384.generateKey()
	if err != nil {
		f.Fatal(err)
	}
	held, err := newSlotKey(algP384, generated, policies{pinAlways, touchNever}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x0a\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08\x05\x00\xf7\x00\x9c\x00"))
	f.Add([]byte("\x0a\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08\x0d\x00\x20\x00\x80\x08654321\xff\xff"))
	f.Fuzz(func(t *testing.T, script []byte) {
		s := *made.state
		s.PIN = newReference([]byte("\x01 no PIN"), 3)
		s.PUK = s.PIN
		s.Management.Key = bytes.Repeat([]byte{0xEE}, 24)
		s.Keys = map[byte]*slotKey{slotSignature: held}
		s.Objects = map[uint32][]byte{0x5FC105: {1}, objectPrinted: {2}}
		c := &Card{state: &s, firmware: s.Firmware, pulled: make(chan struct{})}
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			apdu := script[1 : 1+n]
			script = script[1+n:]
			pin, puk := s.PIN.Left, s.PUK.Left
			answer := c.Transmit(apdu)
			if len(answer) < 2 || len(answer) > 65536+2 {
				t.Fatalf("%x: answer of %d bytes", apdu, len(answer))
			}
			if s.PIN.Left > pin || s.PUK.Left > puk {
				if s.PIN.Left != 3 || len(s.Keys) != 0 { // a reset of a blocked card
					t.Fatalf("%x: tries from %d and %d to %d and %d", apdu, pin, puk, s.PIN.Left, s.PUK.Left)
				}
				return
			}
			if s.Keys[slotSignature] != held || len(s.Keys) != 1 || len(s.Objects) != 2 || s.Management.Key[0] != 0xEE {
				t.Fatalf("%x: changed what is on the card", apdu)
			}
		}
	})
}
