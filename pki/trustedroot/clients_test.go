package trustedroot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// bundles are what the services of the test world signed before, during and
// after their renewal.
func (w *world) bundles(t *testing.T) []judge.Bundle {
	t.Helper()
	return []judge.Bundle{w.sign(t, "before", 1, before), w.sign(t, "during", 1, dayTwo.AddDate(0, 0, 14)), w.sign(t, "after", 2, after)}
}

// verdict is what a client does with a file: whether it loads it, and whether it
// then verifies every bundle.
type verdict struct {
	effect finding.Effect
	why    string
}

// askGo returns what sigstore-go does.
func askGo(t *testing.T, data []byte, bundles []judge.Bundle) verdict {
	t.Helper()
	tr, err := judge.Check(data)
	if err != nil {
		return verdict{Refuses, err.Error()}
	}
	var failed []string
	for _, b := range bundles {
		entity := &bundle.Bundle{}
		if err := entity.UnmarshalJSON(b.Data); err != nil {
			t.Fatal(err)
		}
		if err := judge.VerifyBundle(tr, entity, nil); err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", b.Name, err))
		}
	}
	if len(failed) > 0 {
		return verdict{Rejects, strings.Join(failed, "; ")}
	}
	return verdict{effect: Accepts}
}

// sample is a file and the bundles to verify with it.
type sample struct {
	data    []byte
	bundles []judge.Bundle
}

// npmFolder is where scripts/clients-conformance installs npm's sigstore.
func npmFolder() string {
	if dir := os.Getenv("TRUSTROOT_NPM"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "trustroot", "npm")
}

// nodePath returns the Node that runs it: the one that the script found or
// installed, or the machine's.
func nodePath() string {
	if path := os.Getenv("TRUSTROOT_NODE"); path != "" {
		return path
	}
	path, err := exec.LookPath("node")
	if err != nil {
		return ""
	}
	return path
}

// askJS returns what npm's sigstore does with each sample, or nil where it is
// not installed: what findings say of it is then not put to the test.
func askJS(t *testing.T, samples map[string]sample) map[string]verdict {
	t.Helper()
	if _, err := os.Stat(filepath.Join(npmFolder(), "node_modules", "sigstore")); err != nil || nodePath() == "" {
		return nil
	}
	dir := t.TempDir()
	for name, s := range samples {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{"trusted_root.json": s.data}
		for _, b := range s.bundles {
			files[b.Name], files[b.Name+".sigstore.json"] = artifact(b.Name), b.Data
		}
		for file, data := range files {
			if err := os.WriteFile(filepath.Join(folder, file), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	var complaints bytes.Buffer
	cmd := exec.Command(nodePath(), filepath.Join("..", "..", "scripts", "conformance", "clients", "judge.mjs"), npmFolder(), dir)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaints.String())
	}
	var said map[string]struct {
		Load    string            `json:"load"`
		Bundles map[string]string `json:"bundles"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]verdict{}
	for name, s := range said {
		v := verdict{effect: Accepts}
		if s.Load != "" {
			v = verdict{Refuses, s.Load}
		}
		for _, b := range slices.Sorted(maps.Keys(s.Bundles)) {
			if reason := s.Bundles[b]; reason != "" {
				v = verdict{Rejects, strings.TrimPrefix(v.why+"; "+b+": "+reason, "; ")}
			}
		}
		verdicts[name] = v
	}
	if len(verdicts) != len(samples) {
		t.Fatalf("sigstore-js judged %d of %d files", len(verdicts), len(samples))
	}
	return verdicts
}

// cosignPath returns the cosign that scripts/clients-conformance builds, or
// nothing.
func cosignPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TRUSTROOT_COSIGN"); path != "" {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(cache, "trustroot", "cosign-v*[0-9]"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// askCosign returns what cosign does with each sample, whose bundles are those of
// a world's signer, or nil where it is not installed.
func askCosign(t *testing.T, w *world, samples map[string]sample) map[string]verdict {
	t.Helper()
	cosign := cosignPath(t)
	if cosign == "" {
		return nil
	}
	verdicts := map[string]verdict{}
	for name, s := range samples {
		dir := t.TempDir()
		write := func(file string, data []byte) string {
			path := filepath.Join(dir, file)
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		trust := write("trusted_root.json", s.data)
		v := verdict{effect: Accepts}
		for _, b := range s.bundles {
			args := []string{"verify-blob", "--trusted-root", trust, "--bundle", write(b.Name+".sigstore.json", b.Data),
				"--certificate-identity", w.identity(), "--certificate-oidc-issuer", testIssuer}
			if bytes.Contains(b.Data, []byte("rfc3161Timestamps")) {
				args = append(args, "--use-signed-timestamps")
			}
			cmd := exec.Command(cosign, append(args, write(b.Name, artifact(b.Name)))...)
			cmd.Env = append(os.Environ(), "HOME="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				v = verdict{Rejects, strings.TrimPrefix(v.why+"; "+b.Name+": "+strings.TrimSpace(string(out)), "; ")}
			}
		}
		verdicts[name] = v
	}
	return verdicts
}

// agrees reports whether a claim about a client is what was observed. Reading
// wrongly, accepting and not being affected all look like success.
func agrees(claimed, observed finding.Effect) bool {
	switch claimed {
	case Misreads, Accepts, Unaffected:
		return observed == Accepts
	default:
		return claimed == observed
	}
}

// claim returns what a finding says of a client.
func claim(f finding.Finding, client string) finding.Effect {
	for _, ce := range f.Clients {
		if ce.Name == client {
			return ce.Effect
		}
	}
	return Unaffected
}

// strongest returns the loudest of what findings say of a client; that it was
// not observed is not a claim.
func strongest(findings []finding.Finding, client string) finding.Effect {
	claims := []finding.Effect{Refuses, Panics, Rejects, CannotSign, Misreads, Accepts, Unaffected}
	for _, e := range claims {
		if slices.ContainsFunc(findings, func(f finding.Finding) bool { return claim(f, client) == e }) {
			return e
		}
	}
	return Unaffected
}
