//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package term

import "golang.org/x/sys/unix"

const (
	getState = unix.TIOCGETA
	setState = unix.TIOCSETA
	// setFlushed forgets what was typed and not yet read.
	setFlushed = unix.TIOCSETAF
)
