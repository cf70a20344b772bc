//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package term

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// quiet turns the echo off. Lines are still the terminal's to edit, and
// control-C still interrupts. What was typed before stays to be read: it is on
// the screen either way. loud puts back what was found.
func quiet(fd int) (loud func() error, err error) {
	found, err := unix.IoctlGetTermios(fd, getState)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's state: %w", err)
	}
	silent := *found
	silent.Lflag &^= unix.ECHO
	silent.Lflag |= unix.ICANON | unix.ISIG
	silent.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setState, &silent); err != nil {
		return nil, fmt.Errorf("turn the terminal's echo off: %w", err)
	}
	return func() error {
		if err := unix.IoctlSetTermios(fd, setState, found); err != nil {
			return fmt.Errorf("turn the terminal's echo on again: %w", err)
		}
		return nil
	}, nil
}
