package virtual

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// USB is a socket at which a card is plugged into a machine over the usb-redir
// protocol, as QEMU's usb-redir device speaks it. One machine at a time is
// served; when its connection ends, the next one may connect.
type USB struct {
	listener net.Listener
	done     chan struct{}

	mu   sync.Mutex
	card *Card // nil while nothing is plugged in
	link *link // nil while no machine is connected
}

// ListenUSB listens at an address, "unix:PATH" or "HOST:PORT", with the card
// plugged in. The socket has no authentication: use loopback or a path that
// other users cannot reach. It is closed by Close or with the context.
func ListenUSB(ctx context.Context, address string, card *Card) (*USB, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("usb-redir: %w", err)
	}
	u := &USB{listener: listener, done: make(chan struct{})}
	u.Insert(card)
	stop := context.AfterFunc(ctx, func() { _ = u.listener.Close() })
	go func() {
		defer close(u.done)
		defer stop()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			u.serve(ctx, conn)
		}
	}()
	return u, nil
}

// serve speaks with one machine until its connection ends.
func (u *USB) serve(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	l := &link{conn: conn}
	u.mu.Lock()
	u.link = l
	u.mu.Unlock()
	// every end is the same for a card: the machine is gone
	_ = l.run(u.attach)
	_ = conn.Close()
	u.mu.Lock()
	card := u.card
	u.link = nil
	u.mu.Unlock()
	if card != nil {
		pull(card) // no machine, no power
	}
}

// attach shows the card to a machine that has just said hello.
func (u *USB) attach(l *link) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.card != nil {
		insert(u.card, nil)
		l.attach(u.card, u.fallen)
	}
}

// fallen takes a card off the bus that a fault pulled; Insert brings it back.
func (u *USB) fallen(card *Card) {
	u.mu.Lock()
	same := u.card == card
	u.mu.Unlock()
	if same {
		u.Remove()
	}
}

// Insert plugs a card in, the same or another one, and pulls the one that was
// there first.
func (u *USB) Insert(card *Card) {
	u.Remove()
	u.mu.Lock()
	defer u.mu.Unlock()
	insert(card, nil)
	u.card = card
	if u.link != nil {
		u.link.attach(card, u.fallen)
	}
}

// Remove pulls the card out, in the middle of a command if one is under way.
func (u *USB) Remove() {
	u.mu.Lock()
	card, l := u.card, u.link
	u.card = nil
	u.mu.Unlock()
	if card != nil {
		pull(card)
	}
	if l != nil {
		l.detach()
	}
}

// Close pulls the card and stops listening. It may be called more than once.
func (u *USB) Close() error {
	err := u.listener.Close()
	u.Remove()
	u.mu.Lock()
	if u.link != nil {
		_ = u.link.conn.Close()
	}
	u.mu.Unlock()
	<-u.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
