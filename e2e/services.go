package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// service is what `services render --json` says of one.
type service struct {
	Name       string   `json:"name"`
	Program    string   `json:"program"`
	Generation int      `json:"generation"`
	Key        string   `json:"key"`
	Arguments  []string `json:"arguments"`
	folder     string   // of its rendered files
	store      string   // of a log's entries
}

// render has trustroot write what the services are started with into a new
// folder.
func (w *world) render(ctx context.Context, folder string, args ...string) (map[string]service, error) {
	data, err := w.trustroot(ctx, append([]string{"--json", "services", "render", "--out", w.path(folder)}, args...)...)
	if err != nil {
		return nil, err
	}
	var list []service
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	all := map[string]service{}
	for _, s := range list {
		s.folder, s.store = w.path(folder, s.Name), own
		all[s.Name] = s
	}
	return all, nil
}

// trustroot runs a command in the trust directory.
func (w *world) trustroot(ctx context.Context, args ...string) ([]byte, error) {
	return w.command(ctx, nil, w.programs.trustroot, append([]string{"--dir", w.trust}, args...)...)
}

// hosts of the plan's URLs, by name of the service.
var hosts = map[string]string{
	"fulcio": "fulcio.example.com", "tsa": "tsa.example.com", "rekor": "rekor.example.com", "tesseract": "ctlog.example.com",
}

// launch starts a service as it was rendered, in place of the one of its name
// that runs. Only directories and ports are others, so that the programs run
// without privileges beside each other, and what change says.
func (w *world) launch(ctx context.Context, s service, change ...func([]string) []string) error {
	if old := w.live[s.Name]; old != nil {
		old.stop()
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	program, path := w.program(s.Program), "/"
	args := s.arguments(w, ports)
	switch s.Program {
	case "fulcio":
		path = "/api/v2/trustBundle"
		// its other socket is one of the whole machine
		args = append(args, "--legacy-unix-domain-socket", w.path("fulcio.sock"))
		if err := os.RemoveAll(w.path("fulcio.sock")); err != nil {
			return err
		}
	case "tsa":
		path = "/ping"
	case "rekor":
		path = "/healthz"
		args = append(args, "--checkpoint-interval", "1s") // each entry waits for a checkpoint
	case "tesseract":
		path = prefixOf(args) + "/ct/v1/get-roots"
	}
	for _, c := range change {
		args = c(args)
	}
	var env []string
	if s.Program == "rekor" {
		env = []string{"AWS_ENDPOINT_URL_S3=http://" + w.storage.gateway}
	}
	p, err := w.start(fmt.Sprintf("%s-g%d", s.Name, s.Generation), env, program, args...)
	if err != nil {
		return err
	}
	w.live[s.Name] = p
	base := "http://127.0.0.1:" + ports[0]
	if err := w.route(s, base, args); err != nil {
		return err
	}
	return p.until(ctx, func(ctx context.Context) error { return answers(ctx, base+path) })
}

// begun waits for the first checkpoint of a new log of Rekor's, which takes a
// moment longer than its start.
func (w *world) begun(ctx context.Context, store string) error {
	file := w.path("s3", store, "checkpoint")
	return w.live["rekor"].until(ctx, func(context.Context) error {
		_, err := os.Stat(file)
		return err
	})
}

func (w *world) program(name string) string {
	return map[string]string{"fulcio": w.fulcio, "tsa": w.tsa, "rekor": w.rekor, "tesseract": w.ctlog}[name]
}

// arguments are filled in, and name the log's key in KMS in place of its file.
func (s service) arguments(w *world, ports []string) []string {
	args := s.filled(w, ports)
	if i := slices.Index(args, "-private_key"); i >= 0 {
		args[i], args[i+1] = "-kms_key", s.Key
	}
	return args
}

// filled fills in directories, addresses and ports.
func (s service) filled(w *world, ports []string) []string {
	variables := w.rekorEnv(s.store)
	out := make([]string, 0, len(s.Arguments))
	for i, a := range s.Arguments {
		before := ""
		if i > 0 {
			before = s.Arguments[i-1]
		}
		switch before {
		case "--port", "--http-port":
			a = ports[0]
		case "--grpc-port":
			a = ports[1%len(ports)]
		case "--metrics-port", "--http-metrics-port":
			a = ports[2%len(ports)]
		case "-http_endpoint":
			a = "127.0.0.1:" + ports[0]
		case "-storage_dir":
			a = w.path("ctlog", s.store)
		}
		a = strings.NewReplacer("{dir}", s.folder, "{host}", "127.0.0.1").Replace(a)
		out = append(out, os.Expand(a, func(name string) string { return variables[name] }))
	}
	return out
}

// value is what follows a flag.
func value(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// prefixOf is the path below which a CT log answers, empty for one at the root of
// its host.
func prefixOf(args []string) string { return strings.TrimRight("/"+value(args, "-path_prefix"), "/") }

// with replaces what follows a flag.
func with(flag, value string) func([]string) []string {
	return func(args []string) []string {
		args = slices.Clone(args)
		if i := slices.Index(args, flag); i >= 0 {
			args[i+1] = value
		}
		return args
	}
}

// route has the service's host lead to it. Both logs take entries by their
// programs and are read from their storage, by a web server or the bucket.
func (w *world) route(s service, base string, args []string) error {
	target, err := url.Parse(base)
	if err != nil {
		return err
	}
	host, ok := hosts[s.Name]
	if !ok {
		return errors.New("the plan has no host of " + s.Name)
	}
	server := httputil.NewSingleHostReverseProxy(target)
	server.ErrorLog = log.New(io.Discard, "", 0) // who asked is told
	mux := http.NewServeMux()
	mux.Handle("/", server)
	switch s.Program {
	case "rekor":
		files := http.StripPrefix("/api/v2", http.FileServer(http.Dir(w.path("s3", value(args, "--aws-bucket")))))
		mux.Handle("GET /api/v2/checkpoint", files)
		mux.Handle("GET /api/v2/tile/", files)
	case "tesseract":
		prefix := prefixOf(args)
		files := http.StripPrefix(prefix, http.FileServer(http.Dir(value(args, "-storage_dir"))))
		for _, name := range []string{"checkpoint", "tile/", "issuer/"} {
			mux.Handle("GET "+prefix+"/"+name, files)
		}
	}
	w.proxy.set(host, mux)
	return nil
}

// publish serves what verifiers fetch: the TUF repository and the copies that
// a web server holds.
func (w *world) publish() {
	w.proxy.set("tuf.example.com", http.FileServer(http.Dir(filepath.Join(w.trust, "tuf"))))
	w.proxy.set("trust.example.com", http.FileServer(http.Dir(filepath.Join(w.trust, "trust"))))
}
