package objects

import (
	"context"
	"errors"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Source is where the objects of a repository are read. A missing object is
// ErrNotFound, a larger one than limit ErrTooLarge.
type Source interface {
	Read(ctx context.Context, name string, limit int64) ([]byte, error)
}

// Client is a TUF client.
type Client interface {
	// Open opens an http, https or s3 URL or a directory.
	Open(ctx context.Context, place string) (Source, func() error, error)
	// Update walks the whole update as a client does that trusts rootJSON, at
	// the time now. cache is the directory of its cache, or empty.
	Update(ctx context.Context, src Source, rootJSON []byte, now time.Time, cache string) (Update, error)
}

// Update is a client after a refresh.
type Update interface {
	// Info finds a target. It is for one goroutine at a time.
	Info(name string) (*metadata.TargetFiles, error)
	// Download fetches and checks a target that was found. Several may run at
	// once.
	Download(name string, info *metadata.TargetFiles) ([]byte, error)
}

var registered Client

// Register names the client of this program; pki/tuf/client does so when it is
// imported, as image formats and database drivers do.
func Register(c Client) { registered = c }

// Registered returns the client of this program. The error says that it has
// none: nothing is then verified or published.
func Registered() (Client, error) {
	if registered == nil {
		return nil, errors.New("this program has no TUF client: use trustroot")
	}
	return registered, nil
}

// Opener opens a directory or an s3 URL for reading.
type Opener func(ctx context.Context, place string) (Source, func() error, error)

var opener Opener

// RegisterPlaces names who opens places in this program; pki/tuf/store does so
// when it is imported. A program without it reads directories only.
func RegisterPlaces(o Opener) { opener = o }

// Places returns who opens places in this program, or nil.
func Places() Opener { return opener }
