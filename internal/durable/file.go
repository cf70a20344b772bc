package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PendingError says that Path holds its new content, but that the directory
// could not be flushed: after a power cut the old state may be back.
type PendingError struct {
	Path string
	Err  error
}

func (e *PendingError) Error() string {
	return fmt.Sprintf("%s is written but its directory is not flushed to disk: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *PendingError) Unwrap() error { return e.Err }

// Write makes the new file path with data and perm (before umask). It fails
// with an error that is fs.ErrExist when anything is at path already, and
// never changes that.
func Write(path string, data []byte, perm fs.FileMode) error {
	// asked early only to spare the temporary file; the rename decides.
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("write %s: %w", path, fs.ErrExist)
	}
	return write(path, data, perm, renameNoReplace)
}

// Replace puts a file with data and perm (before umask) at path, in place of
// the file that may be there: a reader sees the old content or the new, never
// a part.
func Replace(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, os.Rename)
}

// Serve is Replace for a file that a web server reads: it and its folders below
// root, which is there, are readable for all and writable for one whatever the
// umask. name is slash-separated.
func Serve(root, name string, data []byte) error {
	folder := root
	for _, part := range strings.Split(filepath.Dir(filepath.FromSlash(name)), string(filepath.Separator)) {
		folder = filepath.Join(folder, part)
		err := os.Mkdir(folder, 0o755)
		if err == nil {
			err = os.Chmod(folder, 0o755)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make the folder of %s: %w", name, err)
		}
	}
	return write(filepath.Join(root, filepath.FromSlash(name)), data, 0o644|exactly, os.Rename)
}

// exactly marks permissions that no umask changes.
const exactly fs.FileMode = fs.ModeTemporary

func write(path string, data []byte, perm fs.FileMode, rename func(from, to string) error) (err error) {
	sweep(filepath.Dir(path), filepath.Base(path))
	temp := tempName(path)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm.Perm())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if _, pending := errors.AsType[*PendingError](err); err != nil && !pending {
			err = errors.Join(err, removeIfThere(temp))
		}
	}()
	_, werr := f.Write(data)
	if werr == nil && perm&exactly != 0 {
		werr = f.Chmod(perm.Perm())
	}
	if werr == nil {
		werr = f.Sync()
	}
	if err := errors.Join(werr, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := rename(temp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return &PendingError{Path: path, Err: err}
	}
	return nil
}

// tempName returns a hidden name beside path that no two calls share.
func tempName(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	return dir + "." + base + ".tmp-" + strings.ToLower(rand.Text()[:10])
}

// stale is the age at which a temporary file is one that a killed process left:
// no write takes that long.
const stale = 10 * time.Minute

// sweep removes what killed writes of a name left in a folder. What it cannot
// remove does no harm.
func sweep(folder, base string) {
	left, _ := filepath.Glob(filepath.Join(folder, "."+base+".tmp-*")) // of a name with [ it finds nothing
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.RemoveAll(name)
		}
	}
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the temporary file: %w", err)
	}
	return nil
}

// syncDir flushes the names in a directory.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
