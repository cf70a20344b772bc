package tuf

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

// stranger is go-tuf's updater as others use it: over HTTP, with a cache, from
// the first root only.
func stranger(t *testing.T, url string, rootJSON []byte, cache string) (*updater.Updater, error) {
	t.Helper()
	cfg, err := config.New(url, rootJSON)
	if err != nil {
		t.Fatal(err)
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = cache, filepath.Join(cache, "targets")
	up, err := updater.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	up.UnsafeSetRefTime(day0)
	return up, up.Refresh()
}

func TestFlow_TwoOfThree(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "tuf")
	st := openDir(t, dir)
	s := w.init(day0)
	if err := s.Merge(); err == nil {
		t.Fatal("merged without a signature")
	}
	w.must(signAs(s, "alice", w.keys["alice"]))
	if err := s.Merge(); err == nil || !strings.Contains(err.Error(), "1 more of bob and carol") {
		t.Fatalf("merge with one of two signatures: %v", err)
	}
	if _, err := publishTo(t.Context(), s, st, w.online, w.pol, day0); err == nil {
		t.Fatal("published what is not merged")
	}
	// carol signs another copy of the folder and sends her files
	w.publish(w.sign(s, "carol"), st, day0)

	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	root1 := w.root1(st)
	up, err := stranger(t, server.URL, root1, t.TempDir())
	w.must(err)
	info, err := up.GetTargetInfo("fulcio.crt.pem")
	w.must(err)
	if info.Custom == nil || string(*info.Custom) != `{"sigstore":{"status":"Active","usage":"Fulcio"}}` {
		t.Errorf("custom metadata: %s", *info.Custom)
	}
	_, data, err := up.DownloadTarget(info, "", "")
	w.must(err)
	if string(data) != "certificate\n" {
		t.Errorf("target: %q", data)
	}
	for _, from := range []string{dir, server.URL} {
		r, err := Verify(t.Context(), from, root1, day0)
		w.must(err)
		if len(r.Targets) != 3 || len(r.Warnings) != 0 || r.Roots != 1 {
			t.Errorf("report of %s: %+v", from, r)
		}
		data, err := Fetch(t.Context(), from, root1, TrustedRootName, day0)
		w.must(err)
		if string(data) != `{"trusted":"root"}` {
			t.Errorf("fetched %q from %s", data, from)
		}
	}
	entries, err := os.ReadDir(dir)
	w.must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "1.root.json 1.snapshot.json 1.targets.json 1.timestamp.json targets timestamp.json" {
		t.Errorf("published files: %s", got)
	}
}
