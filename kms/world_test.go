package kms

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/linnemanlabs/trustroot/kms/local"
)

// world starts a stand-in and points the SDK's environment at it, as its
// default principal.
func world(t *testing.T, o local.Options) *local.Server {
	t.Helper()
	s, err := local.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	// nothing of the host's own AWS configuration may leak into a test.
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
	as(t, s, local.AccessKeyID)
	return s
}

// as makes clients that are made from here on act as another principal.
func as(t *testing.T, s *local.Server, accessKeyID string) {
	t.Helper()
	for _, pair := range s.EnvFor(accessKeyID) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// Create makes one key.
func (c *Client) Create(ctx context.Context, o CreateOptions) (*Key, error) {
	k, _, err := (&maker{client: c}).make(ctx, o)
	return k, err
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sdk is the SDK's own client for what Client does not do, under the role of
// options where they name one.
func sdk(t *testing.T, o Options) *kms.Client {
	t.Helper()
	return client(t, o).owner
}

func create(t *testing.T, c *Client, alias, algorithm string) *Key {
	t.Helper()
	k, err := c.Create(t.Context(), CreateOptions{Alias: alias, Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// count returns how often each action was called and forgets them.
func count(s *local.Server) map[string]int {
	n := map[string]int{}
	for _, c := range s.Calls() {
		n[c.Action]++
	}
	s.Forget()
	return n
}

func total(n map[string]int) int {
	sum := 0
	for _, calls := range n {
		sum += calls
	}
	return sum
}
