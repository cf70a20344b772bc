package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// signed is an artifact with a bundle, and what a verifier is told of it.
type signed struct {
	artifact, bundle string // files
	issuer, identity string // who signed, keyless
	key              string // file of the public key; empty for keyless
}

// signKeyless has cosign sign as whom a token names. With a home its TUF client
// finds services and trust by itself.
func (w *world) signKeyless(ctx context.Context, name, kind, home string, from *issuer, identity string, claims map[string]any) (signed, error) {
	s, err := w.artifact(name, kind)
	if err != nil {
		return s, err
	}
	s.issuer, s.identity = from.url, identity
	token, err := from.token(claims)
	if err != nil {
		return s, err
	}
	file := s.bundle + ".token"
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return s, err
	}
	return s, w.sign(ctx, s, home, "--identity-token", file)
}

// signEmail signs as a person with an address.
func (w *world) signEmail(ctx context.Context, name, home string) (signed, error) {
	const person = "person@example.com"
	return w.signKeyless(ctx, name, "person", home, w.issuers["login.example.com"], person,
		map[string]any{"sub": "1", "email": person, "email_verified": true})
}

// What the workflow that signs is, to GitHub and in the gate's policy.
const repository, workflowFile, githubHost = "example/deploy", ".github/workflows/release.yml", "token.actions.githubusercontent.com"

// signWorkflow signs as a workflow of a repository, with the claims that
// GitHub's tokens have.
func (w *world) signWorkflow(ctx context.Context, name, kind, trigger, ref string) (signed, error) {
	identity := "https://github.com/" + repository + "/" + workflowFile + "@" + ref
	return w.signKeyless(ctx, name, kind, "", w.issuers[githubHost], identity, github(ref, trigger))
}

// signKey has cosign sign with a key in KMS.
func (w *world) signKey(ctx context.Context, name, key, public string) (signed, error) {
	s, err := w.artifact(name, "key")
	if err != nil {
		return s, err
	}
	s.key = public
	return s, w.sign(ctx, s, "", "--key", key)
}

// sign runs cosign with the trust directory's own files, or with what the TUF
// client in a home has.
func (w *world) sign(ctx context.Context, s signed, home string, args ...string) error {
	args = append([]string{"sign-blob", "--yes", "--bundle", s.bundle}, args...)
	if home == "" {
		home = w.path("home")
		args = append(args, "--signing-config", w.wellKnown("signing-config.json"), "--trusted-root", w.wellKnown("trusted_root.json"))
	}
	_, err := w.command(ctx, []string{"HOME=" + home}, w.cosign, append(args, s.artifact)...)
	return err
}

// artifact makes a file to sign, the same for each kind of bundle.
func (w *world) artifact(name, kind string) (signed, error) {
	s := signed{artifact: w.path("work", name), bundle: w.path("work", name+"."+kind+".sigstore.json")}
	return s, writeOnce(s.artifact, []byte("artifact "+name+"\n"))
}

// other is an artifact that nobody signed, with the bundle of one.
func (s signed) other() (signed, error) {
	s.artifact += ".other"
	return s, writeOnce(s.artifact, []byte("tampered with\n"))
}

// wellKnown is a file that is published; once clients hold another, theirs.
func (w *world) wellKnown(name string) string {
	if w.held != "" {
		return filepath.Join(w.held, name)
	}
	return filepath.Join(w.trust, "trust", ".well-known", name)
}

// cosignWith verifies under a trusted root in a file.
func (w *world) cosignWith(ctx context.Context, trustedRoot string, s signed) error {
	return w.cosignVerify(ctx, w.path("home"), s, "--trusted-root", trustedRoot)
}

// cosignMirror verifies with nothing but what a TUF client has in its home.
func (w *world) cosignMirror(ctx context.Context, home string, s signed) error {
	w.caches.cosign.Lock()
	defer w.caches.cosign.Unlock()
	return w.cosignVerify(ctx, home, s)
}

func (w *world) cosignVerify(ctx context.Context, home string, s signed, args ...string) error {
	_, err := w.command(ctx, []string{"HOME=" + home}, w.cosign, cosignArguments(s, args...)...)
	return err
}

func cosignArguments(s signed, args ...string) []string {
	args = append([]string{"verify-blob", "--use-signed-timestamps", "--bundle", s.bundle}, args...)
	if s.key != "" {
		args = append(args, "--key", s.key)
	} else {
		args = append(args, "--certificate-identity", s.identity, "--certificate-oidc-issuer", s.issuer)
	}
	return append(args, s.artifact)
}

// cosignInitialize makes a home whose TUF client follows our mirror.
func (w *world) cosignInitialize(ctx context.Context, home string) error {
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	_, err := w.command(ctx, []string{"HOME=" + home}, w.cosign, "initialize",
		"--mirror", "https://tuf.example.com", "--root", filepath.Join(w.trust, "tuf", "1.root.json"))
	return err
}

// npmVerify verifies with npm's sigstore, whose TUF client keeps a cache.
func (w *world) npmVerify(ctx context.Context, cache string, s signed) error {
	w.caches.npm.Lock()
	defer w.caches.npm.Unlock()
	args := []string{w.script, w.npm, "https://tuf.example.com", filepath.Join(w.trust, "tuf", "1.root.json"), cache, s.bundle, s.artifact}
	if s.key != "" {
		args = append(args, s.key)
	} else {
		args = append(args, s.issuer, s.identity)
	}
	_, err := w.command(ctx, nil, w.node, args...)
	return err
}

// timestamp asks the TSA that runs, with openssl's question, and has openssl
// judge the answer under the root.
func (w *world) timestamp(ctx context.Context, name, root string) error {
	s, err := w.artifact(name, "timestamp")
	if err != nil {
		return err
	}
	question, answer := s.artifact+".tsq", s.artifact+".tsr"
	if _, err := w.command(ctx, nil, w.openssl, "ts", "-query", "-data", s.artifact, "-cert", "-sha256", "-out", question); err != nil {
		return err
	}
	data, err := os.ReadFile(question)
	if err != nil {
		return err
	}
	said, err := w.post(ctx, "https://tsa.example.com/api/v1/timestamp", "application/timestamp-query", data)
	if err != nil {
		return err
	}
	if err := os.WriteFile(answer, said, 0o600); err != nil {
		return err
	}
	if _, err := w.command(ctx, nil, w.openssl, "ts", "-verify", "-queryfile", question, "-in", answer, "-CAfile", root); err != nil {
		return err
	}
	o, err := s.other()
	if err != nil {
		return err
	}
	_, err = w.command(ctx, nil, w.openssl, "ts", "-verify", "-data", o.artifact, "-in", answer, "-CAfile", root)
	if err := refused(err, "message imprint mismatch"); err != nil {
		return fmt.Errorf("another artifact: %w", err)
	}
	return nil
}

// post asks as the services' clients do, through the proxy.
func (w *world) post(ctx context.Context, to, kind string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	authority, err := os.ReadFile(w.proxy.authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the proxy's authority is not a certificate")
	}
	through, err := url.Parse(w.proxy.url)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyURL(through), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", kind)
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, fmt.Errorf("%s answers %s: %s", to, response.Status, said)
	}
	return said, nil
}
