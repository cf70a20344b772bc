package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// TestWeb_EndsWithTheWhole ends a request that drips when all requests together
// have taken too long.
func TestWeb_EndsWithTheWhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &web{until: time.Now().Add(200 * time.Millisecond), base: base, client: server.Client()}
	began := time.Now()
	if _, err := w.Read(t.Context(), "timestamp.json", 1<<30); !errors.Is(err, objects.ErrUnreachable) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if _, err := w.Read(t.Context(), "1.root.json", 1<<30); !errors.Is(err, objects.ErrUnreachable) {
		t.Errorf("afterwards: %v", err)
	}
}
