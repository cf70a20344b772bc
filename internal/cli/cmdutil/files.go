package cmdutil

import (
	"errors"
	"os"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ReadFile reads a small file and names it in errors.
func ReadFile(path string) ([]byte, error) {
	return ReadBounded(path, courier.MaxFile)
}

// ReadBounded reads a regular file of at most limit bytes and names it in
// errors.
func ReadBounded(path string, limit int64) ([]byte, error) {
	data, err := courier.ReadFile(path, limit)
	if err != nil {
		return nil, fault.New(fault.Usage, "check the path: it must be a regular file that can be read", err)
	}
	return data, nil
}

// SecretPipe is standard output for a secret, which no printer should hold: a
// pipe, or an error with fault.Usage where the secret would lie in a file or
// stand on a screen.
func SecretPipe() (*os.File, error) {
	info, err := os.Stdout.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return nil, fault.New(fault.Usage, "pipe it into what stores or encrypts it; nothing was made",
			errors.New("standard output is not a pipe: the key would lie in the clear on this machine's disk or screen"))
	}
	return os.Stdout, nil
}
