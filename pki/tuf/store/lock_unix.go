//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Lock takes the directory's lock file. The kernel lets go of it when the
// process ends, however it ends; release removes the file too.
func (d *dir) Lock(ctx context.Context) (func() error, error) {
	path := filepath.Join(d.path, objects.LockName)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", d.path, err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = objects.ErrLocked
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", d.path, err), f.Close())
		}
		// the writer before may have removed the file between open and lock
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", d.path, err), f.Close())
		}
		if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
			if err := f.Close(); err != nil {
				return nil, fmt.Errorf("lock %s: %w", d.path, err)
			}
			continue
		}
		return d.held(func() error { return errors.Join(os.Remove(path), f.Close()) })
	}
}
