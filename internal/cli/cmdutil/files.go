package cmdutil

import (
	"errors"
	"os"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ReadFile reads a small file and names it in errors.
func ReadFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Usage, "check the path", err)
	}
	return data, err
}

// ReadBounded reads a regular file of at most limit bytes and names it in
// errors.
func ReadBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Usage("check the path", "%w", err)
	}
	data, err := courier.ReadBounded(f, limit)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, Usage("check what the file is", "%s: %w", path, err)
	}
	return data, nil
}
