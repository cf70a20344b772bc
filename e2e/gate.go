package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// policy writes the gate's policy: the application's key, the workflow on its
// tags, and trust from where it says.
func (w *world) policy(name, key string, trust map[string]string, crls ...string) (string, error) {
	data, err := os.ReadFile(key)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return "", errors.New(key + " is not a public key in PEM")
	}
	pin := sha256.Sum256(block.Bytes)
	settings := map[string]any{}
	for name, value := range trust {
		settings[name] = value
	}
	if len(crls) > 0 {
		settings["crls"] = crls
	}
	text, err := json.MarshalIndent(map[string]any{
		"version": 2, "trust": settings,
		"keys": []any{map[string]string{"file": key, "spki_sha256": hex.EncodeToString(pin[:])}},
		"keyless": []any{map[string]any{
			"issuer": "https://" + githubHost, "identity": "https://github.com/" + repository + "/" + workflowFile + "@refs/tags/v*",
			"claims": map[string]string{"buildTrigger": "push", "githubWorkflowName": "release",
				"sourceRepositoryURI": "https://github.com/" + repository, "sourceRepositoryRef": "refs/tags/v*"},
		}},
	}, "", "  ")
	if err != nil {
		return "", err
	}
	file := w.path("work", name)
	return file, os.WriteFile(file, text, 0o600)
}

// gate has the deploy gate decide, with each source of trust, and refuse each
// single thing that is wrong.
func (w *world) gate(ctx context.Context, s *suite, g *generation) {
	sources := map[string]map[string]string{
		"a file":             {"file": w.wellKnown("trusted_root.json")},
		"the repository":     {"repository": filepath.Join(w.trust, "tuf"), "root": filepath.Join(w.trust, "tuf", "1.root.json")},
		"cosign's own cache": {"cache": filepath.Join(g.home, ".sigstore", "root", "tuf.example.com")},
	}
	var file string
	var checks []check
	for _, name := range []string{"a file", "the repository", "cosign's own cache"} {
		path, err := w.policy(fmt.Sprintf("policy%d-%d.json", g.number, len(checks)), g.app.key, sources[name])
		if err != nil {
			s.count(ctx, "the gate's policy", err)
			return
		}
		if name == "a file" {
			file = path
		}
		checks = append(checks, check{"trustroot verify accepts both bundles, with trust from " + name, func(ctx context.Context) error {
			return w.verify(ctx, path, g.app.artifact, g.app.bundle, g.workflow.bundle)
		}})
	}
	refuses := func(what, names string, verify func(context.Context) error) {
		checks = append(checks, check{"trustroot verify refuses " + what + ", and says " + names, func(ctx context.Context) error {
			return gateRefuses(verify(ctx), names)
		}})
	}
	refuses("one bundle missing", "bundle", func(ctx context.Context) error { return w.verify(ctx, file, g.app.artifact, g.app.bundle) })
	refuses("a changed artifact", "artifact", func(ctx context.Context) error {
		o, err := g.app.other()
		if err != nil {
			return err
		}
		return w.verify(ctx, file, o.artifact, g.app.bundle, g.workflow.bundle)
	})
	refuses("a bundle of another artifact", "artifact", func(ctx context.Context) error {
		return w.verify(ctx, file, g.app.artifact, g.app.bundle, g.person.bundle)
	})
	for _, wrong := range []struct{ what, names, kind, trigger, ref string }{
		{"a branch in place of a tag", "sourceRepositoryRef", "branch", "push", "refs/heads/main"},
		{"a pull request", "buildTrigger", "pull", "pull_request", "refs/tags/v1.0.0"},
	} {
		refuses(wrong.what, wrong.names, func(ctx context.Context) error {
			b, err := w.signWorkflow(ctx, filepath.Base(g.app.artifact), wrong.kind, wrong.trigger, wrong.ref)
			if err != nil {
				return fmt.Errorf("sign: %s", err.Error()) // not to be taken for the gate's refusal
			}
			return w.verify(ctx, file, g.app.artifact, g.app.bundle, b.bundle)
		})
	}
	s.together(ctx, checks...)
	s.check(ctx, "trustroot verify and cosign verify-blob both verify it, measured in turn", func(ctx context.Context) error {
		return w.race(ctx, file, g)
	})
}

func (w *world) verify(ctx context.Context, policy, artifact string, bundles ...string) error {
	_, err := w.command(ctx, nil, w.programs.trustroot, gateArguments(policy, artifact, bundles...)...)
	return err
}

func gateArguments(policy, artifact string, bundles ...string) []string {
	args := []string{"verify", artifact, "--policy", policy}
	for _, b := range bundles {
		args = append(args, "--bundle", b)
	}
	return args
}

// race compares the gate, which verifies two bundles, with cosign, which
// verifies one of them. Most of both peaks are pages of the programs' files, and
// how many of them the kernel maps hangs on how a file came into its cache: a
// third more for one that was just linked than for its copy. So both are copied.
// The numbers are only shown: scripts/bench judges them, on a machine at rest.
func (w *world) race(ctx context.Context, policy string, g *generation) error {
	ours, theirs := w.path("work", "trustroot"), w.path("work", "cosign")
	if err := errors.Join(copyProgram(w.programs.trustroot, ours), copyProgram(w.cosign, theirs)); err != nil {
		return err
	}
	args := append([]string{"-n", "7", "--", ours},
		gateArguments(policy, g.app.artifact, g.app.bundle, g.workflow.bundle)...)
	args = append(args, "--", theirs)
	said, err := w.command(ctx, nil, w.measure, append(args, cosignArguments(g.workflow, "--trusted-root", w.wellKnown("trusted_root.json"))...)...)
	for line := range strings.Lines(string(said)) {
		w.remark(strings.TrimSpace(line))
	}
	return err
}
