package tuf

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// place is the address that go-tuf's updater is given; its fetcher reads a
// source instead.
const place = "https://repository.invalid/"

// fetcher hands the objects of a source to go-tuf's updater.
type fetcher struct {
	ctx context.Context
	src source
}

// DownloadFile implements go-tuf's fetcher.Fetcher.
func (f fetcher) DownloadFile(address string, limit int64, _ time.Duration) ([]byte, error) {
	escaped, ok := strings.CutPrefix(address, place)
	if !ok {
		return nil, fmt.Errorf("address %q is not in the repository", address)
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	data, err := f.src.Read(f.ctx, name, limit)
	switch {
	case errors.Is(err, store.ErrNotFound):
		// the updater stops at the newest root by this status
		return nil, &metadata.ErrDownloadHTTP{StatusCode: 404, URL: name}
	case errors.Is(err, store.ErrTooLarge):
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: err.Error()}
	}
	return data, err
}

// client is go-tuf's updater after a refresh.
type client struct{ up *updater.Updater }

// newClient walks the whole update as a client does that trusts rootJSON, at
// the time now. cache is the directory of its cache, or empty.
func newClient(ctx context.Context, src source, rootJSON []byte, now time.Time, cache string) (c *client, err error) {
	// metadata of a stranger's making must not end the program
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("go-tuf's updater gave up on this metadata: %v", r)
		}
	}()
	cfg, err := config.New(place, rootJSON)
	if err != nil {
		return nil, err
	}
	cfg.Fetcher = fetcher{ctx: ctx, src: src}
	cfg.DisableLocalCache = cache == ""
	if cache != "" {
		cfg.LocalMetadataDir, cfg.LocalTargetsDir = cache, filepath.Join(cache, "targets")
		if err := os.MkdirAll(cfg.LocalTargetsDir, 0o700); err != nil {
			return nil, err
		}
	}
	up, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	// the caller read the clock once, for everything
	up.UnsafeSetRefTime(now)
	if err := up.Refresh(); err != nil {
		return nil, err
	}
	return &client{up: up}, nil
}

// target returns the bytes of a target as a client sees them.
func (c *client) target(name string) ([]byte, error) {
	info, err := c.info(name)
	if err != nil {
		return nil, err
	}
	return c.download(name, info)
}

// info finds a target. It may load metadata of delegated roles, so it is for
// one goroutine at a time.
func (c *client) info(name string) (info *metadata.TargetFiles, err error) {
	defer func() {
		if r := recover(); r != nil {
			info, err = nil, fmt.Errorf("go-tuf's updater gave up on target %s: %v", name, r)
		}
	}()
	info, err = c.up.GetTargetInfo(name)
	if err == nil && info.Length > maxTargetFile {
		err = fmt.Errorf("target %s: %d bytes, at most %d", name, info.Length, maxTargetFile)
	}
	return info, err
}

// download fetches and checks a target that was found. It changes nothing in
// the client: several may run at once.
func (c *client) download(name string, info *metadata.TargetFiles) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			data, err = nil, fmt.Errorf("go-tuf's updater gave up on target %s: %v", name, r)
		}
	}()
	_, data, err = c.up.DownloadTarget(info, "", "")
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", name, err)
	}
	return data, nil
}

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
		data, err = c.target(name)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s from %s: %w", name, from, err)
	}
	return data, nil
}
