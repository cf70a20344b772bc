package tuf

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// TestVerify_OverHTTP tells a server that gives no answer, or not all of it,
// from one that gives a wrong one, and follows nobody to another host.
func TestVerify_OverHTTP(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "tuf")
	st := openDir(t, dir)
	s, err := StageInit(w.folder(), w.pol, w.targets, day0)
	w.must(err)
	w.publish(w.sign(s, "alice", "bob"), st, day0)
	root, err := st.Read(t.Context(), "1.root.json", maxRoot)
	w.must(err)
	files := http.FileServer(http.Dir(dir))
	other := httptest.NewServer(files)
	t.Cleanup(other.Close)
	gone := httptest.NewServer(files)
	gone.Close()

	for _, c := range []struct {
		name  string
		at    string // the object that is answered otherwise; empty: none
		do    http.HandlerFunc
		code  fault.Code
		words string
	}{
		{name: "as it is", code: 0},
		{name: "a redirect on the same host", at: "/timestamp.json", code: 0, do: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				http.Redirect(w, r, "/timestamp.json?again", http.StatusFound)
				return
			}
			files.ServeHTTP(w, r)
		}},
		{name: "cut metadata", at: "/timestamp.json", code: fault.Failure, words: "EOF", do: cutAnswer},
		{name: "a cut target", at: "/targets/", code: fault.Failure, words: "EOF", do: cutAnswer},
		{name: "a server in trouble", at: "/timestamp.json", code: fault.Failure, words: "503", do: status(http.StatusServiceUnavailable)},
		{name: "wrong metadata", at: "/timestamp.json", code: fault.Verification, do: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }},
		{name: "a wrong target", at: "/targets/", code: fault.Verification, do: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("evil")) }},
		{name: "a wrong target beside cut ones", at: "/targets/", code: fault.Verification, do: func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, TrustedRootName) {
				_, _ = w.Write([]byte("evil"))
				return
			}
			cutAnswer(w, r)
		}},
		{name: "a target that is not there", at: "/targets/", code: fault.Verification, words: "404", do: http.NotFound},
		{name: "an endless timestamp", at: "/timestamp.json", code: fault.Verification, do: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }},
		{name: "a redirect to another host", at: "/timestamp.json", code: fault.Verification, words: "another place", do: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		}},
		{name: "a redirect for ever", at: "/timestamp.json", code: fault.Verification, words: "again and again", do: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.at != "" && strings.HasPrefix(r.URL.Path, c.at) {
					c.do(w, r)
					return
				}
				files.ServeHTTP(w, r)
			}))
			defer server.Close()
			_, err := Verify(t.Context(), server.URL, root, day0)
			if got := fault.ExitCode(err); got != int(c.code) || c.words != "" && !strings.Contains(err.Error(), c.words) {
				t.Errorf("exit code %d, want %d with %q: %v", got, c.code, c.words, err)
			}
		})
	}
	if _, err := Verify(t.Context(), gone.URL, root, day0); fault.ExitCode(err) != int(fault.Failure) {
		t.Errorf("connection refused: %v", err)
	}
}

// cutAnswer ends an answer before its end.
func cutAnswer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "10")
	_, _ = w.Write([]byte("{"))
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}
