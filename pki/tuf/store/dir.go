package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// dir is a directory of plain files.
type dir struct {
	bucket
	path string

	mu      sync.Mutex
	written []string // paths that Flush has not synced yet
}

func openDir(path string) (Store, error) {
	blobs, err := fileblob.OpenBucket(path, &fileblob.Options{
		CreateDir:   true,
		DirFileMode: 0o755,
		// a write is renamed into place, which works on one file system only
		NoTempDir: true,
		// no .attrs files beside the objects
		Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return &dir{bucket: bucket{blobs: blobs, place: path}, path: path}, nil
}

func (d *dir) WriteNew(ctx context.Context, name string, data []byte) error {
	return d.write(ctx, name, data, &blob.WriterOptions{IfNotExist: true}, nil)
}

func (d *dir) Replace(ctx context.Context, name string, data []byte) error {
	// the file must be on disk before its name points to it, or a power cut
	// leaves an empty one where an old one was
	var f *os.File
	opts := &blob.WriterOptions{BeforeWrite: func(as func(any) bool) error {
		if !as(&f) {
			return errors.New("the store has no file to sync")
		}
		return nil
	}}
	return d.write(ctx, name, data, opts, func() error { return f.Sync() })
}

// write streams an object into a file: gocloud's WriteAll would hash it twice
// more. written is called before the file gets its name, or is nil.
func (d *dir) write(ctx context.Context, name string, data []byte, opts *blob.WriterOptions, written func() error) error {
	if err := CheckName(name); err != nil {
		return fmt.Errorf("write in %s: %w", d.place, err)
	}
	// a writer whose context has ended leaves nothing behind
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts.CacheControl, opts.ContentType = Headers(name)
	w, err := d.blobs.NewWriter(ctx, name, opts)
	if err != nil {
		return fmt.Errorf("write %s in %s: %w", name, d.place, cause(err))
	}
	_, err = w.Write(data)
	if err == nil && written != nil {
		err = written()
	}
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write %s in %s: %w", name, d.place, cause(err))
	}
	return d.note(name, nil)
}

func (d *dir) Exclusive() bool { return true }

// note remembers a file that was written for Flush.
func (d *dir) note(name string, err error) error {
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = append(d.written, filepath.Join(d.path, filepath.FromSlash(name)))
	return nil
}

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
			return fmt.Errorf("flush %s: %w", d.place, err)
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
