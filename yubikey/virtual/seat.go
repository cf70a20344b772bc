package virtual

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// friendlyName makes clients take the reader for a YubiKey. The lower-case k,
// which no model with this set of interfaces has, tells it from real ones. The
// number counts from one: pcscd numbers readers by driver, and each of these
// has its own.
const friendlyName = "Yubico Yubikey OTP+FIDO+CCID (%d)"

// maxSocketPath is one less than what sockaddr_un has room for, in bytes.
const maxSocketPath = 107

// seat is a reader and its card.
type seat struct {
	card *Card
	name string
	port int
	held net.Listener // reserves the port

	cancel context.CancelFunc // nil while the card is out
	done   chan struct{}
}

// connect puts the card into the reader; gone takes the daemon away.
func (s *seat) connect(gone func()) {
	insert(s.card, gone)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		conn, err := dialReader(ctx, s.port)
		if err != nil {
			return // pulled before the reader was up
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		// every end is the same for a card: it is out of the reader
		_ = serve(s.card, conn)
		_ = conn.Close()
	}()
}

// disconnect pulls the card and returns when nothing of it is left in the
// reader.
func (s *seat) disconnect() {
	if s.cancel == nil {
		return
	}
	pull(s.card)
	s.cancel()
	<-s.done
	s.cancel = nil
}

// prepare makes the directories, takes the ports and writes the readers'
// configuration, with a copy of the driver for each: the driver keeps its
// connections in globals, and a shared copy mixes them up.
func (r *Readers) prepare(dir string, cards []*Card) error {
	if err := r.makeHome(dir); err != nil {
		return err
	}
	driver, err := readDriver(r.installed.driver)
	if err != nil {
		return err
	}
	config := filepath.Join(r.home, "readers")
	if err := os.Mkdir(config, 0o700); err != nil {
		return err
	}
	var stanzas strings.Builder
	for i, card := range cards {
		port, held, err := takePort()
		if err != nil {
			return err
		}
		r.seats = append(r.seats, &seat{
			card: card, port: port, held: held, name: fmt.Sprintf(friendlyName+" 00 00", i+1),
		})
		library := filepath.Join(r.home, fmt.Sprintf("vpcd-%d.so", i))
		if err := os.WriteFile(library, driver, 0o700); err != nil {
			return err
		}
		fmt.Fprintf(&stanzas, "FRIENDLYNAME %q\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n\n",
			fmt.Sprintf(friendlyName, i+1), port, library, port)
	}
	return os.WriteFile(filepath.Join(config, "cards"), []byte(stanzas.String()), 0o600)
}

// makeHome makes the directory of the readers in dir, or in the system's
// temporary directory when dir is empty, when the path would be too long for a
// socket, or when it is one that pcscd's configuration cannot say.
func (r *Readers) makeHome(dir string) error {
	const pattern, widest = "pcscd-", "pcscd-4294967295/comm"
	if dir != "" {
		var err error
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
		switch err := os.Mkdir(dir, 0o700); {
		case err == nil:
			r.parent = dir
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	if len(filepath.Join(dir, widest)) > maxSocketPath || strings.ContainsAny(dir, " \t\n\"'#") {
		dir = ""
	}
	var err error
	if r.home, err = os.MkdirTemp(dir, pattern); err != nil {
		return err
	}
	if r.socket = filepath.Join(r.home, "comm"); len(r.socket) > maxSocketPath {
		return fmt.Errorf("socket %s: longer than %d bytes; set TMPDIR to a shorter path", r.socket, maxSocketPath)
	}
	return nil
}

// run is launch under the lock.
func (r *Readers) run(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.launch(ctx)
}

// launch starts the daemon and puts every card in. A daemon that runs and does
// not show the cards is started once more: on a busy machine pcscd now and then
// comes up deaf.
func (r *Readers) launch(ctx context.Context) error {
	err := r.tryLaunch(ctx)
	if err == nil || ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	r.halt()
	if err := os.Remove(r.socket); err != nil {
		return err
	}
	return r.tryLaunch(ctx)
}

func (r *Readers) tryLaunch(ctx context.Context) error {
	var err error
	r.daemon, err = startDaemon(r.installed.daemon, r.socket, filepath.Join(r.home, "readers"))
	if err != nil {
		return err
	}
	for _, s := range r.seats {
		s.connect(r.daemon.kill)
	}
	for _, s := range r.seats {
		if err := r.awaitReader(ctx, s.name, true); err != nil {
			return err
		}
	}
	return nil
}

// Ports are taken from below the range that Linux gives to outgoing
// connections.
const (
	firstPort = 20000
	portCount = 12000
)

// takePort finds a port that is free on all interfaces, as vpcd binds it, and
// reserves it among these processes until the returned listener is closed.
func takePort() (int, net.Listener, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(portCount) //nolint:gosec // spreads the tries, keeps no secret
		held, err := reserve(port)
		if err != nil {
			last = err
			continue
		}
		if last = probe(port); last == nil {
			return port, held, nil
		}
		if err := held.Close(); err != nil {
			return 0, nil, fmt.Errorf("let port %d go: %w", port, err)
		}
	}
	return 0, nil, fmt.Errorf("no free port for a virtual reader: %w", last)
}

func probe(port int) error {
	l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}
