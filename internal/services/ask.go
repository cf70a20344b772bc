package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode"

	build "github.com/linnemanlabs/trustroot/internal/version"
	"github.com/linnemanlabs/trustroot/pki/tuf/client"
)

// Bounds of answers, in bytes: far above what is served, far below what hurts.
const (
	maxAnswer = 1 << 20
	maxStamp  = 64 << 10 // a timestamp with its chain takes a few kilobytes
	maxRoots  = 8 << 20  // a CT log may accept many roots
	maxCopy   = 8 << 20
)

// errTooLarge says that an answer is above its bound.
var errTooLarge = errors.New("the answer is too large")

// statusError is an answer with another status than success.
type statusError struct {
	code   int
	text   string // the status and the first line of what came with it
	header http.Header
}

func (e *statusError) Error() string { return "answers " + e.text }

// web asks over HTTP. It goes where http.ProxyFromEnvironment says and follows
// a redirect on the same host only: another host is another service.
type web struct{ client *http.Client }

func newWeb(o Options) *web {
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &web{client: &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: client.SameHost,
	}}
}

func (w *web) get(ctx context.Context, at string, limit int64) ([]byte, error) {
	return w.do(ctx, http.MethodGet, at, "", nil, limit)
}

func (w *web) do(ctx context.Context, method, at, contentType string, body []byte, limit int64) (data []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "trustroot/"+build.String())
	req.Header.Set("Cache-Control", "no-cache") // timestamp-server lets caches keep its chain for a day
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := w.client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the finding names the URL already
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		start, _ := io.ReadAll(io.LimitReader(res.Body, 512))
		return nil, &statusError{code: res.StatusCode, text: strings.TrimSpace(res.Status + " " + firstLine(start)), header: res.Header}
	}
	return bounded(res.Body, limit)
}

func bounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return data, err
}

// printable leaves out what a terminal would obey: findings hold what others
// wrote.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// firstLine is the beginning of a text that somebody else wrote.
func firstLine(data []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	if runes := []rune(printable(line)); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return printable(line)
}

// isWeb reports whether a place is a URL; else it is a path.
func isWeb(place string) bool {
	return strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://")
}

// fetch reads a URL or a file.
func (w *web) fetch(ctx context.Context, place string, limit int64) (data []byte, err error) {
	if isWeb(place) {
		return w.get(ctx, place, limit)
	}
	// a pipe would wait for its other end when it is opened
	if info, err := os.Stat(place); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", place)
	}
	file, err := os.Open(place)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return bounded(file, limit)
}

// get asks the service, and says what keeps it from answering.
func get(ctx context.Context, q *inquiry, at string) ([]byte, bool) {
	data, err := q.web.get(ctx, at, maxAnswer)
	if err != nil {
		silence(q, "", at, err)
		return nil, false
	}
	return data, true
}

// silence tells no answer from a wrong one. part says which part of the
// service was asked, where it has several: "write path: ".
func silence(q *inquiry, part, at string, err error) {
	status, ok := errors.AsType[*statusError](err)
	switch {
	case errors.Is(err, errTooLarge):
		badAnswer(q, at, err)
	case ok:
		unanswered(q, "refused", "look at the service's own log, and whether the URL is its own", "%s%s %s", part, shown(at), status)
	default:
		unanswered(q, "unreachable", "start it, or look at name, certificate and proxy on the way; --url "+q.Name+"=URL asks at another place", "%s%s does not answer: %v", part, shown(at), err)
		q.away = true
	}
}

// badAnswer says that something answers that is not the service.
func badAnswer(q *inquiry, at string, err error) {
	q.mismatch("bad-answer", "see what answers there: it is not the service that the plan names", "%s answers what is none of its answers: %v", shown(at), err)
}

// shown is a URL without its password.
func shown(at string) string {
	if u, err := url.Parse(at); err == nil {
		return u.Redacted()
	}
	return at
}
