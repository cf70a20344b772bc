package kms

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// closable is a request's body as smithy-go makes them, with the writer that
// looks for a rest of it held until the body is closed.
type closable struct {
	*bytes.Reader
	once   sync.Once
	closed chan struct{}
}

func (b *closable) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func (b *closable) WriteTo(io.Writer) (int64, error) {
	<-b.closed
	return 0, io.EOF
}

func TestReadOnly_AnswerOutlivesTheRequestsBody(t *testing.T) {
	half := bytes.Repeat([]byte("x"), 1<<14)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		for range 2 {
			if _, err := w.Write(half); err != nil {
				return // the test says why
			}
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond) // long enough to lose the connection
		}
	}))
	defer s.Close()
	body := &closable{Reader: bytes.NewReader([]byte("{}")), closed: make(chan struct{})}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 2
	answer, err := readOnly{s.Client()}.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil || len(got) != 2*len(half) {
		t.Errorf("%d bytes of %d: %v", len(got), 2*len(half), err)
	}
}
