package virtual

import (
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
