package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// openSource opens an http or https URL, an s3 URL or a directory.
func openSource(ctx context.Context, place string) (objects.Source, func() error, error) {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		base, err := url.Parse(strings.TrimSuffix(place, "/") + "/")
		if err != nil {
			return nil, nil, fmt.Errorf("open repository: %w", err)
		}
		return &web{base: base, client: &http.Client{Timeout: time.Minute}}, func() error { return nil }, nil
	}
	st, err := store.OpenExisting(ctx, place)
	if err != nil {
		return nil, nil, err
	}
	return st, st.Close, nil
}

// web reads over HTTP as clients do.
type web struct {
	base   *url.URL
	client *http.Client
}

func (w *web) Read(ctx context.Context, name string, limit int64) (data []byte, err error) {
	at := w.base.JoinPath(name)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("fetch %s: %w", at.Redacted(), objects.ErrNotFound)
	case http.StatusForbidden:
		return nil, fmt.Errorf("fetch %s: the server answers 403; clients need 404 for an object that is not there (in S3, that takes s3:ListBucket)", at.Redacted())
	default:
		return nil, fmt.Errorf("fetch %s: the server answers %s", at.Redacted(), res.Status)
	}
	if res.ContentLength > limit {
		return nil, fmt.Errorf("fetch %s: %d bytes, at most %d: %w", at.Redacted(), res.ContentLength, limit, objects.ErrTooLarge)
	}
	// the length is the server's word: read no more than one byte past the limit
	data, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", at.Redacted(), err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("fetch %s: more than %d bytes: %w", at.Redacted(), limit, objects.ErrTooLarge)
	}
	return data, nil
}
