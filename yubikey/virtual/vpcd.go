package virtual

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Control messages of vpcd, each a payload of one byte (vsmartcard, vpcd.h).
const (
	vpcdOff   = 0
	vpcdOn    = 1
	vpcdReset = 2
	vpcdATR   = 4
)

// answerToReset is what a YubiKey 5 says on USB.
var answerToReset = []byte{
	0x3B, 0xFD, 0x13, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x15, 0x80, 0x73, 0xC0,
	0x21, 0xC0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4B, 0x65, 0x79, 0x40,
}

// readFrame reads one message of vpcd's protocol: its length as two bytes, big
// endian, then the payload.
func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	payload := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return payload, nil
}

// writeFrame writes one message in a single segment.
func writeFrame(w io.Writer, payload []byte) error {
	if len(payload) > 0xFFFF {
		return fmt.Errorf("answer of %d bytes does not fit a vpcd message", len(payload))
	}
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

// serve answers the reader at the other end of conn until the card is pulled,
// the connection ends, or nothing sensible comes any more.
func serve(c *Card, conn net.Conn) error {
	for {
		// without it the kernel holds its acknowledgements back, and with them
		// vpcd's next segment, for some 40 ms
		if err := quickAcknowledge(conn); err != nil {
			return err
		}
		message, err := readFrame(conn)
		if err != nil {
			return err
		}
		var answer []byte
		switch {
		case len(message) == 1 && message[0] == vpcdATR:
			answer = answerToReset
		case len(message) == 1 && message[0] <= vpcdReset:
			reset(c)
			continue
		default:
			if answer = c.Transmit(message); answer == nil {
				return nil
			}
		}
		if err := writeFrame(conn, answer); err != nil {
			return err
		}
	}
}

// dialReader connects to a vpcd reader that may still be starting.
func dialReader(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
