package kms

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestNew_WithoutACABundle asks in an environment in which the configuration
// names no HTTP client: AWS_CA_BUNDLE is what makes it name one.
func TestNew_WithoutACABundle(t *testing.T) {
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer s.Close()
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "TEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
	c, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Key(t.Context(), "alias/any"); err == nil || !asked {
		t.Fatalf("asked %v: %v", asked, err)
	}
}
