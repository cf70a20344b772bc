//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package term

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

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

// restoring is what a terminal whose echo is off needs before the process ends.
var restoring atomic.Pointer[func() error]

// Restore shows what is typed again where a secret is being asked for. It is
// for a process that ends without its answer.
func Restore() {
	if loud := restoring.Load(); loud != nil {
		_ = (*loud)() // the process ends
	}
}

// guard shows what is typed while the process is suspended from the keyboard,
// and hides it when it goes on, until end is called.
func guard(loud, hide func() error) (end func()) {
	restoring.Store(&loud)
	suspended, resumed, done := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(suspended, syscall.SIGTSTP)
	signal.Notify(resumed, syscall.SIGCONT)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-resumed: // it was stopped in another way
				continue
			case <-suspended:
			}
			_ = loud() // the next question fails where this does
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			select { // the kill may return before the process stops
			case <-resumed:
			case <-time.After(time.Second): // process 1 cannot stop itself
			}
			_ = hide()
		}
	})
	return func() {
		signal.Stop(suspended)
		signal.Stop(resumed)
		close(done)
		running.Wait()
		restoring.Store(nil)
	}
}
