package ceremony

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

const stepRemember = "remember"

// mine is what the token will remember of this ceremony's request.
func mine(d *day) memory {
	digest := d.Request.Digest()
	m := d.Request.Manifest
	return memory{Sequence: m.Sequence, LedgerHead: m.LedgerHead, Request: hex.EncodeToString(digest[:])}
}

// readMemory returns what the token remembers, nil where it has never worked
// for a request.
func readMemory(d *day) (*memory, error) {
	info, err := d.device.Slot(memorySlot)
	if err != nil {
		return nil, fmt.Errorf("read what the token remembers: %w", err)
	}
	if info.Certificate == nil {
		return nil, nil
	}
	m, err := parseMemory(info.Certificate)
	if err != nil {
		return nil, fault.New(fault.Device, "free that slot, if you know what is in it, and run the same command again", err)
	}
	return &m, nil
}

// checkNewer refuses a request that is not newer than the one remembered, or
// whose ledger does not go on from the one that the token has seen. This
// ceremony's own memory, left by a run that was cut, is not an obstacle.
func checkNewer(d *day, remembered *memory) error {
	begun := d.journal.Last(stepRemember).State
	switch {
	case remembered == nil && begun == journal.Done:
		return fault.New(fault.Device, "put in the token with which this ceremony began",
			errors.New("the token does not remember this ceremony: it was reset, or its memory was erased"))
	case remembered == nil:
		return nil
	case *remembered == mine(d) && (begun == journal.Done || begun == journal.Intended):
		return nil
	case *remembered == mine(d):
		return replayed("the token has worked for this very request before, and this folder does not hold that ceremony's journal")
	case begun == journal.Done:
		return replayed(fmt.Sprintf("the token remembers request %d and not this ceremony's", remembered.Sequence))
	case d.Request.Manifest.Sequence <= remembered.Sequence:
		return replayed(fmt.Sprintf("this is request %d, and the token has worked for request %d", d.Request.Manifest.Sequence, remembered.Sequence))
	}
	l, err := ledger.Parse(d.Request.LedgerBytes)
	if err != nil {
		return err
	}
	if err := l.CheckHead(remembered.LedgerHead); err != nil {
		return fault.New(fault.Verification, "find out who cut or rewrote the ledger before anything is signed",
			fmt.Errorf("the ledger in this request does not hold the line that the token saw with request %d: %w; the token was not changed", remembered.Sequence, err))
	}
	return nil
}

func replayed(why string) error {
	return fault.New(fault.Verification, "have a new request made, or go on where that ceremony's folder is (--out)",
		errors.New("not a new request: "+why+"; the token was not changed"))
}

// remember has the token remember this request before the first signature, so
// that nothing is ever signed for it again elsewhere.
func (d *day) remember(context.Context) error {
	_, err := once(d, stepRemember, mine(d), func(m memory, _ bool) (map[string]string, error) {
		c, err := m.certificate()
		if err != nil {
			return nil, err
		}
		return map[string]string{"slot": memorySlot}, d.device.Install(memorySlot, c)
	})
	return err
}
