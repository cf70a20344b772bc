package virtual

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// supported is nil where a private daemon can be run.
func supported() error { return nil }

// childAttributes make the daemon die with this process, however that ends,
// and keep the terminal's Ctrl-C from it: it goes when the cards have gone.
// The kernel ties the signal to the thread that starts the child.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// reserve holds a name in the abstract namespace that stands for a port, so
// that no two of these processes take the same one; it is let go with the
// process.
func reserve(port int) (net.Listener, error) {
	return net.Listen("unix", fmt.Sprintf("@trustroot-vpcd-%d", port))
}

// quickAcknowledge must be called before each read: the kernel clears it.
func quickAcknowledge(conn net.Conn) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
	return errors.Join(err, set)
}
