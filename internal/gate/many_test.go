package gate

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// descend writes a blob into a layout and describes it.
func (s *scene) descend(mediaType string, content any) descriptor {
	s.t.Helper()
	data, ok := content.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(content); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.MkdirAll(s.path("layout/blobs/sha256"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.write("layout/blobs/sha256/"+digest.Hex(data), data)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest.Hex(data), Size: int64(len(data))}
}

const imageManifest = "application/vnd.oci.image.manifest.v1+json"

func TestReadLayout(t *testing.T) {
	s := newScene(t)
	image := s.descend(imageManifest, map[string]any{"schemaVersion": 2, "layers": []any{}})
	manifestBytes, err := os.ReadFile(s.path("layout/blobs/sha256/" + strings.TrimPrefix(image.Digest, "sha256:")))
	if err != nil {
		t.Fatal(err)
	}
	signature := s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), manifestBytes))
	attach := func(subject descriptor) descriptor {
		return s.descend(imageManifest, map[string]any{"schemaVersion": 2, "artifactType": bundleType + ".v0.3+json", "subject": subject,
			"layers": []descriptor{s.descend(bundleType+".v0.3+json", signature)}})
	}
	other := s.descend(imageManifest, map[string]any{"schemaVersion": 2, "annotations": map[string]string{"other": "image"}})
	index := func(all ...descriptor) {
		data, err := json.Marshal(manifest{Manifests: all})
		if err != nil {
			t.Fatal(err)
		}
		s.write("layout/index.json", data)
	}
	s.with(func(p *Policy) { p.Rule = ruleAny })
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(digest string) error {
		a, bundles, err := ReadLayout(s.path("layout"), digest)
		if err != nil {
			return err
		}
		_, err = Open(t.Context(), p, time.Now()).Verify(t.Context(), Request{a, bundles})
		return err
	}
	index(image, attach(image))
	if err := judge(""); err != nil {
		t.Errorf("an image with its bundle: %v", err)
	}
	list := s.descend("application/vnd.oci.image.index.v1+json", manifest{Manifests: []descriptor{attach(image)}})
	list.Annotations = map[string]string{"org.opencontainers.image.ref.name": strings.Replace(image.Digest, ":", "-", 1)}
	index(image, list)
	if err := judge(""); err != nil {
		t.Errorf("a bundle in a tagged list of referrers: %v", err)
	}
	index(image, other, attach(image))
	if err := judge(""); err == nil || !strings.Contains(err.Error(), "holds 2 images") {
		t.Errorf("two images and none named: %v", err)
	}
	if err := judge(image.Digest); err != nil {
		t.Errorf("the named one of two: %v", err)
	}
	if err := judge(other.Digest); err == nil || !strings.Contains(err.Error(), "no bundle was given") {
		t.Errorf("the image without a bundle: %v", err)
	}
	index(other, attach(other))
	if err := judge(""); err == nil || !strings.Contains(err.Error(), "signs another artifact") {
		t.Errorf("another image's bundle: %v", err)
	}
	index(image, attach(image))
	s.write("layout/blobs/sha256/"+strings.TrimPrefix(image.Digest, "sha256:"), []byte("{}"))
	if err := judge(""); err == nil || !strings.Contains(err.Error(), "other bytes than its digest") {
		t.Errorf("a blob that was changed: %v", err)
	}
}

func TestGate_EachKeepsOrderAndFindsBundlesBeside(t *testing.T) {
	s := newScene(t)
	s.write("app.key.sigstore.json", s.whole(s.byKey(s.appKey, app)))
	s.write("app.keyless.sigstore.json", s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)))
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := Open(t.Context(), p, time.Now())
	requests := func(yield func(Request, error) bool) {
		for i := range 20 {
			name := s.path("app")
			bundles, err := Beside(name)
			if i%3 == 0 {
				name = s.path("trusted_root.json")
			}
			if !yield(Request{Artifact{Name: name}, bundles}, err) {
				return
			}
		}
	}
	n := 0
	if err := g.Each(t.Context(), requests, func(v Verdict) error {
		if v.Report.Accepted != (n%3 != 0) || (v.Err == nil) != v.Report.Accepted {
			t.Errorf("artifact %d: %v", n, v.Err)
		}
		n++
		return nil
	}); err != nil || n != 20 {
		t.Errorf("%d verdicts: %v", n, err)
	}
	broken := errors.New("broken list")
	if err := g.Each(t.Context(), func(yield func(Request, error) bool) { yield(Request{}, broken) }, func(Verdict) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("a list that breaks: %v", err)
	}
	if err := g.Each(t.Context(), requests, func(Verdict) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a reader that stops: %v", err)
	}
}

// TestSealed_RunsWhatWasJudged changes the file between the check and the run.
func TestSealed_RunsWhatWasJudged(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sealed memory files are Linux's")
	}
	if os.Getenv("SEALED_ARTIFACT") != "" {
		runSealed(t)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "app")
	program, err := exec.LookPath("echo")
	if err != nil {
		t.Skip(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSealed_RunsWhatWasJudged$")
	cmd.Env = append(os.Environ(), "SEALED_ARTIFACT="+path, fmt.Sprintf("SEALED_SUM=%x", sha256.Sum256(data)))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "the judged program" {
		t.Errorf("it ran otherwise: %v\n%s", err, out)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(t.Context(), script); err == nil || !strings.Contains(err.Error(), "is a script") {
		t.Errorf("a script is sealed: %v", err)
	}
}

func runSealed(t *testing.T) {
	t.Helper()
	path := os.Getenv("SEALED_ARTIFACT")
	sealed, err := Seal(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another program"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Artifact{Name: path, Sealed: sealed}.digest(t.Context(), nil)
	if err != nil || d.sha256() != os.Getenv("SEALED_SUM") {
		t.Fatalf("the sealed bytes are others: %v", err)
	}
	if err := sealed.overwrite(); err == nil {
		t.Fatal("a sealed file takes writes")
	}
	t.Fatal(sealed.Exec([]string{"app", "the judged program"}, os.Environ()))
}
