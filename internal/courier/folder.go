package courier

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/linnemanlabs/trustroot/internal/durable"
)

// folderReader reads a folder's files into memory, never outside of it.
type folderReader struct {
	root   *os.Root
	limits Limits
	budget *Budget
	files  map[string][]byte
}

// ReadFolder reads every file of a folder. Names, kinds, sizes and numbers are
// judged before anything is opened, and a folder is listed in small parts, so
// that one with a hundred thousand files is refused quickly.
func ReadFolder(name string, l Limits) (map[string][]byte, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // read only
	r := &folderReader{root: root, limits: l, budget: &Budget{limits: l}, files: map[string][]byte{}}
	if err := r.list("."); err != nil {
		return nil, err
	}
	return r.files, nil
}

func (r *folderReader) list(dir string) error {
	f, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	for {
		entries, err := f.ReadDir(64)
		for _, e := range entries {
			if err := r.entry(path.Join(dir, e.Name()), e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *folderReader) entry(name string, e fs.DirEntry) error {
	if err := r.budget.Entry(); err != nil {
		return err
	}
	if r.limits.Skip != nil && r.limits.Skip(name) {
		return nil
	}
	if err := r.limits.CheckName(name); err != nil {
		return err
	}
	switch {
	case e.IsDir():
		if strings.Count(name, "/")+2 > r.limits.Depth {
			return fmt.Errorf("%s: more than %d levels deep", Quote(name), r.limits.Depth)
		}
		return r.list(name)
	case !e.Type().IsRegular():
		return fmt.Errorf("%s: %s, not a regular file", Quote(name), Kind(e.Type()))
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	if err := r.budget.Size(name, info.Size()); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := ReadBounded(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", Quote(name), err)
	}
	r.files[name] = data
	return nil
}

// Kind names a kind of file in words.
func Kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}

// WriteFolder writes files into a new folder, each at once and flushed.
func WriteFolder(dir string, files map[string][]byte) error {
	for _, name := range Names(files) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", name, err)
		}
		if err := durable.Write(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// NewFolder writes files into a new folder, which is there whole or not at all.
// It fails with an error that is fs.ErrExist when anything is at path.
func NewFolder(path string, files map[string][]byte) error {
	dir, err := durable.NewDir(path)
	if err != nil {
		return err
	}
	defer dir.Discard()
	if err := WriteFolder(dir.Path(), files); err != nil {
		return err
	}
	return dir.Commit()
}

// ReadBounded reads a regular file of at most limit bytes.
func ReadBounded(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s, not a regular file", Kind(info.Mode()))
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%d bytes, more than the %d it may have", info.Size(), limit)
	}
	return ReadExactly(f, info.Size())
}

// ReadExactly reads size bytes, which were bounded before, and wants the end
// to follow.
func ReadExactly(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errors.Join(errors.New("it is longer than it said"), err)
	}
	return data, nil
}
