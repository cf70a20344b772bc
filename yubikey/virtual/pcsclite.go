package virtual

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The part of pcsc-lite's client protocol that tells what is in which reader
// (winscard_msg.h, eventhandler.h): a request of two words, answered by a
// fixed array of reader states. Numbers are in the machine's byte order.
const (
	getReadersState = 0x12
	maxReaders      = 16
	readerNameSize  = 128
	stateOffset     = 132
	atrOffset       = 140
	atrSize         = 33
	atrLengthOffset = 176
	readerStateSize = 184
	readerHasCard   = 0x0004
)

// readerState is one reader of the daemon.
type readerState struct {
	name string
	atr  []byte // nil without a powered card
}

func (r readerState) String() string {
	if r.atr == nil {
		return r.name + ": empty"
	}
	return fmt.Sprintf("%s: card %x", r.name, r.atr)
}

// watch connects to a daemon, to ask it for its readers again and again.
func watch(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ask pcscd for its readers: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	return conn, err
}

func readersOf(conn net.Conn) ([]readerState, error) {
	request := binary.NativeEndian.AppendUint32(nil, 0)
	request = binary.NativeEndian.AppendUint32(request, getReadersState)
	if _, err := conn.Write(request); err != nil {
		return nil, fmt.Errorf("ask pcscd for its readers: %w", err)
	}
	answer := make([]byte, maxReaders*readerStateSize)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, fmt.Errorf("ask pcscd for its readers: %w", err)
	}
	return parseReaderStates(answer), nil
}

// parseReaderStates reads the array, of which empty places are left out.
func parseReaderStates(b []byte) []readerState {
	var list []readerState
	for ; len(b) >= readerStateSize; b = b[readerStateSize:] {
		name, _, _ := bytes.Cut(b[:readerNameSize], []byte{0})
		if len(name) == 0 {
			continue
		}
		r := readerState{name: string(name)}
		length := binary.NativeEndian.Uint32(b[atrLengthOffset:])
		present := binary.NativeEndian.Uint32(b[stateOffset:])&readerHasCard != 0
		if present && length > 0 && length <= atrSize {
			r.atr = bytes.Clone(b[atrOffset : atrOffset+int(length)])
		}
		list = append(list, r)
	}
	return list
}

// awaitReader returns when the reader holds a card that has answered, or holds
// none when want is false.
func (r *Readers) awaitReader(ctx context.Context, name string, want bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := watch(ctx, r.socket)
	if err != nil {
		return errors.Join(err, r.daemon.running())
	}
	defer func() { _ = conn.Close() }()
	for {
		list, err := readersOf(conn)
		if err != nil {
			return errors.Join(err, r.daemon.running())
		}
		for _, s := range list {
			if s.name == name && (s.atr != nil) == want {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("reader %s did not change in %s: %w; readers %q; pcscd: %s", name, patience, ctx.Err(), list, &r.daemon.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// patience is how long a reader may take: pcscd looks at each of them two and
// a half times a second.
const patience = 15 * time.Second
