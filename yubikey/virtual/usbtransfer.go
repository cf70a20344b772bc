package virtual

import (
	"encoding/binary"
	"errors"
)

// control answers a control transfer: endpoint, request, request type, status,
// value, index, length, then data.
func (l *link) control(p packet) error {
	if len(p.body) < 10 {
		return errors.New("usb-redir: control packet without its header")
	}
	head := p.body[:10:10]
	request, kind := head[1], head[2]
	value, length := binary.LittleEndian.Uint16(head[4:]), binary.LittleEndian.Uint16(head[8:])
	data, ok := controlAnswer(kind, request, value)
	head[3] = redirOK
	if !ok {
		head[3] = redirStall
	}
	data = data[:min(len(data), int(length))]
	binary.LittleEndian.PutUint16(head[8:], uint16(len(data)))
	return l.send(redirControl, p.id, append(head, data...))
}

// bulk takes a piece of a message to the reader, or keeps a read for its
// answer. The header is endpoint, status, length, stream, upper length.
func (l *link) bulk(p packet) error {
	size := 8
	if l.both(capLongBulk) {
		size = 10
	}
	if len(p.body) < size {
		return errors.New("usb-redir: bulk packet without its header")
	}
	if p.body[0]&0x80 != 0 {
		l.reads = append(l.reads, p)
		return l.feed()
	}
	data := p.body[size:]
	head := l.bulkHeader(p.body, redirOK, len(data))
	if !l.reader.write(data) {
		head[1] = redirStall
	}
	return l.send(redirBulk, p.id, head)
}

// bulkHeader is the header of an answer to a bulk packet.
func (l *link) bulkHeader(request []byte, status byte, n int) []byte {
	head := make([]byte, 8, 10)
	head[0], head[1] = request[0], status
	binary.LittleEndian.PutUint16(head[2:], uint16(n))
	copy(head[4:8], request[4:8])
	if l.both(capLongBulk) {
		head = binary.LittleEndian.AppendUint16(head, uint16(n>>16))
	}
	return head
}

// feed brings waiting bulk reads what the reader has to say. A read that was
// filled up and ends a message at a packet's border is followed by an empty
// packet: else the machine waits for more (USB 2.0, 5.8.3).
func (l *link) feed() error {
	for len(l.reads) > 0 && (len(l.answers) > 0 || l.zeroDue) {
		read := l.reads[0]
		l.reads = l.reads[1:]
		want := int(binary.LittleEndian.Uint16(read.body[2:]))
		if l.both(capLongBulk) {
			want |= int(binary.LittleEndian.Uint16(read.body[8:])) << 16
		}
		n := 0
		if !l.zeroDue {
			n = min(want, len(l.answers))
		}
		data := l.answers[:n]
		l.answers = l.answers[n:]
		l.zeroDue = n > 0 && n == want && len(l.answers) == 0 && n%bulkPacket == 0
		if err := l.send(redirBulk, read.id, append(l.bulkHeader(read.body, redirOK, n), data...)); err != nil {
			return err
		}
	}
	return nil
}
