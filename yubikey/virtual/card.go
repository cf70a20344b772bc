package virtual

import (
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Card is one virtual token. Its methods may be called from any goroutine; the
// commands that Transmit gets are carried out one after another.
type Card struct {
	exec      sync.Mutex // held while a command is carried out
	options   Options
	firmware  firmware
	state     *state
	session   session
	dirty     bool // the command changed the state
	endless   bool // more follows, always
	exchanges atomic.Int64

	control sync.Mutex // guards what changes while a command waits
	touch   Touch
	faults  []Fault
	pulled  chan struct{} // closed while the card is out of its reader
	press   chan struct{} // takes one touch; nil while none is waited for
	gone    func()        // takes the daemon away; nil outside a reader
}

// New makes a card, from its state file when there is one. It refuses a state
// file that it cannot read, that is of another serial number or firmware than
// the options name, or that other users may read.
func New(o Options) (*Card, error) {
	c := &Card{
		options: o,
		touch:   o.Touch,
		faults:  slices.Clone(o.Faults),
		pulled:  make(chan struct{}),
	}
	var err error
	if c.state, err = openState(o); err != nil {
		return nil, fmt.Errorf("virtual token: %w", err)
	}
	c.firmware = c.state.Firmware
	return c, nil
}

// Serial returns the card's serial number.
func (c *Card) Serial() uint32 { return c.state.Serial }

// AttestationRoot returns the certificate at the root of the card's
// attestation chain, self-made with the card and kept in its state.
func (c *Card) AttestationRoot() *x509.Certificate { return c.state.attestation.root }

// AttestationIntermediates returns the certificates between the root and f9,
// the root's own child first. There are none before firmware 5.7.4. As with
// real tokens, the card does not carry them: a verifier must be given them.
func (c *Card) AttestationIntermediates() []*x509.Certificate {
	return slices.Clone(c.state.attestation.intermediates)
}

// Exchanges returns how many APDUs the card has received since New.
func (c *Card) Exchanges() int { return int(c.exchanges.Load()) }

// SetTouch changes what the holder does from the next command on.
func (c *Card) SetTouch(t Touch) {
	c.control.Lock()
	defer c.control.Unlock()
	c.touch = t
}

// SetFaults replaces the faults that are still to come.
func (c *Card) SetFaults(faults ...Fault) {
	c.control.Lock()
	defer c.control.Unlock()
	c.faults = slices.Clone(faults)
}

// Press touches the card if it is waiting for a touch, and else does nothing.
func (c *Card) Press() {
	c.control.Lock()
	defer c.control.Unlock()
	select {
	case c.press <- struct{}{}:
	default: // pressed already, or nobody waits
	}
}

// Transmit carries one command APDU out and returns its answer: data and
// status word. It returns nil when no answer leaves because the card is, or in
// the course of the command was, out of its reader.
func (c *Card) Transmit(apdu []byte) []byte {
	c.exec.Lock()
	defer c.exec.Unlock()
	if isPulled(c) {
		return nil
	}
	n, start := int(c.exchanges.Add(1)), time.Now()
	if c.options.OnExchange != nil {
		c.options.OnExchange(n, instruction(apdu))
	}
	answer := c.exchange(n, apdu)
	log(c, n, apdu, answer, time.Since(start))
	return answer
}

// exchange is Transmit without the counting: faults, the command, the save.
func (c *Card) exchange(n int, apdu []byte) []byte {
	fault := faultAt(c, n)
	switch fault.Kind {
	case FaultStatus:
		return status(fault.Status).bytes()
	case FaultRemoved:
		pull(c)
	case FaultReaderGone:
		loseReader(c)
	case FaultLatency:
		wait(c, fault.Delay)
	case FaultEndless:
		c.endless = true
	case FaultAnswerLost: // below, once the command is carried out
	}
	if c.endless {
		return append(make([]byte, 255), 0x61, 0xff)
	}
	if isPulled(c) {
		return nil
	}
	c.dirty = false
	data, sw := execute(c, apdu)
	if c.dirty {
		if err := c.state.save(c.options.StateFile); err != nil {
			data, sw = nil, swMemoryFailure
			note(c, n, err)
		}
	}
	if fault.Kind == FaultAnswerLost {
		pull(c)
	}
	if isPulled(c) {
		return nil
	}
	return append(data[:len(data):len(data)], sw.bytes()...)
}

func instruction(apdu []byte) byte {
	if len(apdu) < 2 {
		return 0
	}
	return apdu[1]
}
