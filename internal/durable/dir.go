package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a directory that is filled under a hidden temporary name and appears
// under its final one in a single rename.
type Dir struct {
	temp, final string
	done        bool
}

// NewDir makes the temporary directory beside final, whose parent must exist.
// It fails with an error that is fs.ErrExist when anything is at final.
func NewDir(final string) (*Dir, error) {
	return NewDirAway(final, filepath.Dir(filepath.Clean(final)))
}

// NewDirAway is NewDir with the temporary directory in another folder of the
// same file system: what a killed process leaves is then not beside final.
func NewDirAway(final, folder string) (*Dir, error) {
	final = filepath.Clean(final)
	if _, err := os.Lstat(final); err == nil {
		return nil, fmt.Errorf("make %s: %w", final, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("make %s: %w", final, err)
	}
	sweep(folder, filepath.Base(final))
	temp := tempName(filepath.Join(folder, filepath.Base(final)))
	if err := os.Mkdir(temp, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", final, err)
	}
	return &Dir{temp: temp, final: final}, nil
}

// Path returns the directory to fill; after Commit, the final one.
func (d *Dir) Path() string {
	if d.done {
		return d.final
	}
	return d.temp
}

// Commit flushes every file and directory inside and renames the directory to
// its final name, once. It refuses anything inside that is neither a regular
// file nor a directory. When it fails, nothing is at the final name and the
// temporary directory is kept for Discard; only a *PendingError means that the
// directory is in place.
func (d *Dir) Commit() error {
	if d.done {
		return fmt.Errorf("commit %s: already committed or discarded", d.final)
	}
	if err := syncTree(d.temp); err != nil {
		return fmt.Errorf("commit %s: %w", d.final, err)
	}
	if err := renameNoReplace(d.temp, d.final); err != nil {
		return fmt.Errorf("commit %s: %w", d.final, err)
	}
	d.done = true
	if err := syncDir(filepath.Dir(d.final)); err != nil {
		return &PendingError{Path: d.final, Err: err}
	}
	return nil
}

// Discard removes the temporary directory with everything in it. After Commit
// it does nothing, so that it can be deferred. What it cannot remove stays
// under the hidden name, which nothing reads.
func (d *Dir) Discard() {
	if !d.done {
		d.done = true
		_ = os.RemoveAll(d.temp)
	}
}

// syncTree flushes everything under a directory and the directory itself.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && !e.Type().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a directory", path)
		}
		return syncDir(path)
	})
}
