package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

func init() { //nolint:gochecknoinits // registers as database drivers do
	objects.RegisterPlaces(func(ctx context.Context, place string) (objects.Source, func() error, error) {
		s, err := OpenExisting(ctx, place)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	})
}

// Open opens "s3://bucket/prefix" or a directory, which is created if it is
// absent. A bucket takes region, credentials and endpoint as the AWS SDK does,
// and the query options of gocloud.dev/blob/s3blob ("?use_path_style=true").
func Open(ctx context.Context, place string) (objects.Store, error) {
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
func OpenExisting(ctx context.Context, place string) (objects.Store, error) {
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
