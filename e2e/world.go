package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// programs are the files of what runs.
type programs struct {
	trustroot, kms, ctlog, measure     string // ours; kms serves others' handlers
	fulcio, tsa, rekor, posix, gateway string // as upstream builds them
	omniwitness                        string // a witness, as upstream builds it
	cosign, node, npm, script          string // npm is the folder of its packages, script what node runs
	consumers                          string // go-spiffe, which judges what SPIRE is given
	mariadb, installDatabase, openssl  string // Debian's
	source, release                    string // folder of the repository; of a release, or empty
}

// world is everything that runs, and where.
type world struct {
	programs
	dir     string // all that is written, removed at the end
	trust   string // the rehearsal's trust directory
	held    string // folder of what clients hold, where that is not what is there
	marker  string // stands in the environment of everything that was started
	kmsURL  string
	proxy   *proxy
	issuers map[string]*issuer // by host
	storage storage
	running []*process
	live    map[string]*process // by name of the service
	starts  int
	caches  struct{ cosign, npm sync.Mutex } // their files are not written at once
	remark  func(string)                     // tells a number beside the checks
}

// access are the credentials of every stand-in.
const access, secret, region = "E2E", "not-a-secret", "eu-west-1"

func newWorld(p programs, dir, marker string) (*world, error) {
	w := &world{programs: p, dir: dir, trust: filepath.Join(dir, "trust"), marker: marker, issuers: map[string]*issuer{}, live: map[string]*process{}}
	for _, name := range []string{"logs", "home", "tmp", "work"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	w.proxy, err = startProxy(filepath.Join(dir, "proxy.pem"))
	return w, err
}

// markerName is the variable that tells what this program started.
const markerName = "TRUSTROOT_E2E"

// env is the environment of every program: nothing of the caller's but the
// path, and the way to the outside through the proxy alone.
func (w *world) env() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "NO_COLOR=1", markerName + "=" + w.marker,
		"HOME=" + filepath.Join(w.dir, "home"), "TMPDIR=" + filepath.Join(w.dir, "tmp"),
		"HTTPS_PROXY=" + w.proxy.url, "HTTP_PROXY=" + w.proxy.url, "NO_PROXY=127.0.0.1,localhost",
		"SSL_CERT_FILE=" + w.proxy.authority, "NODE_EXTRA_CA_CERTS=" + w.proxy.authority,
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + access, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent",
	}
	if w.kmsURL != "" {
		env = append(env, "AWS_ENDPOINT_URL_KMS="+w.kmsURL, "AWS_ENDPOINT_URL_STS="+w.kmsURL)
	}
	return env
}

// path is a file below the folder of all that is written.
func (w *world) path(names ...string) string {
	return filepath.Join(append([]string{w.dir}, names...)...)
}

// close stops what runs.
func (w *world) close() {
	var all sync.WaitGroup
	for _, p := range w.running {
		all.Go(p.stop)
	}
	all.Wait()
	w.proxy.close()
}

// startKMS serves others' KMS on loopback.
func (w *world) startKMS(ctx context.Context) error {
	if err := os.Mkdir(w.path("kms"), 0o700); err != nil {
		return err
	}
	p, err := w.start("kms", nil, w.kms, "serve", w.path("kms"))
	if err != nil {
		return err
	}
	return p.until(ctx, func(context.Context) error {
		data, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		url, _, ok := strings.Cut(string(data), "\n")
		if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
			return errors.New("it prints no URL")
		}
		w.kmsURL = url
		return nil
	})
}

// freePorts are ports of loopback that nobody listened on a moment ago.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck,gocritic // every port is held until all are found
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// answers wants a URL on loopback to answer with anything but a server's error.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody) //nolint:gosec // on loopback
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request) //nolint:gosec // on loopback
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
