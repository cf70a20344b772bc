package objects

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// TooLarge is ErrTooLarge with the limit in bytes.
func TooLarge(limit int64) error { return fmt.Errorf("more than %d bytes: %w", limit, ErrTooLarge) }

// ReadBounded reads no more than one byte past the limit.
func ReadBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = TooLarge(limit)
	}
	return data, err
}

// ReadFile reads an object that is a regular file.
func ReadFile(files fs.FS, name string, limit int64) (data []byte, err error) {
	info, err := fs.Stat(files, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > limit:
		return nil, TooLarge(limit)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return ReadBounded(f, limit)
}
