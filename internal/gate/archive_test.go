package gate

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

var update = flag.Bool("update", false, "sign the archived bundles anew")

const archive = "testdata/archive"

// writeArchive keeps one scene, with bundles that must be refused beside the
// good ones.
func writeArchive(t *testing.T) {
	t.Helper()
	s := newScene(t)
	s.write("other-key.json", s.whole(s.byKey(s.otherAppKey, app)))
	for name, change := range map[string]func(*workflow){
		"other-repository.json": func(f *workflow) { f.repository = "example/fork" },
		"branch.json":           func(f *workflow) { f.ref = "refs/heads/main" },
		"pull-request.json":     func(f *workflow) { f.trigger = "pull_request" },
	} {
		f := release()
		change(&f)
		s.write(name, s.whole(s.keyless(s.leaf(f, time.Now().Add(-time.Minute)), app)))
	}
	late := s.keyless(s.leaf(release(), time.Now().Add(-time.Hour)), app)
	s.write("no-timestamp.json", s.bundle(late, s.entry(late), nil))
	good := s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)
	other := s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), []byte("something else"))
	s.write("other-entry.json", s.bundle(good, s.entry(other), s.stamp(good.sig)))
	if err := os.RemoveAll(archive); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(archive, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
}

// TestVerify_Archived holds that what was signed on one day verifies on any
// later one: every certificate in it has expired since, the trusted root and
// the signed times have not changed.
func TestVerify_Archived(t *testing.T) {
	if *update {
		writeArchive(t)
	}
	p, err := ReadPolicy(filepath.Join(archive, "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(byKey, keyless string) error {
		_, err := Open(t.Context(), p, time.Now()).Verify(t.Context(), Request{Artifact: Artifact{Name: filepath.Join(archive, "app")},
			Bundles: []Bundle{{Path: filepath.Join(archive, byKey)}, {Path: filepath.Join(archive, keyless)}}})
		return err
	}
	if err := judge("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
	if code := fault.ExitCode(judge("other-key.json", "keyless.json")); code != int(fault.Verification) {
		t.Errorf("another key: exit code %d", code)
	}
	for _, name := range []string{"other-repository", "branch", "pull-request", "no-timestamp", "other-entry"} {
		if code := fault.ExitCode(judge("key.json", name+".json")); code != int(fault.Verification) {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}
