package virtual

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Packets of the usb-redir protocol (usbredir's usb-redirection-protocol.md).
const (
	redirHello               = 0
	redirConnect             = 1
	redirDisconnect          = 2
	redirReset               = 3
	redirInterfaces          = 4
	redirEndpoints           = 5
	redirSetConfiguration    = 6
	redirGetConfiguration    = 7
	redirConfigurationStatus = 8
	redirSetAlternate        = 9
	redirGetAlternate        = 10
	redirAlternateStatus     = 11
	redirStartInterrupt      = 15
	redirStopInterrupt       = 16
	redirInterruptStatus     = 17
	redirCancel              = 21
	redirControl             = 100
	redirBulk                = 101
	redirInterrupt           = 103
)

// Capabilities as bits of the hello's only word, and status bytes.
const (
	capDeviceVersion = 1 << 1
	capPacketSizes   = 1 << 4
	capLongIDs       = 1 << 5
	capLongBulk      = 1 << 6
	capabilities     = capDeviceVersion | capPacketSizes | capLongIDs | capLongBulk

	redirOK        = 0
	redirCancelled = 1
	redirStall     = 4
)

// maxRedirPacket bounds what a machine may send at once, in bytes.
const maxRedirPacket = 1 << 16

// packet is one message: the id is the machine's, repeated in the answer.
type packet struct {
	kind uint32
	id   uint64
	body []byte
}

// link is the connection to one machine.
type link struct {
	conn net.Conn

	mu       sync.Mutex
	peer     uint32 // the machine's capabilities
	greeted  bool   // it has said hello
	reader   *ccid  // nil while nothing is plugged in
	reads    []packet
	answers  []byte // what bulk reads still have to bring
	zeroDue  bool   // the last answer filled its last packet: a short one ends it
	chosen   byte   // configuration
	interval bool   // slot changes are asked for
}

func (l *link) both(capability uint32) bool { return l.peer&capabilities&capability != 0 }

// run says hello, calls greeted when the machine has, and answers until the
// connection ends.
func (l *link) run(greeted func(*link)) error {
	hello := make([]byte, 64, 68)
	copy(hello, "trustroot virtual YubiKey")
	l.mu.Lock()
	err := l.send(redirHello, 0, binary.LittleEndian.AppendUint32(hello, capabilities))
	l.mu.Unlock()
	for err == nil {
		var p packet
		if p, err = l.receive(); err != nil {
			break
		}
		if p.kind == redirHello {
			if len(p.body) < 64 {
				return errors.New("usb-redir: hello without a version")
			}
			l.mu.Lock()
			if len(p.body) >= 68 {
				l.peer = binary.LittleEndian.Uint32(p.body[64:])
			}
			l.greeted = true
			l.mu.Unlock()
			greeted(l)
			continue
		}
		l.mu.Lock()
		err = l.handle(p)
		l.mu.Unlock()
	}
	return err
}

func (l *link) receive() (packet, error) {
	head := make([]byte, 16)
	l.mu.Lock()
	if !l.both(capLongIDs) {
		head = head[:12]
	}
	l.mu.Unlock()
	if _, err := io.ReadFull(l.conn, head); err != nil {
		return packet{}, err
	}
	p := packet{kind: binary.LittleEndian.Uint32(head), id: uint64(binary.LittleEndian.Uint32(head[8:]))}
	if len(head) == 16 {
		p.id = binary.LittleEndian.Uint64(head[8:])
	}
	size := binary.LittleEndian.Uint32(head[4:])
	if size > maxRedirPacket {
		return p, fmt.Errorf("usb-redir: packet of %d bytes", size)
	}
	p.body = make([]byte, size)
	_, err := io.ReadFull(l.conn, p.body)
	return p, err
}

// send writes one packet; the caller holds the lock.
func (l *link) send(kind uint32, id uint64, body []byte) error {
	p := binary.LittleEndian.AppendUint32(nil, kind)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(body)))
	if l.both(capLongIDs) && kind != redirHello {
		p = binary.LittleEndian.AppendUint64(p, id)
	} else {
		p = binary.LittleEndian.AppendUint32(p, uint32(id))
	}
	_, err := l.conn.Write(append(p, body...))
	return err
}

// attach shows a card to the machine, once it has said hello; gone is called
// when the card was pulled in the middle of a command.
func (l *link) attach(card *Card, gone func(*Card)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.greeted {
		return
	}
	l.reader = &ccid{card: card, answer: l.answer, gone: gone}
	_ = l.send(redirInterfaces, 0, interfaceInfo())
	_ = l.send(redirEndpoints, 0, endpointInfo(l.both(capPacketSizes)))
	_ = l.send(redirConnect, 0, connectInfo(l.both(capDeviceVersion)))
}

// detach takes the device off the machine's bus, as a pulled plug does.
func (l *link) detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader == nil {
		return
	}
	l.reader = nil
	l.reads, l.answers, l.zeroDue, l.interval = nil, nil, false, false
	_ = l.send(redirDisconnect, 0, nil)
}

// answer queues a message of the reader for the machine's bulk reads. One of a
// reader that was unplugged is dropped.
func (l *link) answer(from *ccid, message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader == from {
		l.answers = append(l.answers, message...)
		_ = l.feed()
	}
}

// handle answers one packet of a machine that sees the device.
func (l *link) handle(p packet) error {
	if l.reader == nil {
		return nil // it has not noticed yet
	}
	switch p.kind {
	case redirReset:
		l.reader.reset()
		l.reads, l.answers, l.zeroDue = nil, nil, false
	case redirSetConfiguration:
		if len(p.body) == 1 {
			l.chosen = p.body[0]
		}
		return l.send(redirConfigurationStatus, p.id, []byte{redirOK, l.chosen})
	case redirGetConfiguration:
		return l.send(redirConfigurationStatus, p.id, []byte{redirOK, l.chosen})
	case redirSetAlternate, redirGetAlternate:
		return l.send(redirAlternateStatus, p.id, []byte{redirOK, 0, 0})
	case redirStartInterrupt, redirStopInterrupt:
		return l.interrupts(p)
	case redirCancel:
		return l.cancel(p.id)
	case redirControl:
		return l.control(p)
	case redirBulk:
		return l.bulk(p)
	}
	return nil
}

// interrupts starts or stops the reports of slot changes; the first says that
// the card is there, and no other follows: it is never out of its reader.
func (l *link) interrupts(p packet) error {
	if err := l.send(redirInterruptStatus, p.id, []byte{redirOK, endpointInterrupt}); err != nil {
		return err
	}
	first := p.kind == redirStartInterrupt && !l.interval
	l.interval = p.kind == redirStartInterrupt
	if !first {
		return nil
	}
	return l.send(redirInterrupt, 0, []byte{endpointInterrupt, redirOK, 2, 0, 0x50, 0x03})
}

// cancel ends a bulk read that nothing has answered.
func (l *link) cancel(id uint64) error {
	for i, read := range l.reads {
		if read.id == id {
			l.reads = append(l.reads[:i], l.reads[i+1:]...)
			return l.send(redirBulk, id, l.bulkHeader(read.body, redirCancelled, 0))
		}
	}
	return nil
}
