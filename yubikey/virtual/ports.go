package virtual

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range that Linux gives to outgoing
// connections.
const (
	firstPort = 20000
	portCount = 12000
)

// takePort finds a port for which it and the next are free on all interfaces,
// as vpcd binds them, and reserves it among these processes until the
// returned listener is closed.
func takePort() (int, net.Listener, error) {
	var last error
	for range 100 {
		port := firstPort + readersPerDriver*rand.IntN(portCount/readersPerDriver) //nolint:gosec // spreads the tries, keeps no secret
		held, err := reserve(port)
		if err != nil {
			last = err
			continue
		}
		if last = errors.Join(probe(port), probe(port+1)); last == nil {
			return port, held, nil
		}
		if err := held.Close(); err != nil {
			return 0, nil, fmt.Errorf("let port %d go: %w", port, err)
		}
	}
	return 0, nil, fmt.Errorf("no two free ports for a virtual reader: %w", last)
}

func probe(port int) error {
	l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}
