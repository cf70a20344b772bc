package courier

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// MaxFile bounds a file of a trust directory, in bytes: the largest is a
// request's tar.
const MaxFile = 64 << 20

// ReadFile reads a regular file of at most limit bytes. A pipe is not waited
// for, and a device is not read.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := ReadBounded(f, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, nil
}

// FS is a folder whose regular files of at most MaxFile bytes can be read, and
// nothing else.
func FS(dir string) fs.FS { return folderFS{os.DirFS(dir), dir} }

type folderFS struct {
	fs.FS
	dir string
}

// Open opens a folder to list, or a file that was judged before it was opened.
func (f folderFS) Open(name string) (fs.File, error) {
	info, err := fs.Stat(f.FS, name)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%s, not a regular file", Kind(info.Mode()))}
	case info.Size() > MaxFile && !info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%d bytes, more than the %d it may have", info.Size(), int64(MaxFile))}
	}
	return f.FS.Open(name)
}

// ReadFile reads a whole file.
func (f folderFS) ReadFile(name string) ([]byte, error) {
	if _, err := f.Stat(name); err != nil {
		return nil, err
	}
	return ReadFile(f.dir+"/"+name, MaxFile)
}

// Stat describes a file.
func (f folderFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }
