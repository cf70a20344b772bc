package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Errors a caller branches on.
var (
	ErrNotFound = errors.New("object not found")
	ErrExists   = errors.New("object exists already")
	ErrTooLarge = errors.New("object is larger than allowed")
	ErrLocked   = errors.New("another writer holds the lock")
	// ErrUnreachable is a bucket that gave no answer, or not all of it in time.
	ErrUnreachable = errors.New("the store cannot be reached")
)

// Object is one line of a listing.
type Object struct {
	Name string
	Size int64
	MD5  []byte // 16 bytes, or nil where the store does not know it
}

// Store is a flat set of named objects. Names are slash-separated and obey
// CheckName.
type Store interface {
	// Read returns an object's bytes: ErrNotFound if there is none,
	// ErrTooLarge if it has more than limit bytes.
	Read(ctx context.Context, name string, limit int64) ([]byte, error)
	// WriteNew creates an object and returns ErrExists if there is one. Of
	// several writers in a bucket exactly one succeeds; in a directory the
	// same holds for writers that hold the lock.
	WriteNew(ctx context.Context, name string, data []byte) error
	// Replace writes an object whether it exists or not. Readers see the old
	// bytes or the new ones.
	Replace(ctx context.Context, name string, data []byte) error
	// List returns every object whose name begins with prefix, sorted by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Flush returns when all that was written before survives a power cut.
	Flush(ctx context.Context) error
	// Lock keeps other writers out until release is called, or returns
	// ErrLocked. Where Exclusive is false it does nothing.
	Lock(ctx context.Context) (release func() error, err error)
	// Exclusive reports whether there is a lock. Without one, as in a bucket,
	// a writer claims a version by creating its object with WriteNew.
	Exclusive() bool
	// String returns the place as it was opened.
	String() string
	// Close releases what Open took.
	Close() error
}

// Open opens "s3://bucket/prefix" or a directory, which is created if it is
// absent. A bucket takes region, credentials and endpoint as the AWS SDK does,
// and the query options of gocloud.dev/blob/s3blob ("?use_path_style=true").
func Open(ctx context.Context, place string) (Store, error) {
	switch scheme, _, found := strings.Cut(place, "://"); {
	case place == "":
		return nil, errors.New("open store: no directory or bucket given")
	case found && scheme == "s3":
		u, err := url.Parse(place)
		if err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
		return openS3(ctx, u)
	case found:
		return nil, fmt.Errorf("open store %s: give a directory or an s3:// URL", place)
	default:
		return openDir(filepath.Clean(place))
	}
}

// OpenExisting is Open for reading: it creates no directory.
func OpenExisting(ctx context.Context, place string) (Store, error) {
	if !strings.Contains(place, "://") {
		info, err := os.Stat(place)
		if err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("open store %s: not a directory", place)
		}
	}
	return Open(ctx, place)
}
