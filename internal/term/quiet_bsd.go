//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package term

import "golang.org/x/sys/unix"

const (
	getState = unix.TIOCGETA
	setState = unix.TIOCSETA
)
