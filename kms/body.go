package kms

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	return c.HTTPClient.Do(r)
}
