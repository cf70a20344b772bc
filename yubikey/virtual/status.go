package virtual

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
