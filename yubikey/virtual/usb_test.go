package virtual

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// machine is the other end of usb-redir, as QEMU plays it.
type machine struct {
	t    *testing.T
	conn net.Conn
	caps uint32
	id   uint64
	seq  byte
}

// plugIn connects a machine and returns when it sees the device.
func plugIn(t *testing.T, u *USB, caps uint32) *machine {
	t.Helper()
	conn, err := net.Dial(u.Addr().Network(), u.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m := &machine{t: t, conn: conn}
	m.put(redirHello, 0, binary.LittleEndian.AppendUint32(make([]byte, 64), caps))
	m.want(redirHello)
	m.caps = caps
	m.sees()
	return m
}

func (m *machine) sees() {
	m.t.Helper()
	m.want(redirInterfaces)
	m.want(redirEndpoints)
	if p := m.want(redirConnect); !bytes.Equal(p.body[4:8], []byte{0x50, 0x10, 0x04, 0x04}) {
		m.t.Fatalf("connect %x", p.body)
	}
}

func (m *machine) long() bool { return m.caps&capLongIDs != 0 }

func (m *machine) put(kind uint32, id uint64, body []byte) {
	m.t.Helper()
	p := le32(le32(nil, kind), uint32(len(body)))
	if m.long() {
		p = binary.LittleEndian.AppendUint64(p, id)
	} else {
		p = le32(p, uint32(id))
	}
	if _, err := m.conn.Write(append(p, body...)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) next() packet {
	m.t.Helper()
	head := make([]byte, 12)
	if m.long() {
		head = make([]byte, 16)
	}
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	if _, err := io.ReadFull(m.conn, head); err != nil {
		m.t.Fatal(err)
	}
	p := packet{kind: binary.LittleEndian.Uint32(head), id: uint64(binary.LittleEndian.Uint32(head[8:]))}
	p.body = make([]byte, binary.LittleEndian.Uint32(head[4:]))
	if _, err := io.ReadFull(m.conn, p.body); err != nil {
		m.t.Fatal(err)
	}
	return p
}

func (m *machine) want(kind uint32) packet {
	m.t.Helper()
	p := m.next()
	if p.kind != kind {
		m.t.Fatalf("packet %d, want %d", p.kind, kind)
	}
	return p
}

func (m *machine) bulk(endpoint byte, length int, data []byte) uint64 {
	m.t.Helper()
	m.id++
	body := le32(le16([]byte{endpoint, 0}, uint16(length)), 0)
	if m.caps&capLongBulk != 0 {
		body = le16(body, 0)
	}
	m.put(redirBulk, m.id, append(body, data...))
	return m.id
}

// read asks for up to length bytes and returns what the device brings.
func (m *machine) read(length int) []byte {
	m.t.Helper()
	id := m.bulk(endpointIn, length, nil)
	p := m.want(redirBulk)
	head := 8
	if m.caps&capLongBulk != 0 {
		head = 10
	}
	if p.id != id || p.body[1] != redirOK || int(binary.LittleEndian.Uint16(p.body[2:])) != len(p.body)-head {
		m.t.Fatalf("bulk read %d: %x", id, p.body)
	}
	return p.body[head:]
}

// write sends a CCID message in packets of 64 bytes.
func (m *machine) write(kind byte, data []byte) {
	m.t.Helper()
	m.seq++
	message := le32([]byte{kind}, uint32(len(data)))
	message = append(append(message, 0, m.seq, 0, 0, 0), data...)
	for piece := range splitBy(message, bulkPacket) {
		m.bulk(endpointOut, len(piece), piece)
		if p := m.want(redirBulk); p.body[1] != redirOK {
			m.t.Fatalf("bulk write: status %d", p.body[1])
		}
	}
}

func splitBy(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// message sends one and returns the answer without its header, asking 64
// bytes at a time until a short packet ends it.
func (m *machine) message(kind byte, data []byte) []byte {
	m.t.Helper()
	m.write(kind, data)
	var got []byte
	for {
		piece := m.read(bulkPacket)
		got = append(got, piece...)
		if len(piece) < bulkPacket {
			break
		}
	}
	if len(got) < ccidHeader || got[6] != m.seq || got[7] != ccidActive ||
		int(binary.LittleEndian.Uint32(got[1:])) != len(got)-ccidHeader {
		m.t.Fatalf("answer %x", got)
	}
	return got[ccidHeader:]
}

func listenUSB(t *testing.T, card *Card) *USB {
	t.Helper()
	u, err := ListenUSB(t.Context(), "unix:"+filepath.Join(t.TempDir(), "usb"), card)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

func TestUSB_CardOnBothKindsOfMachine(t *testing.T) {
	for _, caps := range []uint32{capDeviceVersion, capabilities} {
		card := fresh(t, Options{})
		u := listenUSB(t, card)
		m := plugIn(t, u, caps)
		m.put(redirControl, 7, []byte{0x80, usbGetDescriptor, 0x80, 0, 0, usbDevice, 0, 0, 18, 0})
		if p := m.want(redirControl); p.id != 7 || !bytes.Equal(p.body[10:], deviceDescriptor()) {
			t.Errorf("device descriptor %x", p.body)
		}
		if atr := m.message(ccidPowerOn, nil); !bytes.Equal(atr, answerToReset) {
			t.Errorf("answer to reset %x", atr)
		}
		if got := m.message(ccidTransfer, unhex(t, "00A4040005A000000308")); !bytes.HasSuffix(got, []byte{0x90, 0}) {
			t.Errorf("select: %x", got)
		}
		if got := m.message(ccidTransfer, unhex(t, "00F8000000")); binary.BigEndian.Uint32(got) != card.Serial() {
			t.Errorf("serial number %x", got)
		}
	}
}

// Every length around a packet's border arrives whole: a message in several
// packets, and an empty packet after one that fills its last.
func TestUSB_MessagesAtPacketBorders(t *testing.T) {
	card := fresh(t, Options{})
	u := listenUSB(t, card)
	m := plugIn(t, u, capabilities)
	m.message(ccidPowerOn, nil)
	m.message(ccidTransfer, unhex(t, "00A4040005A000000308"))
	for n := range 3 * bulkPacket {
		card.state.Objects[0x5FC105] = bytes.Repeat([]byte{0xEE}, n+1)
		got := m.message(ccidTransfer, unhex(t, "00CB3FFF00000000055C035FC1050000"[:8]+"0000055C035FC1050000"))
		if !bytes.HasSuffix(got, []byte{0x90, 0}) || bytes.Count(got, []byte{0xEE}) != n+1 {
			t.Fatalf("object of %d bytes: %x", n+1, got)
		}
	}
}

func TestUSB_AsksForTimeWhileATouchIsAwaited(t *testing.T) {
	card := fresh(t, Options{Touch: Touch{Mode: TouchDelayed, Delay: moreTime * 3 / 2}})
	generateKey(t, card, slotAuthentication, algP256, pinNever, touchAlways)
	m := plugIn(t, listenUSB(t, card), capabilities)
	m.message(ccidPowerOn, nil)
	m.message(ccidTransfer, unhex(t, "00A4040005A000000308"))
	data := wrap(0x7C, wrap(0x82), wrap(0x81, make([]byte, 32)))
	m.write(ccidTransfer, append(unhex(t, "0087119A"), append([]byte{byte(len(data))}, data...)...))
	if got := m.read(1024); got[7] != ccidMoreTime {
		t.Errorf("while the card waits: %x", got)
	}
	if got := m.read(1024); got[7] != ccidActive || !bytes.HasSuffix(got, []byte{0x90, 0}) {
		t.Errorf("after the touch: %x", got)
	}
}

// A card that a fault pulls leaves the bus, and another one may follow it.
func TestUSB_PulledAndReplaced(t *testing.T) {
	card := fresh(t, Options{})
	u := listenUSB(t, card)
	m := plugIn(t, u, capabilities)
	m.message(ccidPowerOn, nil)
	card.SetFaults(Fault{At: card.Exchanges() + 1, Kind: FaultRemoved})
	m.write(ccidTransfer, unhex(t, "00A4040005A000000308"))
	m.want(redirDisconnect)

	other := fresh(t, Options{})
	u.Insert(other)
	m.sees()
	m.message(ccidPowerOn, nil)
	m.message(ccidTransfer, unhex(t, "00A4040005A000000308"))
	if got := m.message(ccidTransfer, unhex(t, "00F8000000")); binary.BigEndian.Uint32(got) != other.Serial() {
		t.Errorf("serial number %x", got)
	}
	u.Remove()
	m.want(redirDisconnect)
	u.Insert(card)
	m.sees()
}

// A machine that is switched off takes the power away; the next one finds the
// card without a session.
func TestUSB_NextMachine(t *testing.T) {
	card := fresh(t, Options{})
	u := listenUSB(t, card)
	m := plugIn(t, u, capabilities)
	m.message(ccidPowerOn, nil)
	m.message(ccidTransfer, unhex(t, "00A4040005A000000308"))
	if err := m.conn.Close(); err != nil {
		t.Fatal(err)
	}
	m = plugIn(t, u, capabilities)
	m.message(ccidPowerOn, nil)
	if got := m.message(ccidTransfer, unhex(t, "00F8000000")); bytes.HasSuffix(got, []byte{0x90, 0}) {
		t.Errorf("the application is still selected: %x", got)
	}
}

// What no machine would send ends the connection or stalls; it never panics
// and never makes the card do anything.
func FuzzUSB(f *testing.F) {
	f.Add(le32(le32(le32(nil, redirBulk), 8), 1))
	f.Add([]byte{0x65, 0, 0, 0, 0, 1, endpointOut, 0, 10, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, sent []byte) {
		card, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		here, there := net.Pipe()
		l := &link{conn: here}
		l.greeted = true
		go func() { _, _ = io.Copy(io.Discard, there) }()
		l.attach(card, func(*Card) {})
		go func() {
			_, _ = there.Write(sent)
			_ = there.Close()
		}()
		if err := l.run(func(*link) {}); err == nil {
			t.Error("a connection ended without a reason")
		}
	})
}
