package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// bucket is what a directory and an S3 bucket have in common.
type bucket struct {
	blobs *blob.Bucket
	place string
}

func openS3(ctx context.Context, u *url.URL) (Store, error) {
	blobs, err := new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", u.Redacted(), err)
	}
	place := "s3://" + u.Host
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		if err := CheckName(prefix); err != nil {
			return nil, errors.Join(fmt.Errorf("open store %s: %w", place, err), blobs.Close())
		}
		blobs = blob.PrefixedBucket(blobs, prefix+"/")
		place += "/" + prefix
	}
	return &bucket{blobs: blobs, place: place}, nil
}

func (b *bucket) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, err := b.read(ctx, name, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s in %s: %w", name, b.place, err)
	}
	return data, nil
}

func (b *bucket) read(ctx context.Context, name string, limit int64) (data []byte, err error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	r, err := b.blobs.NewReader(ctx, name, nil)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Size() > limit {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", r.Size(), limit, ErrTooLarge)
	}
	// the size is the store's word: read no more than one byte past the limit
	data, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("more than %d bytes: %w", limit, ErrTooLarge)
	}
	return data, nil
}

func (b *bucket) WriteNew(ctx context.Context, name string, data []byte) error {
	return b.write(ctx, name, data, &blob.WriterOptions{IfNotExist: true})
}

func (b *bucket) Replace(ctx context.Context, name string, data []byte) error {
	return b.write(ctx, name, data, &blob.WriterOptions{})
}

func (b *bucket) write(ctx context.Context, name string, data []byte, opts *blob.WriterOptions) error {
	if err := CheckName(name); err != nil {
		return fmt.Errorf("write in %s: %w", b.place, err)
	}
	opts.CacheControl, opts.ContentType = Headers(name)
	if err := b.blobs.WriteAll(ctx, name, data, opts); err != nil {
		return fmt.Errorf("write %s in %s: %w", name, b.place, cause(err))
	}
	return nil
}

func (b *bucket) List(ctx context.Context, prefix string) ([]Object, error) {
	var out []Object
	it := b.blobs.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.Is(cause(err), ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("list %s in %s: %w", prefix, b.place, err)
		}
		out = append(out, Object{Name: o.Key, Size: o.Size, MD5: o.MD5})
	}
}

// Flush has nothing to do: an object store answers when an object is kept.
func (b *bucket) Flush(context.Context) error { return nil }

func (b *bucket) Lock(context.Context) (func() error, error) {
	return func() error { return nil }, nil
}

func (b *bucket) Exclusive() bool { return false }

func (b *bucket) String() string { return b.place }

func (b *bucket) Close() error { return b.blobs.Close() }

// cause puts the package's own errors in front of gocloud's codes.
func cause(err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}
