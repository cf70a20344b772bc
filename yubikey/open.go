//go:build cgo

package yubikey

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Firmware versions at which a token learned something.
var (
	attestFirmware = Version{4, 3, 0} // attestation
)

// Token is an open YubiKey. No other process can use it until Close. It is for
// one goroutine at a time.
type Token struct {
	end      <-chan struct{} // of the context of Open: a touch is waited for only until then
	why      func() error    // that context's cause, nil before its end
	yk       *session        // nil: closed
	id       Identity
	prompter Prompter
	pin      []byte // wiped on Close
	mgmt     []byte // wiped on Close
	known    map[Slot]SlotInfo
	fresh    bool // Reset was done in this session, so every credential is the factory's
}

// Open opens the token with a serial number. Every reader that calls itself a
// YubiKey is asked for its serial number, and nothing else: three exchanges
// each. Two that say the same number are refused. The prompter may be nil
// for what needs no PIN. ctx ends the wait for a touch.
func Open(ctx context.Context, serial uint32, p Prompter) (*Token, error) {
	if serial == 0 {
		return nil, fault.New(fault.Usage, "name the token with --serial; trustroot token list shows those plugged in",
			errors.New("no serial number given"))
	}
	readers, err := readers()
	if err != nil {
		return nil, err
	}
	var seen, busy, broken []string
	var problems []error
	var found *Token
	for _, reader := range readers {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, found.Close())
		}
		yk, id, err := dial(reader)
		switch {
		case errors.Is(err, ErrBusy):
			busy = append(busy, reader)
			problems = append(problems, err)
		case errors.Is(err, errNoCard):
		case err != nil:
			broken = append(broken, reader)
			problems = append(problems, err)
		case id.Serial == serial && found != nil:
			// a serial number is one token's: one of them lies, and would be given the PIN
			return nil, errors.Join(fault.New(fault.Device, "pull out the token that is not yours; the one that is has the number printed on it",
				fmt.Errorf("two tokens say that their serial number is %d, in %s and %s; nothing was sent to either", serial, found.id.Reader, reader)),
				found.Close(), yk.Close())
		case id.Serial == serial:
			found = &Token{end: ctx.Done(), why: func() error { return context.Cause(ctx) }, yk: yk, id: id, prompter: p, known: map[Slot]SlotInfo{}}
		default:
			seen = append(seen, fmt.Sprint(id.Serial))
			if err := yk.Close(); err != nil {
				return nil, errors.Join(explain("close "+reader, err), found.Close())
			}
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, notFound(serial, seen, busy, broken, problems)
}

// notFound says which tokens are there instead.
func notFound(serial uint32, seen, busy, broken []string, problems []error) error {
	e := &missing{text: fmt.Sprintf("no token with serial number %d is plugged in", serial), causes: append(problems, ErrNotFound)}
	hint := "plug the token in, or give the serial number that is printed on it"
	if len(seen) > 0 {
		e.text += "; these are: " + strings.Join(seen, ", ")
	}
	if len(busy) > 0 {
		e.text += "; another process holds: " + strings.Join(busy, ", ")
		hint = hints[ErrBusy]
	}
	if len(broken) > 0 && len(busy) == 0 {
		hint = fault.Hint(problems[0])
	}
	if len(broken) > 0 {
		e.text += "; no answer from: " + strings.Join(broken, ", ")
	}
	return fault.New(fault.Device, hint, e)
}

// missing is one line about several readers, whose own errors it wraps.
type missing struct {
	text   string
	causes []error
}

func (m *missing) Error() string   { return m.text }
func (m *missing) Unwrap() []error { return m.causes }

// readers returns the names of the readers that call themselves a YubiKey.
// Other cards are left alone.
func readers() ([]string, error) {
	all, err := within(piv.Cards)
	if err != nil {
		return nil, explain("list the readers", err)
	}
	var out []string
	for _, name := range all {
		if strings.Contains(strings.ToLower(name), "yubikey") {
			out = append(out, name)
		}
	}
	return out, nil
}

var errNoCard = errors.New("no card in the reader")

// dial opens a reader and learns whose it is: SELECT, VERSION, SERIAL.
func dial(reader string) (*session, Identity, error) {
	yk, v, serial, err := openSession(reader)
	if err != nil {
		if strings.Contains(err.Error(), textNoCard) {
			return nil, Identity{}, errNoCard
		}
		return nil, Identity{}, err
	}
	return yk, Identity{
		Serial:   serial,
		Firmware: Version{byte(v.Major), byte(v.Minor), byte(v.Patch)},
		Reader:   reader,
	}, nil
}

// Identity says which token this is.
func (t *Token) Identity() Identity { return t.id }

// Close wipes the PIN and the management key and lets go of the token.
func (t *Token) Close() error {
	if t == nil {
		return nil
	}
	t.forget()
	if t.yk == nil {
		return nil
	}
	yk := t.yk
	t.yk = nil
	// a token that is out of its reader, or a daemon that is gone, holds nothing.
	if err := yk.Close(); err != nil && !errors.Is(kind(err), ErrRemoved) && !errors.Is(kind(err), ErrNoService) {
		return explain("close the token", err)
	}
	return nil
}

func (t *Token) forget() {
	clear(t.pin)
	clear(t.mgmt)
	t.pin, t.mgmt = nil, nil
	t.known = map[Slot]SlotInfo{}
}

// reopen selects the application again, which forgets a verified PIN, and
// makes sure that it is still the same token.
func (t *Token) reopen() error {
	yk, id, err := dial(t.id.Reader)
	if errors.Is(err, errNoCard) {
		err = fault.New(fault.Device, hints[ErrRemoved], ErrRemoved)
	}
	if err != nil {
		return err
	}
	if id.Serial != t.id.Serial {
		return errors.Join(fault.New(fault.Device, "plug the first token in again",
			fmt.Errorf("%w: %s now holds %s", ErrRemoved, t.id.Reader, id)), yk.Close())
	}
	t.yk = yk
	return nil
}

// open returns an error on a token that was closed or lost.
func (t *Token) open() error {
	if t.yk == nil {
		return fault.New(fault.Device, "open the token again", ErrClosed)
	}
	return nil
}

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
