//go:build !unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Lock makes the directory's lock file. A process that was killed leaves it
// behind, to be removed by hand.
func (d *dir) Lock(ctx context.Context) (func() error, error) {
	path := filepath.Join(d.path, objects.LockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, os.ErrExist) {
		err = fmt.Errorf("%w (%s)", objects.ErrLocked, path)
	}
	if err := errors.Join(ctx.Err(), err); err != nil {
		return nil, fmt.Errorf("lock %s: %w", d.path, err)
	}
	return d.held(func() error { return errors.Join(f.Close(), os.Remove(path)) })
}
