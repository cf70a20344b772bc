package kms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
)

// readOnly sends requests whose bodies can be read and closed, and nothing
// else. smithy-go closes a request's body once the answer has begun, and the
// WriteTo of a closed one returns io.EOF, where io.Copy expects
// nil (smithy-go transport/http/internal/io, safeWriteToReadCloser). net/http,
// which looks for a rest of the body after the last byte was sent, takes that
// for a request that broke off and closes the connection under an answer that
// is still being read. The SDK then asks again: a second ListKeys, or a
// CreateKey whose answer seems lost. Read returns io.EOF too, as it should.
type readOnly struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (c readOnly) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	answer, err := c.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.Request != nil && answer.Request.URL.Host != r.URL.Host {
		return nil, errors.Join(fmt.Errorf("%s sends the question on to another host, %q: it was refused", r.URL.Host, answer.Request.URL.Host), answer.Body.Close())
	}
	answer.Body = &boundedBody{answer.Body, maxAnswer}
	return answer, nil
}

// maxAnswer bounds an answer in bytes. A key policy, the largest, has 32 KiB.
const maxAnswer = 1 << 20

// boundedBody fails where an answer has more bytes than any of KMS's.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Bounds in time: of one attempt from the connection to the answer's last
// byte, and of a call with all its attempts and waits.
var (
	attemptTime = 15 * time.Second
	callTime    = 2 * time.Minute
)

// deadline bounds a call with all its attempts.
func deadline(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("deadline",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			ctx, cancel := context.WithTimeout(ctx, callTime)
			defer cancel()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// maxPages bounds a list: 1,000 pages have 100,000 keys.
const maxPages = 1000

// turn counts a page more.
func turn(page *int) error {
	if *page++; *page > maxPages {
		return fmt.Errorf("a list of more than %d pages", maxPages)
	}
	return nil
}
