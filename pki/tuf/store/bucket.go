package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// bucket is an S3 bucket, or what gocloud has of its kind.
type bucket struct {
	blobs    *blob.Bucket
	place    string
	patience time.Duration // for one call, the whole answer and all attempts; 0 means patience
}

// patience is how long one call may take, maxObjects what a listing may hold,
// and maxPages the answers that it may come in: S3 puts 1,000 objects into one.
const (
	patience   = 2 * time.Minute
	maxObjects = 500_000
	maxPages   = maxObjects / 500
)

func tooMany() error { return fmt.Errorf("more than %d objects", maxObjects) }

// deadline bounds one call.
func (b *bucket) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := b.patience
	if wait == 0 {
		wait = patience
	}
	return context.WithTimeoutCause(ctx, wait, fmt.Errorf("no whole answer within %s", wait))
}

const responseChecksum = "response_checksum_validation"

func openS3(ctx context.Context, u *url.URL) (objects.Store, error) {
	with := *u
	query := u.Query()
	if !query.Has(responseChecksum) {
		query.Set(responseChecksum, "when_required") // the SDK would write past the printer where there is none
	}
	with.RawQuery = query.Encode()
	blobs, err := new(s3blob.URLOpener).OpenBucketURL(ctx, &with)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", u.Redacted(), err)
	}
	place := "s3://" + u.Host
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		if err := objects.CheckName(prefix); err != nil {
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
	if err := objects.CheckName(name); err != nil {
		return nil, err
	}
	ctx, cancel := b.deadline(ctx)
	defer cancel()
	r, err := b.blobs.NewReader(ctx, name, nil)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Size() > limit {
		return nil, objects.TooLarge(limit)
	}
	data, err = objects.ReadBounded(r, limit)
	if err != nil && !errors.Is(err, objects.ErrTooLarge) {
		err = cause(ctx, err)
	}
	return data, err
}

func (b *bucket) WriteNew(ctx context.Context, name string, data []byte) error {
	return b.write(ctx, name, data, &blob.WriterOptions{IfNotExist: true})
}

func (b *bucket) Replace(ctx context.Context, name string, data []byte) error {
	return b.write(ctx, name, data, &blob.WriterOptions{})
}

func (b *bucket) write(ctx context.Context, name string, data []byte, opts *blob.WriterOptions) error {
	if err := objects.CheckName(name); err != nil {
		return fmt.Errorf("write in %s: %w", b.place, err)
	}
	ctx, cancel := b.deadline(ctx)
	defer cancel()
	opts.CacheControl, opts.ContentType = Headers(name)
	if err := b.blobs.WriteAll(ctx, name, data, opts); err != nil {
		return fmt.Errorf("write %s in %s: %w", name, b.place, cause(ctx, err))
	}
	return nil
}

func (b *bucket) List(ctx context.Context, prefix string) ([]objects.Object, error) {
	ctx, cancel := b.deadline(ctx)
	defer cancel()
	var out []objects.Object
	pages := 0
	it := b.blobs.List(&blob.ListOptions{Prefix: prefix, BeforeList: func(func(any) bool) error {
		if pages++; pages > maxPages {
			return fmt.Errorf("the listing has more than %d pages", maxPages)
		}
		return nil
	}})
	for {
		o, err := it.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil && errors.Is(cause(ctx, err), objects.ErrNotFound):
			return nil, nil
		case err == nil && len(out) >= maxObjects:
			err = tooMany()
		}
		if err != nil {
			return nil, fmt.Errorf("list %s in %s: %w", prefix, b.place, cause(ctx, err))
		}
		out = append(out, objects.Object{Name: o.Key, Size: o.Size, MD5: o.MD5})
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

// cause puts the package's own errors in front of gocloud's codes. Whatever has
// none is a store that could not be asked.
func cause(ctx context.Context, err error) error {
	switch codeOf(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("%w: %w", objects.ErrNotFound, err)
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return fmt.Errorf("%w: %w", objects.ErrExists, err)
	}
	if why := context.Cause(ctx); why != nil {
		err = fmt.Errorf("%w: %w", why, err)
	}
	return fmt.Errorf("%w: %w", objects.ErrUnreachable, err)
}

// codeOf is gocloud's code, but for an answer of S3 that has a code of its own:
// gocloud takes every error for a missing bucket whose text holds "301", and
// the text ends in a random request ID.
func codeOf(err error) gcerrors.ErrorCode {
	code := gcerrors.Code(err)
	var answer interface{ ErrorCode() string }
	if code != gcerrors.NotFound || !errors.As(err, &answer) {
		return code
	}
	switch answer.ErrorCode() {
	case "NoSuchBucket", "NoSuchKey", "NotFound":
		return code
	case "PreconditionFailed":
		return gcerrors.FailedPrecondition
	}
	return gcerrors.Unknown
}

// Cache-Control values. A versioned or hash-named object never changes;
// timestamp.json is asked for again each time.
const (
	cacheForEver = "public, max-age=31536000, immutable"
	cacheNever   = "no-cache"
)

// Headers returns the Cache-Control and Content-Type of an object. A bucket
// stores them; a web server in front of a directory should send the same.
func Headers(name string) (cacheControl, contentType string) {
	cacheControl = cacheForEver
	if name == "timestamp.json" {
		cacheControl = cacheNever
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		contentType = "application/json"
	case ".jsonl", ".pem", ".pub", ".crt", ".txt":
		contentType = "text/plain; charset=utf-8"
	default:
		contentType = "application/octet-stream"
	}
	return cacheControl, contentType
}
