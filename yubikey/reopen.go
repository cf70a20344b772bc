//go:build cgo

package yubikey

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// patience is how long Reopen waits for a token to be plugged in.
const patience = 15 * time.Second

// Reopen is Open for a token that was pulled out, by a process that goes on:
// it waits, for up to 15 seconds, until the token answers. It asks with a
// connection that can be let go of, for piv-go v2.6.0 holds on to a reader
// whose token goes away while it opens it. The lost Token must be closed.
func Reopen(ctx context.Context, serial uint32, p Prompter) (*Token, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		readers, err := readers()
		if err != nil {
			return nil, err
		}
		for _, reader := range readers {
			if withRaw(reader, func(r *raw) error { return r.is(serial) }) == nil {
				return Open(ctx, serial, p)
			}
		}
		select {
		case <-time.After(patience / 50):
		case <-waiting.Done():
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return nil, fault.New(fault.Device, hints[ErrRemoved],
				fmt.Errorf("%w: token %d was not plugged in within %s", ErrNotFound, serial, patience))
		}
	}
}

// is fails unless the token has that serial number. Firmware below 5.0 has no
// command for it and is taken for any token, which Open then asks in its way.
func (r *raw) is(serial uint32) error {
	b, err := r.send(0xf8, 0x00, 0x00, nil)
	if status(err) == swInstruction {
		return nil
	}
	if err != nil {
		return err
	}
	if len(b) != 4 || binary.BigEndian.Uint32(b) != serial {
		return ErrNotFound
	}
	return nil
}
