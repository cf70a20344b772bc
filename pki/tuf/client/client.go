// Package client is go-tuf's updater as pki/tuf asks it, and reads repositories
// over HTTP, from buckets and from directories. Importing it registers it.
package client

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

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// place is the address that go-tuf's updater is given; its fetcher reads a
// source instead.
const place = "https://repository.invalid/"

// download hands the objects of a source to go-tuf's updater, whose fetcher
// knows no context.
type download func(name string, limit int64) ([]byte, error)

// DownloadFile implements go-tuf's fetcher.Fetcher.
func (read download) DownloadFile(address string, limit int64, _ time.Duration) ([]byte, error) {
	escaped, ok := strings.CutPrefix(address, place)
	if !ok {
		return nil, fmt.Errorf("address %q is not in the repository", address)
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	data, err := read(name, limit)
	switch {
	case errors.Is(err, objects.ErrNotFound):
		// the updater stops at the newest root by this status
		return nil, &metadata.ErrDownloadHTTP{StatusCode: 404, URL: name}
	case errors.Is(err, objects.ErrTooLarge):
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: err.Error()}
	}
	return data, err
}

// maxTargetFile bounds a target, in bytes.
const maxTargetFile = 16 << 20

func init() { objects.Register(goTUF{}) } //nolint:gochecknoinits // registers as image formats do

// goTUF implements objects.Client.
type goTUF struct{}

// Open implements objects.Client.
func (goTUF) Open(ctx context.Context, place string) (objects.Source, func() error, error) {
	return openSource(ctx, place)
}

// client is go-tuf's updater after a refresh. It implements objects.Update.
type client struct{ up *updater.Updater }

// guarded makes a panic an error: metadata of a stranger's making must not end
// the program.
func guarded(on string, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("go-tuf's updater gave up on %s: %v", on, r)
		}
	}()
	return do()
}

// Update implements objects.Client.
func (goTUF) Update(ctx context.Context, src objects.Source, rootJSON []byte, now time.Time, cache string) (objects.Update, error) {
	c := &client{}
	err := guarded("this metadata", func() error {
		cfg, err := config.New(place, rootJSON)
		if err != nil {
			return err
		}
		cfg.Fetcher = download(func(name string, limit int64) ([]byte, error) { return src.Read(ctx, name, limit) })
		cfg.DisableLocalCache = cache == ""
		if cache != "" {
			cfg.LocalMetadataDir, cfg.LocalTargetsDir = cache, filepath.Join(cache, "targets")
			if err := os.MkdirAll(cfg.LocalTargetsDir, 0o700); err != nil {
				return err
			}
		}
		if c.up, err = updater.New(cfg); err != nil {
			return err
		}
		// the caller read the clock once, for everything
		c.up.UnsafeSetRefTime(now)
		return c.up.Refresh()
	})
	return c, err
}

// Info finds a target. It may load metadata of delegated roles, so it is for
// one goroutine at a time.
func (c *client) Info(name string) (info *metadata.TargetFiles, err error) {
	err = guarded("target "+name, func() error {
		info, err = c.up.GetTargetInfo(name)
		return err
	})
	if err == nil && info.Length > maxTargetFile {
		err = fmt.Errorf("target %s: %d bytes, at most %d", name, info.Length, maxTargetFile)
	}
	return info, err
}

// Download fetches and checks a target that was found. It changes nothing in
// the client: several may run at once.
func (c *client) Download(name string, info *metadata.TargetFiles) (data []byte, err error) {
	err = guarded("target "+name, func() error {
		if _, data, err = c.up.DownloadTarget(info, "", ""); err != nil {
			return fmt.Errorf("target %s: %w", name, err)
		}
		return nil
	})
	return data, err
}
