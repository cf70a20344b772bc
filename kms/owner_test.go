package kms

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
)

// stepsOf are the steps of an organization's trust directory.
func stepsOf(t *testing.T, organization, directory string) []Step {
	t.Helper()
	p := twoApps()
	p.Organization = organization
	steps, err := Missing(p, MissingOptions{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestCreate_NeverTakesAnothersKey: another organization, another trust
// directory of the same, keys without our tags, and a planted key whose policy
// lets a stranger's account sign.
func TestCreate_NeverTakesAnothersKey(t *testing.T) {
	const stranger = `{"Version":"2012-10-17","Statement":[
		{"Sid":"own","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Sid":"them","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::666677778888:root"},"Action":"kms:Sign","Resource":"*"}]}`
	plant := func(tags map[string]string, policy string, alias bool) func(*testing.T, *Client) {
		return func(t *testing.T, _ *Client) {
			t.Helper()
			in := &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify}
			for name, value := range tags {
				in.Tags = append(in.Tags, types.Tag{TagKey: aws.String(name), TagValue: aws.String(value)})
			}
			if policy != "" {
				in.Policy = aws.String(policy)
			}
			c := sdk(t, Options{})
			out, err := c.CreateKey(t.Context(), in)
			if err == nil && alias {
				_, err = c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/trustroot/apps/mail/g1"), TargetKeyId: out.KeyMetadata.Arn})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	own := map[string]string{TagAlias: "alias/trustroot/apps/mail/g1", TagOrganization: "example.org", TagDirectory: "aa"}
	for name, c := range map[string]struct {
		before func(*testing.T, *Client)
		words  string
	}{
		"another organization's": {func(t *testing.T, c *Client) {
			t.Helper()
			if _, err := c.CreateMissing(t.Context(), stepsOf(t, "example.net", "aa")); err != nil {
				t.Fatal(err)
			}
		}, `trustroot:organization="example.net", not "example.org"`},
		"another directory's": {func(t *testing.T, c *Client) {
			t.Helper()
			if _, err := c.CreateMissing(t.Context(), stepsOf(t, "example.org", "bb")); err != nil {
				t.Fatal(err)
			}
		}, `trustroot:directory="bb", not "aa"`},
		"without tags":            {plant(nil, "", true), `trustroot:organization="", not "example.org"`},
		"planted under our tags":  {plant(own, stranger, false), `names "arn:aws:iam::666677778888:root"`},
		"planted under our alias": {plant(own, stranger, true), `names "arn:aws:iam::666677778888:root"`},
		"for everybody":           {plant(own, strings.ReplaceAll(stranger, `{"AWS":"arn:aws:iam::666677778888:root"}`, `"*"`), true), `names "*"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := world(t, local.Options{})
			client := client(t, Options{})
			c.before(t, client)
			s.Forget()
			steps := stepsOf(t, "example.org", "aa")
			_, _, err := client.Existing(t.Context(), steps)
			_, createErr := client.CreateMissing(t.Context(), steps)
			for _, err := range []error{err, createErr} {
				if err == nil || !strings.Contains(err.Error(), c.words) || fault.ExitCode(err) != int(fault.Verification) {
					t.Errorf("got %v", err)
				}
			}
			if n := count(s); n["CreateKey"]+n["CreateAlias"]+n["PutKeyPolicy"] != 0 {
				t.Errorf("something was made: %v", n)
			}
		})
	}
	t.Run("our own", func(t *testing.T) {
		s := world(t, local.Options{})
		client := client(t, Options{})
		steps := stepsOf(t, "example.org", "aa")
		for range 2 {
			if made, err := client.CreateMissing(t.Context(), steps); err != nil || len(made) != 2 {
				t.Fatalf("%v, %v", made, err)
			}
		}
		if n := count(s); n["CreateKey"] != 2 {
			t.Errorf("made %v", n)
		}
	})
}

// hurried shortens the bounds in time.
func hurried(t *testing.T) {
	t.Helper()
	attempt, whole := attemptTime, callTime
	attemptTime, callTime = 300*time.Millisecond, time.Second
	t.Cleanup(func() { attemptTime, callTime = attempt, whole })
}

// TestCalls_AreBounded: an endpoint that never answers, one that drips, one
// without end, one that sends on to another host, a list without end.
func TestCalls_AreBounded(t *testing.T) {
	hurried(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		words  string
	}{
		"never": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "ListAliases: "},
		"drip": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "ListAliases: "},
		"flood": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		}, "ListAliases: "},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "ListAliases: "},
		"list without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_, _ = w.Write([]byte(`{"Aliases":[],"NextMarker":"` + time.Now().Format(time.StampNano) + `","Truncated":true}`))
		}, "more than 1000 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := c.answer
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // only then is the caller's end seen
				answer(w, r)
			}))
			defer server.Close()
			defer server.CloseClientConnections()
			world(t, local.Options{})
			t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
			client := client(t, Options{MaxBackoff: time.Millisecond})
			begun := time.Now()
			_, err := client.Aliases(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v", err)
			}
			if code := fault.ExitCode(err); code != int(fault.Device) && code != int(fault.Verification) {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	// a port that takes connections and says nothing
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://"+listener.Addr().String())
	begun := time.Now()
	if _, err := client(t, Options{MaxBackoff: time.Millisecond}).Aliases(context.Background()); err == nil || time.Since(begun) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begun))
	}
}
