package request

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// folderReader reads a folder's files into memory, never outside of it.
type folderReader struct {
	root   *os.Root
	budget budget
	files  map[string][]byte
}

// readFolder reads every file of a folder. Names, kinds, sizes and numbers are
// judged before anything is opened, and a folder is listed in small parts, so
// that one with a hundred thousand files is refused quickly.
func readFolder(name string) (map[string][]byte, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // read only
	r := &folderReader{root: root, files: map[string][]byte{}}
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
	if err := r.budget.entry(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	switch {
	case e.IsDir():
		if strings.Count(name, "/")+2 > maxDepth {
			return fmt.Errorf("%s: more than %d levels deep", quote(name), maxDepth)
		}
		return r.list(name)
	case !e.Type().IsRegular():
		return fmt.Errorf("%s: %s, not a regular file", quote(name), kind(e.Type()))
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	if err := r.budget.size(name, info.Size()); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := readBounded(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", quote(name), err)
	}
	r.files[name] = data
	return nil
}

func kind(m fs.FileMode) string {
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
