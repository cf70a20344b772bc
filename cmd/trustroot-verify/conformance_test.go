package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestConformance_BuiltProgram puts every fixture of sigstore-conformance
// through the built program, as somebody would who writes a policy for it by
// hand, and expects what the gate's own test does.
func TestConformance_BuiltProgram(t *testing.T) {
	needs.Time(t)
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		t.Skip("TRUSTROOT_CORPUS is not set: the fixtures of sigstore-conformance are not here")
	}
	built := filepath.Join(t.TempDir(), "trustroot-verify")
	if text, err := exec.Command("go", "build", "-o", built, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	listed := otherwise(t)
	fixtures, err := filepath.Glob(filepath.Join(corpus, "data", "sigstore-conformance", "bundle-verify", "*", "bundle.sigstore.json"))
	if err != nil || len(fixtures) < 60 {
		t.Fatalf("%d fixtures: %v", len(fixtures), err)
	}
	for _, bundle := range fixtures {
		dir := filepath.Dir(bundle)
		name := filepath.Base(dir)
		artifact := filepath.Join(dir, "artifact")
		if _, err := os.Stat(artifact); err != nil {
			artifact = filepath.Join(corpus, "data", "sigstore-conformance", "a.txt")
		}
		text, err := exec.Command(built, "verify", artifact, "--policy", policy(t, corpus, dir), "--bundle", bundle).CombinedOutput()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		want := 0
		switch {
		case name == "managed-key-wrong-key_fail": // its key is no point of its curve: no policy can hold it
			want = int(fault.Usage)
		case strings.HasSuffix(name, "_fail"):
			want = int(fault.Verification)
		}
		if (code != want) != listed[name] {
			t.Errorf("%s: exit code %d, want %d\n%s", name, code, want, text)
		}
	}
}

// otherwise are the fixtures that end otherwise than the suite wants.
func otherwise(t *testing.T) map[string]bool {
	t.Helper()
	file, err := os.Open("../../internal/gate/testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	out := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, _, ok := strings.Cut(lines.Text(), ": "); ok && !strings.HasPrefix(name, "#") {
			out[name] = true
		}
	}
	return out
}

// policy writes what the suite says of a fixture's signer.
func policy(t *testing.T, corpus, dir string) string {
	t.Helper()
	read := func(name, otherwise string) string {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return strings.TrimSpace(string(data))
		}
		return otherwise
	}
	root := filepath.Join(dir, "trusted_root.json")
	if read("trusted_root.json", "") == "" {
		root = filepath.Join(corpus, "data", "trusted-roots", "trusted-root-046.json")
	}
	p := map[string]any{"version": 2, "rule": "counts", "trust": map[string]string{"file": root}}
	if key := read("key.pub", ""); key != "" {
		p["keys"], p["counts"] = []any{map[string]string{"pem": key}}, map[string]int{"keys": 1}
	} else {
		p["counts"] = map[string]int{"keyless": 1}
		p["keyless"] = []any{map[string]string{
			"issuer":   read("issuer", "https://token.actions.githubusercontent.com"),
			"identity": read("identity", "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"),
		}}
	}
	var bundle struct {
		Envelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	var statement struct {
		PredicateType string `json:"predicateType"`
	}
	// fixtures are broken in many ways: one that cannot be read has no predicate
	if json.Unmarshal([]byte(read("bundle.sigstore.json", "")), &bundle) == nil &&
		json.Unmarshal(bundle.Envelope.Payload, &statement) == nil && statement.PredicateType != "" {
		p["attestations"] = []string{statement.PredicateType}
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
