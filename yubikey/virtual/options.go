package virtual

import (
	"io"
	"time"
)

// Options say which token a [Card] plays and what happens to it.
type Options struct {
	// Serial is the serial number. Zero takes the one in the state file, or a
	// random one of eight digits for a new card.
	Serial uint32
	// Firmware is major, minor, patch. Zero takes the one in the state file,
	// or 5.7.4 for a new card. The oldest that can be played is 4.3.0.
	Firmware [3]byte
	// Sibling is a card that was made in this process: a new card gets its
	// attestation chain from the same root, as tokens of one maker do. Nil
	// gives it a root of its own; a card that is loaded has its own already.
	Sibling *Card
	// StateFile keeps the card between runs: created with mode 0600 when it is
	// missing, loaded when it is there, replaced whole after each command that
	// changed something and before that command's answer leaves. It holds the
	// card's private keys and its management key. Empty keeps all in memory.
	StateFile string
	// Log gets one line an exchange: its number, CLA INS P1 P2, the length of
	// its data, the status word and the duration, tabs between them. Never the
	// data. The line is written before the answer leaves, by the goroutine that
	// serves the card: read what was written after Readers.Close.
	Log io.Writer
	// Touch is what the holder's finger does. Zero touches at once.
	Touch Touch
	// Faults happen at their exchange.
	Faults []Fault
	// Claim is the serial number that it answers with where that is not its own.
	Claim uint32
	// OnExchange is called before exchange n is carried out, with its
	// instruction byte. Of the card's methods it may call Exchanges, SetTouch
	// and SetFaults.
	OnExchange func(n int, ins byte)
	// OnTouch is called with true when the card begins to wait for a touch,
	// and with false when the wait is over. It may call Card.Press.
	OnTouch func(waiting bool)
}

// TouchMode is how a holder answers the blinking light.
type TouchMode int

const (
	// TouchImmediate touches before anyone notices a wait.
	TouchImmediate TouchMode = iota
	// TouchDelayed touches after Touch.Delay, or not in time when that is
	// longer than Touch.Timeout.
	TouchDelayed
	// TouchAbsent does not touch: the card waits for Card.Press until
	// Touch.Timeout and then answers 6982.
	TouchAbsent
	// TouchRefused answers 6982 at once.
	TouchRefused
)

// Touch plays the touch policy.
type Touch struct {
	Mode    TouchMode
	Delay   time.Duration
	Timeout time.Duration // zero: 15 s, as the token
}

// touchTime is how long a token waits for a touch, and for how long a cached
// one counts.
const touchTime = 15 * time.Second

// FaultKind is a way in which an exchange goes wrong.
type FaultKind int

const (
	// FaultStatus answers Fault.Status without carrying the command out.
	FaultStatus FaultKind = iota + 1
	// FaultRemoved pulls the card before the command is carried out: nothing
	// is changed and no answer leaves.
	FaultRemoved
	// FaultAnswerLost pulls the card after the command was carried out and its
	// effects were saved: only the answer is lost.
	FaultAnswerLost
	// FaultReaderGone takes the PC/SC daemon away with all its readers before
	// the command is carried out. Of a card that is in no reader it is the
	// same as FaultRemoved.
	FaultReaderGone
	// FaultLatency carries the command out after Fault.Delay.
	FaultLatency
	// FaultEndless answers this and every further command with bytes and the
	// status that more follow.
	FaultEndless
)

// Fault is one thing that goes wrong, once.
type Fault struct {
	At     int // number of the exchange, counted from 1 as Card.Exchanges counts
	Kind   FaultKind
	Status uint16        // of FaultStatus
	Delay  time.Duration // of FaultLatency
}
