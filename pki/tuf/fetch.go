package tuf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Fetch returns a target's bytes as a client gets them that trusts only
// rootJSON. from is an http, https or s3 URL or a directory.
func Fetch(ctx context.Context, from string, rootJSON []byte, name string, now time.Time, opts ...Option) (data []byte, err error) {
	src, done, err := openSource(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, done()) }()
	c, err := newClient(ctx, src, rootJSON, now, collect(opts).cache)
	if err == nil {
		data, err = targetOf(c, name)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s from %s: %w", name, from, err)
	}
	return data, nil
}

func openSource(ctx context.Context, place string) (objects.Source, func() error, error) {
	c, err := objects.Registered()
	if err != nil {
		return nil, nil, err
	}
	return c.Open(ctx, place)
}

func newClient(ctx context.Context, src objects.Source, rootJSON []byte, now time.Time, cache string) (objects.Update, error) {
	c, err := objects.Registered()
	if err != nil {
		return nil, err
	}
	return c.Update(ctx, src, rootJSON, now, cache)
}

// targetOf returns the bytes of a target as a client sees them.
func targetOf(c objects.Update, name string) ([]byte, error) {
	info, err := c.Info(name)
	if err != nil {
		return nil, err
	}
	return c.Download(name, info)
}

// overlay is a source with some objects laid over it.
type overlay struct {
	base objects.Source
	over map[string][]byte
}

func (o overlay) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, ok := o.over[name]
	if !ok {
		return o.base.Read(ctx, name, limit)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d: %w", name, len(data), limit, objects.ErrTooLarge)
	}
	return data, nil
}

// Option changes how Verify or Fetch works.
type Option func(*options)

type options struct {
	cache  string
	theirs bool
}

// Cache lets Verify and Fetch keep go-tuf's client cache in a directory, so that a
// repository that went back since the last call is found out.
func Cache(dir string) Option { return func(o *options) { o.cache = dir } }

// Theirs lets Verify take what go-tuf's client takes. What only the rules for
// our own repositories refuse is a warning that names role, version and key.
func Theirs() Option { return func(o *options) { o.theirs = true } }

func collect(opts []Option) options {
	var o options
	for _, f := range opts {
		f(&o)
	}
	return o
}
