package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Call is one request that the stand-in answered.
type Call struct {
	Action    string // "Sign", "GetCallerIdentity"
	Key       string // key ARN where the call named a key that exists, else what it named
	Principal string // ARN; empty for an unknown access key
	Status    int    // HTTP status; 0 when the connection was torn
	Error     string // "AccessDeniedException"; empty on success
}

// Server is a running stand-in.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	done     chan error

	mu       sync.Mutex
	rules    Rules
	store    *store
	calls    []Call
	counter  int
	sessions map[string]session
}

// Start listens and serves until Close, or until ctx ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	st, err := openStore(o)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start the KMS stand-in: %w", err)
	}
	s := &Server{options: o, listener: l, rules: o.Rules, store: st, done: make(chan error, 1), sessions: map[string]session{}}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.logf("KMS stand-in for rehearsals and tests on %s: keys made here are not protected\n", s.URL())
	go func() { s.done <- s.http.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = s.http.Close() })
	return s, nil
}

// URL is the endpoint, "http://127.0.0.1:PORT".
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close stops listening and drops every connection.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.done <- http.ErrServerClosed // so that a second Close returns too
	return err
}

// Calls returns every call so far, in the order of their answers.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Forget empties what Calls returns, for counting from here on.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// SetRules replaces the injected faults and restarts their counts.
func (s *Server) SetRules(r Rules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.counter = r, 0
}

// Env returns the AWS_* variables that point the SDK at the stand-in, in the
// form of os.Environ. The credentials in it are the fake constants.
func (s *Server) Env() []string { return s.EnvFor(AccessKeyID) }

// EnvFor is Env for another access key ID of Options.Principals.
func (s *Server) EnvFor(accessKeyID string) []string {
	return []string{
		"AWS_ENDPOINT_URL_KMS=" + s.URL(),
		"AWS_ENDPOINT_URL_STS=" + s.URL(),
		"AWS_REGION=" + DefaultRegion,
		"AWS_ACCESS_KEY_ID=" + accessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

func (s *Server) logf(format string, args ...any) {
	// a log that cannot be written must not fail a rehearsal.
	_, _ = fmt.Fprintf(s.options.Log, format, args...)
}
