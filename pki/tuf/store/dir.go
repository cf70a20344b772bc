package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// dir is a directory of plain files, readable by everybody whatever the umask:
// it is there to be served.
type dir struct {
	path string

	mu      sync.Mutex
	written []string // paths that Flush has not synced yet
}

const (
	fileMode = 0o644
	dirMode  = 0o755
	tempMark = ".tmp-" // of a hidden file that a writer has not finished
)

func openDir(path string) (objects.Store, error) {
	d := &dir{path: path}
	if err := d.makeDirs("."); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return d, nil
}

// makeDirs makes the folders of an object, and the directory itself.
func (d *dir) makeDirs(name string) error {
	at := filepath.Join(d.path, filepath.FromSlash(name))
	if info, err := os.Stat(at); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", at)
		}
		return nil
	}
	if name == "." {
		if err := os.MkdirAll(filepath.Dir(at), dirMode); err != nil {
			return err
		}
	} else if err := d.makeDirs(path.Dir(name)); err != nil {
		return err
	}
	if err := os.Mkdir(at, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(at, dirMode)
}

func (d *dir) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	err := errors.Join(objects.CheckName(name), ctx.Err())
	var data []byte
	if err == nil {
		data, err = objects.ReadFile(os.DirFS(d.path), name, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s in %s: %w", name, d.path, err)
	}
	return data, nil
}

func (d *dir) at(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

func (d *dir) WriteNew(ctx context.Context, name string, data []byte) error {
	return d.note(name, d.write(ctx, name, data, true))
}

func (d *dir) Replace(ctx context.Context, name string, data []byte) error {
	return d.note(name, d.write(ctx, name, data, false))
}

// write makes a hidden file and gives it the object's name. Of an object that
// is replaced the bytes must be on disk before the name points to them, or a
// power cut leaves an empty one where an old one was.
func (d *dir) write(ctx context.Context, name string, data []byte, isNew bool) (err error) {
	if err := errors.Join(objects.CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if err := d.makeDirs(path.Dir(name)); err != nil {
		return err
	}
	at := d.at(name)
	if isNew {
		if _, err := os.Lstat(at); err == nil {
			return objects.ErrExists
		}
	}
	folder, base := filepath.Split(at)
	temp := folder + "." + base + tempMark + strings.ToLower(rand.Text()[:10])
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(fileMode))
	if err == nil && !isNew {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(temp, at)
}

// note remembers a file that was written for Flush.
func (d *dir) note(name string, err error) error {
	if err != nil {
		return fmt.Errorf("write %s in %s: %w", name, d.path, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = append(d.written, d.at(name))
	return nil
}

func (d *dir) List(ctx context.Context, prefix string) ([]objects.Object, error) {
	var out []objects.Object
	err := filepath.WalkDir(d.path, func(at string, e fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, err := filepath.Rel(d.path, at)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case name == ".":
			return nil
		case e.IsDir():
			if !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/") {
				return fs.SkipDir
			}
			return nil
		case !strings.HasPrefix(name, prefix) || strings.HasPrefix(e.Name(), "."):
			return nil
		case len(out) >= maxObjects:
			return tooMany()
		}
		info, err := e.Info()
		out = append(out, objects.Object{Name: name, Size: info.Size()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s in %s: %w", prefix, d.path, err)
	}
	slices.SortFunc(out, func(a, b objects.Object) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// held cleans up for the one who has the lock.
func (d *dir) held(release func() error) (func() error, error) {
	if err := d.tidy(); err != nil {
		return nil, errors.Join(fmt.Errorf("clean up %s: %w", d.path, err), release())
	}
	return release, nil
}

// tidy removes what writers that were killed left behind. The caller holds the
// lock.
func (d *dir) tidy() error {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a folder, opened to look
	return fs.WalkDir(root.FS(), ".", func(at string, e fs.DirEntry, err error) error {
		hidden, _, temp := strings.Cut(e.Name(), tempMark)
		// fileblob's, of earlier versions
		before := strings.HasSuffix(e.Name(), ".tmp") && strings.Count(e.Name(), ".") > 1
		if err == nil && e.Type().IsRegular() && (temp && strings.HasPrefix(hidden, ".") || before) {
			return root.Remove(at)
		}
		return err
	})
}

func (d *dir) Exclusive() bool { return true }

func (d *dir) String() string { return d.path }

func (d *dir) Close() error { return nil }

// Flush syncs every file written since the last Flush, then their directories.
func (d *dir) Flush(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	paths := d.written
	for _, p := range d.written {
		for parent := filepath.Dir(p); len(parent) >= len(d.path) && parent != "."; parent = filepath.Dir(parent) {
			paths = append(paths, parent)
			if parent == d.path {
				break
			}
		}
	}
	seen := map[string]bool{}
	paths = slices.DeleteFunc(paths, func(p string) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
	for _, p := range paths {
		if err := errors.Join(ctx.Err(), syncPath(p)); err != nil {
			return fmt.Errorf("flush %s: %w", d.path, err)
		}
	}
	d.written = nil
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
