package term

import "golang.org/x/sys/unix"

const (
	getState = unix.TCGETS
	setState = unix.TCSETS
	// setFlushed forgets what was typed and not yet read.
	setFlushed = unix.TCSETSF
)
