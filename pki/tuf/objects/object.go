// Package objects says what pki/tuf asks of the world outside: a store of a
// repository's objects, and a client that walks an update. It implements
// neither, so that a program that signs metadata links no bucket and no client.
package objects

import (
	"context"
	"errors"
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
