package gate

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// conformance returns the fixtures of sigstore-conformance.
func conformance(t *testing.T) string {
	t.Helper()
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		t.Skip("TRUSTROOT_CORPUS is not set: the fixtures of sigstore-conformance are not here")
	}
	return filepath.Join(corpus, "data", "sigstore-conformance", "bundle-verify")
}

// TestConformance puts every fixture of sigstore-conformance through a policy
// that says of the signer what the suite says. testdata/conformance.txt lists
// those that end otherwise than the suite wants, with the reason; a line too
// many fails as one too few does, so the list only shrinks.
func TestConformance(t *testing.T) {
	dir := conformance(t)
	expected := expectations(t, "testdata/conformance.txt")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		n++
		accepted, why := judgeFixture(t, filepath.Join(dir, e.Name()))
		right := accepted != strings.HasSuffix(e.Name(), "_fail")
		reason, listed := expected[e.Name()]
		delete(expected, e.Name())
		switch {
		case !right && !listed:
			t.Errorf("%s: accepted %v: %v", e.Name(), accepted, why)
		case right && listed:
			t.Errorf("%s ends as the suite wants; remove its line (%s)", e.Name(), reason)
		}
	}
	if n < 60 {
		t.Errorf("only %d fixtures in %s", n, dir)
	}
	for name := range expected {
		t.Errorf("testdata/conformance.txt names %s, which is not a fixture", name)
	}
}

func expectations(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	out := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			name, reason, _ := strings.Cut(line, ": ")
			if reason == "" {
				t.Errorf("%s: a line without a reason: %s", path, line)
			}
			out[name] = reason
		}
	}
	return out
}

// judgeFixture builds the policy of a fixture and judges its bundle.
func judgeFixture(t *testing.T, dir string) (bool, error) {
	t.Helper()
	read := func(name, otherwise string) string {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return strings.TrimSpace(string(data))
		}
		return otherwise
	}
	policy := map[string]any{"version": 2, "rule": "counts", "trust": map[string]string{"file": filepath.Join(dir, "trusted_root.json")}}
	if read("trusted_root.json", "") == "" {
		public, err := filepath.Abs(filepath.Join(os.Getenv("TRUSTROOT_CORPUS"), "data", "trusted-roots", "trusted-root-046.json"))
		if err != nil {
			t.Fatal(err)
		}
		policy["trust"] = map[string]string{"file": public}
	}
	if key := read("key.pub", ""); key != "" {
		policy["keys"], policy["counts"] = []any{map[string]string{"pem": key}}, Counts{Keys: 1}
	} else {
		policy["counts"] = Counts{Keyless: 1}
		policy["keyless"] = []Identity{{
			Issuer:   read("issuer", "https://token.actions.githubusercontent.com"),
			Identity: read("identity", "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"),
		}}
	}
	if e, err := readEvidence(Bundle{Path: filepath.Join(dir, "bundle.sigstore.json")}); err == nil && e.predicate != "" {
		policy["attestations"] = []string{e.predicate}
	}
	data, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePolicy(filepath.Join(dir, "policy.json"), data)
	if err != nil {
		return false, err
	}
	artifact := filepath.Join(dir, "artifact")
	if _, err := os.Stat(artifact); err != nil {
		artifact = filepath.Join(filepath.Dir(dir), "a.txt")
	}
	r, err := Open(t.Context(), p, time.Now()).Verify(t.Context(), Request{Artifact: Artifact{Name: artifact},
		Bundles: []Bundle{{Path: filepath.Join(dir, "bundle.sigstore.json")}}})
	return r.Accepted, err
}

// TestCorpus_GitLab admits what Fulcio issues to a pipeline of your own GitLab, by
// a policy that names its claims, and refuses what the certificate does not say.
func TestCorpus_GitLab(t *testing.T) {
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		t.Skip("TRUSTROOT_CORPUS is not set")
	}
	dir := filepath.Join(corpus, "cases", "gate-gitlab")
	claims := map[string]string{
		"buildTrigger": "push", "sourceRepositoryURI": "https://gitlab.com/infra/app", "sourceRepositoryRef": "refs/tags/v*",
		"buildConfigURI": "https://gitlab.internal.example/infra/app//.gitlab-ci.yml@refs/tags/v*",
	}
	judge := func(claims map[string]string) error {
		data, err := json.Marshal(map[string]any{"version": 2, "trust": Trust{File: "trusted_root.json"}, "keys": []Key{{File: "app.pem"}},
			"keyless": []Identity{{"https://gitlab.internal.example", "https://gitlab.internal.example/infra/app//.gitlab-ci.yml@refs/tags/v*", claims}}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePolicy(filepath.Join(dir, "p.json"), data)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), p, time.Now()).Verify(t.Context(), Request{Artifact: Artifact{Name: filepath.Join(dir, "app")},
			Bundles: []Bundle{{Path: filepath.Join(dir, "key.json")}, {Path: filepath.Join(dir, "keyless.json")}}})
		return err
	}
	if err := judge(claims); err != nil {
		t.Errorf("what GitLab's certificate says: %v", err)
	}
	for name, wrong := range map[string]string{
		"buildTrigger": "schedule", "sourceRepositoryURI": "https://gitlab.internal.example/infra/app",
		"sourceRepositoryRef": "refs/heads/*", "githubWorkflowName": "release",
	} {
		changed := maps.Clone(claims)
		changed[name] = wrong
		if err := judge(changed); err == nil || !strings.Contains(err.Error(), "keyless."+name) {
			t.Errorf("%s as %s: %v", name, wrong, err)
		}
	}
	if _, err := ReadPolicy(filepath.Join(dir, "policy.json")); err == nil || !strings.Contains(err.Error(), "put its trigger, name, repository and ref under claims") {
		t.Errorf("the policy of the first format does not say how it is written now: %v", err)
	}
}
