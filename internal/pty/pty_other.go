//go:build !linux

package pty

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

var errLinux = errors.New("pseudo-terminals are made on Linux only")

// Open fails: pseudo-terminals are made on Linux only.
func Open(uint16) (master, slave *os.File, err error) { return nil, nil, errLinux }

// Run fails: pseudo-terminals are made on Linux only.
func Run(*exec.Cmd, Answer, io.Writer) error {
	return errLinux
}
