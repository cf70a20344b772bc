package virtual

import (
	"encoding/binary"
)

// Instruction bytes: NIST SP 800-73-4 part 2 table 2, and Yubico's extensions
// (developers.yubico.com/PIV/Introduction/Yubico_extensions.html).
const (
	insVerify       = 0x20
	insChange       = 0x24
	insResetRetry   = 0x2C
	insGenerate     = 0x47
	insAuthenticate = 0x87
	insSelect       = 0xA4
	insGetResponse  = 0xC0
	insGetData      = 0xCB
	insPutData      = 0xDB
	insMoveKey      = 0xF6
	insMetadata     = 0xF7
	insSerial       = 0xF8
	insAttest       = 0xF9
	insSetRetries   = 0xFA
	insReset        = 0xFB
	insVersion      = 0xFD
	insImport       = 0xFE
	insSetMgmtKey   = 0xFF

	insDeviceInfo = 0x1D // management application
	insOTPRequest = 0x01 // OTP application
)

// command is a command APDU (ISO/IEC 7816-4 5.1), short or extended.
type command struct {
	cla, ins, p1, p2 byte
	data             []byte
	// max is the largest number of data bytes that the answer may carry: Le,
	// or what the form of the command allows where Le is absent.
	max int
}

const (
	shortMax    = 256
	extendedMax = 65536
)

// parseCommand reads one command APDU. Its only failure is swWrongLength;
// swOK says that there was none.
func parseCommand(b []byte) (command, status) {
	if len(b) < 4 {
		return command{}, swWrongLength
	}
	c := command{cla: b[0], ins: b[1], p1: b[2], p2: b[3], max: shortMax}
	body := b[4:]
	switch {
	case len(body) == 0:
		return c, swOK
	case len(body) == 1:
		c.max = le(int(body[0]), shortMax)
		return c, swOK
	case body[0] != 0:
		return c.short(int(body[0]), body[1:])
	case len(body) >= 3:
		return c.extended(int(binary.BigEndian.Uint16(body[1:])), body[3:])
	}
	return c, swWrongLength
}

func (c command) short(lc int, rest []byte) (command, status) {
	switch len(rest) {
	case lc:
	case lc + 1:
		c.max = le(int(rest[lc]), shortMax)
	default:
		return c, swWrongLength
	}
	c.data = rest[:lc]
	return c, swOK
}

func (c command) extended(n int, rest []byte) (command, status) {
	c.max = extendedMax
	switch len(rest) {
	case 0: // no data: n is Le
		c.max = le(n, extendedMax)
		return c, swOK
	case n:
	case n + 2:
		c.max = le(int(binary.BigEndian.Uint16(rest[n:])), extendedMax)
	default:
		return c, swWrongLength
	}
	c.data = rest[:n]
	return c, swOK
}

// le reads an Le field: zero stands for the most that its form can say.
func le(n, most int) int {
	if n == 0 {
		return most
	}
	return n
}

// status is the status word that ends an answer (ISO/IEC 7816-4 5.1.3).
type status uint16

const (
	swOK                 status = 0x9000
	swMoreData           status = 0x6100 // low byte: how many bytes remain
	swVerifyFailed       status = 0x63C0 // low nibble: tries left
	swMemoryFailure      status = 0x6581
	swWrongLength        status = 0x6700
	swChannelUnsupported status = 0x6881
	swSecureMessaging    status = 0x6882
	swLastChainExpected  status = 0x6883
	swSecurityStatus     status = 0x6982
	swBlocked            status = 0x6983
	swConditions         status = 0x6985
	swWrongData          status = 0x6A80
	swNotFound           status = 0x6A82
	swNoSpace            status = 0x6A84
	swWrongP1P2          status = 0x6A86
	swReferenceNotFound  status = 0x6A88
	swUnknownINS         status = 0x6D00
	swUnknownCLA         status = 0x6E00
)

func (s status) bytes() []byte { return []byte{byte(s >> 8), byte(s)} }

// triesLeft is the answer to a wrong PIN or PUK. The word has room for 15, and
// the token says 15 for any larger counter.
func triesLeft(n int) status { return swVerifyFailed | status(min(n, 15)) }
