package virtual

import (
	"encoding/binary"
	"sync"
	"time"
)

// Messages of CCID (USB "Smart Card Integrated Circuit(s) Cards Interface
// Devices" 1.1, chapter 6): from the machine, and the reader's answers.
const (
	ccidSetParameters   = 0x61
	ccidPowerOn         = 0x62
	ccidPowerOff        = 0x63
	ccidSlotStatus      = 0x65
	ccidGetParameters   = 0x6C
	ccidResetParameters = 0x6D
	ccidTransfer        = 0x6F
	ccidAbort           = 0x72

	ccidDataBlock        = 0x80
	ccidStatusAnswer     = 0x81
	ccidParametersAnswer = 0x82

	ccidHeader    = 10
	ccidActive    = 0x00 // bStatus: powered
	ccidInactive  = 0x01
	ccidFailed    = 0x40
	ccidMoreTime  = 0x80
	ccidMute      = 0xFE // bError
	ccidWrongSize = 0x01

	// maxCCID is dwMaxCCIDMessageLength of the descriptor, in bytes.
	maxCCID = 3072
)

// moreTime is how often a reader says that the card still works, as while it
// waits for a touch.
const moreTime = 500 * time.Millisecond

// parametersT1 is what a reader at APDU level says of protocol T=1.
var parametersT1 = []byte{0x11, 0x10, 0x00, 0x15, 0x00, 0xFE, 0x00}

// ccid is the reader that a YubiKey is for a machine: one slot, and the card
// always in it.
type ccid struct {
	card    *Card
	answer  func(*ccid, []byte) // takes one message to the machine
	gone    func(*Card)         // takes the device off the bus
	partial []byte              // of a message that came in pieces

	mu      sync.Mutex
	powered bool
}

// reset is the bus's: nothing is half sent and the card has no power. Its
// session ends with the next power-on, which waits for a command under way.
func (r *ccid) reset() {
	r.partial = nil
	r.setPowered(false)
}

func (r *ccid) power(on bool) {
	r.setPowered(on)
	reset(r.card)
}

func (r *ccid) setPowered(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.powered = on
}

func (r *ccid) status() byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.powered {
		return ccidActive
	}
	return ccidInactive
}

// write takes a piece of a message: bulk transfers bring 64 bytes at a time.
// It answers false to what can be no message.
func (r *ccid) write(piece []byte) bool {
	r.partial = append(r.partial, piece...)
	for len(r.partial) >= ccidHeader {
		size := binary.LittleEndian.Uint32(r.partial[1:])
		if size > maxCCID-ccidHeader {
			r.partial = nil
			return false
		}
		whole := ccidHeader + int(size)
		if len(r.partial) < whole {
			return true
		}
		message := r.partial[:whole:whole]
		r.partial = r.partial[whole:]
		// one after another is the machine's part: it waits for each answer
		go r.carryOut(message)
	}
	return true
}

func (r *ccid) carryOut(m []byte) {
	switch m[0] {
	case ccidPowerOn:
		r.power(true)
		r.reply(m, ccidDataBlock, ccidActive, 0, answerToReset)
	case ccidPowerOff:
		r.power(false)
		r.reply(m, ccidStatusAnswer, ccidInactive, 0, nil)
	case ccidSlotStatus, ccidAbort:
		r.reply(m, ccidStatusAnswer, r.status(), 0, nil)
	case ccidGetParameters, ccidResetParameters, ccidSetParameters:
		r.reply(m, ccidParametersAnswer, r.status(), 0, parametersT1)
	case ccidTransfer:
		r.transfer(m)
	default:
		r.reply(m, ccidStatusAnswer, ccidFailed|r.status(), 0, nil) // bError 0: no such command
	}
}

// transfer carries an APDU out, and asks the machine for time meanwhile. A
// card that was pulled takes the reader with it: they are one device.
func (r *ccid) transfer(m []byte) {
	if r.status() != ccidActive {
		r.reply(m, ccidDataBlock, ccidFailed|ccidInactive, ccidMute, nil)
		return
	}
	done := make(chan []byte, 1)
	go func() { done <- r.card.Transmit(m[ccidHeader:]) }()
	ticker := time.NewTicker(moreTime)
	defer ticker.Stop()
	for {
		select {
		case answer := <-done:
			switch {
			case answer == nil:
				r.gone(r.card)
			case len(answer) > maxCCID-ccidHeader:
				r.reply(m, ccidDataBlock, ccidFailed, ccidWrongSize, nil)
			default:
				r.reply(m, ccidDataBlock, ccidActive, 0, answer)
			}
			return
		case <-ticker.C:
			r.reply(m, ccidDataBlock, ccidMoreTime, 1, nil)
		}
	}
}

// reply answers a message: its slot and number are repeated.
func (r *ccid) reply(m []byte, kind, status, problem byte, data []byte) {
	head := make([]byte, ccidHeader, ccidHeader+len(data))
	head[0] = kind
	binary.LittleEndian.PutUint32(head[1:], uint32(len(data)))
	head[5], head[6], head[7], head[8] = m[5], m[6], status, problem
	if kind == ccidParametersAnswer {
		head[9] = 1 // T=1
	}
	r.answer(r, append(head, data...))
}
