package yubikey

import "crypto/rand"

// fascN is the Federal Agency Smart Credential Number that says "none": agency
// and system 9999, credential 999999 (SP 800-73-4 part 1, 3.1.2; ykman and
// yubico-piv-tool write the same one).
var fascN = []byte{
	0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68,
	0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb,
}

// newCHUID makes a card holder unique identifier with a GUID: some systems
// cache a card's certificates under it (SP 800-73-4 part 1, table 9).
func newCHUID(guid []byte) []byte {
	b := append([]byte{0x30, byte(len(fascN))}, fascN...)
	b = append(append(b, 0x34, byte(len(guid))), guid...)
	b = append(append(b, 0x35, 8), "20500101"...)
	return append(b, 0x3e, 0, 0xfe, 0) // no signature, no error detection code
}

// random makes that many random bytes; crypto/rand never fails.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
