package virtual

import (
	"bytes"
	"cmp"
	"encoding/binary"
)

type application int

const (
	applicationNone application = iota
	applicationPIV
	applicationManagement
	applicationOTP
)

// Application identifiers: SP 800-73-4 part 1 2.2, and Yubico's own.
var (
	aidPIV        = []byte{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00}
	aidManagement = []byte{0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17}
	aidOTP        = []byte{0xA0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01, 0x01}
)

// shortestAID is the length of a registered provider identifier, the least
// that a partial identifier can have.
const shortestAID = 5

// selectApplication selects by identifier, which may be cut short on the
// right. Whatever was verified before is so no longer.
func selectApplication(c *Card, cmd command) ([]byte, status) {
	if cmd.p1 != 0x04 || cmd.p2 != 0x00 {
		return nil, swWrongP1P2
	}
	for _, a := range []struct {
		aid    []byte
		name   application
		answer func() []byte
	}{
		{aidPIV, applicationPIV, propertyTemplate},
		{aidManagement, applicationManagement, c.managementBanner},
		{aidOTP, applicationOTP, c.otpStatus},
	} {
		if len(cmd.data) >= shortestAID && bytes.HasPrefix(a.aid, cmd.data) {
			c.session = session{application: a.name}
			return a.answer(), swOK
		}
	}
	return nil, swNotFound
}

// propertyTemplate is the answer to SELECT of PIV (SP 800-73-4 part 2 3.1.1).
func propertyTemplate() []byte {
	return wrap(0x61, wrap(0x4F, aidPIV[shortestAID:]), wrap(0x79, wrap(0x4F, aidPIV[:shortestAID])))
}

func (c *Card) managementBanner() []byte {
	return []byte("Virtual mgr - FW version " + c.firmware.String())
}

// otpStatus is version, programming sequence and touch level: no OTP slot is
// configured.
func (c *Card) otpStatus() []byte { return append(c.firmware[:], 0, 0, 0) }

// otpRequest answers the one request of the OTP application that tools for
// tokens without a serial number in PIV use.
func otpRequest(c *Card, cmd command) ([]byte, status) {
	const readSerial = 0x10
	if cmd.p1 != readSerial {
		return nil, swWrongP1P2
	}
	return serialBytes(c), swOK
}

func serialBytes(c *Card) []byte {
	return binary.BigEndian.AppendUint32(nil, cmp.Or(c.options.Claim, c.state.Serial))
}

func serialNumber(c *Card, _ command) ([]byte, status) {
	if !c.firmware.hasSerial() {
		return nil, swUnknownINS
	}
	return serialBytes(c), swOK
}

func version(c *Card, _ command) ([]byte, status) { return c.firmware[:], swOK }

// deviceInfo is the configuration that the management application reports: a
// token with nothing but PIV, on USB.
func deviceInfo(c *Card, _ command) ([]byte, status) {
	const capabilityPIV = 0x10
	var info []byte
	for _, o := range []tlv{
		{0x01, []byte{capabilityPIV}}, // supported on USB
		{0x02, serialBytes(c)},
		{0x03, []byte{capabilityPIV}}, // enabled on USB
		{0x04, []byte{formFactor}},
		{0x05, c.firmware[:]},
		{0x06, []byte{0, 0}}, // automatic eject
		{0x07, []byte{15}},   // challenge-response timeout, seconds
		{0x08, []byte{0}},    // device flags
		{0x0A, []byte{0}},    // configuration lock
	} {
		info = append(info, wrap(o.tag, o.value)...)
	}
	return append([]byte{byte(len(info))}, info...), swOK
}
