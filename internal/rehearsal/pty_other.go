//go:build !linux

package rehearsal

import (
	"errors"
	"io"
	"os/exec"
)

func onTerminal(*exec.Cmd, func(string) (string, error), io.Writer) error {
	return errors.New("the offline program is rehearsed on Linux only")
}
