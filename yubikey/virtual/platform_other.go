//go:build !linux

package virtual

import (
	"errors"
	"net"
	"syscall"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// supported is nil where a private daemon can be run.
func supported() error {
	return fault.New(fault.Device, "Use Linux for rehearsals with a virtual token.",
		errors.New("virtual readers need Linux: pcscd with vpcd on a socket of their own"))
}

func childAttributes() *syscall.SysProcAttr { return nil }

func reserve(int) (net.Listener, error) { return nil, supported() }

func quickAcknowledge(net.Conn) error { return nil }
