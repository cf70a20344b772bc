//go:build linux && cgo

package attacks

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// serving starts a server and says in a variable where it is.
func serving(variable string, answer http.HandlerFunc, more ...string) func(*world) {
	return func(w *world) {
		end := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
			select {
			case <-end:
				return
			default:
			}
			answer(out, in)
		}))
		w.Cleanup(func() {
			close(end)
			server.CloseClientConnections()
			server.Close()
		})
		w.env = append(append(w.env, variable+"="+server.URL), more...)
	}
}

func hangs(_ http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	<-in.Context().Done()
}

func drips(out http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	out.Header().Set("Content-Length", "100000")
	for in.Context().Err() == nil {
		_, _ = io.WriteString(out, " ")
		_ = http.NewResponseController(out).Flush()
		time.Sleep(50 * time.Millisecond)
	}
}

func floods(out http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	chunk := strings.Repeat(" ", 1<<20)
	for range 600 {
		if _, err := io.WriteString(out, chunk); err != nil {
			return
		}
	}
}

// endless says of every listing that more follows.
func endless(out http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	out.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = io.WriteString(out, `{"Keys":[],"Aliases":[],"Truncated":true,"NextMarker":"x"}`)
}

// endlessly says of every listing of a bucket that more follows.
func endlessly(out http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	if in.Method == http.MethodGet && !in.URL.Query().Has("list-type") {
		out.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(out, `<Error><Code>NoSuchKey</Code></Error>`)
		return
	}
	_, _ = io.WriteString(out, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>`)
}

// forgets is a bucket that answers 200 and keeps nothing.
func forgets(out http.ResponseWriter, in *http.Request) {
	_, _ = io.Copy(io.Discard, in.Body)
	switch {
	case in.Method == http.MethodPut:
		out.Header().Set("ETag", `"0"`)
	case in.URL.Query().Has("list-type"):
		_, _ = io.WriteString(out, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	default:
		out.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(out, `<Error><Code>NoSuchKey</Code></Error>`)
	}
}

// bucket is what the SDK wants to know beside the address.
var bucket = []string{"AWS_REGION=eu-central-1", "AWS_S3_FORCE_PATH_STYLE=true"}

const place = "s3://bucket/tuf?use_path_style=true"

// TestEndings asks servers that never come to an end. Each command is told to
// end after two seconds, or ends by itself.
func TestEndings(t *testing.T) {
	var rows []row
	for _, signal := range []string{"TERM", "INT"} {
		stop := []string{"timeout", "--foreground", "--preserve-status", "-s", signal, "2"}
		for what, answer := range map[string]http.HandlerFunc{"hangs": hangs, "drips": drips} {
			verify := []string{"-s", "--", `exec "$0" tuf verify "$URL" --root tuf/1.root.json --rehearsal`}
			rows = append(rows,
				row{name: "a KMS that " + what + ", " + signal, do: serving("AWS_ENDPOINT_URL_KMS", answer), under: stop, args: []string{"kms", "list"}, code: 3, within: 8 * time.Second},
				row{name: "a KMS that " + what + " at a refresh, " + signal, do: serving("AWS_ENDPOINT_URL_KMS", answer), under: stop, args: []string{"tuf", "refresh"}, code: 3, within: 8 * time.Second},
				row{name: "a bucket that " + what + ", " + signal, do: serving("AWS_ENDPOINT_URL_S3", answer, bucket...), under: stop, args: []string{"tuf", "refresh", "--to", place}, code: 3, within: 8 * time.Second},
				row{name: "a repository that " + what + ", " + signal, do: serving("URL", answer), under: append(stop, "sh", "-c", verify[2]), code: 3, within: 8 * time.Second})
		}
	}
	rows = append(rows,
		row{name: "a listing of keys without an end", do: serving("AWS_ENDPOINT_URL_KMS", endless), args: []string{"kms", "list"}, code: -1},
		row{name: "an answer of 600 MB from KMS", do: serving("AWS_ENDPOINT_URL_KMS", floods), args: []string{"kms", "list"}, code: -1},
		row{name: "an answer of 600 MB from a bucket", do: serving("AWS_ENDPOINT_URL_S3", floods, bucket...), args: []string{"tuf", "refresh", "--to", place}, code: -1},
		row{name: "a listing of a bucket without an end", do: serving("AWS_ENDPOINT_URL_S3", endlessly, bucket...), args: []string{"tuf", "refresh", "--to", place}, code: 1, words: []string{"the listing has more than 1000 pages"}},
		row{name: "a bucket that keeps nothing", do: serving("AWS_ENDPOINT_URL_S3", forgets, bucket...), args: []string{"tuf", "refresh", "--to", place}, code: 1, words: []string{"not there when it is read back"}},
	)
	play(t, rows)
}

// TestRepository_NoAnswerIsNoWrongOne verifies a URL that gives no answer, a
// cut one, another's or a wrong one.
func TestRepository_NoAnswerIsNoWrongOne(t *testing.T) {
	script := []string{"sh", "-c", `exec "$0" tuf verify "$URL" --root tuf/1.root.json --rehearsal`}
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	tree := func(wrap func(http.Handler) http.HandlerFunc) func(*world) {
		return func(w *world) { serving("URL", wrap(http.FileServer(http.Dir(w.path("tuf")))))(w) }
	}
	plain := func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }
	at := func(name string, answer http.HandlerFunc) func(http.Handler) http.HandlerFunc {
		return func(h http.Handler) http.HandlerFunc {
			return func(out http.ResponseWriter, in *http.Request) {
				if in.URL.Path == name {
					answer(out, in)
					return
				}
				h.ServeHTTP(out, in)
			}
		}
	}
	play(t, []row{
		{name: "as it is", do: tree(plain), under: script, code: 0},
		{name: "nobody answers", do: func(w *world) { w.env = append(w.env, "URL=http://127.0.0.1:9/tuf") }, under: script, code: 1, words: []string{"nothing is said about its content"}},
		{name: "an answer that is cut", under: script, code: 1, words: []string{"nothing is said about its content"}, do: tree(at("/timestamp.json", func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(out, "{")
		}))},
		{name: "a server that is broken", under: script, code: 1, do: tree(at("/timestamp.json", func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusServiceUnavailable) }))},
		{name: "another host", under: script, code: -1, words: []string{"redirect"}, do: tree(at("/timestamp.json", func(out http.ResponseWriter, in *http.Request) {
			http.Redirect(out, in, "http://localhost:"+elsewhere.URL[strings.LastIndex(elsewhere.URL, ":")+1:]+"/timestamp.json", http.StatusFound)
		}))},
		{name: "other bytes", under: script, code: 5, do: tree(at("/timestamp.json", func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, "{}") }))},
	})
}

// TestUmask has what is to be served readable and nothing writable for all,
// whatever the umask.
func TestUmask(t *testing.T) {
	served := func(w *world) {
		for _, folder := range []string{w.path("tuf"), w.path("trust"), w.tmp + "/live"} {
			err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := e.Info()
				if want := map[bool]os.FileMode{true: 0o755, false: 0o644}[e.IsDir()]; err == nil && !strings.HasPrefix(e.Name(), ".") && info.Mode().Perm() != want {
					err = fmt.Errorf("%s has mode %s", path, info.Mode())
				}
				return err
			})
			if err != nil {
				w.Error(err)
			}
		}
	}
	var rows []row
	for _, mask := range []string{"000", "077", "027", "022"} {
		under := []string{"sh", "-c", "umask " + mask + `; exec "$0" "$@"`}
		rows = append(rows,
			row{name: mask + ", a place", under: under, args: []string{"tuf", "refresh", "--to", "{tmp}/live"}, code: 0, check: served},
			row{name: mask + ", trust/ anew", under: under, args: []string{"trusted-root", "build"}, code: 0, do: func(w *world) {
				w.ok("tuf", "refresh", "--to", w.tmp+"/live")
				if err := os.RemoveAll(w.path("trust")); err != nil {
					w.Fatal(err)
				}
			}, check: served})
	}
	play(t, rows)
}

// age has everything of a world be an hour old: what a running command writes
// is left alone.
func age(w *world) {
	w.Helper()
	for _, folder := range []string{w.dir, w.tmp} {
		if out, err := exec.Command("find", folder, "-name", "*.tmp-*", "-exec", "touch", "-d", "1 hour ago", "{}", "+").CombinedOutput(); err != nil {
			w.Fatalf("%v\n%s", err, out)
		}
	}
}

// TestStage_Again stages a change a second time, as after a kill behind its
// last step.
func TestStage_Again(t *testing.T) {
	var rows []row
	for _, args := range [][]string{{"tuf", "stage", "targets", "--renew"}, {"tuf", "stage", "root", "--renew"}} {
		rows = append(rows, row{name: args[2], do: func(w *world) { w.ok(args...) }, args: args, code: 0, words: []string{nextStaged}, check: func(w *world) {
			if _, err := os.Stat(w.path("staged/0003")); err == nil {
				w.Error("it is staged twice")
			}
		}})
	}
	play(t, rows)
}

// TestLeftovers kills commands between writing and renaming: git adds nothing
// of what is left, and the next run takes it away.
func TestLeftovers(t *testing.T) {
	needs.Program(t, "strace")
	for _, args := range [][]string{{"tuf", "refresh", "--to", "{tmp}/live"}, {"trusted-root", "build"}, {"tuf", "stage", "targets", "--renew"}} {
		for _, call := range []string{"fsync", "renameat2"} {
			for n := 1; n <= 7; n += 3 {
				t.Run(fmt.Sprintf("%s %s %d", args[1], call, n), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					if args[1] == "build" {
						if err := os.RemoveAll(w.path("trust")); err != nil {
							t.Fatal(err)
						}
					}
					git := func(args ...string) string {
						cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-C", w.dir}, args...)...)
						out, err := cmd.CombinedOutput()
						if err != nil {
							t.Fatalf("%v\n%s", err, out)
						}
						return string(out)
					}
					git("init", "-q")
					said, code := w.run(row{under: []string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n)}, args: args})
					if code != -1 && code != 137 && code != 0 {
						t.Fatalf("exit code %d\n%s", code, said)
					}
					if _, err := os.Stat(w.path(nextStaged)); args[1] == "stage" && err != nil { // and half of it was on the disk
						w.write("staged/.0002.tmp-abcdefghij/targets/ledger-head.json", []byte(`{"entr`))
					}
					git("add", "-A")
					if added := git("ls-files"); strings.Contains(added, ".tmp-") {
						t.Errorf("git adds\n%s", added)
					}
					age(w)
					w.ok(w.paths(args)...)
					for _, folder := range []string{w.dir, w.tmp} {
						err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
							if err == nil && strings.Contains(filepath.Base(path), ".tmp-") {
								err = fmt.Errorf("%s is left", path)
							}
							return err
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
	}
}
