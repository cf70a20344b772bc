package gate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

// scene is a host that is about to run an artifact.
type scene struct {
	*world
	dir string
}

var app = []byte("the application\n")

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{world: newWorld(t), dir: t.TempDir()}
	s.write("app", app)
	s.write("trusted_root.json", s.trustedRoot())
	pem, err := pki.EncodePublicKey(s.appKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.write("app.pem", pem)
	spki, err := pki.SPKISHA256(s.appKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.policy(Policy{
		Version: 2,
		Trust:   Trust{File: "trusted_root.json"},
		Keys:    []Key{{File: "app.pem", SPKISHA256: spki}},
		Keyless: []Identity{{
			Issuer:   "https://token.actions.example.com",
			Identity: "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*",
			Claims: map[string]string{"buildTrigger": "push", "githubWorkflowName": "release",
				"sourceRepositoryURI": "https://github.com/example/app", "sourceRepositoryRef": "refs/tags/v*"},
		}},
	})
	s.write("key.json", s.whole(s.byKey(s.appKey, app)))
	s.write("keyless.json", s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)))
	return s
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

func (s *scene) write(name string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) policy(p Policy) {
	s.t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("policy.json", data)
}

// verify judges the artifact with the named bundles.
func (s *scene) verify(bundles ...string) (*Report, error) {
	s.t.Helper()
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var given []Bundle
	for _, b := range bundles {
		given = append(given, Bundle{Path: s.path(b)})
	}
	return Open(s.t.Context(), p, time.Now()).Verify(s.t.Context(), Request{Artifact: Artifact{Name: s.path("app")}, Bundles: given})
}

// refused judges with both bundles and demands that exactly these checks fail.
func (s *scene) refused(want ...string) {
	s.t.Helper()
	s.refusedWith([]string{"key.json", "keyless.json"}, want...)
}

func (s *scene) refusedWith(bundles []string, want ...string) {
	s.t.Helper()
	r, err := s.verify(bundles...)
	if fault.ExitCode(err) != int(fault.Verification) {
		s.t.Fatalf("exit code %d of %v, want 5", fault.ExitCode(err), err)
	}
	var failed []string
	for _, c := range r.Failures() {
		failed = append(failed, c.ID())
		if !strings.Contains(err.Error(), c.ID()) {
			s.t.Errorf("the error does not name %s: %v", c.ID(), err)
		}
	}
	if !slices.Equal(failed, want) || r.Accepted {
		s.t.Errorf("failed %v, want %v: %v", failed, want, err)
	}
}

func TestVerify_BothBundlesGood(t *testing.T) {
	s := newScene(t)
	for _, order := range [][]string{{"key.json", "keyless.json"}, {"keyless.json", "key.json"}} {
		r, err := s.verify(order...)
		if err != nil || !r.Accepted {
			t.Fatalf("%v: %v", order, err)
		}
		for _, c := range r.Checks {
			if c.State != Passed {
				t.Errorf("%s is %s", c, c.State)
			}
		}
		if len(r.Bundles) != 2 || r.Bundles[0].Signed == nil || r.Bundles[1].Signed == nil {
			t.Errorf("bundles without a signed time: %+v", r.Bundles)
		}
	}
}

func TestVerify_OneOfSeveralKeysIsEnough(t *testing.T) {
	s := newScene(t)
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := pki.EncodePublicKey(s.otherAppKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	p.Keys = append([]Key{{PEM: string(old)}}, p.Keys...)
	s.policy(*p)
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
}

func TestVerify_OtherKey(t *testing.T) {
	s := newScene(t)
	s.write("key.json", s.whole(s.byKey(s.otherAppKey, app)))
	s.refused("key.signature")
}

func TestVerify_KeyFileSwapped(t *testing.T) {
	s := newScene(t)
	other, err := pki.EncodePublicKey(s.otherAppKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.write("app.pem", other)
	s.refused("key.pin")
}

// keylessOf replaces the keyless bundle by one of another workflow.
func (s *scene) keylessOf(change func(*workflow)) {
	s.t.Helper()
	f := release()
	change(&f)
	s.write("keyless.json", s.whole(s.keyless(s.leaf(f, time.Now().Add(-time.Minute)), app)))
}

func TestVerify_OtherRepository(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.repository = "example/fork" })
	s.refused("keyless.sourceRepositoryURI")
}

func TestVerify_BranchInsteadOfTag(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.ref = "refs/heads/main" })
	s.refused("keyless.sourceRepositoryRef")
}

func TestVerify_BranchInIdentityToo(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) {
		f.ref = "refs/heads/main"
		f.identity = "https://github.com/example/app/.github/workflows/release.yml@refs/heads/main"
	})
	s.refused("keyless.identity", "keyless.sourceRepositoryRef")
}

func TestVerify_PullRequestTrigger(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.trigger = "pull_request" })
	s.refused("keyless.buildTrigger")
}

func TestVerify_OtherWorkflowName(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.name = "nightly" })
	s.refused("keyless.githubWorkflowName")
}

