package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// openSource opens an http or https URL, an s3 URL or a directory.
func openSource(ctx context.Context, place string) (objects.Source, func() error, error) {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		base, err := url.Parse(strings.TrimSuffix(place, "/") + "/")
		if err != nil {
			return nil, nil, fmt.Errorf("open repository: %w", err)
		}
		return &web{until: time.Now().Add(overall), base: base, client: &http.Client{Timeout: time.Minute, CheckRedirect: SameHost}}, func() error { return nil }, nil
	}
	if open := objects.Places(); open != nil {
		return open(ctx, place)
	}
	if strings.Contains(place, "://") {
		return nil, nil, fmt.Errorf("open repository %s: this program reads folders only", place)
	}
	root, err := os.OpenRoot(place)
	if err != nil {
		return nil, nil, fmt.Errorf("open repository: %w", err)
	}
	return folder{root}, root.Close, nil
}

// folder reads a directory, and nothing that a link in it leads out to.
type folder struct{ root *os.Root }

func (f folder) Read(_ context.Context, name string, limit int64) ([]byte, error) {
	data, err := objects.ReadFile(f.root.FS(), name, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// overall is how long all requests to one repository may take together.
const overall = 10 * time.Minute

// errRedirect says that an answer sends elsewhere.
var errRedirect = errors.New("another place")

// SameHost follows a redirect on the same host only, three times at most:
// another host is another service.
func SameHost(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	switch {
	case next.URL.Host != first.Host || next.URL.Scheme != first.Scheme:
		return fmt.Errorf("it redirects to %s, which is %w", next.URL.Redacted(), errRedirect)
	case len(before) > 3:
		return fmt.Errorf("it redirects again and again: %w", errRedirect)
	}
	return nil
}

// unreachable marks an answer that did not come, or not whole.
func unreachable(name string, err error) error {
	if errors.Is(err, errRedirect) {
		return fmt.Errorf("fetch %s: %w", name, err)
	}
	return fmt.Errorf("fetch %s: %w: %w", name, objects.ErrUnreachable, err)
}

// web reads over HTTP as clients do.
type web struct {
	until  time.Time // when the whole has taken too long
	base   *url.URL
	client *http.Client
}

func (w *web) Read(ctx context.Context, name string, limit int64) (data []byte, err error) {
	ctx, cancel := context.WithDeadline(ctx, w.until)
	defer cancel()
	at := w.base.JoinPath(name)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", name, err)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, unreachable(name, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("fetch %s: %w", at.Redacted(), objects.ErrNotFound)
	case http.StatusForbidden:
		return nil, fmt.Errorf("fetch %s: the server answers 403; clients need 404 for an object that is not there (in S3, that takes s3:ListBucket)", at.Redacted())
	default:
		return nil, unreachable(at.Redacted(), fmt.Errorf("the server answers %s", res.Status))
	}
	if res.ContentLength > limit {
		return nil, fmt.Errorf("fetch %s: %w", at.Redacted(), objects.TooLarge(limit))
	}
	// the length is the server's word
	data, err = objects.ReadBounded(res.Body, limit)
	if errors.Is(err, objects.ErrTooLarge) {
		return nil, fmt.Errorf("fetch %s: %w", at.Redacted(), err)
	} else if err != nil {
		return nil, unreachable(at.Redacted(), err)
	}
	return data, nil
}
