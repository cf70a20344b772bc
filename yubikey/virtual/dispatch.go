package virtual

import "time"

// session is what a card knows until it is reset.
type session struct {
	application application
	pin         bool // the PIN was verified
	pinUnused   bool // … by the command right before this one
	management  bool // the management key was proved
	witness     []byte
	challenge   []byte
	touched     time.Time

	chainHead [3]byte // INS P1 P2 of the chain under way
	chain     []byte
	chaining  bool
	pending   []byte // what GET RESPONSE still has to bring
}

type handler func(*Card, command) ([]byte, status)

var applications = map[application]map[byte]handler{
	applicationNone: {},
	applicationPIV: {
		insVerify:       verify,
		insChange:       changeReference,
		insResetRetry:   resetRetryCounter,
		insGenerate:     generate,
		insAuthenticate: authenticate,
		insGetData:      getData,
		insPutData:      putData,
		insMoveKey:      moveKey,
		insMetadata:     metadata,
		insSerial:       serialNumber,
		insAttest:       attest,
		insSetRetries:   setRetries,
		insReset:        resetApplication,
		insVersion:      version,
		insImport:       importKey,
		insSetMgmtKey:   setManagementKey,
	},
	applicationManagement: {insDeviceInfo: deviceInfo},
	applicationOTP:        {insOTPRequest: otpRequest},
}

// maxChain bounds the data of a chained or extended command. Objects end at
// 3052 bytes (the token's limit), so nothing longer has a meaning.
const maxChain = 4096

// execute carries one APDU out: chaining, the command, and the answer's
// splitting into what the reader can take.
func execute(c *Card, apdu []byte) ([]byte, status) {
	cmd, sw := parseCommand(apdu)
	if sw != swOK {
		return nil, sw
	}
	if sw := checkClass(cmd.cla); sw != swOK {
		return nil, sw
	}
	if cmd.ins == insGetResponse {
		return getResponse(c, cmd)
	}
	c.session.pending = nil
	complete, sw := collect(c, &cmd)
	if sw != swOK || !complete {
		return nil, sw
	}
	run := applications[c.session.application][cmd.ins]
	if cmd.ins == insSelect {
		run = selectApplication
	}
	if run == nil {
		return nil, swUnknownINS
	}
	if !keepsVerification(cmd) {
		c.session.pinUnused = false
	}
	data, sw := run(c, cmd)
	if sw != swOK {
		return nil, sw
	}
	return split(c, data, cmd.max)
}

// keepsVerification tells whether the next use of a key that wants the PIN each
// time can still follow: VERIFY must come right before it, and even ATTEST or a
// proof of the management key in between makes the token forget (Yubico's
// yubico-piv-tool issue 321, yubikey-manager pull request 83).
func keepsVerification(cmd command) bool {
	return cmd.ins == insVerify || cmd.ins == insAuthenticate && cmd.p2 != referenceManagement
}

func checkClass(cla byte) status {
	switch {
	case cla == 0x00 || cla == 0x10:
		return swOK
	case cla&0xE0 != 0:
		return swUnknownCLA
	case cla&0x0C != 0:
		return swSecureMessaging
	}
	return swChannelUnsupported
}

// collect joins the parts of a chained command (ISO/IEC 7816-4 5.3.3). It is
// not complete until the part without the chaining bit came.
func collect(c *Card, cmd *command) (complete bool, _ status) {
	s := &c.session
	head := [3]byte{cmd.ins, cmd.p1, cmd.p2}
	last := cmd.cla&0x10 == 0
	if s.chaining && s.chainHead != head {
		s.chaining, s.chain = false, nil
		if !last {
			return false, swLastChainExpected
		}
	}
	if len(s.chain)+len(cmd.data) > maxChain {
		s.chaining, s.chain = false, nil
		return false, swWrongLength
	}
	s.chain = append(s.chain, cmd.data...)
	s.chaining, s.chainHead = !last, head
	if last {
		cmd.data, s.chain = s.chain, nil
	}
	return last, swOK
}

// split returns as much of an answer as the command asked for and keeps the
// rest for GET RESPONSE.
func split(c *Card, data []byte, most int) ([]byte, status) {
	if len(data) <= most {
		return data, swOK
	}
	c.session.pending = data[most:]
	rest := len(c.session.pending)
	if rest > 0xff {
		rest = 0 // 256 or more
	}
	return data[:most], swMoreData | status(rest)
}

func getResponse(c *Card, cmd command) ([]byte, status) {
	if len(c.session.pending) == 0 {
		return nil, swConditions
	}
	data := c.session.pending
	c.session.pending = nil
	return split(c, data, cmd.max)
}
