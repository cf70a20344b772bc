package virtual

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// maxCards is how many fit: pcscd has 16 places.
const maxCards = maxReaders

// Readers is a private PC/SC daemon and the cards in its readers.
type Readers struct {
	installed installation
	home      string // directory of the readers, made by Start
	parent    string // made by Start too, or empty
	socket    string
	stopWatch func() bool

	mu     sync.Mutex
	daemon *daemon
	seats  []*seat
	closed bool
}

// Start runs a private pcscd with one reader for each card and returns once
// every card answers in its reader. What it needs on disk it makes in a new
// directory inside dir, which is made too if it is missing. When dir is empty,
// too long for a socket (107 bytes) or has spaces in it, the new directory is
// one of the system's temporary directory instead.
//
// The daemon needs no root, is not the system's, ignores tokens with a plug,
// and ends with Close, with ctx, and with this process however that ends.
// When Start fails it leaves nothing behind.
func Start(ctx context.Context, dir string, cards ...*Card) (*Readers, error) {
	installed, err := findInstallation()
	if err != nil {
		return nil, err
	}
	if err := checkCards(cards); err != nil {
		return nil, fmt.Errorf("virtual readers: %w", err)
	}
	r := &Readers{installed: installed}
	if err := r.prepare(dir, cards); err != nil {
		return nil, errors.Join(fmt.Errorf("virtual readers: %w", err), r.Close())
	}
	if err := r.run(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), r.Close())
		}
		return nil, fault.New(fault.Device,
			"Look at what pcscd says above; another program may have taken a port, then start again.",
			errors.Join(fmt.Errorf("virtual readers: %w", err), r.Close()))
	}
	stop := context.AfterFunc(ctx, func() { _ = r.Close() })
	r.mu.Lock()
	r.stopWatch = stop
	r.mu.Unlock()
	return r, nil
}

func checkCards(cards []*Card) error {
	if len(cards) == 0 || len(cards) > maxCards {
		return fmt.Errorf("%d cards, where 1 to %d fit", len(cards), maxCards)
	}
	seen := map[uint32]bool{}
	for _, c := range cards {
		if seen[c.Serial()] {
			return fmt.Errorf("two cards with serial number %d", c.Serial())
		}
		seen[c.Serial()] = true
	}
	return nil
}

// Socket returns the path that clients need as PCSCLITE_CSOCK_NAME. libpcsclite
// reads that variable once in the life of a process.
func (r *Readers) Socket() string { return r.socket }

// Name returns the reader that the card has, or "" if it has none here.
func (r *Readers) Name(card *Card) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seats {
		if s.card == card {
			return s.name
		}
	}
	return ""
}

// Remove pulls the card out of its reader, in the middle of a command if one
// is under way, and returns when the daemon has noticed.
func (r *Readers) Remove(card *Card) error { return r.move(card, false) }

// Insert puts a card that was pulled, by Remove or by a fault, into its reader
// again and returns when it answers.
func (r *Readers) Insert(card *Card) error { return r.move(card, true) }

func (r *Readers) move(card *Card, in bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("virtual readers: closed")
	}
	for _, s := range r.seats {
		if s.card != card {
			continue
		}
		s.disconnect()
		if in {
			// the daemon must see the gap, or it takes the card for the old one
			if err := r.awaitReader(context.Background(), s.name, false); err != nil {
				return err
			}
			s.connect(r.daemon.kill)
		}
		return r.awaitReader(context.Background(), s.name, in)
	}
	return fmt.Errorf("virtual readers: card %d has no reader here", card.Serial())
}

// Restart starts the daemon again on the same socket and puts every card into
// its reader: after FaultReaderGone, or to take all connections away.
func (r *Readers) Restart(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("virtual readers: closed")
	}
	r.halt()
	if err := os.Remove(r.socket); err != nil {
		return fmt.Errorf("virtual readers: %w", err)
	}
	return r.launch(ctx)
}

// Close pulls the cards, ends the daemon and removes what Start made. It may
// be called more than once.
func (r *Readers) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if r.stopWatch != nil {
		r.stopWatch()
	}
	r.halt()
	var problems []error
	for _, s := range r.seats {
		problems = append(problems, s.held.Close())
	}
	if r.home != "" {
		problems = append(problems, os.RemoveAll(r.home))
	}
	if r.parent != "" {
		// someone else may have put something there since
		_ = os.Remove(r.parent)
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("close virtual readers: %w", err)
	}
	return nil
}

// halt pulls the cards and ends the daemon.
func (r *Readers) halt() {
	for _, s := range r.seats {
		s.disconnect()
	}
	if r.daemon != nil {
		r.daemon.stop()
	}
}