func TestVerify_OtherIssuer(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.issuer = "https://login.example.com" })
	s.refused("keyless.issuer")
}

func TestVerify_ExpiredCertificateWithoutTimestamp(t *testing.T) {
	s := newScene(t)
	signature := s.keyless(s.leaf(release(), time.Now().Add(-time.Hour)), app)
	s.write("keyless.json", s.bundle(signature, s.entry(signature), nil))
	s.refused("keyless.timestamp")
}

func TestVerify_SignedAfterTheCertificateExpired(t *testing.T) {
	s := newScene(t)
	s.write("keyless.json", s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Hour)), app)))
	s.refused("keyless.certificate")
}

func TestVerify_KeyBundleWithoutTimestamp(t *testing.T) {
	s := newScene(t)
	signature := s.byKey(s.appKey, app)
	s.write("key.json", s.bundle(signature, s.entry(signature), nil))
	s.refused("key.timestamp")
}

func TestVerify_OneBundleMissing(t *testing.T) {
	s := newScene(t)
	s.refusedWith([]string{"key.json"}, "keyless.bundle")
	s.refusedWith([]string{"keyless.json"}, "key.bundle")
	s.refusedWith([]string{"key.json", "key.json"}, "keyless.bundle")
	s.refusedWith(nil, "key.bundle", "keyless.bundle")
}

func TestVerify_ArtifactChanged(t *testing.T) {
	s := newScene(t)
	s.write("app", []byte("another application\n"))
	s.refused("key.artifact", "keyless.artifact")
}

func TestVerify_ArtifactGone(t *testing.T) {
	s := newScene(t)
	if err := os.Remove(s.path("app")); err != nil {
		t.Fatal(err)
	}
	s.refused("artifact")
}

func TestVerify_LogEntryOfAnotherArtifact(t *testing.T) {
	s := newScene(t)
	cert := s.leaf(release(), time.Now().Add(-time.Minute))
	good, other := s.keyless(cert, app), s.keyless(cert, []byte("something else"))
	s.write("keyless.json", s.bundle(good, s.entry(other), s.stamp(good.sig)))
	s.refused("keyless.log")
	byKey, another := s.byKey(s.appKey, app), s.byKey(s.appKey, []byte("something else"))
	s.write("keyless.json", s.whole(good))
	s.write("key.json", s.bundle(byKey, s.entry(another), s.stamp(byKey.sig)))
	s.refused("key.log")
}

func TestVerify_NoLogEntry(t *testing.T) {
	s := newScene(t)
	signature := s.byKey(s.appKey, app)
	s.write("key.json", s.bundle(signature, nil, s.stamp(signature.sig)))
	s.refused("key.log")
}

func TestVerify_OtherFulcio(t *testing.T) {
	s := newScene(t)
	s.caCert = s.authority("Fulcio", s.caKey, s.rootCert, s.rootKey, nil) // not the one of the trusted root
	s.caKey = testpki.Key(t, s.caKey.Curve)
	s.caCert = s.authority("Fulcio", s.caKey, s.rootCert, s.rootKey, nil)
	s.write("keyless.json", s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)))
	s.refused("keyless.certificate")
}

func TestVerify_OtherCTLog(t *testing.T) {
	s := newScene(t)
	s.ctKey = testpki.Key(t, s.ctKey.Curve)
	s.write("keyless.json", s.whole(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)))
	s.refused("keyless.sct")
}

func TestVerify_NoTrustedRoot(t *testing.T) {
	s := newScene(t)
	s.write("trusted_root.json", []byte(`{}`))
	s.refused("trust")
}

func TestVerify_BrokenBundle(t *testing.T) {
	s := newScene(t)
	s.write("key.json", []byte(`{"mediaType":"x"}`))
	s.refused("bundle")
	s.write("key.json", []byte(`{"verificationMaterial":{"publicKey":{}}}`))
	s.refused("key.bundle")
	s.refusedWith([]string{"key.json"}, "key.bundle", "keyless.bundle")
}

func TestReport_LogIsOneLineThatNamesTheThing(t *testing.T) {
	s := newScene(t)
	s.keylessOf(func(f *workflow) { f.trigger = "pull_request" })
	r, err := s.verify("key.json", "keyless.json")
	if err == nil {
		t.Fatal("accepted")
	}
	var out bytes.Buffer
	if err := r.Log(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %s", out.String())
	}
	var line struct {
		Level  string
		Msg    string
		Failed []string
		Checks []Check
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Level != "ERROR" || line.Msg != "artifact refused" || !slices.Equal(line.Failed, []string{"keyless.buildTrigger"}) || len(line.Checks) < 10 {
		t.Errorf("%+v", line)
	}
}

func TestReport_ExplainShowsEveryCheck(t *testing.T) {
	s := newScene(t)
	r, err := s.verify("key.json", "keyless.json")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := out.WriteString(r.Explain()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"accepted", "keyless.sourceRepositoryRef: refs/tags/v1.2.3", "key.log", "keyless.sct", "signed (keyless)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
