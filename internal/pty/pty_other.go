//go:build !linux

package pty

import (
	"errors"
	"io"
	"os/exec"
)

// Run fails: pseudo-terminals are made on Linux only.
func Run(*exec.Cmd, Answer, io.Writer) error {
	return errors.New("a command is run at a pseudo-terminal on Linux only")
}
