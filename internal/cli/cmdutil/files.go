package cmdutil

import (
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
